#include "tessera/kernels/background_mesh.hpp"

#include <algorithm>
#include <cmath>

#include "mesh_spline.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;

/// Cells that an invalid one is filled from (1.3, step 5).
constexpr std::size_t NeighboursForFilling = 10;

struct Neighbour {
  std::int64_t distance2 = 0;
  std::size_t cell = 0;
  bool operator<(Neighbour const& other) const {
    return distance2 != other.distance2 ? distance2 < other.distance2 : cell < other.cell;
  }
};

/// Mean of the nearest valid cells, weighted by 1 / distance; of equally near ones the first in raster order.
void fill_invalid(std::vector<double>& background, std::vector<double>& rms, std::vector<std::uint8_t> const& valid,
                  std::int64_t mesh_nx) {
  std::vector<std::size_t> sources;
  for (std::size_t k = 0; k < valid.size(); ++k)
    if (valid[k]) sources.push_back(k);
  std::vector<Neighbour> near(sources.size());
  for (std::size_t k = 0; k < valid.size(); ++k) {
    if (valid[k]) continue;
    auto const x = static_cast<std::int64_t>(k) % mesh_nx, y = static_cast<std::int64_t>(k) / mesh_nx;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      std::int64_t const dx = static_cast<std::int64_t>(sources[i]) % mesh_nx - x,
                         dy = static_cast<std::int64_t>(sources[i]) / mesh_nx - y;
      near[i] = {dx * dx + dy * dy, sources[i]};
    }
    auto const count = std::min(NeighboursForFilling, near.size());
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(count), near.end());
    double weights = 0, background_sum = 0, rms_sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      double const weight = 1 / std::sqrt(static_cast<double>(near[i].distance2));
      weights += weight;
      background_sum += weight * background[near[i].cell];
      rms_sum += weight * rms[near[i].cell];
    }
    background[k] = background_sum / weights;
    rms[k] = rms_sum / weights;
  }
}

std::vector<double> median_filter(std::vector<double> const& mesh, std::int64_t mesh_nx, std::int64_t mesh_ny,
                                  int size) {
  std::int64_t const half = size / 2;
  std::vector<double> filtered(mesh.size()), window;
  for (std::int64_t y = 0; y < mesh_ny; ++y)
    for (std::int64_t x = 0; x < mesh_nx; ++x) {
      window.clear();
      for (std::int64_t j = std::max<std::int64_t>(0, y - half); j < std::min(mesh_ny, y + half + 1); ++j)
        for (std::int64_t i = std::max<std::int64_t>(0, x - half); i < std::min(mesh_nx, x + half + 1); ++i)
          window.push_back(mesh[static_cast<std::size_t>(j * mesh_nx + i)]);
      filtered[static_cast<std::size_t>(y * mesh_nx + x)] = median_in_place(std::span(window));
    }
  return filtered;
}

struct Mesh {
  Mesh(std::vector<double> const& cells, std::int64_t mesh_nx, std::int64_t mesh_ny, int filter_size)
      : values(median_filter(cells, mesh_nx, mesh_ny, filter_size)),
        coefficients(find_spline_coefficients(values, mesh_nx, mesh_ny)),
        low(*std::min_element(values.begin(), values.end())),
        high(*std::max_element(values.begin(), values.end())) {}
  double median() const {
    auto copy = values;
    return median_in_place(std::span(copy));
  }
  std::vector<double> values, coefficients;
  double low, high;
};

std::vector<double> take(std::vector<MeshCell> const& cells, double MeshCell::*member) {
  std::vector<double> values;
  for (auto const& cell : cells) values.push_back(cell.*member);
  return values;
}

/// Values of a box that count, into `values`.
void gather_box(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t x0, std::int64_t x1,
                std::int64_t y0, std::int64_t y1, std::vector<float>& values) {
  values.clear();
  for (std::int64_t y = y0; y < y1; ++y)
    for (std::int64_t x = x0; x < x1; ++x) {
      std::int64_t const k = y * nx + x;
      if (std::isfinite(image[k]) && !(mask && mask[k])) values.push_back(image[k]);
    }
}

std::vector<MeshCell> measure_cells(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                    BackgroundMeshOptions const& options) {
  std::int64_t const mesh_nx = BackgroundMesh::cells_along(nx, options.box_x),
                     mesh_ny = BackgroundMesh::cells_along(ny, options.box_y);
  std::vector<MeshCell> cells(static_cast<std::size_t>(mesh_nx * mesh_ny));
  Kokkos::parallel_for(
      "tessera::measure_background", Policy(0, mesh_nx * mesh_ny).set_chunk_size(1), [&](std::int64_t const k) {
        std::int64_t const x0 = (k % mesh_nx) * options.box_x, y0 = (k / mesh_nx) * options.box_y;
        std::vector<float> values;
        gather_box(image, mask, nx, x0, std::min(nx, x0 + options.box_x), y0, std::min(ny, y0 + options.box_y), values);
        cells[static_cast<std::size_t>(k)] = measure_mesh_cell(values, options);
      });
  return cells;
}

}  // namespace

