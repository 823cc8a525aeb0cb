#include "survey_reader.hpp"

#include <algorithm>
#include <set>

#include "check_parameters.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::config {

namespace {

ParameterTable const& local_table() {
  static ParameterTable const table{
      "local",
      {text("raw_dir", {}, "root of the raw data"), text("reprocess_dir", {}, "root of the products"),
       text("alignment_dir", {}, "astrometric catalogues"), text("crds_path", {}, "CRDS cache"),
       text("crds_context", {}, "CRDS context, e.g. jwst_1201.pmap"),
       text("webb_psf_data", {}, "data of the PSF simulator"),
       text("anchor_ref_dir", {}, "external images for anchoring"), text("kernel_dir", {}, "convolution kernels"),
       integer("processors", {}, "pool size of pjpipe").without_effect(),
       dictionary("tessera", "what pjpipe does not have")}};
  return table;
}

class SurveyReader {
 public:
  SurveyReader(Value const& config, Value const& local) : config_(config), local_(local) {}

  Survey read() {
    check_top_level();
    read_targets();
    read_version();
    read_bands();
    read_steps();
    read_parameters();
    read_local();
    read_tessera();
    check_band_names();
    check_raw_rules();
    check_needed_folders();
    if (!findings_.errors.empty()) throw ConfigErrors(std::move(findings_.errors));
    survey_.warnings = std::move(findings_.warnings);
    survey_.not_built = std::move(findings_.not_built);
    return std::move(survey_);
  }

 private:
  template <class Work>
  void collect(Work const& work) {
    try {
      work();
    } catch (ConfigError const& error) {
      findings_.errors.push_back(error.problem());
    }
  }

  void check_top_level() {
    std::vector<std::string> const known{"targets", "version", "bands", "steps", "parameters", "tessera"};
    for (auto const& [key, value] : config_.table()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      Problem problem{.what = "unknown key (ignored)", .where = where_text(value.place(), key)};
      problem.remedy = local_table().find(key) ? "move it to local.toml"
                       : find_step(key)        ? "write [parameters." + key + "]"
                                               : suggest_name(key, known);
      findings_.warnings.push_back(std::move(problem));
    }
  }

  /// The list of texts under `key`, which must be there; an entry written twice is an error.
  std::vector<Value> read_names(std::string const& key) {
    auto const* list = config_.find(key);
    Problem problem{.what = "wrong type", .where = where_text(config_.place(), key), .expected = "a list of texts"};
    if (!list) {
      problem.what = "missing key";
      problem.where = where_text({config_.place().file}, key);
      findings_.errors.push_back(std::move(problem));
      return {};
    }
    problem.where = where_text(list->place(), key);
    bool const is_texts = list->is_list() && std::all_of(list->list().begin(), list->list().end(),
                                                         [](Value const& each) { return each.is_text(); });
    if (!is_texts || list->list().empty()) {
      problem.found = list->is_list() ? "the list " + list->json() : list->describe();
      findings_.errors.push_back(std::move(problem));
      return {};
    }
    std::set<std::string> seen;
    for (auto const& each : list->list())
      if (!seen.insert(each.text()).second)
        findings_.errors.push_back({.what = "listed twice",
                                    .where = where_text(each.place(), key),
                                    .found = "'" + each.text() + "'",
                                    .remedy = "remove one of them"});
    return list->list();
  }

  void read_targets() {
    for (auto const& name : read_names("targets")) {
      if (name.text().empty() || name.text().find('/') != std::string::npos)
        findings_.errors.push_back({.what = "not the name of a folder",
                                    .where = where_text(name.place(), "targets"),
                                    .found = "'" + name.text() + "'"});
      survey_.targets.push_back(name.text());
    }
  }

  void read_version() {
    auto const* version = config_.find("version");
    if (version && version->is_text() && !version->text().empty()) {
      survey_.version = version->text();
      return;
    }
    Place const place = version ? version->place() : Place{config_.place().file};
    findings_.errors.push_back({.what = version ? "wrong type" : "missing key",
                                .where = where_text(place, "version"),
                                .expected = "text, e.g. 'v1p2'",
                                .found = version ? version->describe() : ""});
  }

  void read_bands() {
    for (auto const& name : read_names("bands"))
      collect([&] { survey_.bands.push_back(parse_band(name.text(), name.place())); });
  }

