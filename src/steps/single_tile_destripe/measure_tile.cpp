#include "measure_tile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/kernels/level_amplifiers.hpp"
#include "tessera/kernels/pca_stripes.hpp"
#include "tessera/kernels/remove_diffuse.hpp"
#include "tessera/kernels/running_filter.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera::steps {

namespace {

constexpr double LeastSignificance = 4;  ///< of a step between amplifiers, in its errors: below, it may be sky
/// Boxes finer than the stripes' scales: in these the image has no stripes any more.
constexpr kernels::BackgroundMeshOptions SmoothLight{
    .box_y = 16, .box_x = 16, .sigma = 3, .maxiters = 5, .exclude_percentile = 80, .filter_size = 3};
constexpr std::int64_t FineRows = 127;  ///< wider structure along y is light rather than stripes, at first
constexpr int RoundsOfMedians = 5;      ///< of clipping for the masks of the methods with plain medians

/// The part of an exposure that is measured.
struct Window {
  std::int64_t x0 = 0, y0 = 0, nx = 0, ny = 0;
  std::vector<float> image;  ///< NaN: no data
  std::vector<std::uint8_t> bad;
  kernels::SingleTileOptions kernel;
};

Window cut_window(std::vector<float> const& sci, std::vector<std::uint8_t> const& bad, StripeLayout const& layout,
                  SingleTileDestripeOptions const& options) {
  Window window;
  window.x0 = std::max(layout.first_column, layout.border);
  window.y0 = layout.border;
  window.nx = layout.nx - layout.border - window.x0;
  window.ny = layout.ny - 2 * layout.border;
  TESSERA_EXPECT(window.nx > 0 && window.ny > 0);
  for (auto y = window.y0; y < window.y0 + window.ny; ++y)
    for (auto x = window.x0; x < window.x0 + window.nx; ++x) {
      auto const k = static_cast<std::size_t>(y * layout.nx + x);
      bool const is_data = std::isfinite(sci[k]) && sci[k] != 0;
      window.image.push_back(is_data ? sci[k] : std::numeric_limits<float>::quiet_NaN());
      window.bad.push_back(bad[k]);
    }
  for (auto const bound : layout.bounds) window.kernel.bounds.push_back(std::max(bound - window.x0, std::int64_t{0}));
  window.kernel.min_mask_frac = options.min_mask_frac;
  window.kernel.sigma = options.sigma;
  window.kernel.maxiters = options.maxiters;
  window.kernel.scales = options.scales;
  window.kernel.extend_mode = options.extend_mode;
  return window;
}

/// What stripes are measured on, and where: the image itself, or what the filter leaves of it.
struct Measured {
  std::vector<float> image;
  std::vector<std::uint8_t> mask;
};

Measured prepare(Window const& window, SingleTileDestripeOptions const& options, bool has_plain_medians,
                 std::uint64_t seed) {
  Measured measured;
  measured.mask = kernels::make_source_mask(window.image.data(), nullptr, window.nx, window.ny,
                                            {.nsigma = options.sigma,
                                             .npixels = options.npixels,
                                             .dilate = options.dilate,
                                             .maxiters = has_plain_medians ? RoundsOfMedians : options.maxiters});
  for (std::size_t k = 0; k < measured.mask.size(); ++k) measured.mask[k] |= window.bad[k];
  measured.image = window.image;
  if (!options.filter_diffuse) return measured;
  kernels::DiffuseOptions diffuse;
  diffuse.sigma = options.sigma;
  diffuse.npixels = options.npixels;
  diffuse.dilate = options.dilate;
  diffuse.maxiters = options.maxiters;
  diffuse.seed = seed;
  measured.mask =
      kernels::remove_diffuse(std::span(measured.image), measured.mask, window.bad, window.nx, window.ny, diffuse);
  return measured;
}

/// A gap is interpolated over; a line without anything is 0.
void complete(std::vector<double>& line) {
  kernels::fill_gaps(std::span(line));
  if (!line.empty() && !std::isfinite(line.front())) std::fill(line.begin(), line.end(), 0.0);
}

/// Stripes of the window, in its own coordinates.
struct WindowStripes {
  std::vector<double> added_levels;       ///< to each amplifier, first
  std::vector<std::vector<double>> rows;  ///< [amplifier][y]
  std::vector<double> columns;            ///< [x]
  std::vector<float> pixels;              ///< pca: [y][x], in place of rows
};

/// Takes the mean off the part of a line that belongs to an amplifier.
void take_mean_off(std::span<double> line) {
  double const mean = std::accumulate(line.begin(), line.end(), 0.0) / static_cast<double>(line.size());
  for (double& value : line) value -= mean;
}

void add_line(std::vector<double> const& line, std::vector<double>& sum) {
  for (std::size_t k = 0; k < line.size(); ++k) sum[k] += line[k];
}

/// The window without the stripes.
std::vector<float> subtract_stripes(Window const& window, WindowStripes const& stripes) {
  auto image = window.image;
  auto const& bounds = window.kernel.bounds;
  for (std::size_t a = 0; a + 1 < bounds.size(); ++a)
    for (std::int64_t y = 0; y < window.ny; ++y)
      for (auto x = bounds[a]; x < bounds[a + 1]; ++x) {
        double stripe = stripes.columns[static_cast<std::size_t>(x)];
        if (!stripes.rows.empty()) stripe += stripes.rows[a][static_cast<std::size_t>(y)];
        if (!stripes.pixels.empty())
          stripe += static_cast<double>(stripes.pixels[static_cast<std::size_t>(y * window.nx + x)]);
        if (!stripes.added_levels.empty()) stripe -= stripes.added_levels[a];
        float& value = image[static_cast<std::size_t>(y * window.nx + x)];
        value = static_cast<float>(static_cast<double>(value) - stripe);
      }
  return image;
}

WindowStripes measure_pass(Window window, SingleTileDestripeOptions const& options, std::uint64_t seed) {
  auto const& bounds = window.kernel.bounds;
  WindowStripes stripes;
  stripes.columns.assign(static_cast<std::size_t>(window.nx), 0.0);
  if (!options.vertical && bounds.size() > 2)
    stripes.added_levels =
        kernels::measure_amplifier_levels(window.image.data(), window.bad.data(), window.nx, window.ny, bounds,
                                          {.extrapolate = true, .least_significance = LeastSignificance});
  if (options.vertical) {
    auto const measured = prepare(window, options, true, seed);
    stripes.columns = kernels::measure_column_stripes(options.columns, std::span(measured.image), measured.mask,
                                                      window.nx, window.ny, window.kernel);
    complete(stripes.columns);
    // Through the filter the levels of amplifiers cannot be told from the sky.
    for (std::size_t a = 0; a + 1 < bounds.size() && options.filter_diffuse; ++a)
      take_mean_off(
          std::span(stripes.columns)
              .subspan(static_cast<std::size_t>(bounds[a]), static_cast<std::size_t>(bounds[a + 1] - bounds[a])));
  }
  window.image = subtract_stripes(window, stripes);
  if (options.pca) {
    auto const measured = prepare(window, options, false, seed + 1);
    auto pca = *options.pca;
    pca.bounds = bounds;
    pca.sigma = options.sigma;
    pca.maxiters = options.maxiters;
    pca.seed = seed;
    stripes.pixels = kernels::measure_pca_stripes(measured.image, measured.mask, window.nx, window.ny, pca);
    return stripes;
  }
  bool const has_plain_medians =
      options.rows == kernels::RowStripes::MedianFilter || options.rows == kernels::RowStripes::RowMedian;
  auto const measured = prepare(window, options, has_plain_medians, seed + 1);
  auto model = kernels::measure_row_stripes(options.rows, std::span(measured.image), measured.mask, window.nx,
                                            window.ny, window.kernel);
  for (auto& rows : model.rows) {
    complete(rows);
    if (options.filter_diffuse) take_mean_off(rows);
  }
  stripes.rows = std::move(model.rows);
  complete(model.columns);
  add_line(model.columns, stripes.columns);
  return stripes;
}

/// Takes off a line what is smoother than FineRows.
void keep_fine(std::vector<double>& line) {
  std::vector<double> smooth(line.size());
  kernels::running_mean(line, FineRows, kernels::ExtendMode::Reflect, smooth);
  for (std::size_t y = 0; y < line.size(); ++y) line[y] -= smooth[y];
}

/// The light of the sky in an image whose stripes are gone, but for what is finer than the boxes.
std::vector<float> find_smooth_light(Window const& window, std::vector<float> const& clean) {
  auto const mesh = kernels::measure_background(clean.data(), window.bad.data(), window.nx, window.ny, SmoothLight);
  std::vector<float> light(clean.size());
  mesh.rows(0, window.ny, nullptr, light.data(), nullptr);
  return light;
}

}  // namespace

