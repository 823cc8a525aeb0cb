// What astrometric_align found for a mosaic, as other steps need it.
#pragma once
#include <array>
#include <filesystem>
#include <optional>

namespace tessera::steps {

/// reference = matrix image + shift, in pixels of the mosaic from CRPIX: what pjpipe keeps as abs_astro_alignment.
struct MosaicAlignment {
  std::array<double, 2> shift{0, 0};
  std::array<std::array<double, 2>, 2> matrix{{{1, 0}, {0, 1}}};
};

/// Of <lv3>/<product>_i2d.fits, from the <product>_i2d_align.json beside it. Nothing where there is none, or where it
/// cannot be read (said in the log).
std::optional<MosaicAlignment> read_mosaic_alignment(std::filesystem::path const& mosaic);

}  // namespace tessera::steps
