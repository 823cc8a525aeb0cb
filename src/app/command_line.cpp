#include "tessera/app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>

#include "commands.hpp"
#include "tessera/compute/session.hpp"
#include "tessera/config/explain.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/mpi_session.hpp"

namespace tessera::app {

namespace {

/// What was asked for: a command that needs no ranks, or one that all ranks run together.
struct Action {
  std::function<ExitStatus()> alone;
  std::function<ExitStatus(parallel::Communicator const&)> together;
};

void add_survey_options(CLI::App& command, SurveyOptions& options) {
  command.add_option("config", options.config, "The survey's config.toml (as for pjpipe)")
      ->required()
      ->check(CLI::ExistingFile);
  command.add_option("--local", options.local, "The survey's local.toml [default: beside the configuration]")
      ->check(CLI::ExistingFile);
  command.add_option("--memory-per-rank", options.memory_per_rank,
                     "Memory each rank may use, e.g. 4G [default: from the node]");
  command.add_flag("--skip-unbuilt", options.skip_unbuilt,
                   "Leave out the listed steps that are not built yet, with a warning");
}

void add_run_options(CLI::App& command, SurveyOptions& options) {
  command
      .add_option("--on-error", options.on_error, "quarantine: finish the rest; stop: end at the first broken exposure")
      ->check(CLI::IsMember({"quarantine", "stop"}));
  command.add_flag("--keep-hdf5", options.keep_hdf5, "Keep the HDF5 of each mosaic beside its FITS");
}

void add_mosaic_options(CLI::App& command, MosaicOptions& o) {
  command.add_option("files", o.files, "Images: JWST exposures or mosaics, or any FITS image with a celestial WCS")
      ->required();
  command.add_option("-o,--output", o.output, "The mosaic to write, e.g. field.fits")->required();
  command.add_option("--kernel", o.kernel, "square, turbo, point, gaussian, lanczos2, lanczos3")->capture_default_str();
  command.add_option("--pixfrac", o.pixfrac, "Drop size, input pixels")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--weight-type", o.weight_type, "ivm, ivm-sky, exptime, none")->capture_default_str();
  command.add_option("--fillval", o.fillval, "Value where there are no data: NAN or a number")->capture_default_str();
  command.add_option("--pixel-scale", o.pixel_scale, "Arcsec an output pixel")->check(CLI::PositiveNumber);
  command.add_option("--pixel-scale-ratio", o.pixel_scale_ratio, "Output over input pixel scale")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--rotation", o.rotation, "Position angle of +Y in degrees; 0: north up");
  command.add_option("--crval", o.crval, "RA,DEC of the reference point, degrees")->delimiter(',')->expected(2);
  command.add_option("--crpix", o.crpix, "X,Y of the reference point, pixels, first pixel (0, 0)")
      ->delimiter(',')
      ->expected(2);
  command.add_option("--shape", o.shape, "NX,NY of the mosaic, pixels")->delimiter(',')->expected(2);
  command.add_option("--weights", o.weights, "Weight images, one for each file in the same order");
  command.add_option("--masks", o.masks, "Mask images (non-zero is bad), one for each file in the same order");
  command
      .add_option("--steps", o.steps,
                  "Corrections before the mosaic, in this order: level_match, multi_tile_destripe, skymatch, "
                  "outlier_detection")
      ->delimiter(',');
  command.add_option("--set", o.settings, "Parameter of such a step, e.g. --set level_match.weight_method=rms");
  command.add_option("--memory-per-rank", o.memory_per_rank,
                     "Memory each rank may use, e.g. 4G [default: from the node]");
  command.add_option("--on-error", o.on_error, "quarantine or stop")->check(CLI::IsMember({"quarantine", "stop"}));
  command.add_flag("--keep-hdf5", o.keep_hdf5, "Keep the mosaic's HDF5 too");
  command.add_flag("--no-quicklook", o.no_quicklook, "No pictures");
  command.add_flag("--plan", o.plan_only, "Only print what would be done");
}

void add_crds_options(CLI::App& command, CrdsOptions& options) {
  command.add_option("--context", options.context,
                     "jwst_NNNN.pmap or latest [default: CRDS_CONTEXT, else that of the cache]");
  command.add_option("--cache", options.cache, "The CRDS cache [default: CRDS_PATH]");
}

/// What is wrong with the command line, in a person's words. CLI11 checks what is missing before what is unknown; a
/// mistyped name is the likelier cause of both.
std::string explain_error(CLI::App const& app, CLI::ParseError const& error, int argc, char** argv) {
  std::vector<std::string> const arguments(argv + 1, argv + argc);
  CLI::App const* where = &app;
  for (auto const& argument : arguments) {  // commands may have commands
    auto const commands = where->get_subcommands([](CLI::App const*) { return true; });
    if (commands.empty() || argument.starts_with("-")) break;
    std::vector<std::string> known;
    for (auto const* command : commands) known.push_back(command->get_name());
    auto const found = std::find(known.begin(), known.end(), argument);
    if (found == known.end()) return fmt::format("unknown command '{}' ({})", argument, suggest_name(argument, known));
    where = commands[static_cast<std::size_t>(found - known.begin())];
  }
  std::vector<std::string> known;
  for (auto const* option : where->get_options())
    for (auto const& name : option->get_lnames()) known.push_back("--" + name);
  for (auto const& argument : arguments) {
    std::string const name = argument.substr(0, argument.find('='));
    if (name.starts_with("--") && name != "--" && std::find(known.begin(), known.end(), name) == known.end())
      return fmt::format("unknown option '{}' ({})", name, suggest_name(name, known));
  }
  return error.what();
}

std::string markdown_of(std::string const& name) {
  if (name == "tessera") return config::markdown_table(config::tessera_table());
  if (auto const* step = config::find_step(name)) return config::markdown_table(step->table);
  return config::explain_step(name);  // throws, naming the nearest step
}

int run_together(std::function<ExitStatus(parallel::Communicator const&)> const& command) {
  parallel::MpiSession const mpi;
  ExitStatus status = ExitStatus::InternalError;
  try {
    compute::Session const kokkos;
    auto const world = parallel::Communicator::world();
    log::set_rank(world.rank());
    parallel::install_signal_handlers();
    status = command(world);
  } catch (Error const& error) {
    status = error.status();
    // Errors that were agreed reach every rank: rank 0 says them once.
    if (parallel::launcher_rank() == 0) log::error("{}", error.what());
    if (!parallel::MpiSession::everyone_is_leaving(15)) {
      if (parallel::launcher_rank() != 0) log::error("{}", error.what());
      parallel::MpiSession::abort(static_cast<int>(status));
    }
  } catch (std::exception const& error) {
    log::error("internal error, please report it: {}", error.what());
    parallel::MpiSession::abort(static_cast<int>(ExitStatus::InternalError));
  }
  return static_cast<int>(status);
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"tessera: mosaics of whole JWST imaging surveys (NIRCam, MIRI) in one MPI job"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "tessera " + build_facts().version + " (" + build_facts().commit + ", " +
                                        build_facts().compiler + ", " + build_facts().flags + ")");
  app.footer(
      "Run in parallel with: mpirun -n 8 tessera run config.toml, or srun in a Slurm job (docs/cluster.md).\n"
      "Exit status: 0 complete, 2 wrong use, 3 refused, 4 incomplete, 5 input/output error, 75 stopped and resumable.");