TileStripes measure_tile(std::vector<float> const& sci, std::vector<std::uint8_t> const& bad,
                         StripeLayout const& layout, SingleTileDestripeOptions const& options, std::uint64_t seed) {
  auto window = cut_window(sci, bad, layout, options);
  bool const has_pixels = std::find(window.bad.begin(), window.bad.end(), std::uint8_t{0}) != window.bad.end();
  auto first_options = options;
  if (options.filter_diffuse && has_pixels) first_options.pca.reset();  // medians are as good to see the light without
  auto found = measure_pass(window, first_options, seed);
  if (options.filter_diffuse && has_pixels) {
    // The filter alone leaves of the sky what is as fine as the stripes.
    for (auto& rows : found.rows) keep_fine(rows);
    auto const light = find_smooth_light(window, subtract_stripes(window, found));
    for (std::size_t k = 0; k < light.size(); ++k) window.image[k] -= light[k];
    found = measure_pass(std::move(window), options, seed);
  }
  TileStripes stripes;
  stripes.added_levels = std::move(found.added_levels);
  stripes.profile = make_profile(layout);
  auto const x0 = std::max(layout.first_column, layout.border);
  for (std::size_t a = 0; a < found.rows.size(); ++a)
    std::copy(found.rows[a].begin(), found.rows[a].end(), stripes.profile.rows[a].begin() + layout.border);
  if (std::any_of(found.columns.begin(), found.columns.end(), [](double value) { return value != 0; })) {
    stripes.profile.columns.assign(static_cast<std::size_t>(layout.nx), 0.0);
    std::copy(found.columns.begin(), found.columns.end(), stripes.profile.columns.begin() + x0);
  }
  if (!found.pixels.empty()) {
    auto const width = layout.nx - layout.border - x0;
    stripes.pixels.assign(static_cast<std::size_t>(layout.nx * layout.ny), 0.0f);
    for (std::int64_t y = 0; y < layout.ny - 2 * layout.border; ++y)
      std::copy_n(found.pixels.begin() + y * width, width,
                  stripes.pixels.begin() + (y + layout.border) * layout.nx + x0);
  }
  return stripes;
}

