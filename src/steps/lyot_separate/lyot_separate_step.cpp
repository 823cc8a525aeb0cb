#include "tessera/steps/lyot_separate/lyot_separate_step.hpp"

#include "../run_by_exposure.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/store/coronagraph.hpp"

namespace tessera::steps {

namespace {

model::LedgerEntry flag_region(model::PixelBox const& box) {
  model::LedgerEntry entry;
  entry.correction = model::RegionFlag{dq::DoNotUse | dq::NonScience};
  entry.region = box;
  return entry;
}

std::vector<model::LedgerEntry> make_entries(store::ExposureRecord const& record) {
  if (!store::has_coronagraph(record)) return {};
  switch (record.identity.half) {
    case model::Half::Whole:
      return {};
    case model::Half::Imager:
      return {flag_region(store::CoronagraphBox)};
    case model::Half::Lyot:
      break;
  }
  std::vector<model::LedgerEntry> entries;
  for (auto const& box : store::ImagerBoxes) entries.push_back(flag_region(box));
  return entries;
}

}  // namespace

StepOutcome run_lyot_separate(StepContext& context, std::vector<BandTask> const& tasks) {
  return run_by_exposure(context, tasks, {}, {}, [&](ExposureItem const& item, StepCounts&) {
    return make_entries(context.records[static_cast<std::size_t>(item.member)]);
  });
}

}  // namespace tessera::steps
