// A whole configuration, checked: config.toml (what to do) and local.toml (where things are), spec 40, section 0.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/raw_files.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/config/step_list.hpp"
#include "tessera/core/error.hpp"

namespace tessera::config {

/// Several things wrong with a configuration. what() is the first; all() lists every one.
class ConfigErrors : public ConfigError {
 public:
  /// `problems` must not be empty.
  explicit ConfigErrors(std::vector<Problem> problems);
  std::vector<Problem> const& all() const { return all_; }

 private:
  std::vector<Problem> all_;
};

/// local.toml. Relative paths are taken from the folder local.toml is in. Empty: not given.
struct LocalPaths {
  std::filesystem::path raw_dir, reprocess_dir, alignment_dir, crds_path, webb_psf_data, anchor_ref_dir, kernel_dir;
  std::string crds_context;     ///< empty: the default of the cache
  std::int64_t processors = 0;  ///< pjpipe's pool size; without effect here
};

enum class OnError { Quarantine, Stop };

/// The `[tessera]` table of either file (local.toml wins).
struct TesseraSettings {
  std::vector<std::filesystem::path> inputs;  ///< folders or files with exposures, instead of the layout of raw_dir
  bool keep_hdf5 = false;
  std::int64_t memory_per_rank_byte = 0;  ///< 0: from the node
  std::filesystem::path scratch_dir;      ///< empty: from the environment
  OnError on_error = OnError::Quarantine;
  bool skip_unbuilt = false;
  bool quicklook = true;
  std::int64_t dense_context_limit_byte = 0;  ///< a context image up to this size is written dense
  bool shared_grid = false;
  bool parameter_references = true;  ///< pars-* of CRDS count (STPIPE_DISABLE_CRDS_STEPPARS switches them off too)
  bool compat_pjpipe_121 = false;
  std::string previous_version;  ///< that the report compares with; empty: none
};

struct Survey {
  std::vector<std::string> targets;
  std::string version;
  std::vector<Band> bands;
  std::vector<StepEntry> steps;
  LocalPaths local;
  TesseraSettings tessera;
  std::vector<Problem> warnings;   ///< unknown keys and the like: the run goes on
  std::vector<Problem> not_built;  ///< steps listed, and parameters set of built steps, that are not yet built
  Value parameters;                ///< the [parameters] table as written

  /// Parameters of `step` (need not be listed) for a target, and a band where the step works on one.
  /// The configuration was checked when read; what can still fail is a value that only exists for other bands (then the
  /// default holds). Asking for an unknown step is a ContractViolation.
  ResolvedParameters resolve(std::string_view step, std::string_view target, Band const* band = nullptr) const;

  /// Raw files of a (target, band), from the table of move_raw_obs.
  RawSelection raw_selection(std::string_view target, Band const& band) const;

  bool lists(std::string_view step) const;

  /// <reprocess_dir>/<version>/<target>[/<band>]
  std::filesystem::path target_dir(std::string_view target) const;
  std::filesystem::path band_dir(std::string_view target, Band const& band) const;

  /// Everything above but the resolved parameters, as JSON text: provenance.
  std::string json() const;
};

/// Texts instead of files; the names stand for them in messages.
struct SurveyText {
  std::string config;
  std::string local;
  std::string config_name = "config.toml";
  std::string local_name = "local.toml";
};

/// Reads and checks both files. Throws ConfigErrors listing everything wrong: unknown step, band or [tessera] key (with
/// the nearest name), wrong types and values, missing keys. Other unknown keys are warnings.
Survey load_survey(std::filesystem::path const& config, std::filesystem::path const& local);
Survey parse_survey(SurveyText const& text);

}  // namespace tessera::config
