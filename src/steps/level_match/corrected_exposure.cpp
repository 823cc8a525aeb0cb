#include "corrected_exposure.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/source_mask.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::steps {

namespace {

constexpr int MaskRounds = 5;  ///< clipping rounds of the source mask of P8

LevelMatchOptions const& options_of(MatchPool const& pool, int exposure) {
  return pool.options[static_cast<std::size_t>(pool.exposures[static_cast<std::size_t>(exposure)].task)];
}

/// SCI with NaN at bad pixels.
std::vector<float> blank_bad(exchange::LoadedExposure const& exposure) {
  auto blanked = exposure.sci;
  for (std::size_t k = 0; k < blanked.size(); ++k)
    if (exposure.bad[k]) blanked[k] = std::numeric_limits<float>::quiet_NaN();
  return blanked;
}

std::vector<std::uint8_t> find_sources(exchange::LoadedExposure const& exposure, std::vector<float> const& blanked,
                                       LevelMatchOptions const& options, int rounds) {
  return kernels::make_source_mask(
      blanked.data(), nullptr, exposure.nx, exposure.ny,
      {.nsigma = options.sigma, .npixels = options.npixels, .dilate = options.dilate_size, .maxiters = rounds});
}

/// From pixels of one tangent-plane grid to those of another: a projective map, since both are linear in the direction.
class GridToGrid {
 public:
  GridToGrid(model::SkyGrid const& from, model::SkyGrid const& to) {
    auto const rows_from = sky::GridWcs(from).projection(), rows_to = sky::GridWcs(to).projection();
    // Columns of the inverse of `from` are cross products of its rows, up to the determinant.
    double const volume = sky::dot(rows_from[0], sky::cross(rows_from[1], rows_from[2]));
    std::array<sky::Vector3, 3> const columns{(1 / volume) * sky::cross(rows_from[1], rows_from[2]),
                                              (1 / volume) * sky::cross(rows_from[2], rows_from[0]),
                                              (1 / volume) * sky::cross(rows_from[0], rows_from[1])};
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t c = 0; c < 3; ++c) matrix_[r][c] = sky::dot(rows_to[r], columns[c]);
  }
  model::PixelPoint operator()(double x, double y) const {
    double const w = matrix_[2][0] * x + matrix_[2][1] * y + matrix_[2][2];
    return {(matrix_[0][0] * x + matrix_[0][1] * y + matrix_[0][2]) / w,
            (matrix_[1][0] * x + matrix_[1][1] * y + matrix_[1][2]) / w};
  }

 private:
  std::array<std::array<double, 3>, 3> matrix_{};
};

}  // namespace

exchange::LoadedExposure load_for_matching(MatchPool& pool, int exposure, bool mask_sources) {
  auto const& task = pool.tasks[static_cast<std::size_t>(pool.exposures[static_cast<std::size_t>(exposure)].task)];
  store::ExposureReader const reader(pool.record(exposure), task.before);
  auto loaded = exchange::load_exposure(reader, false);
  pool.counts.bytes_read += reader.bytes_read();
  auto const& options = options_of(pool, exposure);
  if (mask_sources && options.do_sigma_clip) {
    auto const sources = find_sources(loaded, blank_bad(loaded), options, MaskRounds);
    for (std::size_t k = 0; k < sources.size(); ++k) loaded.bad[k] |= sources[k];
  }
  return loaded;
}

std::int64_t exposure_working_bytes(store::ExposureRecord const& record) {
  constexpr std::int64_t BytesAPixel = 24;  // a blanked copy; masks with their labels, and values to sort
  return exchange::loaded_exposure_bytes(record) + record.nx * record.ny * BytesAPixel;
}

void subtract_corrections(MatchPool const& pool, int exposure, model::SkyGrid const& grid, exchange::Cutout& cutout) {
  for (auto const& correction : pool.exposures[static_cast<std::size_t>(exposure)].corrections) {
    if (!correction.with_slope) {
      double const level = correction.plane.level + correction.local;
      for (auto& value : cutout.value) value = static_cast<float>(static_cast<double>(value) - level);
      continue;
    }
    auto const& plane_grid = pool.grids[static_cast<std::size_t>(correction.grid)];
    auto const reference = sky::grid_reference_pixel(plane_grid);
    GridToGrid const to_plane(grid, plane_grid);
    std::size_t k = 0;
    for (auto y = cutout.box.y0; y < cutout.box.y1; ++y)
      for (auto x = cutout.box.x0; x < cutout.box.x1; ++x, ++k) {
        auto const at = to_plane(static_cast<double>(x), static_cast<double>(y));
        double const level = correction.plane.at(at.x - reference.x, at.y - reference.y) + correction.local;
        cutout.value[k] = static_cast<float>(static_cast<double>(cutout.value[k]) - level);
      }
  }
}

double measure_local_median(MatchPool& pool, int exposure) {
  auto const& options = options_of(pool, exposure);
  auto const loaded = load_for_matching(pool, exposure, false);
  auto values = blank_bad(loaded);
  auto const sources = find_sources(loaded, values, options, options.max_iters);
  for (std::size_t k = 0; k < values.size(); ++k)
    if (sources[k]) values[k] = std::numeric_limits<float>::quiet_NaN();
  return kernels::sigma_clip(values, options.sigma, options.max_iters).median;
}

}  // namespace tessera::steps
