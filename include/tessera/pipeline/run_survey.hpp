// A whole survey: level 2 where it starts from count rates, then everything that is done with calibrated exposures.
#pragma once
#include <cstdint>
#include <optional>

#include "tessera/config/survey.hpp"
#include "tessera/core/error.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/pipeline/calibration.hpp"
#include "tessera/pipeline/run_plan.hpp"

namespace tessera::pipeline {

/// What a survey would do now. Mosaics cannot be planned before all of their exposures are calibrated.
struct SurveyPlan {
  CalibrationPlan calibration;
  std::size_t calibrated = 0;   ///< exposures of it that are up to date
  std::optional<RunPlan> plan;  ///< of the exposures that are calibrated; unset: when level 2 is done
};

/// Plans without making anything: level 2 where there are count rates, and the rest where its exposures are there.
/// Collective.
SurveyPlan plan_survey(parallel::Communicator const& communicator, config::Survey const& survey,
                       std::int64_t memory_per_rank, int ranks = 0);

/// What is done with the calibrated exposures there are now: those of level 2 where the survey starts from count rates.
/// Collective.
RunRequest request_for_calibrated(parallel::Communicator const& communicator, config::Survey const& survey);

/// Runs it. Everything that can be checked before work begins is: also what later steps need. Collective.
ExitStatus run_survey(parallel::Communicator const& communicator, config::Survey const& survey,
                      std::int64_t memory_per_rank);

}  // namespace tessera::pipeline
