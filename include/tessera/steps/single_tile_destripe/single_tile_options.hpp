// Parameters of single_tile_destripe, ready for use (spec 40, 1.5).
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/pca_stripes.hpp"
#include "tessera/kernels/single_tile_stripes.hpp"

namespace tessera::steps {

struct SingleTileDestripeOptions {
  bool quadrants = true;
  bool vertical = true;
  kernels::RowStripes rows = kernels::RowStripes::MedianFilter;
  kernels::ColumnStripes columns = kernels::ColumnStripes::RowMedian;
  bool filter_diffuse = false;
  double min_mask_frac = 0.2;
  double sigma = 3;
  int npixels = 3;
  int dilate = 11;
  int maxiters = 20;
  std::vector<std::int64_t> scales{3, 7, 15, 31, 63, 127};  ///< odd
  kernels::ExtendMode extend_mode = kernels::ExtendMode::Reflect;
  std::optional<kernels::PcaStripeOptions> pca;  ///< takes the place of `rows`

  // Ours.
  std::optional<std::filesystem::path> region_mask;   ///< DS9 regions: pixels inside are not measured
  std::optional<std::filesystem::path> source_model;  ///< FITS image in MJy/sr: taken off before measuring only
  std::optional<std::string> wisp_template;           ///< FITS image; {detector} stands for e.g. nrcb4
  bool save_model = false;                            ///< what is subtracted, as a FITS file for every exposure
};

/// Where what is found goes: into the ledger as profiles of rows and columns, or straight into the pixels.
enum class StripesGoTo { Ledger, Pixels };

/// Throws ConfigError for windows that are no positive whole numbers, and, where the ledger takes them, for pca and
/// wisps, whose models have a value of their own for every pixel. Even windows are taken one less.
SingleTileDestripeOptions single_tile_options(config::ResolvedParameters const& parameters,
                                              StripesGoTo where = StripesGoTo::Ledger);

/// For a preflight: that the files which the options name are there and can be understood (headers alone of images).
/// Throws InputError.
void check_single_tile_files(SingleTileDestripeOptions const& options);

}  // namespace tessera::steps
