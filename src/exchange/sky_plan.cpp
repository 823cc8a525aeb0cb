#include "tessera/exchange/sky_plan.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/parallel/control.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/wcs.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::exchange {

namespace {

using model::PixelPoint;

/// Whether a convex polygon comes within `margin` of a box: separating axes are those of the box and of the edges.
bool touches(std::vector<PixelPoint> const& polygon, model::PixelBox const& box, double margin) {
  double const low[2] = {static_cast<double>(box.x0) - 0.5 - margin, static_cast<double>(box.y0) - 0.5 - margin};
  double const high[2] = {static_cast<double>(box.x1) - 0.5 + margin, static_cast<double>(box.y1) - 0.5 + margin};
  for (int axis = 0; axis < 2; ++axis) {
    auto const along = [&](PixelPoint p) { return axis == 0 ? p.x : p.y; };
    auto const [least, most] = std::minmax_element(polygon.begin(), polygon.end(),
                                                   [&](PixelPoint a, PixelPoint b) { return along(a) < along(b); });
    if (along(*most) < low[axis] || along(*least) > high[axis]) return false;
  }
  PixelPoint const corners[4] = {{low[0], low[1]}, {high[0], low[1]}, {high[0], high[1]}, {low[0], high[1]}};
  double area = 0;
  for (std::size_t k = 0; k < polygon.size(); ++k) {
    auto const& a = polygon[k];
    auto const& b = polygon[(k + 1) % polygon.size()];
    area += a.x * b.y - b.x * a.y;
  }
  for (std::size_t k = 0; k < polygon.size(); ++k) {
    auto const& a = polygon[k];
    auto const& b = polygon[(k + 1) % polygon.size()];
    bool const all_outside = std::all_of(std::begin(corners), std::end(corners), [&](PixelPoint c) {
      double const side = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
      return area > 0 ? side < 0 : side > 0;
    });
    if (all_outside) return false;
  }
  return true;
}

/// Outline in pixels of the grid. Edges of a distorted image are curved: the margin covers how far they bow.
std::vector<PixelPoint> outline_in_grid(sky::Wcs const& grid, model::SkyPolygon const& footprint) {
  std::vector<PixelPoint> outline;
  for (auto const& vertex : footprint) outline.push_back(grid.sky_to_pixel(vertex));
  return outline;
}

}  // namespace

std::vector<model::SkyPolygon> corrected_footprints(parallel::Communicator const& communicator,
                                                    std::span<int const> members,
                                                    std::vector<store::ExposureRecord> const& records,
                                                    store::Ledger const& ledger) {
  std::vector<model::SkyPolygon> footprints;
  for (int const member : members) footprints.push_back(records[static_cast<std::size_t>(member)].footprint);
  if (ledger.steps().empty()) return footprints;

  // Members are dealt out like cards; four corners of each go back to everyone.
  std::vector<double> mine;
  parallel::all_or_none(communicator, [&] {
    for (auto k = static_cast<std::size_t>(communicator.rank()); k < footprints.size();
         k += static_cast<std::size_t>(communicator.size())) {
      auto const& record = records[static_cast<std::size_t>(members[k])];
      store::ExposureReader const reader(record, ledger);
      mine.push_back(static_cast<double>(k));
      for (auto const& vertex : sky::footprint(*reader.wcs(), record.nx, record.ny)) {
        mine.push_back(vertex.ra);
        mine.push_back(vertex.dec);
      }
    }
  });
  auto const all = communicator.all_gather_values<double>(mine);
  for (std::size_t at = 0; at + 9 <= all.size(); at += 9)
    for (std::size_t corner = 0; corner < 4; ++corner)
      footprints[static_cast<std::size_t>(all[at])][corner] = {all[at + 1 + 2 * corner], all[at + 2 + 2 * corner]};
  return footprints;
}

model::SkyGrid make_sky_grid(std::span<model::SkyPolygon const> footprints, store::ExposureRecord const& first,
                             sky::OutputGridOptions const& options) {
  sky::ReferencePointing const reference{first.ra_ref, first.dec_ref, first.roll_ref, first.v3yangle, first.vparity};
  return sky::make_output_grid(footprints, reference, first.native_scale_deg, first.mean_pixel_area_sr, options);
}

SkyPlan plan_sky(std::span<int const> members, model::SkyGrid const& grid,
                 std::vector<model::SkyPolygon> const& footprints, std::vector<store::ExposureRecord> const& records,
                 kernels::DrizzleOptions const& drizzle) {
  SkyPlan plan;
  plan.grid = grid;
  plan.footprints = footprints;
  auto const blocks = grid.blocks();
  plan.order = model::hilbert_order(blocks);
  plan.block_members.resize(static_cast<std::size_t>(blocks.count()));
  auto const grid_wcs = sky::make_grid_wcs(grid);

  for (std::size_t k = 0; k < footprints.size(); ++k) {
    auto const& record = records[static_cast<std::size_t>(members[k])];
    auto const outline = outline_in_grid(*grid_wcs, footprints[k]);
    double const scale = record.native_scale_deg / std::abs(grid.cdelt[0]);  // output pixels an input pixel
    double const margin = 4 + kernels::reach(drizzle, scale) + scale * (1 + record.edge_bow_pixels);
    double x_low = 1e300, x_high = -1e300, y_low = 1e300, y_high = -1e300;
    for (auto const& p : outline) {
      x_low = std::min(x_low, p.x - margin);
      x_high = std::max(x_high, p.x + margin);
      y_low = std::min(y_low, p.y - margin);
      y_high = std::max(y_high, p.y + margin);
    }
    if (!(x_high >= 0 && y_high >= 0 && x_low < static_cast<double>(grid.nx) && y_low < static_cast<double>(grid.ny)))
      continue;
    auto const clamp_block = [](double value, std::int64_t count) {
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(value / model::BlockSize)), 0, count - 1);
    };
    for (auto row = clamp_block(y_low, blocks.rows()); row <= clamp_block(y_high, blocks.rows()); ++row)
      for (auto column = clamp_block(x_low, blocks.columns()); column <= clamp_block(x_high, blocks.columns());
           ++column) {
        auto const block = row * blocks.columns() + column;
        if (touches(outline, blocks.box(block), margin))
          plan.block_members[static_cast<std::size_t>(block)].push_back(static_cast<int>(k));
      }
  }

  plan.block_cost.resize(plan.block_members.size());
  // An empty block still costs its planes and their writing: measured, about half of drizzling one exposure onto it.
  for (std::size_t block = 0; block < plan.block_members.size(); ++block)
    plan.block_cost[block] = 0.5 + static_cast<double>(plan.block_members[block].size());
  return plan;
}

std::vector<int> positions_reaching(SkyPlan const& plan, std::span<std::int64_t const> blocks) {
  std::vector<int> positions;
  for (auto const block : blocks) {
    auto const& reaching = plan.block_members[static_cast<std::size_t>(block)];
    positions.insert(positions.end(), reaching.begin(), reaching.end());
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  return positions;
}

}  // namespace tessera::exchange
