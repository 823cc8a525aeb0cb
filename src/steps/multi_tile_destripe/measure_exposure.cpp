#include "measure_exposure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/compute/views.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/stripes.hpp"
#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::steps {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t Margin = 8;  ///< pixels beside those of bilinear interpolation that the other methods may reach
constexpr std::int64_t RowsAtATime = 64;  ///< of an exposure, on one thread

/// The exposure's map to the grid, and the part of the grid that it needs.
struct Projection {
  model::PixelMap map;
  model::PixelBox part;
  std::int64_t nx = 0, ny = 0;  ///< of the exposure
  std::int64_t grid_nx = 0, grid_ny = 0;

  Projection(exchange::LoadedExposure const& image, model::SkyGrid const& grid)
      : map(sky::make_pixel_map(*image.wcs, image.nx, image.ny, grid)),
        nx(image.nx),
        ny(image.ny),
        grid_nx(grid.nx),
        grid_ny(grid.ny) {
    auto const box = kernels::reach_of(map, {0, 0, nx, ny}, grid.nx, grid.ny);
    if (!box.empty())
      part = model::intersect({box.x0 - Margin, box.y0 - Margin, box.x1 + Margin, box.y1 + Margin},
                              {0, 0, grid.nx, grid.ny});
  }

  template <class Work>
  void each_rows(Work work) const {
    using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
    Kokkos::parallel_for("tessera::average_on_exposure", Policy(0, (ny + RowsAtATime - 1) / RowsAtATime),
                         [&](std::int64_t const k) {
                           work(model::PixelBox{0, k * RowsAtATime, nx, std::min(ny, (k + 1) * RowsAtATime)});
                         });
  }

  /// An image of the grid on the exposure.
  std::vector<float> interpolate(BlockImageReader const& reader, kernels::Reprojection method) const {
    std::vector<float> image(static_cast<std::size_t>(nx * ny), NaN);
    if (part.empty()) return image;
    auto const values = reader.read(part);
    each_rows([&](model::PixelBox const& rows) {
      kernels::reproject(method, {values.data(), part, grid_nx, grid_ny}, map, rows, image.data() + rows.y0 * nx);
    });
    return image;
  }

  /// A mask of the grid on the exposure: that of the nearest pixel.
  std::vector<std::uint8_t> nearest(BlockImageReader const& reader) const {
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(nx * ny), 0);
    if (part.empty()) return mask;
    auto const values = reader.read(part);
    each_rows([&](model::PixelBox const& rows) {
      std::vector<double> X(static_cast<std::size_t>(nx)), Y(X.size());
      for (auto y = rows.y0; y < rows.y1; ++y) {
        map.evaluate_row(y, 0, nx, X.data(), Y.data());
        for (std::int64_t x = 0; x < nx; ++x) {
          auto const k = static_cast<std::size_t>(x);
          double const i = std::floor(X[k] + 0.5), j = std::floor(Y[k] + 0.5);
          bool const is_inside = i >= static_cast<double>(part.x0) && i < static_cast<double>(part.x1) &&
                                 j >= static_cast<double>(part.y0) && j < static_cast<double>(part.y1);
          if (!is_inside) continue;
          auto const column = static_cast<std::int64_t>(i) - part.x0, row = static_cast<std::int64_t>(j) - part.y0;
          mask[static_cast<std::size_t>(y * nx + x)] =
              values[static_cast<std::size_t>(row * part.width() + column)] > 0.5f;
        }
      }
    });
    return mask;
  }
};

kernels::StripeOptions stripe_options(DestripeOptions const& options, StripeLayout const& layout, bool whole_rows) {
  kernels::StripeOptions to;
  to.bounds = whole_rows ? std::vector<std::int64_t>{0, layout.nx} : layout.bounds;
  to.min_mask_frac = options.min_mask_frac;
  to.vertical = options.vertical;
  to.sigma = options.sigma;
  to.dilate = options.dilate;
  to.maxiters = options.maxiters;
  return to;
}

/// Columns that are not measured become no data.
void blank_columns(std::vector<float>& image, StripeLayout const& layout) {
  for (std::int64_t y = 0; y < layout.ny; ++y) std::fill_n(image.begin() + y * layout.nx, layout.first_column, NaN);
}

/// Takes the stripes that the average itself has off it (spec 40, 1.10, second pass).
void clean_average(std::vector<float>& average, std::vector<float> const& smooth, std::vector<std::uint8_t> const& mask,
                   StripeLayout const& layout, kernels::StripeOptions const& options) {
  std::vector<float> structure(average.size());
  for (std::size_t k = 0; k < average.size(); ++k) structure[k] = average[k] - smooth[k];
  blank_columns(structure, layout);
  auto const rows =
      kernels::measure_residual_rows(std::span<float const>(structure), mask, layout.nx, layout.ny, options);
  for (std::int64_t y = 0; y < layout.ny; ++y) {
    double const row = rows[static_cast<std::size_t>(y)];
    if (!std::isfinite(row)) continue;
    for (std::int64_t x = 0; x < layout.nx; ++x) {
      float& value = average[static_cast<std::size_t>(y * layout.nx + x)];
      value = static_cast<float>(static_cast<double>(value) - row);
    }
  }
}

