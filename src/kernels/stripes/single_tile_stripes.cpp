#include "tessera/kernels/single_tile_stripes.hpp"

#include <string>

#include "row_medians.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::kernels {

namespace {

std::vector<double> values_of(std::vector<LineMedian> const& medians) {
  std::vector<double> values;
  for (auto const& median : medians) values.push_back(median.value);
  return values;
}

/// Sum over the scales of what the running medians of a profile leave, each measured on what is left of it. (A value a
/// row taken off an image is taken off the medians of its rows: the image is not needed again.)
std::vector<double> sum_of_medians(std::vector<double> const& medians, SingleTileOptions const& options) {
  std::vector<double> sum(medians.size(), 0.0), left(medians.size()), smooth(medians.size());
  for (auto const scale : options.scales) {
    for (std::size_t y = 0; y < left.size(); ++y) left[y] = medians[y] - sum[y];
    fill_gaps(std::span(left));
    if (left.empty() || !std::isfinite(left.front())) return std::vector<double>(medians.size(), 0.0);
    running_median(left, scale, options.extend_mode, smooth);
    for (std::size_t y = 0; y < left.size(); ++y) sum[y] += left[y] - smooth[y];
  }
  return sum;
}

/// The same with running means, ends extended by their last value; median 0.
std::vector<double> sum_of_means(std::vector<double> medians, SingleTileOptions const& options) {
  std::vector<double> sum(medians.size(), 0.0), left(medians.size()), smooth(medians.size());
  fill_gaps(std::span(medians));
  if (medians.empty() || !std::isfinite(medians.front())) return sum;
  for (auto const scale : options.scales) {
    for (std::size_t y = 0; y < left.size(); ++y) left[y] = medians[y] - sum[y];
    running_mean(left, scale, ExtendMode::Nearest, smooth);
    for (std::size_t y = 0; y < left.size(); ++y) sum[y] += left[y] - smooth[y];
    subtract_level(sum, median_of_finite(sum));
  }
  return sum;
}

template <class T>
std::vector<LineMedian> find_column_medians(std::span<T const> image, std::span<std::uint8_t const> mask,
                                            std::int64_t nx, std::int64_t ny, LineClip const& clip) {
  auto const turned = turn_image(image, nx, ny);
  auto const turned_mask = turn_image(mask, nx, ny);
  return find_row_medians<T>(turned, turned_mask, ny, nx, 0, ny, clip);
}

/// Clipped medians of the columns of one amplifier whose rows are taken off, less their median.
template <class T>
std::vector<double> columns_of_amplifier(std::span<T const> image, std::span<std::uint8_t const> mask, std::int64_t nx,
                                         std::int64_t ny, std::int64_t x0, std::int64_t x1,
                                         std::vector<double> const& rows, LineClip const& clip) {
  auto const width = x1 - x0;
  std::vector<T> part;
  std::vector<std::uint8_t> part_mask;
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = x0; x < x1; ++x) {
      auto const k = static_cast<std::size_t>(y * nx + x);
      part.push_back(static_cast<T>(static_cast<double>(image[k]) - rows[static_cast<std::size_t>(y)]));
      part_mask.push_back(mask[k]);
    }
  auto columns = values_of(find_column_medians<T>(part, part_mask, width, ny, clip));
  subtract_level(columns, median_of_finite(columns));
  return columns;
}

bool is_poor(LineMedian const& median, std::int64_t width, SingleTileOptions const& options) {
  return static_cast<double>(median.count) < options.min_mask_frac * static_cast<double>(width);
}

template <class T>
StripeModel measure_rows(RowStripes method, std::span<T const> image, std::span<std::uint8_t const> mask,
                         std::int64_t nx, std::int64_t ny, SingleTileOptions const& options) {
  auto const& bounds = options.bounds;
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny && mask.size() == image.size());
  TESSERA_EXPECT(bounds.size() >= 2 && bounds.front() == 0 && bounds.back() == nx);
  bool const has_amplifiers = bounds.size() > 2;
  LineClip const clip{options.sigma, options.maxiters};
  std::vector<LineMedian> whole;
  if (method == RowStripes::MedianFilter && has_amplifiers) whole = find_row_medians<T>(image, mask, nx, ny, 0, nx, {});
  StripeModel model;
  for (std::size_t a = 0; a + 1 < bounds.size(); ++a) {
    auto const x0 = bounds[a], x1 = bounds[a + 1];
    auto const medians =
        find_row_medians<T>(image, mask, nx, ny, x0, x1, method == RowStripes::MedianFilter ? LineClip{} : clip);
    auto rows = values_of(medians);
    if (method == RowStripes::MedianFilter) {
      for (std::size_t y = 0; y < rows.size() && has_amplifiers; ++y)
        if (is_poor(medians[y], x1 - x0, options)) rows[y] = whole[y].value;
      rows = sum_of_medians(rows, options);
    } else if (method == RowStripes::Smooth) {
      rows = sum_of_means(std::move(rows), options);
    } else {
      subtract_level(rows, median_of_finite(rows));
    }
    if (method == RowStripes::Remstripe && has_amplifiers) {
      auto const columns = columns_of_amplifier<T>(image, mask, nx, ny, x0, x1, rows, clip);
      model.columns.insert(model.columns.end(), columns.begin(), columns.end());
    }
    model.rows.push_back(std::move(rows));
  }
  for (std::size_t k = 0; k < mask.size(); ++k) {
    model.masked += mask[k] != 0;
    model.used += mask[k] == 0 && std::isfinite(image[k]);
  }
  return model;
}