std::vector<float> draw_stripes(TileStripes const& stripes, StripeLayout const& frame, StripeLayout const& layout) {
  auto const& columns = stripes.profile.columns;
  std::vector<float> image(static_cast<std::size_t>(layout.nx * layout.ny), 0.0f);
  for (std::int64_t y = 0; y < layout.ny; ++y)
    for (std::size_t a = 0; a + 1 < frame.bounds.size(); ++a)
      for (auto x = frame.bounds[a]; x < frame.bounds[a + 1]; ++x) {
        auto const k = static_cast<std::size_t>(y * layout.nx + x);
        double value = stripes.added_levels.empty() ? 0.0 : -stripes.added_levels[a];
        bool const is_border =
            y < layout.border || y >= layout.ny - layout.border || x < layout.border || x >= layout.nx - layout.border;
        if (!is_border) {
          value += stripes.profile.rows[a][static_cast<std::size_t>(y)];
          if (!columns.empty()) value += columns[static_cast<std::size_t>(x)];
          if (!stripes.pixels.empty()) value += static_cast<double>(stripes.pixels[k]);
        }
        image[k] = static_cast<float>(value);
      }
  return image;
}

std::uint64_t seed_of(std::string_view label) {
  std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (char const letter : label) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ull;
  return hash;
}

void refuse_without_pixels(std::string const& path, std::vector<std::uint8_t> const& bad) {
  if (std::find(bad.begin(), bad.end(), std::uint8_t{0}) != bad.end()) return;
  throw InputError({.what = "no pixel can be used",
                    .where = path,
                    .expected = "pixels that are finite, not 0 and not flagged DO_NOT_USE or NON_SCIENCE",
                    .found = "none",
                    .remedy = "look at its SCI and DQ; it is left as it is"});
}

std::int64_t measure_tile_bytes() {
  // The window, it without columns, what is measured and its masks; sorted values; the transform, in double.
  constexpr std::int64_t Images = 5 * 4, Masks = 4, Sorted = 3 * 4, Transform = 8 * 9 / 4, Growth = 2 * 4;
  return Images + Masks + Sorted + Transform + Growth;
}

}  // namespace tessera::steps