  void read_steps() {
    for (auto const& text : read_names("steps"))
      collect([&] {
        auto entry = parse_step(text.text(), text.place());
        if (entry.step == "lv2")
          for (auto& before : survey_.steps) before.takes_rates = before.step == "single_tile_destripe";
        survey_.steps.push_back(std::move(entry));
      });
    for (auto const& entry : survey_.steps)
      if (!entry.is_built())
        findings_.not_built.push_back({.what = "this step is not yet built",
                                       .where = where_text(entry.place, "steps"),
                                       .found = "'" + entry.text + "'",
                                       .remedy = "remove it, or set tessera.skip_unbuilt = true"});
  }

  void read_parameters() {
    survey_.parameters = Value(Value::Table{});
    auto const* parameters = config_.find("parameters");
    if (!parameters) return;
    if (!parameters->is_table()) {
      findings_.errors.push_back({.what = "wrong type",
                                  .where = where_text(parameters->place(), "parameters"),
                                  .expected = "a table",
                                  .found = parameters->describe()});
      return;
    }
    for (auto const& [name, value] : parameters->table()) {
      auto const* step = find_step(name);
      if (!step)
        findings_.errors.push_back({.what = "unknown step",
                                    .where = where_text(value.place(), "parameters." + name),
                                    .found = "'" + name + "'",
                                    .remedy = suggest_name(name, step_names())});
      else
        check_table(step->table, value, "parameters." + name, TableKind::Arguments,
                    step->is_built && survey_.lists(name), findings_);
    }
    survey_.parameters = *parameters;
  }

  std::filesystem::path path_in(Value const& file, std::string const& text) const {
    if (text.empty()) return {};
    return (std::filesystem::path(file.place().file).parent_path() / text).lexically_normal();
  }

  void read_local() {
    std::size_t const errors_before = findings_.errors.size();
    check_table(local_table(), local_, "", TableKind::Places, false, findings_);
    if (findings_.errors.size() != errors_before) return;
    auto const text_of = [&](char const* key) {
      auto const* value = local_.find(key);
      return value ? value->text() : std::string{};
    };
    auto& local = survey_.local;
    local.raw_dir = path_in(local_, text_of("raw_dir"));
    local.reprocess_dir = path_in(local_, text_of("reprocess_dir"));
    local.alignment_dir = path_in(local_, text_of("alignment_dir"));
    local.crds_path = path_in(local_, text_of("crds_path"));
    local.webb_psf_data = path_in(local_, text_of("webb_psf_data"));
    local.anchor_ref_dir = path_in(local_, text_of("anchor_ref_dir"));
    local.kernel_dir = path_in(local_, text_of("kernel_dir"));
    local.crds_context = text_of("crds_context");
    if (auto const* processors = local_.find("processors")) local.processors = processors->integer();
  }

  /// The value of a [tessera] key: local.toml's, else config.toml's, else the default. Checked before.
  Value tessera_value(char const* key) const {
    for (auto const* file : {&local_, &config_})
      if (auto const* table = file->find("tessera"))
        if (auto const* value = table->find(key)) return *value;
    return tessera_table().find(key)->default_value;
  }

  std::int64_t tessera_size(char const* key) {
    Value const value = tessera_value(key);
    if (value.text().empty()) return 0;
    try {
      return parse_bytes(value.text());
    } catch (ConfigError const&) {
      findings_.errors.push_back({.what = "not a size",
                                  .where = where_text(value.place(), std::string("tessera.") + key),
                                  .expected = "a size such as '4 GB'",
                                  .found = "'" + value.text() + "'"});
      return 0;
    }
  }

  void read_tessera() {
    std::size_t const errors_before = findings_.errors.size();
    for (auto const* file : {&config_, &local_})
      if (auto const* table = file->find("tessera"))
        check_table(tessera_table(), *table, "tessera", TableKind::Own, false, findings_);
    if (findings_.errors.size() != errors_before) return;
    auto& own = survey_.tessera;
    Value const inputs = tessera_value("inputs");
    for (auto const& input : inputs.list()) {
      if (!input.is_text()) {
        findings_.errors.push_back({.what = "wrong type",
                                    .where = where_text(input.place(), "tessera.inputs"),
                                    .expected = "a list of folders and files",
                                    .found = input.describe()});
        continue;
      }
      std::filesystem::path const folder = std::filesystem::path(input.place().file).parent_path();
      own.inputs.push_back((folder / input.text()).lexically_normal());
    }
    own.keep_hdf5 = tessera_value("keep_hdf5").boolean();
    own.memory_per_rank_byte = tessera_size("memory_per_rank");
    Value const scratch = tessera_value("scratch_dir");
    own.scratch_dir = path_in(scratch, scratch.text());
    own.on_error = tessera_value("on_error").text() == "stop" ? OnError::Stop : OnError::Quarantine;
    own.skip_unbuilt = tessera_value("skip_unbuilt").boolean();
    own.quicklook = tessera_value("quicklook").boolean();
    own.dense_context_limit_byte = tessera_size("dense_context_limit");
    own.shared_grid = tessera_value("shared_grid").boolean();
    read_previous_version();
    own.parameter_references = tessera_value("parameter_references").boolean();
    own.compat_pjpipe_121 = tessera_value("compat").text() == "pjpipe-1.2.1";
  }

