// Running a step that writes the ledger by itself, without the pipeline.
#pragma once
#include <vector>

#include "support/test_files.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::test {

/// A task without members, parameters, scratch folder and key.
inline steps::BandTask make_band_task(std::string const& target, std::string const& band, std::string const& step,
                                      int order, std::filesystem::path const& folder) {
  steps::BandTask made;
  made.target = target;
  made.band = band;
  made.band_facts = config::parse_band(band);
  made.step = step;
  made.order = order;
  made.ledger_file = store::ledger_path(folder, order, step);
  made.products = folder / step;
  made.manifest.step = step;
  return made;
}

/// One task a band, in order of first appearance, each in folder / band. Records of a band stand together.
/// `parameters_of` gives the parameters for a BandTask whose target and band are known.
template <class ParametersOf>
std::vector<steps::BandTask> make_band_tasks(std::vector<store::ExposureRecord> const& records, std::string const& step,
                                             int order, std::filesystem::path const& folder,
                                             ParametersOf&& parameters_of) {
  std::vector<steps::BandTask> all;
  for (std::size_t k = 0; k < records.size(); ++k) {
    auto const& identity = records[k].identity;
    auto const& band = identity.band;
    if (all.empty() || all.back().band != band) {
      auto& made = all.emplace_back(make_band_task(identity.target, band, step, order, folder / band));
      made.scratch = folder / band / "scratch";
      made.parameters = parameters_of(made);
      made.manifest.parameters = made.parameters.json();
      made.key = made.manifest.key();
    }
    all.back().members.push_back(static_cast<int>(k));
  }
  return all;
}

/// What a step is given, for one task after the other.
struct StepRun {
  explicit StepRun(std::vector<store::ExposureRecord> records_given, parallel::Communicator communicator = {},
                   std::int64_t budget_bytes = std::int64_t{1} << 30)
      : world(std::move(communicator)), control(world), budget(budget_bytes), records(std::move(records_given)) {}

  /// A task of all records in a folder of its own.
  steps::BandTask task(std::string const& step, std::filesystem::path const& folder, std::string const& band,
                       int order = 1) const {
    auto made = make_band_task("galaxy", band, step, order, folder);
    made.scratch = folder / ("scratch_" + step);
    made.adjustments = folder / "galaxy_wcs_adjust.toml";
    made.key = made.manifest.key();
    for (std::size_t k = 0; k < records.size(); ++k) made.members.push_back(static_cast<int>(k));
    return made;
  }

  template <class Run>
  steps::StepOutcome run(Run&& step, std::vector<steps::BandTask> const& tasks) {
    steps::StepContext context{world, control, budget, records, 0, {}, stop_on_error};
    return step(context, tasks);
  }

  parallel::Communicator world;
  parallel::ControlChannel control;
  parallel::MemoryBudget budget;
  std::vector<store::ExposureRecord> records;
  bool stop_on_error = false;
};

/// The ledger that one task wrote.
inline store::Ledger ledger_of(steps::BandTask const& task) {
  return store::Ledger::of({{task.step, task.ledger_file}});
}

}  // namespace tessera::test
