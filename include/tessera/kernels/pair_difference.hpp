// How two images differ where they overlap: a level, or a plane (spec 40, 1.9).
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "tessera/model/blocks.hpp"
#include "tessera/model/sky_grid.hpp"

namespace tessera::kernels {

/// The part `box` of an image on the common grid; [y - box.y0][x - box.x0]. Not finite in `value`: no data (zeros that
/// mean so are NaN by then, P8: after a level is taken off, 0 is a value as any).
template <class T>
struct GridImage {
  T const* value = nullptr;
  T const* error = nullptr;  ///< one standard deviation, same shape; null: 1 everywhere
  model::PixelBox box;
};

/// Rows and columns of the grid between which there are data.
struct DataExtent {
  std::int64_t x_low = 0, x_high = -1, y_low = 0, y_high = -1;  ///< inclusive; high < low: no data
  bool empty() const { return x_high < x_low; }
  /// High minus low: one less than the number of columns or rows.
  std::int64_t length_x() const { return x_high - x_low; }
  std::int64_t length_y() const { return y_high - y_low; }
  void add(std::int64_t x, std::int64_t y);
  void add(DataExtent const& other);
};

/// Extent of the data of an image.
template <class T>
DataExtent find_data_extent(GridImage<T> const& image);

/// What clipping and fitting need to know.
struct PairOptions {
  bool with_slope = false;      ///< fit a plane too
  double sigma = 3;             ///< of the clipping
  model::PixelPoint reference;  ///< where the level of a plane is taken, pixels of the grid
};

/// z(X, Y) = slope_x (X - x_ref) + slope_y (Y - y_ref) + level at pixel (X, Y) of the common grid.
struct GridPlane {
  double slope_x = 0, slope_y = 0, level = 0;
  double at(double dx, double dy) const { return slope_x * dx + slope_y * dy + level; }
};

/// The difference second - first of a pair. NaN where there are no pixels.
struct PairDifference {
  std::int64_t n_pix = 0;                                    ///< pixels with a usable difference
  double median = std::numeric_limits<double>::quiet_NaN();  ///< clipped
  double rms = std::numeric_limits<double>::quiet_NaN();     ///< clipped std of the differences, or of the residuals
  bool has_plane = false;  ///< a plane was asked for and the pixels determine it; else rms is that of the differences
  GridPlane plane;
  int rounds = 0;         ///< plane fits made
  std::int64_t kept = 0;  ///< pixels in the last plane fit
  DataExtent extent;      ///< of the difference image: data in both, whatever the errors
};

/// Collects the differences of two images of T (float, double), all at once or strip by strip (in ascending rows: that
/// is the order of all sums), and measures them. A difference is rounded to T once.
template <class T>
class PairPixels {
 public:
  explicit PairPixels(PairOptions const& options) : options_(options) {}

  /// Adds the pixels that the two parts have in common. A difference counts where both have data and the error
  /// e = sqrt(e_1^2 + e_2^2) is finite and not 0; a negative error is no error estimate and drops the pixel.
  void add(GridImage<T> const& first, GridImage<T> const& second);

  std::int64_t count() const { return static_cast<std::int64_t>(difference_.size()); }
  /// Bytes that a pixel takes here and in measure(), where sorting needs twice the values besides.
  static std::int64_t bytes_per_pixel(bool with_slope) {
    std::int64_t const sorting = 3 * static_cast<std::int64_t>(sizeof(T));
    return with_slope ? sorting + static_cast<std::int64_t>(sizeof(T)) + 16 : sorting;
  }

  /// Level: median and std of clip(d, sigma, 10). With slope: from the plane (0, 0, median d), at most 21 rounds of
  /// r = d - plane, s = std of all r, closed-form least squares with weights 1 / e^2 on the pixels with |r| < sigma s,
  /// added to the plane, until no coefficient changes by more than 1e-8 + 1e-5 |coefficient|. Pixels that do not
  /// determine a plane (fewer than three, or on one line) leave has_plane false. Empties the collection.
  PairDifference measure();

 private:
  void fit_plane(PairDifference& result) const;

  PairOptions options_;
  DataExtent extent_;
  std::vector<T> difference_;
  std::vector<double> weight_;                      ///< 1 / e^2; with slope only
  std::vector<std::array<std::int32_t, 2>> pixel_;  ///< grid column and row; with slope only
};

/// Linear test: the difference is longer than the fraction `least` of an axis of one of the two images.
bool passes_linear_test(DataExtent const& difference, DataExtent const& first, DataExtent const& second, double least);

}  // namespace tessera::kernels