  Action action;
  SurveyOptions run_options, plan_options, status_options;
  MosaicOptions mosaic_options;
  ExportOptions export_options;
  InspectOptions inspect_options;
  SimulateOptions simulate_options;
  CrdsOptions crds_options;
  std::string explained;
  bool as_markdown = false;

  auto* run = app.add_subcommand("run", "Run a survey's configuration, or go on with it");
  add_survey_options(*run, run_options);
  add_run_options(*run, run_options);
  run->callback([&] { action.together = [&](auto const& world) { return run_survey(world, run_options); }; });

  auto* plan = app.add_subcommand("plan", "Print what each rank will own, its memory and I/O, and what is missing");
  add_survey_options(*plan, plan_options);
  plan->add_option("--ranks", plan_options.ranks, "Plan for so many ranks [default: those of this job]")
      ->check(CLI::PositiveNumber);
  plan->callback([&] { action.together = [&](auto const& world) { return plan_survey(world, plan_options); }; });

  auto* status = app.add_subcommand("status", "Say what is done, what would be redone, and why");
  add_survey_options(*status, status_options);
  status->callback([&] { action.together = [&](auto const& world) { return show_status(world, status_options); }; });

  auto* mosaic = app.add_subcommand("mosaic", "Make one mosaic of a handful of images, without a configuration");
  add_mosaic_options(*mosaic, mosaic_options);
  mosaic->callback([&] { action.together = [&](auto const& world) { return make_mosaic(world, mosaic_options); }; });

