#include "tessera/kernels/pair_difference.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "plane_fit.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

constexpr int ClipRounds = 10;
constexpr int PlaneRounds = 21;

template <class T>
bool has_data(T value) {
  return std::isfinite(value);
}

/// Square of the error of a pixel, NaN where it is none.
template <class T>
double error_square(GridImage<T> const& image, std::size_t index) {
  if (!image.error) return 1;
  double const error = static_cast<double>(image.error[index]);
  return error < 0 ? std::numeric_limits<double>::quiet_NaN() : error * error;
}

/// Population standard deviation of value(k), k < count: two passes in the order of k.
template <class Value>
double standard_deviation(std::size_t count, Value const& value) {
  double sum = 0, squares = 0;
  for (std::size_t k = 0; k < count; ++k) sum += value(k);
  double const mean = sum / static_cast<double>(count);
  for (std::size_t k = 0; k < count; ++k) squares += (value(k) - mean) * (value(k) - mean);
  return std::sqrt(squares / static_cast<double>(count));
}

bool is_settled(double change, double value) { return std::abs(change) <= 1e-8 + 1e-5 * std::abs(value); }

}  // namespace

void DataExtent::add(std::int64_t x, std::int64_t y) {
  if (empty()) {
    *this = {x, x, y, y};
    return;
  }
  x_low = std::min(x_low, x);
  x_high = std::max(x_high, x);
  y_low = std::min(y_low, y);
  y_high = std::max(y_high, y);
}

void DataExtent::add(DataExtent const& other) {
  if (other.empty()) return;
  add(other.x_low, other.y_low);
  add(other.x_high, other.y_high);
}

template <class T>
DataExtent find_data_extent(GridImage<T> const& image) {
  DataExtent extent;
  auto const nx = image.box.width();
  for (std::int64_t y = 0; y < image.box.height(); ++y) {
    T const* row = image.value + y * nx;
    T const* const end = row + nx;
    T const* const low = std::find_if(row, end, has_data<T>);
    if (low == end) continue;
    T const* high = end - 1;
    while (!has_data(*high)) --high;
    extent.add(image.box.x0 + (low - row), image.box.y0 + y);
    extent.add(image.box.x0 + (high - row), image.box.y0 + y);
  }
  return extent;
}

template <class T>
void PairPixels<T>::add(GridImage<T> const& first, GridImage<T> const& second) {
  auto const both = model::intersect(first.box, second.box);
  for (std::int64_t y = both.y0; y < both.y1; ++y) {
    auto const row_of = [&](GridImage<T> const& image) {
      return (y - image.box.y0) * image.box.width() - image.box.x0;
    };
    std::int64_t const row_1 = row_of(first), row_2 = row_of(second);
    std::int64_t low = both.x1, high = both.x0;
    for (std::int64_t x = both.x0; x < both.x1; ++x) {
      auto const at_1 = static_cast<std::size_t>(row_1 + x), at_2 = static_cast<std::size_t>(row_2 + x);
      T const value_1 = first.value[at_1], value_2 = second.value[at_2];
      if (!has_data(value_1) || !has_data(value_2)) continue;
      low = std::min(low, x);
      high = x;
      double const square = error_square(first, at_1) + error_square(second, at_2);
      if (!std::isfinite(square) || square == 0) continue;
      difference_.push_back(static_cast<T>(static_cast<double>(value_2) - static_cast<double>(value_1)));
      if (!options_.with_slope) continue;
      weight_.push_back(1 / square);
      pixel_.push_back({static_cast<std::int32_t>(x), static_cast<std::int32_t>(y)});
    }
    if (low < both.x1) {
      extent_.add(low, y);
      extent_.add(high, y);
    }
  }
}

template <class T>
void PairPixels<T>::fit_plane(PairDifference& result) const {
  auto const count = difference_.size();
  double mean_x = 0, mean_y = 0;
  for (auto const& [x, y] : pixel_) {
    mean_x += static_cast<double>(x) - options_.reference.x;
    mean_y += static_cast<double>(y) - options_.reference.y;
  }
  mean_x /= static_cast<double>(count);
  mean_y /= static_cast<double>(count);
  double const zero_x = options_.reference.x + mean_x, zero_y = options_.reference.y + mean_y;

  std::vector<T> values = difference_;
  GridPlane plane{0, 0, median_in_place(std::span<T>(values))};
  auto const residual = [&](std::size_t k) {
    return static_cast<double>(difference_[k]) -
           plane.at(static_cast<double>(pixel_[k][0]) - zero_x, static_cast<double>(pixel_[k][1]) - zero_y);
  };
  while (result.rounds < PlaneRounds) {
    double const limit = options_.sigma * standard_deviation(count, residual);
    PlaneSums sums;
    for (std::size_t k = 0; k < count; ++k) {
      double const rest = residual(k);
      // Residuals of an exact plane are all the same: none is below a limit of 0, and all are good.
      if (std::abs(rest) < limit || limit == 0)
        sums.add(static_cast<double>(pixel_[k][0]) - zero_x, static_cast<double>(pixel_[k][1]) - zero_y, rest,
                 weight_[k]);
    }
    auto const change = sums.solve();
    if (!change) return;
    plane.slope_x += change->slope_x;
    plane.slope_y += change->slope_y;
    plane.level += change->level;
    result.kept = sums.count();
    ++result.rounds;
    if (is_settled(change->slope_x, plane.slope_x) && is_settled(change->slope_y, plane.slope_y) &&
        is_settled(change->level, plane.level))
      break;
  }
  for (std::size_t k = 0; k < count; ++k) values[k] = static_cast<T>(residual(k));
  result.rms = sigma_clip(values, options_.sigma, ClipRounds).std;
  plane.level -= plane.slope_x * mean_x + plane.slope_y * mean_y;
  result.plane = plane;
  result.has_plane = true;
}

template <class T>
PairDifference PairPixels<T>::measure() {
  PairDifference result;
  result.n_pix = count();
  result.extent = extent_;
  if (result.n_pix > 0) {
    if (options_.with_slope) fit_plane(result);
    auto const clipped = sigma_clip(difference_, options_.sigma, ClipRounds);
    result.median = clipped.median;
    if (!result.has_plane) result.rms = clipped.std;
  }
  *this = PairPixels<T>(options_);
  return result;
}

bool passes_linear_test(DataExtent const& difference, DataExtent const& first, DataExtent const& second, double least) {
  auto const is_long = [&](std::int64_t overlap, std::int64_t image) {
    return static_cast<double>(overlap) > least * static_cast<double>(image);
  };
  if (difference.empty()) return false;
  return is_long(difference.length_y(), first.length_y()) || is_long(difference.length_x(), first.length_x()) ||
         is_long(difference.length_y(), second.length_y()) || is_long(difference.length_x(), second.length_x());
}

template DataExtent find_data_extent(GridImage<float> const&);
template DataExtent find_data_extent(GridImage<double> const&);
template class PairPixels<float>;
template class PairPixels<double>;

}  // namespace tessera::kernels
