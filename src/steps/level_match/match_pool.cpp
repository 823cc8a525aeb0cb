#include "match_pool.hpp"

#include "../exposure_outline.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

/// Place of an exposure with its number, to be sent.
struct SentPlace {
  std::int32_t exposure = 0;
  ExposurePlace place;
};

ExposurePlace find_place(store::ExposureRecord const& record, store::Ledger const& before) {
  store::ExposureReader const reader(record, before);
  ExposurePlace place;
  place.outline = exposure_outline(reader);
  // Also those that an exported file has in its own WCS already.
  for (auto const& entry : before.entries(record.identity))
    if (std::holds_alternative<model::WcsCorrection>(entry.correction)) ++place.wcs_version;
  if (auto const days = reader.primary_header().real("DT_BGR")) place.off_days = *days;
  return place;
}

}  // namespace

void LostExposures::add(int exposure, Error const& error) {
  if (error.status() == ExitStatus::InternalError) throw error;  // a bug is no failure of an exposure
  if (has(exposure)) return;
  lost_.insert(exposure);
  pool_.failures.push_back({pool_.record(exposure).identity.label(), error.what(), static_cast<int>(error.status()),
                            pool_.context.world.rank()});
  if (pool_.context.stop_on_error) pool_.context.control.raise(parallel::StopRequest::Failure);
}

void LostExposures::share() {
  std::vector<std::int32_t> const mine(lost_.begin(), lost_.end());
  for (auto const exposure : pool_.context.world.all_gather_values<std::int32_t>(mine))
    pool_.exposures[static_cast<std::size_t>(exposure)].failed = true;
  lost_.clear();
}

void find_places(MatchPool& pool) {
  LostExposures lost(pool);
  std::vector<SentPlace> mine;
  auto const ranks = static_cast<std::size_t>(pool.context.world.size());
  for (auto e = static_cast<std::size_t>(pool.context.world.rank()); e < pool.exposures.size(); e += ranks) {
    if (pool.stop_wanted()) break;
    auto const exposure = static_cast<int>(e);
    try {
      auto const& before = pool.tasks[static_cast<std::size_t>(pool.exposures[e].task)].before;
      mine.push_back({exposure, find_place(pool.record(exposure), before)});
    } catch (Error const& error) {
      lost.add(exposure, error);
    }
  }
  for (auto const& sent : pool.context.world.all_gather_values<SentPlace>(mine))
    pool.exposures[static_cast<std::size_t>(sent.exposure)].place = sent.place;
  lost.share();
}

}  // namespace tessera::steps
