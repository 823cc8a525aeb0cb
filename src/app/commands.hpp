// The commands. Each takes its options as a struct filled by the command line, and returns an exit status.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/core/error.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::app {

/// Options of everything that reads a configuration.
struct SurveyOptions {
  std::filesystem::path config = "config.toml";
  std::filesystem::path local;  ///< empty: local.toml beside the configuration
  std::string memory_per_rank;  ///< empty: [tessera] memory_per_rank, else from the node
  std::string on_error;         ///< empty: as configured; "quarantine" or "stop"
  bool skip_unbuilt = false;
  bool keep_hdf5 = false;
  int ranks = 0;  ///< plan only: for so many ranks
};

struct MosaicOptions {
  std::vector<std::string> files;
  std::filesystem::path output;
  std::string kernel = "square", weight_type = "ivm", fillval = "NAN";
  double pixfrac = 1.0, pixel_scale_ratio = 1.0;
  std::optional<double> pixel_scale, rotation;
  std::vector<double> crval, crpix;
  std::vector<long long> shape;
  std::vector<std::string> weights, masks;
  std::vector<std::string> steps;     ///< before the mosaic: level_match, multi_tile_destripe, skymatch, ...
  std::vector<std::string> settings;  ///< "level_match.weight_method=rms"
  std::string memory_per_rank;
  std::string on_error;
  bool keep_hdf5 = false;
  bool no_quicklook = false;
  bool plan_only = false;
};

struct ExportOptions {
  SurveyOptions survey;
  std::string after;             ///< step whose corrections are the last applied; empty: all; "none"
  std::string layout = "flat";   ///< flat or pjpipe
  std::filesystem::path output;  ///< empty: the pjpipe tree
  std::vector<std::string> targets, bands, exposures;
};

struct InspectOptions {
  std::vector<std::string> files;
  bool sha256 = false;
  bool header = false;
};

/// tessera crds bestrefs and tessera crds check.
struct CrdsOptions {
  std::vector<std::string> files;  ///< bestrefs
  std::vector<std::string> types;  ///< bestrefs; empty: all
  std::filesystem::path cache;     ///< empty: crds_path of local.toml (check), CRDS_PATH
  std::string context;             ///< empty: crds_context of local.toml (check), CRDS_CONTEXT, that of the cache
  SurveyOptions survey;            ///< check
  bool names_only = false;         ///< check: only the names of what is missing
};

struct SimulateOptions {
  std::filesystem::path settings;
  std::filesystem::path output;
};

ExitStatus run_survey(parallel::Communicator const& world, SurveyOptions const& options);
ExitStatus plan_survey(parallel::Communicator const& world, SurveyOptions const& options);
ExitStatus show_status(parallel::Communicator const& world, SurveyOptions const& options);
ExitStatus make_mosaic(parallel::Communicator const& world, MosaicOptions const& options);
ExitStatus export_exposures(parallel::Communicator const& world, ExportOptions const& options);
ExitStatus inspect_files(parallel::Communicator const& world, InspectOptions const& options);
/// These two need no ranks: they run on a login node. Under a launcher only rank 0 prints.
ExitStatus print_best_references(CrdsOptions const& options);
ExitStatus check_survey_references(CrdsOptions const& options);
ExitStatus simulate_survey(parallel::Communicator const& world, SimulateOptions const& options);

/// The configuration with what the command line says over it; errors are agreed. Collective.
config::Survey load_survey_on_all(parallel::Communicator const& world, SurveyOptions const& options);

/// Bytes a rank may use: what the command line says, else the configuration (0: not said), else the node. At least 1 GB
/// unless said otherwise. Collective.
std::int64_t memory_per_rank(parallel::Communicator const& world, std::string const& said, std::int64_t configured);

}  // namespace tessera::app
