#include "outlier_plan.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

/// Blocks of a grid beyond which its exposures cannot belong together: 2.2 degrees across at 0.03 arcsec.
constexpr std::int64_t MostBlocks = std::int64_t{1} << 20;

void lay_out_detector(StepContext const& context, OutlierPlan& plan) {
  auto const& members = plan.task->members;
  store::ExposureRecord const* first = nullptr;
  for (std::size_t k = 0; k < members.size(); ++k) {
    if (plan.lost[k]) continue;
    auto const& record = plan.record(context, static_cast<int>(k));
    if (!first) first = &record;
    if (record.nx != first->nx || record.ny != first->ny)
      throw InputError({"exposures of different shapes cannot be compared without resampling", record.path,
                        fmt::format("{} x {} as {}", first->nx, first->ny, first->identity.exposure),
                        fmt::format("{} x {}", record.nx, record.ny), "set outlier_detection.resample_data = true"});
  }
  if (!first) return;
  auto& sky = plan.sky;
  sky.grid.nx = first->nx;
  sky.grid.ny = first->ny;
  auto const strips = static_cast<std::size_t>(sky.grid.blocks().rows());
  sky.order.resize(strips);
  std::iota(sky.order.begin(), sky.order.end(), std::int64_t{0});
  std::vector<int> all;
  for (std::size_t k = 0; k < members.size(); ++k)
    if (!plan.lost[k]) all.push_back(static_cast<int>(k));
  sky.block_members.assign(strips, all);
  sky.block_cost.assign(strips, 1.0);
}

}  // namespace

model::PixelBox OutlierPlan::block_box(std::int64_t block) const {
  if (options.resample_data) return sky.grid.blocks().box(block);
  return {0, block * model::BlockSize, sky.grid.nx, std::min((block + 1) * model::BlockSize, sky.grid.ny)};
}

std::string OutlierPlan::lost_text() const {
  std::string text;
  for (std::size_t k = 0; k < lost.size(); ++k)
    if (lost[k]) text += fmt::format(" without {}", k);
  return text;
}

OutlierPlan begin_plan(StepContext& context, BandTask const& task) {
  OutlierPlan plan;
  plan.task = &task;
  plan.options = outlier_options(task.parameters);
  plan.builder = std::make_unique<LedgerBuilder>(context, task);
  plan.lost.assign(task.members.size(), false);
  std::map<std::string, int> numbers;
  for (std::size_t k = 0; k < task.members.size(); ++k) {
    // Without resampling every exposure is compared for itself (spec 30, 3.4).
    auto const& record = plan.record(context, static_cast<int>(k));
    std::string const name = plan.options.resample_data ? record.group_id : std::to_string(k);
    auto const [found, is_new] = numbers.emplace(name, static_cast<int>(plan.groups.size()));
    if (is_new) plan.groups.emplace_back();
    plan.group_of.push_back(found->second);
    plan.groups[static_cast<std::size_t>(found->second)].push_back(static_cast<int>(k));
  }
  plan.thresholds.assign(plan.groups.size(), std::numeric_limits<double>::quiet_NaN());
  return plan;
}

void lay_out(StepContext const& context, OutlierPlan& plan, std::vector<model::SkyPolygon> const& footprints) {
  if (!plan.options.resample_data) return lay_out_detector(context, plan);
  std::vector<model::SkyPolygon> outlines;
  std::vector<int> present;
  for (std::size_t k = 0; k < footprints.size(); ++k) {
    if (plan.lost[k]) continue;
    outlines.push_back(footprints[k]);
    present.push_back(static_cast<int>(k));
  }
  if (present.empty()) return;
  auto const grid = exchange::make_sky_grid(outlines, plan.record(context, present.front()), {});
  if (grid.blocks().count() > MostBlocks)
    throw InputError({"the exposures of a band lie too far apart to be compared on one grid", plan.task->label(),
                      fmt::format("at most {} blocks of 256 x 256 pixels", MostBlocks),
                      fmt::format("{} x {} pixels", grid.nx, grid.ny),
                      "look for an exposure with a wrong WCS, or give distant fields targets of their own"});
  auto drizzle = plan.options.drizzle;
  drizzle.pixel_scale_ratio = grid.pixel_scale_ratio;
  plan.options.drizzle = drizzle;
  std::vector<int> members;
  for (int const position : present) members.push_back(plan.task->members[static_cast<std::size_t>(position)]);
  plan.sky = exchange::plan_sky(members, grid, outlines, context.records, drizzle);
  // Positions among those present become positions in the task.
  for (auto& reaching : plan.sky.block_members)
    for (int& position : reaching) position = present[static_cast<std::size_t>(position)];
}

}  // namespace tessera::steps
