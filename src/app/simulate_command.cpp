// simulate: a survey with known truth.
#include "commands.hpp"
#include "tessera/config/simulation_settings.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/simulate/run_simulation.hpp"

namespace tessera::app {

ExitStatus simulate_survey(parallel::Communicator const& world, SimulateOptions const& options) {
  config::SimulationSettings settings;
  parallel::all_or_none(world, [&] { settings = config::read_simulation_settings(options.settings); });
  auto const summary = simulate::run_simulation(world, settings, options.output);
  if (world.is_root())
    log::info("{} exposures, {} in {:.1f} s; run them with: tessera run {}", summary.exposure_count,
              format_bytes(summary.byte_count), summary.seconds, summary.configuration.string());
  return ExitStatus::Complete;
}

}  // namespace tessera::app
