// The stars of one exposure, as tweakreg lists them (spec 30, 1.2, 1.4 and 1.6).
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tessera/kernels/find_stars.hpp"
#include "tessera/kernels/segmentation.hpp"
#include "tessera/model/star.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::exchange {

enum class StarFinderName { Iraf, Dao, Segmentation };

/// tweakreg's finder parameters, by their names.
struct ExposureStarOptions {
  StarFinderName starfinder = StarFinderName::Iraf;
  double snr_threshold = 10;
  int bkg_boxsize = 400;
  double minsep_fwhm = 0;
  kernels::StarFinderOptions finder;          ///< finder, threshold and min_separation are filled in from the above
  kernels::SegmentationOptions segmentation;  ///< npixels, connectivity, nlevels, contrast, mode, deblend; its
                                              ///< kernel_fwhm is that of `finder`
};

/// The image that stars are found on, [ny][nx].
struct StarImage {
  std::int64_t nx = 0, ny = 0;
  std::vector<float> data;  ///< SCI less the background
  std::vector<float> rms;   ///< of the background; 0 where masked
  /// 1 where DQ has DO_NOT_USE or NON_SCIENCE, where SCI is exactly 0 (no data), and of a plain image where its weight
  /// is not above 0. NaN elsewhere is left out of the background but not masked.
  std::vector<std::uint8_t> mask;
};
/// nullopt where every pixel is bad.
std::optional<StarImage> load_star_image(store::ExposureReader const& reader, int bkg_boxsize);

/// Median of the rms image over all its pixels, masked ones as zeros (spec 30, 1.2), or over the others where that is
/// 0: more than half of the exposure is masked. Reorders `rms`.
double median_rms(std::vector<float>& rms);

/// Stars strictly inside the bounding box of the exposure's WCS, with ra and dec by that WCS (the ledger applied);
/// empty where the background cannot be measured (all pixels bad). Brightest first, where `brightest` is set and the
/// finder is not segmentation; row-major order of the peaks otherwise. Independent.
std::vector<model::Star> find_exposure_stars(store::ExposureReader const& reader, ExposureStarOptions const& options);
/// Bytes it takes.
std::int64_t exposure_stars_bytes(store::ExposureRecord const& record);

}  // namespace tessera::exchange
