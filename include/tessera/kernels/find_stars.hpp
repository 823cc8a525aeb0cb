// Point sources by a matched kernel: the IRAF and DAO star finders (spec 30, 1.4).
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "tessera/model/star.hpp"

namespace tessera::kernels {

enum class StarFinder { Iraf, Dao };

struct StarFinderOptions {
  StarFinder finder = StarFinder::Iraf;
  double threshold = 0;  ///< unit of the image
  double fwhm = 2.5;     ///< pixels
  double sigma_radius = 1.5;
  double min_separation = 2;  ///< pixels; 0: the footprint of the kernel
  double sharplo = 0.5, sharphi = 2.0, roundlo = 0.0, roundhi = 0.2;
  std::optional<double> peakmax;
  std::optional<int> brightest;
};

/// The kernel of both finders.
struct FinderKernel {
  int radius = 2;                       ///< the arrays are (2 radius + 1)^2
  std::vector<double> gaussian;         ///< exp(-r^2 / 2 s^2)
  std::vector<std::uint8_t> footprint;  ///< M
  std::vector<double> weights;          ///< K, of sum zero
  double relative_error = 0;            ///< rel_err
  double sigma = 0;                     ///< pixels
  int side() const { return 2 * radius + 1; }
};
FinderKernel make_finder_kernel(double fwhm, double sigma_radius);

/// Rows y0 <= y < y1 of an image of ny rows in memory, full width: [y - y0][x]. What lies outside the image is zero;
/// what lies outside the rows but inside the image is missing, see finder_reach.
struct ImageRows {
  float const* data = nullptr;
  std::uint8_t const* mask = nullptr;  ///< coverage mask, same shape; may be null
  std::int64_t nx = 0, ny = 0, y0 = 0, y1 = 0;
};

/// Rows on either side of a peak that find_stars reads to find it.
std::int64_t finder_reach(StarFinderOptions const& options);

/// What a star is told of: IRAF: flux and peak above the mean around the footprint, the moments' roundness and FWHM (of
/// the footprint alone: narrower than the star). DAO: flux is the sum over the square of the kernel, peak the centre
/// pixel, roundness the one of the two that is farther from 0, FWHM as IRAF's (0 where it has none).
///
/// Stars whose peak lies in rows own_y0 <= y < own_y1, in row-major order of their peaks, `brightest` not applied. The
/// answer does not depend on how an image is cut into rows, if finder_reach rows are given around them. Uses all
/// threads; memory: 16 bytes times the width times about 80 rows (more for wide kernels) a thread.
std::vector<model::Star> find_stars(ImageRows const& rows, std::int64_t own_y0, std::int64_t own_y1,
                                    StarFinderOptions const& options);

/// Sorts by flux, descending (ties: the order given), and keeps `brightest`. Nothing is done when it is not set.
void keep_brightest(std::vector<model::Star>& stars, std::optional<int> brightest);

/// A whole image in memory: find_stars over all rows, then keep_brightest.
std::vector<model::Star> find_stars(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                    StarFinderOptions const& options);

}  // namespace tessera::kernels
