// Pairs of sources of two lists in one plane (spec 30, 1.8).
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tessera::kernels {

/// A position in a plane; the unit (arcsec, mosaic pixels) is that of the options.
struct PlanePosition {
  double x = 0, y = 0;
};

struct MatchOptions {
  double searchrad = 2.0;
  double separation = 1.0;
  double tolerance = 0.7;
  bool use2dhist = true;
  double xoffset = 0, yoffset = 0;  ///< first shift (image minus reference) without the histogram
  double pixel_scale = 1;           ///< bin of the histogram
};

struct StarMatch {
  std::vector<std::pair<int, int>> pairs;   ///< (image, reference), in the order of the reference's y
  std::array<double, 2> first_shift{0, 0};  ///< image minus reference, as taken off before pairing
  bool confused = false;                    ///< more pairs than image points: "source confusion", the pairs are none
};

/// Positions must be finite.
StarMatch match_stars(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                      MatchOptions const& options);

/// Shift (image minus reference) at the peak of the histogram of all differences; 0 for an empty histogram.
std::array<double, 2> histogram_shift(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                                      double searchrad, double pixel_scale);

/// Peak of a 2-D histogram [ny][nx] by a quadratic fit to 5 x 5 bins (spec 30, 1.8.1).
struct HistogramPeak {
  double x = 0, y = 0;  ///< in bin indices
  enum class How : std::uint8_t { Fit, CentreOfMass, Edge, SingleBin, Empty } how = How::Fit;
};
HistogramPeak find_histogram_peak(std::span<double const> counts, std::int64_t nx, std::int64_t ny, int box = 5);

}  // namespace tessera::kernels