MeshCell measure_mesh_cell(std::span<float> values, BackgroundMeshOptions const& options) {
  auto const kept = sigma_clip(values, options.sigma, options.maxiters);
  if (kept.count == 0) return {};
  return {kept.median, kept.std, kept.count};
}

struct BackgroundMesh::Splines {
  std::int64_t mesh_nx, mesh_ny;
  Mesh background, rms;
  SplineAxis axis_x, axis_y;
};

bool BackgroundMesh::is_valid(MeshCell const& cell, BackgroundMeshOptions const& options) {
  double const area = static_cast<double>(options.box_y * options.box_x);
  return static_cast<double>(cell.survivors) > (1 - options.exclude_percentile / 100) * area;
}

BackgroundMeshOptions BackgroundMesh::fit_boxes(BackgroundMeshOptions options, std::int64_t nx, std::int64_t ny) {
  TESSERA_EXPECT(nx > 0 && ny > 0 && options.box_x > 0 && options.box_y > 0);
  options.box_x = std::min(options.box_x, nx);
  options.box_y = std::min(options.box_y, ny);
  return options;
}

BackgroundMeshOptions BackgroundMesh::whole_image_options(BackgroundMeshOptions options, std::int64_t nx,
                                                          std::int64_t ny) {
  options.box_x = nx;
  options.box_y = ny;
  options.exclude_percentile = 100;
  return options;
}

BackgroundMesh::BackgroundMesh(std::vector<MeshCell> const& cells, std::int64_t nx, std::int64_t ny,
                               BackgroundMeshOptions const& given)
    : nx_(nx), ny_(ny) {
  auto const options = fit_boxes(given, nx, ny);
  std::int64_t const mesh_nx = cells_along(nx, options.box_x), mesh_ny = cells_along(ny, options.box_y);
  TESSERA_EXPECT(static_cast<std::int64_t>(cells.size()) == mesh_nx * mesh_ny && options.filter_size % 2 == 1);
  std::vector<std::uint8_t> valid;
  for (auto const& cell : cells) valid.push_back(is_valid(cell, options) ? 1 : 0);
  if (std::find(valid.begin(), valid.end(), 1) == valid.end())
    throw InputError({.what = "no background can be measured",
                      .expected = "a box of the image with enough good pixels",
                      .found = "none"});
  auto background = take(cells, &MeshCell::background), rms = take(cells, &MeshCell::rms);
  fill_invalid(background, rms, valid, mesh_nx);
  splines_ = std::make_shared<Splines const>(Splines{
      mesh_nx, mesh_ny, Mesh(background, mesh_nx, mesh_ny, options.filter_size),
      Mesh(rms, mesh_nx, mesh_ny, options.filter_size), SplineAxis(nx, options.box_x), SplineAxis(ny, options.box_y)});
}

void BackgroundMesh::rows(std::int64_t y0, std::int64_t y1, std::uint8_t const* mask, float* background,
                          float* rms) const {
  TESSERA_EXPECT(0 <= y0 && y0 <= y1 && y1 <= ny_);
  Kokkos::parallel_for("tessera::evaluate_background", Kokkos::RangePolicy<compute::HostExecution>(y0, y1),
                       [&](std::int64_t const y) {
                         std::vector<double> line;
                         auto const evaluate = [&](Mesh const& mesh, float* rows) {
                           if (!rows) return;
                           float* const out = rows + (y - y0) * nx_;
                           evaluate_spline_row(mesh.coefficients, splines_->mesh_nx, splines_->mesh_ny,
                                               splines_->axis_x, splines_->axis_y, y, mesh.low, mesh.high, line, out);
                           if (!mask) return;
                           for (std::int64_t x = 0; x < nx_; ++x)
                             if (mask[(y - y0) * nx_ + x]) out[x] = 0;
                         };
                         evaluate(splines_->background, background);
                         evaluate(splines_->rms, rms);
                       });
}

double BackgroundMesh::median_background() const { return splines_->background.median(); }
double BackgroundMesh::median_rms() const { return splines_->rms.median(); }
std::vector<double> const& BackgroundMesh::background() const { return splines_->background.values; }
std::vector<double> const& BackgroundMesh::rms() const { return splines_->rms.values; }

BackgroundMesh measure_background(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                  BackgroundMeshOptions const& given) {
  auto options = BackgroundMesh::fit_boxes(given, nx, ny);
  auto cells = measure_cells(image, mask, nx, ny, options);
  if (std::none_of(cells.begin(), cells.end(),
                   [&](MeshCell const& cell) { return BackgroundMesh::is_valid(cell, options); })) {
    options = BackgroundMesh::whole_image_options(options, nx, ny);
    cells = measure_cells(image, mask, nx, ny, options);
  }
  return {cells, nx, ny, options};
}

}  // namespace tessera::kernels