/// Levels of the amplifiers in what is left of a difference to the average (turned) without its stripes: there is no
/// sky in it that could be taken for a level.
std::vector<double> levels_of_rest(std::vector<float> rest, StripeProfile const& stripes, StripeLayout layout) {
  if (!layout.has_amplifiers()) return {0.0};
  layout.turned = false;
  subtract_profile(stripes, layout, rest);
  std::vector<std::uint8_t> bad(rest.size());
  for (std::size_t k = 0; k < rest.size(); ++k) bad[k] = std::isfinite(rest[k]) ? 0 : 1;
  return find_amplifier_levels(layout, rest, bad, SkyIn::No);
}

/// Largest |stripe| / ERR of the usable pixels; the error is that of the image, not turned.
double find_largest(StripeProfile const& stripes, StripeLayout const& layout, exchange::LoadedExposure const& image) {
  double largest = 0;
  for (std::size_t a = 0; a < stripes.rows.size(); ++a)
    for (std::int64_t y = 0; y < layout.ny; ++y)
      for (auto x = layout.bounds[a]; x < layout.bounds[a + 1]; ++x) {
        auto const k = static_cast<std::size_t>(layout.turned ? x * layout.ny + y : y * layout.nx + x);
        if (image.bad[k] || !(image.err[k] > 0)) continue;
        double const stripe = stripes.rows[a][static_cast<std::size_t>(y)] +
                              (stripes.columns.empty() ? 0 : stripes.columns[static_cast<std::size_t>(x)]);
        largest = std::max(largest, std::abs(stripe) / static_cast<double>(image.err[k]));
      }
  return largest;
}

}  // namespace

std::int64_t measure_bytes(store::ExposureRecord const& record, bool is_large_scale) {
  std::int64_t const pixels = record.nx * record.ny;
  // The average on the exposure and the difference, masks and sorted copies of P3; a turned exposure needs twice the
  // grid pixels. Pass B adds the smooth image, the structure and a mask.
  std::int64_t const images = is_large_scale ? 14 : 11;
  return exchange::loaded_exposure_bytes(record) + pixels * 4 * images;
}

MeasuredStripes measure_exposure(StepContext const& context, DestripeTask const& task, std::size_t member,
                                 DestripePass const& pass, AverageImages const& images) {
  auto exposure = load_for_pass(context, task, member, pass, false);
  auto const& layout = exposure.layout;
  auto& image = exposure.image;
  MeasuredStripes measured;
  measured.bytes_read = exposure.bytes_read;
  measured.profile = make_profile(layout);
  // In pass B the amplifiers are level but for what the difference to the average tells.
  if (!pass.is_large_scale) measured.profile = profile_of_levels(layout, find_amplifier_levels(exposure));
  if (!task.overlaps[member]) return measured;
  subtract_profile(measured.profile, layout, image.sci);

  auto const turned = [&](auto pixels) { return layout.turned ? transpose(pixels, image.nx, image.ny) : pixels; };
  auto const options = stripe_options(task.options, layout, pass.is_large_scale);
  Projection const projection(image, task.plan.grid);
  auto average = turned(projection.interpolate(*images.average, task.options.reprojection));
  if (pass.is_large_scale)
    clean_average(average, turned(projection.interpolate(*images.smooth, task.options.reprojection)),
                  turned(projection.nearest(*images.mask)), layout, options);
  for (std::size_t k = 0; k < image.sci.size(); ++k)
    if (image.bad[k]) image.sci[k] = NaN;
  auto difference = turned(std::move(image.sci));
  for (std::size_t k = 0; k < difference.size(); ++k) difference[k] -= average[k];
  blank_columns(difference, layout);
  average = difference;
  auto const model = kernels::measure_stripes(std::span(difference), layout.nx, layout.ny, options);
  auto stripes = make_profile(layout);
  for (std::size_t a = 0; a < stripes.rows.size(); ++a) stripes.rows[a] = model.rows[pass.is_large_scale ? 0 : a];
  stripes.columns = model.columns;
  if (!image.err.empty()) measured.largest_in_sigma = find_largest(stripes, layout, image);
  measured.profile.add(stripes);
  measured.profile.add(profile_of_levels(layout, levels_of_rest(average, stripes, layout)));
  return measured;
}

}  // namespace tessera::steps
