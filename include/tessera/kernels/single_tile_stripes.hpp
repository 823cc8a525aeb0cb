// Stripes of an exposure measured in itself (spec 40, 1.5).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tessera/kernels/running_filter.hpp"
#include "tessera/kernels/stripes.hpp"

namespace tessera::kernels {

/// How stripes along rows are measured. All take medians of the rows of each amplifier outside the mask.
enum class RowStripes {
  MedianFilter,  ///< what each of several running medians of the profile leaves
  RowMedian,     ///< the clipped medians less their median
  Remstripe,     ///< the same, then columns of each amplifier likewise (with amplifiers only)
  Smooth         ///< what each of several running means of the profile of clipped medians leaves
};
/// "median_filter", "row_median", "remstripe", "smooth"; throws ConfigError.
RowStripes parse_row_stripes(std::string_view name);

/// How stripes along columns are measured.
enum class ColumnStripes { RowMedian, MedianFilter };
/// "row_median", "median_filter"; throws ConfigError.
ColumnStripes parse_column_stripes(std::string_view name);

struct SingleTileOptions {
  std::vector<std::int64_t> bounds;  ///< columns where amplifiers begin and end; {0, nx}: whole rows
  double min_mask_frac = 0.2;        ///< MedianFilter: poorer rows of an amplifier take whole rows
  double sigma = 3;                  ///< of clipped medians
  std::optional<int> maxiters = 20;  ///< clipping rounds
  std::vector<std::int64_t> scales{3, 7, 15, 31, 63, 127};  ///< windows, odd
  ExtendMode extend_mode = ExtendMode::Reflect;             ///< of the running medians
};

/// Row stripes of `image` [ny][nx] (NaN: no data) outside `mask`. MedianFilter and Smooth interpolate over rows without
/// data; with the others these are NaN, and an amplifier without any data is NaN with all.
StripeModel measure_row_stripes(RowStripes method, std::span<double const> image, std::span<std::uint8_t const> mask,
                                std::int64_t nx, std::int64_t ny, SingleTileOptions const& options);
StripeModel measure_row_stripes(RowStripes method, std::span<float const> image, std::span<std::uint8_t const> mask,
                                std::int64_t nx, std::int64_t ny, SingleTileOptions const& options);

/// Column stripes, one value a column, median 0; columns without data are interpolated (NaN where no column has data).
std::vector<double> measure_column_stripes(ColumnStripes method, std::span<double const> image,
                                           std::span<std::uint8_t const> mask, std::int64_t nx, std::int64_t ny,
                                           SingleTileOptions const& options);
std::vector<double> measure_column_stripes(ColumnStripes method, std::span<float const> image,
                                           std::span<std::uint8_t const> mask, std::int64_t nx, std::int64_t ny,
                                           SingleTileOptions const& options);

/// Rows of each amplifier that have fewer than min_mask_frac of its columns outside the mask.
std::vector<std::vector<std::int64_t>> find_poor_rows(std::span<float const> image, std::span<std::uint8_t const> mask,
                                                      std::int64_t nx, std::int64_t ny,
                                                      SingleTileOptions const& options);
std::vector<std::vector<std::int64_t>> find_poor_rows(std::span<double const> image, std::span<std::uint8_t const> mask,
                                                      std::int64_t nx, std::int64_t ny,
                                                      SingleTileOptions const& options);

}  // namespace tessera::kernels
