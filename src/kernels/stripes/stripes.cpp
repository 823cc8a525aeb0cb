#include "tessera/kernels/stripes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "row_medians.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/running_filter.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera::kernels {

namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr int LeastPixels = 3;  ///< of a source

LineClip clip_of(StripeOptions const& options) { return {options.sigma, options.maxiters}; }

/// A value that is exactly 0 counts as none, as in pjpipe.
double zero_is_none(double value) { return value == 0 ? NaN : value; }

template <class T>
std::vector<double> measure_columns(std::span<T const> image, std::span<std::uint8_t const> mask, std::int64_t nx,
                                    std::int64_t ny, StripeOptions const& options) {
  auto const turned = turn_image(image, nx, ny);
  auto const turned_mask = turn_image(mask, nx, ny);
  std::vector<double> columns;
  for (auto const& median : find_row_medians<T>(turned, turned_mask, ny, nx, 0, ny, clip_of(options)))
    columns.push_back(median.value);
  subtract_level(columns, median_of_finite(columns));
  fill_gaps(std::span(columns));
  return columns;
}

/// Rows of one amplifier: poor ones from the whole row, then gaps filled, then the median taken off.
std::vector<double> complete_rows(std::vector<LineMedian> const& own, std::vector<LineMedian> const& whole,
                                  double least_count) {
  std::vector<double> rows(own.size());
  for (std::size_t y = 0; y < own.size(); ++y) {
    bool const is_poor = static_cast<double>(own[y].count) < least_count;
    rows[y] = zero_is_none(is_poor ? whole[y].value : own[y].value);
  }
  fill_gaps(std::span(rows));
  subtract_level(rows, median_of_finite(rows));
  return rows;
}

/// Median of the stripe image, from the profiles alone where there are rows only: each value stands for the pixels of
/// its row in its amplifier.
double median_of_stripes(StripeModel const& model, std::span<std::int64_t const> bounds) {
  if (!model.columns.empty()) {
    std::vector<double> pixels;
    for (std::size_t a = 0; a < model.rows.size(); ++a)
      for (double const row : model.rows[a])
        for (auto x = bounds[a]; x < bounds[a + 1]; ++x)
          pixels.push_back(row + model.columns[static_cast<std::size_t>(x)]);
    return median_of_finite(std::move(pixels));
  }
  std::vector<std::pair<double, std::int64_t>> values;
  std::int64_t total = 0;
  for (std::size_t a = 0; a < model.rows.size(); ++a)
    for (double const row : model.rows[a])
      if (std::isfinite(row)) {
        values.emplace_back(row, bounds[a + 1] - bounds[a]);
        total += values.back().second;
      }
  if (total == 0) return NaN;
  std::sort(values.begin(), values.end());
  auto const value_at = [&](std::int64_t place) {
    auto it = values.begin();
    for (; place >= it->second; ++it) place -= it->second;
    return it->first;
  };
  return (value_at((total - 1) / 2) + value_at(total / 2)) / 2;
}

template <class T>
std::vector<std::uint8_t> find_two_sided_mask(std::span<T const> image, std::int64_t nx, std::int64_t ny,
                                              StripeOptions const& options) {
  SourceMaskOptions const sources{
      .nsigma = options.sigma, .npixels = LeastPixels, .dilate = options.dilate, .maxiters = options.maxiters};
  auto mask = make_source_mask(image.data(), nullptr, nx, ny, sources);
  std::vector<T> negative(image.size());
  std::transform(image.begin(), image.end(), negative.begin(), [](T value) { return -value; });
  auto const below = make_source_mask(negative.data(), mask.data(), nx, ny, sources);
  for (std::size_t k = 0; k < mask.size(); ++k) mask[k] |= below[k];
  return mask;
}

template <class T>
void take_median_off(std::span<T> image) {
  std::vector<T> values;
  values.reserve(image.size());
  for (T const value : image)
    if (std::isfinite(value)) values.push_back(value);
  double const median = median_in_place(std::span(values));
  for (T& value : image) value = static_cast<T>(static_cast<double>(value) - median);
}

