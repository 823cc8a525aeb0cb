#include "measure_mesh.hpp"

#include <algorithm>
#include <cmath>

#include "../share_mosaics.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/exchange/clip_over_ranks.hpp"
#include "tessera/parallel/pool.hpp"

namespace tessera::steps {

namespace {

using kernels::BackgroundMesh;
using kernels::BackgroundMeshOptions;
using kernels::MeshCell;
using parallel::MemoryBudget;

/// A measured cell on its way to the other ranks.
struct SentCell {
  std::int64_t index = 0;
  MeshCell cell;
};

/// Rows of the mosaic held while values are sorted into boxes.
constexpr std::int64_t RowsTogether = 64;

/// The cells `first` <= column < `last` of one row of the mesh.
std::vector<MeshCell> measure_cells(CatalogueImage const& image, BackgroundMeshOptions const& options,
                                    std::int64_t mesh_row, std::int64_t first, std::int64_t last) {
  model::PixelBox const box{first * options.box_x, mesh_row * options.box_y, std::min(image.nx(), last * options.box_x),
                            std::min(image.ny(), (mesh_row + 1) * options.box_y)};
  std::vector<std::vector<float>> values(static_cast<std::size_t>(last - first));
  for (auto y = box.y0; y < box.y1; y += RowsTogether) {
    auto const pixels = image.read({box.x0, y, box.x1, std::min(box.y1, y + RowsTogether)}, nullptr);
    for (std::size_t k = 0; k < pixels.data.size(); ++k) {
      if (pixels.mask[k] != 0 || !std::isfinite(pixels.data[k])) continue;
      auto const column = static_cast<std::int64_t>(k) % pixels.box.width() / options.box_x;
      values[static_cast<std::size_t>(column)].push_back(pixels.data[k]);
    }
  }
  std::vector<MeshCell> cells(values.size());
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::measure_mesh", Policy(0, cells.size()).set_chunk_size(1),
                       [&](std::size_t k) { cells[k] = kernels::measure_mesh_cell(values[k], options); });
  return cells;
}

/// The cells of this rank's rows of the mesh. False: stopped.
bool measure_my_cells(parallel::Communicator const& group, CatalogueImage const& image,
                      BackgroundMeshOptions const& options, MemoryBudget& budget, parallel::ControlChannel& control,
                      std::vector<SentCell>& cells) {
  auto const columns = BackgroundMesh::cells_along(image.nx(), options.box_x),
             rows = BackgroundMesh::cells_along(image.ny(), options.box_y);
  std::vector<double> const costs(static_cast<std::size_t>(rows), 1.0);
  auto const mine = parallel::divide_in_runs(costs, group.size())[static_cast<std::size_t>(group.rank())];
  // A cell's values may lie twice in memory while their list grows.
  std::int64_t const cell_bytes = 8 * options.box_x * options.box_y,
                     strip_bytes = 2 * image.read_bytes(RowsTogether * image.nx());
  auto const together = std::clamp<std::int64_t>((budget.free() / 2 - strip_bytes) / cell_bytes, 1, columns);
  for (auto row = static_cast<std::int64_t>(mine.begin); row < static_cast<std::int64_t>(mine.end); ++row) {
    if (control.poll() >= parallel::StopRequest::FinishItems) return false;
    for (std::int64_t first = 0; first < columns; first += together) {
      auto const last = std::min(columns, first + together);
      MemoryBudget::Reservation const held(budget, "source_catalog: boxes of the background",
                                           cell_bytes * (last - first) + strip_bytes);
      auto const measured = measure_cells(image, options, row, first, last);
      for (auto column = first; column < last; ++column)
        cells.push_back({row * columns + column, measured[static_cast<std::size_t>(column - first)]});
    }
  }
  return true;
}

/// One cell of all pixels. Collective; what cannot be read counts as missing, and is thrown at the end by all.
MeshCell measure_whole(parallel::Communicator const& group, CatalogueImage const& image,
                       BackgroundMeshOptions const& options, MemoryBudget& budget) {
  auto const mine = own_block_rows(group, image.ny());
  auto const rows = static_cast<std::int64_t>(mine.size()) * model::BlockSize;
  auto const all_bytes = 4 * rows * image.nx(), strip_bytes = 2 * image.read_bytes(model::BlockSize * image.nx());
  bool const is_kept = all_bytes + strip_bytes < budget.free() / 2;
  std::exception_ptr failure;
  std::vector<std::vector<float>> kept(mine.size());
  kernels::ClippedStatistics found;
  {
    std::optional<MemoryBudget::Reservation> held;
    parallel::all_or_none(group, [&] {
      held.emplace(budget, "source_catalog: the background of the whole mosaic",
                   strip_bytes + (is_kept ? all_bytes : 0));
    });
    auto const read = [&](std::size_t band) {
      auto const y0 = static_cast<std::int64_t>(band) * model::BlockSize;
      auto pixels = image.read({0, y0, image.nx(), y0 + model::BlockSize}, nullptr);
      std::size_t count = 0;
      for (std::size_t k = 0; k < pixels.data.size(); ++k)
        if (pixels.mask[k] == 0 && std::isfinite(pixels.data[k])) pixels.data[count++] = pixels.data[k];
      return std::vector<float>(pixels.data.begin(), pixels.data.begin() + static_cast<std::ptrdiff_t>(count));
    };
    try {
      if (is_kept)
        for (std::size_t k = 0; k < kept.size(); ++k) kept[k] = read(mine.begin + k);
    } catch (...) {
      failure = std::current_exception();
    }
    auto const give = [&](exchange::TakePiece const& take) {
      for (std::size_t k = 0; k < kept.size(); ++k) try {
          auto const piece = static_cast<std::int64_t>(mine.begin + k);
          if (is_kept)
            take(piece, kept[k]);
          else
            take(piece, read(mine.begin + k));
        } catch (...) {
          failure = std::current_exception();
        }
    };
    found = exchange::clip_over_ranks(group, give, options.sigma, options.maxiters);
  }
  parallel::all_or_none(group, [&] {
    if (failure) std::rethrow_exception(failure);
  });
  if (found.count == 0) return {};
  return {found.median, found.std, found.count};
}

}  // namespace

std::optional<BackgroundMesh> measure_mesh(parallel::Communicator const& group, CatalogueImage const& image,
                                           std::int64_t box, MemoryBudget& budget, parallel::ControlChannel& control) {
  BackgroundMeshOptions asked;
  asked.box_x = asked.box_y = box;
  auto const options = BackgroundMesh::fit_boxes(asked, image.nx(), image.ny());
  std::vector<SentCell> mine;
  bool complete = true;
  parallel::all_or_none(group, [&] { complete = measure_my_cells(group, image, options, budget, control, mine); });
  if (group.max(std::int64_t{!complete}) > 0) return std::nullopt;
  auto const all = group.all_gather_values<SentCell>(mine);
  std::vector<MeshCell> cells(all.size());
  for (auto const& sent : all) cells[static_cast<std::size_t>(sent.index)] = sent.cell;
  if (std::any_of(cells.begin(), cells.end(),
                  [&](MeshCell const& cell) { return BackgroundMesh::is_valid(cell, options); }))
    return BackgroundMesh(cells, image.nx(), image.ny(), options);
  auto const whole_options = BackgroundMesh::whole_image_options(options, image.nx(), image.ny());
  auto const whole = measure_whole(group, image, whole_options, budget);
  if (!BackgroundMesh::is_valid(whole, whole_options)) return std::nullopt;
  return BackgroundMesh({whole}, image.nx(), image.ny(), whole_options);
}

}  // namespace tessera::steps
