// crds check: every reference file that a survey needs, and which are missing. For a login node, before the job.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "commands.hpp"
#include "tessera/config/step_folders.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/mpi_session.hpp"
#include "tessera/refs/check_reference.hpp"
#include "tessera/refs/parameter_reference.hpp"
#include "tessera/refs/ref_selector.hpp"
#include "tessera/refs/step_references.hpp"

namespace tessera::app {

namespace {

namespace fs = std::filesystem;
using Status = refs::SelectedReference::Status;

std::string const Prefix = "jwst_parameters.";

/// Paths that a pattern names, sorted: each part between slashes may hold * ? [...].
std::vector<fs::path> expand(fs::path const& pattern) {
  std::vector<fs::path> found{pattern.root_path()};
  for (auto const& part : pattern.relative_path()) {
    std::vector<fs::path> next;
    bool const is_plain = part.string().find_first_of("*?[") == std::string::npos;
    for (auto const& folder : found) {
      std::error_code error;
      if (is_plain) {
        if (fs::exists(folder / part, error)) next.push_back(folder / part);
        continue;
      }
      for (fs::directory_iterator item(folder.empty() ? fs::path(".") : folder, error), end; !error && item != end;
           item.increment(error))
        if (auto const name = item->path().filename(); config::matches_pattern(name.string(), part.string()))
          next.push_back(folder / name);
    }
    found = std::move(next);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Kinds of products whose primary header says all that CRDS asks for, in the order in which they are looked for.
std::vector<std::string> const Extensions{"uncal", "rate", "cal"};

bool has_extension(fs::path const& path, std::string const& extension) {
  auto const name = path.filename().string();
  return name.ends_with("_" + extension + ".fits") || name.ends_with("_" + extension + ".fits.gz");
}

/// Files below the [tessera] inputs, save our own products.
std::vector<fs::path> listed_inputs(config::Survey const& survey) {
  std::set<fs::path> all;
  for (auto const& input : survey.tessera.inputs) {
    std::error_code error;
    if (!fs::is_directory(input, error)) {
      all.insert(input);
      continue;
    }
    for (fs::recursive_directory_iterator item(input, error), end; !error && item != end; item.increment(error)) {
      if (std::error_code same;
          item->is_directory(same) && fs::equivalent(item->path(), survey.local.reprocess_dir, same))
        item.disable_recursion_pending();
      else
        all.insert(item->path());
    }
  }
  return {all.begin(), all.end()};
}

/// Candidates of a (target, band): from [tessera] inputs, else the band's folders, else the raw files.
std::vector<fs::path> candidates(config::Survey const& survey, std::vector<fs::path> const& inputs,
                                 std::string const& target, config::Band const& band) {
  std::vector<fs::path> files;
  for (auto const& extension : Extensions) {
    for (auto const& path : inputs)
      if (has_extension(path, extension)) files.push_back(path);
    if (!files.empty()) return files;
  }
  for (auto const& link : config::chain_step_folders(survey.steps, band)) {
    if (std::find(Extensions.begin(), Extensions.end(), link.input_extension) == Extensions.end()) continue;
    auto const folder = survey.band_dir(target, band) / link.input_folder;
    files = expand(folder / ("*_" + link.input_extension + ".fits"));
    if (!files.empty()) return files;
  }
  auto const selection = survey.raw_selection(target, band);
  for (auto const& extension : Extensions) {
    auto const raw = survey.local.raw_dir;
    auto const flat = "*_" + extension + ".fits";  // folders without the archive's tree
    for (auto const& places : {selection.globs(raw.string(), target, band, extension),
                               std::vector{(raw / target / flat).string()}, std::vector{(raw / flat).string()}}) {
      for (auto const& place : places)
        for (auto const& path : expand(place))
          if (!selection.skips(path.filename().string())) files.push_back(path);
      if (!files.empty()) return files;
    }
  }
  return files;
}

/// One line of the table: a file, or an answer without one.
struct Row {
  refs::SelectedReference reference;
  std::set<std::string> exposures, steps;
  std::string state, reason;
  bool is_bad = false;
};

/// The references that exposures need, gathered exposure by exposure.
class NeededReferences {
 public:
  /// `takes_parameters`: whether parameter references are honoured.
  NeededReferences(refs::RefSelector& selector, bool takes_parameters)
      : selector_(selector), takes_parameters_(takes_parameters && refs::parameter_references_enabled()) {}

  /// What a listed step of pjpipe (lv1, lv2, lv3) needs for one exposure, with the parameters of its target and band.
  void add(std::string const& path, refs::ExposureParameters const& exposure, std::string const& pipeline,
           config::ResolvedParameters const& parameters) {
    auto const from_crds = refs::collect_step_parameters(selector_, exposure, pipeline, takes_parameters_);
    if (takes_parameters_) add_parameter_type(path, exposure, refs::pipeline_parameter_type(pipeline));
    for (auto const& step : refs::pipeline_references(pipeline)) {
      if (takes_parameters_) add_parameter_type(path, exposure, step.parameter_type);
      if (is_skipped(step.step, parameters, from_crds)) continue;
      for (auto const& type : step.types) add_type(path, exposure, step, type, parameters);
    }
  }

  std::map<std::pair<std::string, std::string>, Row> const& rows() const { return rows_; }

 private:
  refs::RefSelector& selector_;
  bool takes_parameters_;
  std::map<std::pair<std::string, std::string>, Row> rows_;  ///< (type, file or reason)
  std::map<fs::path, refs::ReferenceState> states_;

  /// The configuration decides where it says something, else CRDS, else the default.
  static bool is_skipped(std::string const& step, config::ResolvedParameters const& parameters,
                         refs::StepParameters const& from_crds) {
    auto const key = Prefix + step + ".skip";
    if (parameters.by_key.count(key) == 0) return false;
    if (parameters.is_default(key))
      if (auto const said = from_crds.boolean(step + ".skip")) return *said;
    return parameters.boolean(key);
  }

  void add_type(std::string const& path, refs::ExposureParameters const& exposure, refs::StepReferences const& step,
                std::string const& type, config::ResolvedParameters const& parameters) {
    auto selector = selector_;
    for (auto const& key : {Prefix + step.step + ".override_" + type,
                            type == "flat" ? Prefix + "flat_field.user_supplied_flat" : std::string()})
      if (parameters.by_key.count(key) > 0 && parameters.is_set(key)) selector.set_override(type, parameters.text(key));
    auto reference = selector.select(exposure, type);
    bool const is_none = reference.status == Status::NotApplicable || reference.status == Status::Omitted;
    if (is_none && refs::is_needed(step, type, exposure.instrument())) {
      reference.status = Status::Error;
      reference.reason = fmt::format("{} cannot do without it; {}", step.step, reference.reason);
    }
    put(path, std::move(reference), step.step);
  }

  /// Parameter references that do not exist are none; those that do must be there.
  void add_parameter_type(std::string const& path, refs::ExposureParameters const& exposure, std::string const& type) {
    auto reference = selector_.select(exposure, type);
    if (reference.is_found()) put(path, std::move(reference), "parameters");
  }

  void put(std::string const& path, refs::SelectedReference reference, std::string const& step) {
    bool const is_found = reference.is_found();
    auto& row = rows_[{reference.type, is_found ? reference.path.string() : reference.reason}];
    row.exposures.insert(path);
    row.steps.insert(step);
    if (!row.state.empty()) return;
    row.reference = std::move(reference);
    row.state = "N/A";
    if (row.reference.status == Status::Error) {
      row.state = "error";
      row.reason = row.reference.reason;
    } else if (is_found) {
      auto const state = refs::check_reference(row.reference.path);
      using Kind = refs::ReferenceState::Kind;
      row.state = state.kind == Kind::Present ? "present" : state.kind == Kind::Missing ? "missing" : "broken";
      row.reason = state.reason;
    }
    row.is_bad = row.state != "present" && row.state != "N/A";
  }
};

std::map<std::string, std::string> const PipelineOfStep{{"lv1", "detector1"}, {"lv2", "image2"}, {"lv3", "image3"}};

/// Paths of the survey's exposures, and of those that cannot be read.
struct FoundExposures {
  std::set<std::string> exposures, unreadable;
};

FoundExposures gather(config::Survey const& survey, NeededReferences& needed) {
  FoundExposures found;
  auto const inputs = listed_inputs(survey);
  for (auto const& target : survey.targets)
    for (auto const& band : survey.bands) {
      bool has_exposures = false;
      for (auto const& path : candidates(survey, inputs, target, band)) {
        refs::ExposureParameters exposure;
        try {
          exposure = refs::ExposureParameters::read(path);
        } catch (Error const& error) {
          if (found.unreadable.insert(path.string()).second) log::warn("{}", error.what());
          continue;
        }
        if (exposure.value("META.INSTRUMENT.FILTER") != band.filter_keyword) continue;
        if (!band.pupil_keyword.empty() && exposure.value("META.INSTRUMENT.PUPIL") != band.pupil_keyword) continue;
        has_exposures = true;
        found.exposures.insert(path.string());
        for (auto const& [step, pipeline] : PipelineOfStep)
          if (std::any_of(survey.steps.begin(), survey.steps.end(), [&](auto const& entry) {
                bool const is_left_out = survey.tessera.skip_unbuilt && !entry.is_built();
                return entry.step == step && entry.runs_on(band) && !is_left_out;
              }))
            needed.add(path.string(), exposure, pipeline, survey.resolve(step, target, &band));
      }
      if (!has_exposures) log::warn("{} {}: no exposures found", target, band.name);
    }
  return found;
}

/// What is wrong with a row, in a line.
std::string problem_of(Row const& row) {
  return row.reference.is_found() ? fmt::format("{}: {} {}", row.reference.file, row.state, row.reason) : row.reason;
}

std::string joined(std::set<std::string> const& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

ExitStatus check_survey_references(CrdsOptions const& options) {
  if (parallel::launcher_rank() != 0) return ExitStatus::Complete;
  auto const survey = load_survey_on_all({}, options.survey);
  auto const& root = options.cache.empty() ? survey.local.crds_path : options.cache;
  refs::RefSelector selector(refs::CrdsCache(refs::CrdsFolders::from_environment(root)),
                             options.context.empty() ? survey.local.crds_context : options.context);
  NeededReferences needed(selector, survey.tessera.parameter_references);
  auto const found = gather(survey, needed);
  if (found.exposures.empty())
    throw InputError({"no exposures of this survey were found", options.survey.config.string(), "", "",
                      "look at raw_dir in local.toml and at [tessera] inputs"});
  std::size_t bad = 0;
  for (auto const& [key, row] : needed.rows()) bad += row.is_bad;
  if (options.names_only) {
    std::set<std::string> names;
    for (auto const& [key, row] : needed.rows()) {
      bool const is_of_crds = row.reference.is_found() && !row.reference.is_override;
      if (row.is_bad && is_of_crds) names.insert(row.reference.file);
      if (row.is_bad && !is_of_crds) log::error("{}: {}", row.reference.type, problem_of(row));
    }
    for (auto const& name : names) std::printf("%s\n", name.c_str());
  } else {
    std::printf("%s, %zu exposures\n", selector.context().c_str(), found.exposures.size());
    std::printf("%-24s %-48s %-8s %9s  %s\n", "type", "reference", "state", "exposures", "steps");
    for (auto const& [key, row] : needed.rows()) {
      std::printf("%-24s %-48s %-8s %9zu  %s\n", row.reference.type.c_str(),
                  row.reference.file.empty() ? "-" : row.reference.file.c_str(), row.state.c_str(),
                  row.exposures.size(), joined(row.steps).c_str());
      if (!row.reason.empty()) std::printf("  %s\n", row.reason.c_str());
    }
    std::printf(bad == 0 ? "all references are there\n" : "%zu missing, broken or without an answer\n", bad);
  }
  if (bad > 0) return ExitStatus::Refused;
  return found.unreadable.empty() ? ExitStatus::Complete : ExitStatus::Incomplete;
}

}  // namespace tessera::app
