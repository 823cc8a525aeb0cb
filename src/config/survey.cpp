#include "tessera/config/survey.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "survey_reader.hpp"
#include "tessera/config/toml_file.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::config {

namespace {

Problem first_of(std::vector<Problem> const& problems) {
  TESSERA_EXPECT(!problems.empty());
  Problem first = problems.front();
  if (problems.size() > 1)
    first.remedy += fmt::format("{}{} more below it", first.remedy.empty() ? "" : "; ", problems.size() - 1);
  return first;
}

Value texts(std::vector<std::string> const& all) {
  Value::List list;
  for (auto const& each : all) list.push_back(Value(each));
  return Value(std::move(list));
}

}  // namespace

ConfigErrors::ConfigErrors(std::vector<Problem> problems)
    : ConfigError(first_of(problems)), all_(std::move(problems)) {}

bool Survey::lists(std::string_view step) const {
  return std::any_of(steps.begin(), steps.end(), [&](StepEntry const& entry) { return entry.step == step; });
}

std::filesystem::path Survey::target_dir(std::string_view target) const {
  return local.reprocess_dir / version / target;
}

std::filesystem::path Survey::band_dir(std::string_view target, Band const& band) const {
  return target_dir(target) / band.name;
}

std::string Survey::json() const {
  std::vector<std::string> band_names, step_texts, input_texts;
  for (auto const& band : bands) band_names.push_back(band.name);
  for (auto const& entry : steps) step_texts.push_back(entry.text);
  for (auto const& input : tessera.inputs) input_texts.push_back(input.string());
  Value::Table const places{{"raw_dir", local.raw_dir.string()},
                            {"reprocess_dir", local.reprocess_dir.string()},
                            {"alignment_dir", local.alignment_dir.string()},
                            {"crds_path", local.crds_path.string()},
                            {"crds_context", local.crds_context},
                            {"webb_psf_data", local.webb_psf_data.string()},
                            {"anchor_ref_dir", local.anchor_ref_dir.string()},
                            {"kernel_dir", local.kernel_dir.string()}};
  Value::Table const own{{"inputs", texts(input_texts)},
                         {"keep_hdf5", tessera.keep_hdf5},
                         {"memory_per_rank_byte", tessera.memory_per_rank_byte},
                         {"scratch_dir", tessera.scratch_dir.string()},
                         {"on_error", tessera.on_error == OnError::Stop ? "stop" : "quarantine"},
                         {"skip_unbuilt", tessera.skip_unbuilt},
                         {"quicklook", tessera.quicklook},
                         {"dense_context_limit_byte", tessera.dense_context_limit_byte},
                         {"shared_grid", tessera.shared_grid},
                         {"previous_version", tessera.previous_version},
                         {"parameter_references", tessera.parameter_references},
                         {"compat", tessera.compat_pjpipe_121 ? "pjpipe-1.2.1" : ""}};
  return Value(Value::Table{{"targets", texts(targets)},
                            {"version", version},
                            {"bands", texts(band_names)},
                            {"steps", texts(step_texts)},
                            {"parameters", parameters},
                            {"local", Value(places)},
                            {"tessera", Value(own)}})
      .json();
}

Survey parse_survey(SurveyText const& text) {
  Value const config = parse_toml(text.config, text.config_name);
  return read_survey(config, parse_toml(text.local, text.local_name));
}

Survey load_survey(std::filesystem::path const& config, std::filesystem::path const& local) {
  Value const first = read_toml(config);  // its errors come before those of local.toml
  return read_survey(first, read_toml(local));
}

}  // namespace tessera::config