  auto* exporting = app.add_subcommand("export", "Write exposures as FITS with the corrections of the ledger applied");
  add_survey_options(*exporting, export_options.survey);
  exporting->add_option("--after", export_options.after, "Step after which [default: the last; none: as in the files]");
  exporting
      ->add_option("--layout", export_options.layout,
                   "flat: OUTPUT/target/band; pjpipe: target/band/step below the survey")
      ->check(CLI::IsMember({"flat", "pjpipe"}))
      ->capture_default_str();
  exporting->add_option("-o,--output", export_options.output,
                        "Folder to write to [default for pjpipe: the survey's own tree]");
  exporting->add_option("--target", export_options.targets, "Only these targets");
  exporting->add_option("--band", export_options.bands, "Only these bands");
  exporting->add_option("--exposure", export_options.exposures, "Only these exposures (file roots)");
  exporting->callback(
      [&] { action.together = [&](auto const& world) { return export_exposures(world, export_options); }; });

  auto* inspect = app.add_subcommand("inspect", "Show what a FITS file holds: planes, WCS, footprint, hashes");
  inspect->add_option("files", inspect_options.files, "FITS files")->required();
  inspect->add_flag("--sha256", inspect_options.sha256, "SHA-256 of every data plane");
  inspect->add_flag("--header", inspect_options.header, "All header cards");
  inspect->callback(
      [&] { action.together = [&](auto const& world) { return inspect_files(world, inspect_options); }; });

  auto* simulate =
      app.add_subcommand("simulate", "Write a simulated survey of calibrated exposures, with the truth beside it");
  simulate->add_option("settings", simulate_options.settings, "Settings of the simulation (inputs/demo/simulate.toml)")
      ->required()
      ->check(CLI::ExistingFile);
  simulate->add_option("-o,--output", simulate_options.output, "Folder of the survey")->required();
  simulate->callback(
      [&] { action.together = [&](auto const& world) { return simulate_survey(world, simulate_options); }; });

  auto* crds = app.add_subcommand("crds", "Reference files of the local CRDS cache");
  crds->require_subcommand(1);
  auto* best = crds->add_subcommand("bestrefs", "Say which reference files exposures need");
  best->add_option("files", crds_options.files, "JWST FITS files")->required();
  best->add_option("--types", crds_options.types, "Only these types, e.g. flat,photom [default: all]")->delimiter(',');
  add_crds_options(*best, crds_options);
  best->callback([&] { action.alone = [&] { return print_best_references(crds_options); }; });
  auto* check = crds->add_subcommand("check", "List the reference files a survey needs, and which are missing");
  check->add_option("config", crds_options.survey.config, "The survey's config.toml")
      ->required()
      ->check(CLI::ExistingFile);
  check->add_option("--local", crds_options.survey.local, "Its local.toml [default: beside the configuration]")
      ->check(CLI::ExistingFile);
  check->add_flag("--missing", crds_options.names_only, "Only the names of the missing files, one a line");
  add_crds_options(*check, crds_options);
  check->callback([&] { action.alone = [&] { return check_survey_references(crds_options); }; });

  auto* steps = app.add_subcommand("steps", "List all steps and whether they are built");
  steps->callback([&] {
    action.alone = [] {
      std::fputs(config::list_steps().c_str(), stdout);
      return ExitStatus::Complete;
    };
  });

  auto* explain = app.add_subcommand("explain", "Explain a step and its parameters");
  explain->add_option("step", explained, "A step, or tessera for our own settings")->required();
  explain->add_flag("--markdown", as_markdown, "The table of parameters in Markdown, as in the documentation");
  explain->callback([&] {
    action.alone = [&] {
      std::fputs(as_markdown ? markdown_of(explained).c_str() : config::explain_step(explained).c_str(), stdout);
      return ExitStatus::Complete;
    };
  });

  bool const speaks = parallel::launcher_rank() == 0;
  try {
    app.parse(argc, argv);
  } catch (CLI::Success const& success) {
    return speaks ? app.exit(success) : 0;
  } catch (CLI::ParseError const& error) {
    if (speaks) std::fprintf(stderr, "%s\nRun with --help for more.\n", explain_error(app, error, argc, argv).c_str());
    return static_cast<int>(ExitStatus::WrongUse);
  }
  if (action.together) return run_together(action.together);
  try {
    return static_cast<int>(action.alone());
  } catch (Error const& error) {
    if (speaks) log::error("{}", error.what());
    return static_cast<int>(error.status());
  }
}

}  // namespace tessera::app
