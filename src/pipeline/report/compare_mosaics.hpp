// A mosaic against the one of another version.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace tessera::pipeline {

struct MosaicComparison {
  std::int64_t nx = 0, ny = 0, previous_nx = 0, previous_ny = 0;
  std::int64_t rows = 0;                          ///< of the mosaic that were looked at
  std::optional<double> median, previous_median;  ///< of the finite pixels of SCI in those rows
  bool same_grid = false;                         ///< pixel by pixel the same sky
  /// Where both have data, on the same grid only: SCI less the previous one.
  std::int64_t pixels_in_both = 0;
  std::optional<double> median_difference, rms_difference;
};

/// Reads SCI of both by rows: all of a small one, else as many rows as hold 2^21 pixels, evenly spaced, so that the
/// largest mosaic takes a second and 30 MB. Throws InputError.
MosaicComparison compare_mosaics(std::filesystem::path const& mosaic, std::filesystem::path const& previous);

}  // namespace tessera::pipeline
