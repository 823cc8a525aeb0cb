// run, plan, status: commands on a configuration.
#include <cstdio>
#include <cstdlib>

#include "commands.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/pipeline/run.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/run_survey.hpp"
#include "tessera/pipeline/status.hpp"

namespace tessera::app {

namespace {

/// Least memory of a rank that people are promised to get by with.
constexpr std::int64_t LeastDefaultMemory = std::int64_t{1} << 30;

pipeline::SurveyPlan plan_of(parallel::Communicator const& world, SurveyOptions const& options) {
  auto const survey = load_survey_on_all(world, options);
  auto const memory = memory_per_rank(world, options.memory_per_rank, survey.tessera.memory_per_rank_byte);
  return pipeline::plan_survey(world, survey, memory, options.ranks);
}

}  // namespace

config::Survey load_survey_on_all(parallel::Communicator const& world, SurveyOptions const& options) {
  config::Survey survey;
  parallel::all_or_none(world, [&] {
    auto const local = options.local.empty() ? options.config.parent_path() / "local.toml" : options.local;
    try {
      survey = config::load_survey(options.config, local);
    } catch (config::ConfigErrors const& errors) {  // agreement carries one error: the others are said here
      for (std::size_t k = 1; k < errors.all().size() && world.is_root(); ++k) log::error("{}", errors.all()[k].line());
      throw;
    }
  });
  if (!survey.tessera.scratch_dir.empty()) ::setenv("TESSERA_SCRATCH", survey.tessera.scratch_dir.c_str(), 1);
  if (options.skip_unbuilt) survey.tessera.skip_unbuilt = true;
  if (options.keep_hdf5) survey.tessera.keep_hdf5 = true;
  if (!options.on_error.empty())
    survey.tessera.on_error = options.on_error == "stop" ? config::OnError::Stop : config::OnError::Quarantine;
  return survey;
}

std::int64_t memory_per_rank(parallel::Communicator const& world, std::string const& said, std::int64_t configured) {
  if (!said.empty()) return parse_bytes(said);
  if (configured > 0) return configured;
  return std::max(LeastDefaultMemory, parallel::default_memory_per_rank(world));
}

ExitStatus run_survey(parallel::Communicator const& world, SurveyOptions const& options) {
  auto const survey = load_survey_on_all(world, options);
  auto const memory = memory_per_rank(world, options.memory_per_rank, survey.tessera.memory_per_rank_byte);
  return pipeline::run_survey(world, survey, memory);
}

ExitStatus plan_survey(parallel::Communicator const& world, SurveyOptions const& options) {
  auto const planned = plan_of(world, options);
  auto const& calibration = planned.calibration;
  bool const refused = !calibration.missing.empty() || (planned.plan && !planned.plan->request.missing.empty()) ||
                       (planned.plan && planned.plan->mosaics.empty());
  if (world.is_root()) {
    std::fputs(pipeline::describe(calibration).c_str(), stdout);
    for (auto const& broken : calibration.broken) std::printf("quarantined: %s\n", broken.text.c_str());
    for (auto const& line : calibration.starts_from_rates ? calibration.missing : std::vector<std::string>{})
      std::printf("cannot run: %s\n", line.c_str());
    if (calibration.starts_from_rates)
      std::printf("calibrated: %zu of %zu exposures\n", planned.calibrated, calibration.exposures.size());
    if (planned.plan)
      std::fputs(pipeline::describe(*planned.plan).c_str(), stdout);
    else
      std::puts("mosaics are planned when exposures are calibrated");
  }
  return refused ? ExitStatus::Refused : ExitStatus::Complete;
}

ExitStatus show_status(parallel::Communicator const& world, SurveyOptions const& options) {
  auto const planned = plan_of(world, options);
  if (!world.is_root()) return ExitStatus::Complete;
  std::fputs(pipeline::describe_status(planned.calibration).c_str(), stdout);
  if (planned.plan) std::fputs(pipeline::describe_status(*planned.plan).c_str(), stdout);
  return ExitStatus::Complete;
}

}  // namespace tessera::app