template <class T>
StripeModel measure(std::span<T> difference, std::int64_t nx, std::int64_t ny, StripeOptions const& options) {
  auto const& bounds = options.bounds;
  TESSERA_EXPECT(static_cast<std::int64_t>(difference.size()) == nx * ny);
  TESSERA_EXPECT(bounds.size() >= 2 && bounds.front() == 0 && bounds.back() == nx);
  StripeModel model;
  model.rows.assign(bounds.size() - 1, std::vector<double>(static_cast<std::size_t>(ny), 0.0));
  if (options.vertical) model.columns.assign(static_cast<std::size_t>(nx), 0.0);

  take_median_off(difference);
  auto const mask = find_two_sided_mask<T>(difference, nx, ny, options);
  for (std::size_t k = 0; k < mask.size(); ++k) {
    model.masked += mask[k];
    model.used += mask[k] == 0 && std::isfinite(difference[k]);
  }
  if (model.used == 0) return model;

  if (options.vertical) {
    model.columns = measure_columns<T>(difference, mask, nx, ny, options);
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) {
        auto& value = difference[static_cast<std::size_t>(y * nx + x)];
        value = static_cast<T>(static_cast<double>(value) - model.columns[static_cast<std::size_t>(x)]);
      }
  }
  auto const whole = find_row_medians<T>(difference, mask, nx, ny, 0, nx, clip_of(options));
  if (model.rows.size() == 1) {
    auto& rows = model.rows.front();
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = zero_is_none(whole[y].value);
    subtract_level(rows, median_of_finite(rows));
    fill_gaps(std::span(rows));
  } else {
    for (std::size_t a = 0; a < model.rows.size(); ++a) {
      auto const own = find_row_medians<T>(difference, mask, nx, ny, bounds[a], bounds[a + 1], clip_of(options));
      model.rows[a] = complete_rows(own, whole, options.min_mask_frac * static_cast<double>(bounds[a + 1] - bounds[a]));
    }
  }
  for (auto& rows : model.rows)  // an image of zeros has no rows that count
    std::replace_if(
        rows.begin(), rows.end(), [](double value) { return !std::isfinite(value); }, 0.0);
  double const median = median_of_stripes(model, bounds);
  for (auto& rows : model.rows) subtract_level(rows, median);
  return model;
}

template <class T>
std::vector<double> measure_residual(std::span<T const> image, std::span<std::uint8_t const> mask, std::int64_t nx,
                                     std::int64_t ny, StripeOptions const& options) {
  std::vector<double> rows;
  for (auto const& median : find_row_medians<T>(image, mask, nx, ny, 0, nx, clip_of(options)))
    rows.push_back(median.value);
  fill_gaps(std::span(rows));
  return rows;
}

}  // namespace

StripeModel measure_stripes(std::span<double> difference, std::int64_t nx, std::int64_t ny,
                            StripeOptions const& options) {
  return measure(difference, nx, ny, options);
}
StripeModel measure_stripes(std::span<float> difference, std::int64_t nx, std::int64_t ny,
                            StripeOptions const& options) {
  return measure(difference, nx, ny, options);
}
std::vector<std::uint8_t> make_two_sided_mask(std::span<double const> image, std::int64_t nx, std::int64_t ny,
                                              StripeOptions const& options) {
  return find_two_sided_mask(image, nx, ny, options);
}
std::vector<std::uint8_t> make_two_sided_mask(std::span<float const> image, std::int64_t nx, std::int64_t ny,
                                              StripeOptions const& options) {
  return find_two_sided_mask(image, nx, ny, options);
}
std::vector<double> measure_residual_rows(std::span<double const> image, std::span<std::uint8_t const> mask,
                                          std::int64_t nx, std::int64_t ny, StripeOptions const& options) {
  return measure_residual(image, mask, nx, ny, options);
}
std::vector<double> measure_residual_rows(std::span<float const> image, std::span<std::uint8_t const> mask,
                                          std::int64_t nx, std::int64_t ny, StripeOptions const& options) {
  return measure_residual(image, mask, nx, ny, options);
}

}  // namespace tessera::kernels
