// What outlier_detection knows of one task: groups, sky, thresholds. Private to the step.
#pragma once
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "outlier_options.hpp"
#include "tessera/exchange/sky_plan.hpp"
#include "tessera/steps/ledger_builder.hpp"

namespace tessera::steps {

/// One task. "Position" is a place in the list of its members.
struct OutlierPlan {
  BandTask const* task = nullptr;
  std::unique_ptr<LedgerBuilder> builder;
  OutlierOptions options;
  std::vector<std::vector<int>> groups;  ///< positions of each group, in order of first appearance
  std::vector<int> group_of;             ///< [position]
  std::vector<double> thresholds;        ///< [group]: least weight that counts; NaN: the group has no weight at all
  std::vector<bool> lost;                ///< [position]: cannot be read, and takes no part
  bool failed = false;                   ///< nothing is made of it, and the failure is reported
  bool too_few = false;                  ///< fewer than two groups: no flags

  /// Grid of the medians with the exposures on it. With resample_data the sky; else the detector, whose blocks are
  /// strips of 256 full rows, every exposure on each.
  exchange::SkyPlan sky;

  bool is_active() const { return !failed && !too_few; }
  store::ExposureRecord const& record(StepContext const& context, int position) const {
    return context.records[static_cast<std::size_t>(task->members[static_cast<std::size_t>(position)])];
  }
  /// Block of the plan as pixels of the grid.
  model::PixelBox block_box(std::int64_t block) const;
  std::filesystem::path median_file() const { return task->scratch / "medians.h5"; }
  std::filesystem::path median_journal() const { return task->scratch / "medians.journal"; }
  /// " without 3 without 7": positions that are lost.
  std::string lost_text() const;
  /// What the medians are made from: the task, less the exposures that are lost, on which grid.
  std::string median_key() const {
    auto const& grid = sky.grid;
    return fmt::format("{}{} on {} x {} about {} {}", task->key, lost_text(), grid.nx, grid.ny, grid.crpix.x,
                       grid.crpix.y);
  }
};

/// Options, groups and builder of a task. Throws ConfigError.
OutlierPlan begin_plan(StepContext& context, BandTask const& task);

/// Fills `sky` from the outlines of the members (record order; lost ones are ignored). Throws InputError when they lie
/// too far apart for one grid or, without resampling, differ in shape.
void lay_out(StepContext const& context, OutlierPlan& plan, std::vector<model::SkyPolygon> const& footprints);

}  // namespace tessera::steps
