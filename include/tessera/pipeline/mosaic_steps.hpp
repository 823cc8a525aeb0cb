// The steps that make products from finished mosaics, as the pipeline knows them.
#pragma once
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/pipeline/timing.hpp"
#include "tessera/steps/mosaic_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::pipeline {

struct MosaicStep {
  std::string name;                     ///< official name
  std::string listed;                   ///< entry of `steps` that it belongs to: itself, or "lv3"
  int algorithm = 1;                    ///< changes when its results do
  std::vector<std::string> parameters;  ///< starts of the keys of its parameters
  std::string product_end;              ///< of its main product: "_cat.ecsv"
  steps::StepOutcome (*run)(steps::StepContext&, std::vector<steps::MosaicTask> const&) = nullptr;
};

/// In the order in which they run.
std::span<MosaicStep const> mosaic_steps();

/// Whether a listed step starts from mosaics that are there already.
bool takes_mosaics(std::string_view listed);

/// One mosaic of one of them.
struct MosaicWork {
  MosaicStep const* step = nullptr;
  bool of_aligned = false;  ///< of the mosaic that is drizzled again once it is aligned
  steps::MosaicTask task;   ///< its manifest is made when it runs
};

/// What the configuration asks for: every (target, band) of a listed step whose mosaic lv3 makes, or made before; stars
/// also of the mosaics that astrometric_align leads to, so that both can be compared.
std::vector<MosaicWork> plan_mosaic_steps(config::Survey const& survey);

/// What the product would be made from now; one rank.
store::Manifest mosaic_manifest(MosaicWork const& work);

/// How they went, the same on all ranks.
struct MosaicStepsRun {
  std::vector<StepTiming> timing;
  std::vector<parallel::Failure> failures;
  std::size_t made = 0;  ///< products there are, made now or up to date
  bool stopped = false;
};

/// Runs those of lv3's mosaics, or of the aligned ones, where they are not up to date. Mosaics of `without` (target,
/// band) are left alone: they were not made. Collective.
MosaicStepsRun run_mosaic_steps(steps::StepContext& context, std::vector<MosaicWork> const& works, bool of_aligned,
                                std::set<std::pair<std::string, std::string>> const& without);

}  // namespace tessera::pipeline
