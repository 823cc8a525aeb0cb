// Flat field, flux unit and what makes a pixel invalid (spec 20, 4.3 and 5.3).
#pragma once
#include <cstdint>
#include <span>

#include "tessera/model/exposure.hpp"

namespace tessera::kernels {

struct FlatFieldOptions {
  bool inverse = false;              ///< multiply
  bool before_version_1_16 = false;  ///< pipeline 1.13.4: bad pixels keep their value; NON_SCIENCE becomes DO_NOT_USE
};

/// Divides an exposure (rows of `image`, all planes; var_flat is made) by the flat's rows of the same shape.
void flat_field(std::span<float const> flat, std::span<float const> flat_err, std::span<std::uint32_t const> flat_dq,
                model::RowBand& image, FlatFieldOptions const& options = {});

/// SCI alone: what the flat would make of it, NaN where it corrects nothing. For measuring on flat-fielded data.
void divide_by_flat(std::span<float const> flat, std::span<std::uint32_t const> flat_dq, std::span<float> sci);

/// SCI and ERR times `conversion`, variances times its square (`inverse`: divided), then match_invalid.
void convert_unit(model::RowBand& image, double conversion, bool inverse = false, bool before_version_1_16 = false);

/// Pixels with a NaN in any plane or DO_NOT_USE get DO_NOT_USE and NaN in all planes.
void match_invalid(model::RowBand& image);

}  // namespace tessera::kernels