template <class T>
std::vector<double> measure_columns(ColumnStripes method, std::span<T const> image, std::span<std::uint8_t const> mask,
                                    std::int64_t nx, std::int64_t ny, SingleTileOptions const& options) {
  TESSERA_EXPECT(static_cast<std::int64_t>(image.size()) == nx * ny && mask.size() == image.size());
  auto columns = values_of(find_column_medians<T>(image, mask, nx, ny, {}));
  if (method == ColumnStripes::MedianFilter) columns = sum_of_medians(columns, options);
  subtract_level(columns, median_of_finite(columns));
  fill_gaps(std::span(columns));
  subtract_level(columns, median_of_finite(columns));
  return columns;
}

template <class T>
std::vector<std::vector<std::int64_t>> poor_rows(std::span<T const> image, std::span<std::uint8_t const> mask,
                                                 std::int64_t nx, std::int64_t ny, SingleTileOptions const& options) {
  std::vector<std::vector<std::int64_t>> poor;
  for (std::size_t a = 0; a + 1 < options.bounds.size(); ++a) {
    auto const x0 = options.bounds[a], x1 = options.bounds[a + 1];
    auto const medians = find_row_medians<T>(image, mask, nx, ny, x0, x1, {});
    auto& rows = poor.emplace_back();
    for (std::size_t y = 0; y < medians.size(); ++y)
      if (is_poor(medians[y], x1 - x0, options)) rows.push_back(static_cast<std::int64_t>(y));
  }
  return poor;
}

}  // namespace

RowStripes parse_row_stripes(std::string_view name) {
  if (name == "median_filter") return RowStripes::MedianFilter;
  if (name == "row_median") return RowStripes::RowMedian;
  if (name == "remstripe") return RowStripes::Remstripe;
  if (name == "smooth") return RowStripes::Smooth;
  throw ConfigError({.what = "this way to measure row stripes is not built",
                     .where = "single_tile_destripe.destriping_method",
                     .expected = "median_filter, row_median, remstripe or smooth",
                     .found = std::string(name),
                     .remedy = "choose one of these; median_filter is the default"});
}

ColumnStripes parse_column_stripes(std::string_view name) {
  if (name == "row_median") return ColumnStripes::RowMedian;
  if (name == "median_filter") return ColumnStripes::MedianFilter;
  throw ConfigError({.what = "unknown way to measure column stripes",
                     .where = "single_tile_destripe.vertical_destriping_method",
                     .expected = "row_median or median_filter",
                     .found = std::string(name),
                     .remedy = "choose one of these; row_median is the default"});
}

StripeModel measure_row_stripes(RowStripes method, std::span<double const> image, std::span<std::uint8_t const> mask,
                                std::int64_t nx, std::int64_t ny, SingleTileOptions const& options) {
  return measure_rows(method, image, mask, nx, ny, options);
}
StripeModel measure_row_stripes(RowStripes method, std::span<float const> image, std::span<std::uint8_t const> mask,
                                std::int64_t nx, std::int64_t ny, SingleTileOptions const& options) {
  return measure_rows(method, image, mask, nx, ny, options);
}
std::vector<double> measure_column_stripes(ColumnStripes method, std::span<double const> image,
                                           std::span<std::uint8_t const> mask, std::int64_t nx, std::int64_t ny,
                                           SingleTileOptions const& options) {
  return measure_columns(method, image, mask, nx, ny, options);
}
std::vector<double> measure_column_stripes(ColumnStripes method, std::span<float const> image,
                                           std::span<std::uint8_t const> mask, std::int64_t nx, std::int64_t ny,
                                           SingleTileOptions const& options) {
  return measure_columns(method, image, mask, nx, ny, options);
}
std::vector<std::vector<std::int64_t>> find_poor_rows(std::span<float const> image, std::span<std::uint8_t const> mask,
                                                      std::int64_t nx, std::int64_t ny,
                                                      SingleTileOptions const& options) {
  return poor_rows(image, mask, nx, ny, options);
}
std::vector<std::vector<std::int64_t>> find_poor_rows(std::span<double const> image, std::span<std::uint8_t const> mask,
                                                      std::int64_t nx, std::int64_t ny,
                                                      SingleTileOptions const& options) {
  return poor_rows(image, mask, nx, ny, options);
}

}  // namespace tessera::kernels
