#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "../run_by_exposure.hpp"
#include "adjustments.hpp"
#include "tessera/core/log.hpp"
#include "tessera/exchange/alignment.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;

config::WcsAdjustment const* adjustment_of(store::ExposureRecord const& record, BandTask const& task,
                                           config::WcsAdjustments const& adjustments) {
  auto const name = config::parse_exposure_name(record.identity.exposure);
  return name ? adjustments.find(*name, task.band_facts.instrument) : nullptr;
}

int count_wcs_corrections(std::vector<model::LedgerEntry> const& entries) {
  int count = 0;
  for (auto const& entry : entries) count += std::holds_alternative<model::WcsCorrection>(entry.correction);
  return count;
}

/// The adjustment in the plane of the exposure's own V2V3 reference: carried there from the plane that it has of its
/// own.
model::LedgerEntry make_entry(store::ExposureRecord const& record, BandTask const& task,
                              config::WcsAdjustment const& adjustment) {
  store::ExposureReader const reader(record, task.before);
  auto const plane = sky::correction_plane(
      *reader.wcs(), {0.5 * static_cast<double>(record.nx - 1), 0.5 * static_cast<double>(record.ny - 1)});
  model::LedgerEntry entry;
  if (auto const& tangent = adjustment.tangent) {
    exchange::AlignImage image;
    image.plane = plane;
    sky::CorrectionPlane measured_in;
    measured_in.tangent = {(*tangent)[0], (*tangent)[1]};
    entry.correction = exchange::carry_to_image(adjustment.matrix, adjustment.shift_arcsec, measured_in, image);
  } else {
    entry.correction = model::WcsCorrection{
        adjustment.matrix,
        {adjustment.shift_arcsec[0] / ArcsecPerRadian, adjustment.shift_arcsec[1] / ArcsecPerRadian},
        plane.v2_ref,
        plane.v3_ref,
        plane.roll_ref};
  }
  entry.wcs_version = count_wcs_corrections(reader.entries());
  return entry;
}

void log_missing(StepContext const& context, BandTask const& task, config::WcsAdjustments const& adjustments) {
  std::string names;
  int missing = 0;
  for (int const member : task.members) {
    auto const& record = context.records[static_cast<std::size_t>(member)];
    if (adjustment_of(record, task, adjustments)) continue;
    ++missing;
    names += (names.empty() ? "" : ", ") + record.identity.label();
  }
  if (missing == 0) return;
  log::info("{} {}: {} of {} exposures have no shift in {} and keep their WCS", task.step, task.label(), missing,
            task.members.size(), task.adjustments.string());
  log::debug("{} {}: no shift for {}", task.step, task.label(), names);
}

}  // namespace

StepOutcome run_apply_wcs_adjust(StepContext& context, std::vector<BandTask> const& tasks) {
  std::vector<config::WcsAdjustments> adjustments;
  std::vector<parallel::Failure> failed;
  for (auto const& task : tasks) {
    auto const read = read_adjustments(context.world, task.adjustments);
    adjustments.push_back(read.adjustments);
    failed.push_back({task.label(), read.problem, read.status, 0});
    if (!context.world.is_root() || !read.problem.empty()) continue;
    for (auto const& key : read.unknown_keys)
      log::warn("{}: '{}' names no exposure, visit, or visit and instrument or module: it is not used",
                task.adjustments.string(), key);
    log_missing(context, task, adjustments.back());
  }
  return run_by_exposure(context, tasks, failed, {},
                         [&](ExposureItem const& item, StepCounts&) -> std::vector<model::LedgerEntry> {
                           auto const& task = tasks[item.task];
                           auto const& record = context.records[static_cast<std::size_t>(item.member)];
                           auto const* adjustment = adjustment_of(record, task, adjustments[item.task]);
                           if (!adjustment) return {};
                           return {make_entry(record, task, *adjustment)};
                         });
}

}  // namespace tessera::steps