  /// A version that is compared with: ours, else that of pjpipe's regress_against_previous.
  void read_previous_version() {
    Value const own = tessera_value("previous_version");
    auto& version = survey_.tessera.previous_version;
    version = own.text();
    if (!version.empty() && version == survey_.version)
      findings_.errors.push_back({.what = "a version cannot be compared with itself",
                                  .where = where_text(own.place(), "tessera.previous_version"),
                                  .expected = "another version",
                                  .found = "'" + version + "'"});
    if (!version.empty() || !survey_.lists("regress_against_previous")) return;
    auto const* regress = survey_.parameters.find("regress_against_previous");
    auto const* theirs = regress && regress->is_table() ? regress->find("prev_version") : nullptr;
    if (theirs && theirs->is_text() && theirs->text() != survey_.version) version = theirs->text();
  }

  void check_band_name(Value const* value, std::string const& key) {
    if (!value) return;
    if (value->is_text()) collect([&] { parse_band(value->text(), value->place(), key); });
    if (value->is_list())
      for (auto const& member : value->list()) check_band_name(&member, key);
    if (value->is_table())
      for (auto const& [name, member] : value->table()) check_band_name(&member, key + "." + name);
  }

  /// Arguments whose values are names of bands.
  void check_band_names() {
    auto const argument = [&](char const* step, char const* key) -> Value const* {
      auto const* table = survey_.parameters.find(step);
      return table ? table->find(key) : nullptr;
    };
    check_band_name(argument("get_wcs_adjust", "bands"), "parameters.get_wcs_adjust.bands");
    check_band_name(argument("anchoring", "ref_band"), "parameters.anchoring.ref_band");
    check_band_name(argument("anchoring", "internal_conv_band"), "parameters.anchoring.internal_conv_band");
    auto const* mapping = argument("astrometric_align", "align_mapping");
    std::string const key = "parameters.astrometric_align.align_mapping";
    check_band_name(mapping, key);
    if (mapping && mapping->is_table())
      for (auto const& [band, reference] : mapping->table())
        collect([&, &name = band, &place = reference.place()] { parse_band(name, place, key); });
  }

  void check_raw_rules() {
    auto const* rules = survey_.parameters.find("move_raw_obs");
    if (!rules || !rules->is_table()) return;
    auto const* skip = rules->find("obs_to_skip");
    auto const* extra = rules->find("extra_obs_to_include");
    for (auto const& target : survey_.targets)
      for (auto const& band : survey_.bands) try {
          select_raw_files(skip ? *skip : Value(), extra ? *extra : Value(), target, band);
        } catch (ConfigError const& error) {
          findings_.errors.push_back(error.problem());
          return;  // the same rule would be wrong for every band
        }
  }

  void require_folder(std::filesystem::path const& folder, char const* key, std::string const& why) {
    if (!folder.empty()) return;
    findings_.errors.push_back(
        {.what = "missing key", .where = where_text({local_.place().file}, key), .expected = "a folder: " + why});
  }

  void check_needed_folders() {
    require_folder(survey_.local.reprocess_dir, "reprocess_dir", "products go below it");
    if (survey_.tessera.inputs.empty())
      require_folder(survey_.local.raw_dir, "raw_dir", "exposures are looked for below it (or give tessera.inputs)");
    // A step that is not yet built needs nothing.
    auto const runs = [&](char const* step) {
      return std::any_of(survey_.steps.begin(), survey_.steps.end(),
                         [&](StepEntry const& entry) { return entry.step == step && entry.is_built(); });
    };
    for (auto const* step : {"gaia_query", "astrometric_align"})
      if (runs(step)) require_folder(survey_.local.alignment_dir, "alignment_dir", std::string("used by ") + step);
    for (auto const* step : {"anchoring", "psf_matching"})
      if (runs(step)) require_folder(survey_.local.kernel_dir, "kernel_dir", std::string("used by ") + step);
  }

  Value const& config_;
  Value const& local_;
  Survey survey_;
  Findings findings_;
};

}  // namespace

Survey read_survey(Value const& config, Value const& local) { return SurveyReader(config, local).read(); }

}  // namespace tessera::config
