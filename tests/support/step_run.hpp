// Running a step that writes the ledger by itself, without the pipeline.
#pragma once
#include <vector>

#include "support/test_files.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::test {

/// What a step is given, for one task after the other.
struct StepRun {
  explicit StepRun(std::vector<store::ExposureRecord> records_given, parallel::Communicator communicator = {})
      : world(std::move(communicator)), control(world), records(std::move(records_given)) {}

  /// A task of all records in a folder of its own.
  steps::BandTask task(std::string const& step, std::filesystem::path const& folder, std::string const& band,
                       int order = 1) const {
    steps::BandTask made;
    made.target = "galaxy";
    made.band = band;
    made.band_facts = config::parse_band(band);
    made.step = step;
    made.order = order;
    made.ledger_file = store::ledger_path(folder, order, step);
    made.products = folder / step;
    made.scratch = folder / ("scratch_" + step);
    made.adjustments = folder / "galaxy_wcs_adjust.toml";
    made.manifest.step = step;
    made.key = made.manifest.key();
    for (std::size_t k = 0; k < records.size(); ++k) made.members.push_back(static_cast<int>(k));
    return made;
  }

  template <class Run>
  steps::StepOutcome run(Run&& step, std::vector<steps::BandTask> const& tasks) {
    steps::StepContext context{world, control, budget, records, 0, {}, false};
    return step(context, tasks);
  }

  parallel::Communicator world;
  parallel::ControlChannel control;
  parallel::MemoryBudget budget{std::int64_t{1} << 30};
  std::vector<store::ExposureRecord> records;
};

/// The ledger that one task wrote.
inline store::Ledger ledger_of(steps::BandTask const& task) {
  return store::Ledger::of({{task.step, task.ledger_file}});
}

}  // namespace tessera::test
