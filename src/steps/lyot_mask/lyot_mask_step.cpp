#include "tessera/steps/lyot_mask/lyot_mask_step.hpp"

#include "../run_by_exposure.hpp"
#include "find_overlap.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/store/coronagraph.hpp"

namespace tessera::steps {

namespace {

constexpr std::uint32_t Flags = dq::DoNotUse | dq::NonScience;

model::LedgerEntry entry_over_box(model::Correction correction) {
  model::LedgerEntry entry;
  entry.correction = std::move(correction);
  entry.region = store::CoronagraphBox;
  return entry;
}

}  // namespace

StepOutcome run_lyot_mask(StepContext& context, std::vector<BandTask> const& tasks) {
  auto const is_overlap = [&](BandTask const& task) { return task.parameters.text("method") == "mask_overlap"; };
  auto const cost = [&](ExposureItem const& item) {
    auto const& task = tasks[item.task];
    return is_overlap(task) ? 0.01 + static_cast<double>(find_neighbours(context, task, item.member).size()) : 0.01;
  };
  return run_by_exposure(context, tasks, {}, cost,
                         [&](ExposureItem const& item, StepCounts& counts) -> std::vector<model::LedgerEntry> {
                           auto const& task = tasks[item.task];
                           if (!store::has_coronagraph(context.records[static_cast<std::size_t>(item.member)]))
                             return {};
                           if (!is_overlap(task)) return {entry_over_box(model::RegionFlag{Flags})};
                           auto mask = find_overlap(context, task, item.member, counts);
                           if (mask.empty()) return {};
                           return {entry_over_box(model::FlagCorrection{Flags, std::move(mask)})};
                         });
}

}  // namespace tessera::steps
