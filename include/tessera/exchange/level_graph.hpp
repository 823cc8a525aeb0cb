// From the differences of pairs of images to the correction of each image (spec 40, 1.9).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/kernels/pair_difference.hpp"

namespace tessera::exchange {

/// What a pair of images says: level of the first minus level of the second.
struct PairMeasurement {
  int first = 0, second = 0;  ///< images, first < second
  std::int64_t n_pix = 0;     ///< 0: no pixel in common
  double delta = 0;           ///< clipped median of first - second, unit of the images
  double rms = 0;             ///< clipped scatter of the differences
  bool is_long = true;        ///< passes the linear test
  bool has_plane = false;
  kernels::GridPlane plane;  ///< of first - second; its level at the reference pixel of the grid
};

/// Why a pair is used, or not.
enum class PairVerdict : std::uint8_t {
  Used,
  Reconnecting,      ///< cut, and taken back as the best one that joins two groups of images
  NoOverlap,         ///< no pixel in common
  SmallArea,         ///< fewer pixels than min_area_percent of the mean
  ShortAxis,         ///< overlaps too little along both axes
  Noisy,             ///< rms above mean + rms_sig_limit std
  NoWeight,          ///< weight 0 or not finite (rms 0 or infinite)
  PlaneUndetermined  ///< its pixels do not determine a plane
};
/// "used", "reconnecting", "no overlap", "small area", ... as in the table of pairs.
char const* verdict_text(PairVerdict verdict);
inline bool is_used(PairVerdict verdict) {
  return verdict == PairVerdict::Used || verdict == PairVerdict::Reconnecting;
}

enum class PairWeighting { Equal, Pixels, Rms };
/// "equal", "npix", "rms"; throws ConfigError.
PairWeighting parse_pair_weighting(std::string_view name);

struct LevelGraphOptions {
  double min_area_percent = 0.002;  ///< a fraction, whatever its name says
  double rms_sig_limit = 2;
  PairWeighting weighting = PairWeighting::Equal;
  bool with_slope = false;  ///< solve for planes
  bool reconnect = true;    ///< take the best cut pairs back where the cuts leave images apart that overlap
  std::int64_t least_pixels_to_reconnect = 25;
};

/// Verdict and weight of every pair.
struct PairSelection {
  std::vector<PairVerdict> verdict;
  std::vector<double> weight;  ///< of the least squares: the root of W for levels, W for planes; 0 where not used
};

/// Cuts in the order of spec 40, 1.9: area against the mean of all overlapping pairs, linear test, scatter (one pass,
/// upper side; left out where fewer than three pairs survive or all have the same scatter to 1e-10 of the data). With
/// planes a pair that has none is not used. Then, with `reconnect`, pairs with enough pixels in order of n_pix (ties:
/// smaller rms, then the order given) are taken back as long as they join images that used pairs do not; a pair without
/// a plane, or without a weight, counts as a level there. Such a pair is a bridge: the solution meets it exactly.
PairSelection select_pairs(std::span<PairMeasurement const> pairs, int images, LevelGraphOptions const& options);

/// The reference of each group of connected images.
struct Gauge {
  enum class Kind { Mean, MostPairs, Image } kind = Kind::Mean;
  int image = -1;  ///< Kind::Image: in groups without it, as MostPairs
};

struct LevelSolution {
  std::vector<kernels::GridPlane> correction;  ///< to be subtracted; exactly 0 for images in no used pair
  std::vector<int> component;  ///< group of each image, numbered by its first image; -1: in no used pair
  std::vector<int> reference;  ///< of each group; -1: mean
  int isolated = 0;            ///< images in no used pair
};

/// Minimises sum of w (delta - c_first + c_second)^2 over the used pairs, once for the level or for each coefficient of
/// planes, directly (sparse Cholesky, one image of each group held). Depends on the order of the pairs in the last
/// bits: give them sorted.
LevelSolution solve_levels(std::span<PairMeasurement const> pairs, PairSelection const& selection, int images,
                           LevelGraphOptions const& options, Gauge const& gauge);

}  // namespace tessera::exchange
