#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tessera/config/product_names.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/pipeline/calibration.hpp"
#include "tessera/pipeline/rate_inputs.hpp"
#include "tessera/pipeline/run_ledger_steps.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/refs/ref_selector.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_destripe_step.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;
using steps::CalibrationItem;
using steps::ExposureOperation;

/// Numbers that change when the pixels of a combined background do.
constexpr int BackgroundAlgorithm = 1;

/// What is done to an exposure of a band while it is in memory: the listed steps from the first to the last of
/// single_tile_destripe and lv2 that follow one another.
std::vector<ExposureOperation> operations_of(config::Survey const& survey, config::Band const& band) {
  std::vector<ExposureOperation> operations;
  for (auto const& entry : survey.steps) {
    bool const is_destriping = entry.step == "single_tile_destripe", is_lv2 = entry.step == "lv2";
    if ((is_destriping || is_lv2) && entry.runs_on(band))
      operations.push_back(is_lv2 ? ExposureOperation::Lv2 : ExposureOperation::SingleTileDestripe);
    else if (takes_calibrated(entry) && !is_destriping)
      break;
  }
  return operations;
}

std::string names_of(std::vector<ExposureOperation> const& operations) {
  std::string names;
  for (auto const operation : operations)
    names += operation == ExposureOperation::Lv2 ? "lv2 " : "single_tile_destripe ";
  return names;
}

/// Size and name of a reference; a file of the user's may change under its name.
std::string state_of_reference(std::string const& path, std::string const& keyword) {
  if (path == "N/A") return path;
  std::error_code error;
  auto const size = fs::file_size(path, error);
  if (error) return keyword + " missing";
  return keyword.starts_with("crds://") ? fmt::format("{} {}", keyword, size) : product_state(path);
}

/// {detector} in the name of a file stands for that of the exposure.
std::string file_of_detector(std::string file, std::string const& detector) {
  static std::string const Token = "{detector}";
  auto const at = file.find(Token);
  if (at == std::string::npos) return file;
  std::string name = detector;
  for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return file.replace(at, Token.size(), name);
}

class Planner {
 public:
  Planner(config::Survey const& survey, RateInputs const& inputs, CalibrationPlan& plan)
      : survey_(survey), inputs_(inputs), plan_(plan) {}

  void add_band(std::size_t t, std::size_t b) {
    auto const& band = survey_.bands[b];
    auto const& target = survey_.targets[t];
    auto const& associations = inputs_.associations[t][b];
    if (associations.associations.empty()) return;
    steps::CalibrationBand calibration;
    calibration.target = target;
    calibration.band = band.name;
    calibration.operations = operations_of(survey_, band);
    calibration.destripe = survey_.resolve("single_tile_destripe", target, &band);
    auto const folder = survey_.band_dir(target, band);
    calibration.lv2_folder = folder / "lv2";
    calibration.destripe_folder = folder / "single_tile_destripe";
    if (std::count(calibration.operations.begin(), calibration.operations.end(), ExposureOperation::Lv2) != 1) {
      plan_.missing.push_back(fmt::format(
          "steps: lv2 must be listed once for {}, before the steps that work on calibrated exposures", band.name));
      return;
    }
    check_destriping(calibration);
    auto const name = config::level2_association_name(band);
    calibration.crds_context = plan_.context;
    calibration.association = name;
    plan_.bands.push_back(calibration);
    plan_.associations[(calibration.lv2_folder / name).string()] =
        steps::association_json(inputs_.records, associations, name);
    for (auto const& association : associations.associations) add_exposure(association);
  }

 private:
  config::Survey const& survey_;
  RateInputs const& inputs_;
  CalibrationPlan& plan_;
  std::map<std::pair<std::string, std::string>, std::string> states_;  ///< (path, keyword) of references
  std::map<std::string, std::size_t> background_of_;                   ///< name -> of plan_.backgrounds
  std::set<std::string> drawn_;                              ///< bands and detectors of which a picture is made
  std::map<std::string, store::Manifest> destriped_off_of_;  ///< product -> what it is made from

  steps::CalibrationBand const& band() const { return plan_.bands.back(); }

  void check_destriping(steps::CalibrationBand const& calibration) {
    if (!calibration.does(ExposureOperation::SingleTileDestripe)) return;
    try {
      steps::check_single_tile_files(steps::single_tile_options(calibration.destripe, steps::StripesGoTo::Pixels));
    } catch (Error const& error) {
      plan_.missing.push_back(fmt::format("{} {}: {}", calibration.target, calibration.band, error.what()));
    }
  }

  /// What is common to the manifests of destriped rates and calibrated exposures.
  store::Manifest manifest_of(steps::RateRecord const& record, std::vector<ExposureOperation> const& operations,
                              bool has_background) {
    store::Manifest manifest;
    manifest.step = "lv2";
    manifest.algorithm = steps::Lv2Algorithm;
    auto options = record.options;
    if (!has_background) {  // how others would be combined is nothing to this exposure
      options.bkg_clip = {};
      options.save_combined_background = false;
    }
    std::string destripe = "{}";
    for (auto const operation : operations)
      if (operation == ExposureOperation::SingleTileDestripe) {
        manifest.algorithm += 100 * steps::SingleTileDestripeAlgorithm;
        destripe = band().destripe.json_of({""});
        for (char const* key : {"region_mask", "source_model", "wisp_template"})
          if (auto const file = band().destripe.optional_text(key))
            manifest.inputs.emplace_back(key, state_of(file_of_detector(*file, record.detector), *file));
      }
    manifest.parameters = fmt::format(R"({{"lv2": {}, "operations": "{}", "single_tile_destripe": {}}})",
                                      options.json(), names_of(operations), destripe);
    manifest.inputs.emplace_back(record.identity.exposure, record.header_hash);
    for (auto const& [type, path] : record.references) {
      auto const keyword = record.reference_keywords.find(type);
      manifest.inputs.emplace_back(type,
                                   state_of(path, keyword == record.reference_keywords.end() ? path : keyword->second));
    }
    return manifest;
  }

  std::string const& state_of(std::string const& path, std::string const& keyword) {
    auto found = states_.find({path, keyword});
    if (found == states_.end())
      found = states_.emplace(std::pair{path, keyword}, state_of_reference(path, keyword)).first;
    return found->second;
  }

  /// Where a background's pixels are: the archive's file, or the same destriped in this run where the band destripes
  /// its rates before lv2.
  fs::path rates_of_off(int number, store::Manifest& manifest) {
    auto const& record = inputs_.records[static_cast<std::size_t>(number)];
    auto const& operations = band().operations;
    bool const is_destriped = !operations.empty() && operations.front() == ExposureOperation::SingleTileDestripe;
    if (!is_destriped) {
      manifest.inputs.emplace_back(record.identity.exposure, record.header_hash);
      return record.path;
    }
    auto const product = band().destripe_folder / (record.identity.exposure + "_rate.fits");
    auto found = destriped_off_of_.find(product.string());
    if (found == destriped_off_of_.end()) {
      auto made_from = manifest_of(record, {ExposureOperation::SingleTileDestripe}, false);
      found = destriped_off_of_.emplace(product.string(), std::move(made_from)).first;
      CalibrationItem item;
      item.record = number;
      item.band = static_cast<int>(plan_.bands.size()) - 1;
      item.operations = {ExposureOperation::SingleTileDestripe};
      item.product = product;
      item.manifest = found->second;
      plan_.offs.push_back(std::move(item));
    }
    manifest.inputs.emplace_back(record.identity.exposure, found->second.key());
    return product;
  }

  /// The combination that an exposure needs: one for each distinct list of offs, weights and readout.
  steps::OffBackground const& background_for(steps::Lv2Association const& association) {
    auto const& science = inputs_.records[static_cast<std::size_t>(association.science)];
    auto const parameters = survey_.resolve("lv2", band().target, &config_band());
    steps::OffBackground background;
    background.target = band().target;
    background.band = band().band;
    background.window = science.window;
    background.clip = science.options.bkg_clip;
    background.mask_sources = parameters.boolean("off_mask_sources");
    auto& manifest = background.manifest;
    manifest.step = "combine backgrounds";
    manifest.algorithm = BackgroundAlgorithm;
    auto const& window = science.window;
    manifest.parameters =
        fmt::format(R"({{"sigma": {}, "maxiters": {}, "mask_sources": {}, "window": [{}, {}, {}, {}]}})",
                    background.clip.sigma, background.clip.maxiters ? *background.clip.maxiters : -1,
                    background.mask_sources, window.x_start, window.y_start, window.nx, window.ny);
    for (std::size_t k = 0; k < association.backgrounds.size(); ++k) {
      int const number = association.backgrounds[k];
      auto const& record = inputs_.records[static_cast<std::size_t>(number)];
      double const weight = k < association.weights.size() ? association.weights[k] : 1;
      background.offs.push_back({record.identity.exposure, rates_of_off(number, manifest), record.window, weight});
      manifest.inputs.emplace_back("weight of " + record.identity.exposure, fmt::format("{}", weight));
    }
    // List, clip and window, not the key: what the same list was made from before lies under the same name.
    std::string list = manifest.parameters + "\n";
    for (auto const& off : background.offs) list += fmt::format("{} {}\n", off.label, off.weight);
    auto const name = fmt::format("{}_{}_{}x{}_combinedbackground.fits", band().band, io::sha256(list).substr(0, 12),
                                  window.nx, window.ny);
    background.product = band().lv2_folder / "backgrounds" / name;
    background.scratch = band().lv2_folder / "backgrounds" / "scratch";
    auto const [found, is_new] = background_of_.emplace(background.product.string(), plan_.backgrounds.size());
    if (is_new) plan_.backgrounds.push_back(std::move(background));
    return plan_.backgrounds[found->second];
  }

  config::Band const& config_band() const {
    for (auto const& candidate : survey_.bands)
      if (candidate.name == band().band) return candidate;
    return survey_.bands.front();
  }

  void add_exposure(steps::Lv2Association const& association) {
    auto const& record = inputs_.records[static_cast<std::size_t>(association.science)];
    CalibrationItem item;
    item.record = association.science;
    item.band = static_cast<int>(plan_.bands.size()) - 1;
    item.operations = band().operations;
    item.product = band().lv2_folder / (record.identity.exposure + "_cal.fits");
    bool const has_background = !association.backgrounds.empty() && !record.options.skip_bkg_subtract;
    item.manifest = manifest_of(record, item.operations, has_background);
    item.draws_stripes = band().does(ExposureOperation::SingleTileDestripe) &&
                         drawn_.insert(fmt::format("{} {}", item.band, record.detector)).second;
    if (has_background) {
      auto const& background = background_for(association);
      item.background = background.product;
      item.background_count = static_cast<int>(association.backgrounds.size());
      item.days_to_backgrounds = association.days_to_backgrounds;
      item.manifest.inputs.emplace_back("background", background.manifest.key());
    }
    plan_.exposures.push_back(std::move(item));
  }
};

/// A cache that is not there is said like everything else that is missing.
std::optional<refs::RefSelector> open_cache(parallel::Communicator const& communicator, config::Survey const& survey,
                                            CalibrationPlan& plan) {
  std::optional<refs::RefSelector> selector;
  try {
    parallel::all_or_none(communicator, [&] {
      selector.emplace(refs::CrdsCache(refs::CrdsFolders::from_environment(survey.local.crds_path)),
                       survey.local.crds_context);
    });
  } catch (Error const& error) {
    plan.missing.push_back(std::string("lv2: ") + error.what());
    selector.reset();
  }
  return selector;
}

/// Exposures that were destriped while they were calibrated would be destriped again from the ledger, were their count
/// rates not found any more. One rank looks.
void refuse_destriped(parallel::Communicator const& communicator, config::Survey const& survey, CalibrationPlan& plan) {
  parallel::all_or_none(communicator, [&] {
    if (!communicator.is_root()) return;
    for (auto const& target : survey.targets)
      for (auto const& band : survey.bands) {
        auto const operations = operations_of(survey, band);
        if (operations.empty() || operations.back() != ExposureOperation::SingleTileDestripe) continue;
        auto const folder = survey.band_dir(target, band) / "lv2";
        std::error_code error;
        for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
          if (!file->path().string().ends_with("_cal.fits")) continue;
          auto const manifest = store::read_manifest(file->path());
          if (!manifest || manifest->parameters.find("single_tile_destripe \"") == std::string::npos) continue;
          plan.missing.push_back(
              Problem{"count rates are not found, and these exposures were destriped when they were made from them",
                      folder.string(), "the _rate files (raw_dir in local.toml, [tessera] inputs)", "",
                      "give them, or leave lv2 and single_tile_destripe out of `steps`"}
                  .line());
          break;
        }
      }
  });
  agree_on_missing(communicator, plan.missing);
}

}  // namespace

CalibrationPlan plan_calibration(parallel::Communicator const& communicator, config::Survey const& survey) {
  CalibrationPlan plan;
  if (!survey.lists("lv2")) return plan;
  if (!has_rate_files(communicator, survey)) {
    refuse_destriped(communicator, survey, plan);
    plan.warnings.push_back(
        "lv2 is listed and no count rates were found: the run starts from calibrated exposures, and what is listed "
        "before lv2 is left out");
    return plan;
  }
  plan.starts_from_rates = true;
  for (auto const& band : survey.bands)
    if (auto const done = operations_of(survey, band);
        std::find(done.begin(), done.end(), ExposureOperation::Lv2) == done.end())
      plan.missing.push_back(fmt::format(
          "steps: lv2 does not run on {}: a run that starts from count rates calibrates all bands (give the "
          "others a configuration of their own)",
          band.name));
  auto const selector = open_cache(communicator, survey, plan);
  if (!selector) return plan;
  plan.context = selector->context();
  auto inputs = find_rate_inputs(communicator, survey, *selector);
  plan.missing.insert(plan.missing.end(), inputs.missing.begin(), inputs.missing.end());
  plan.notes = std::move(inputs.notes);
  plan.broken = std::move(inputs.broken);
  Planner planner(survey, inputs, plan);
  for (std::size_t t = 0; t < survey.targets.size(); ++t)
    for (std::size_t b = 0; b < survey.bands.size(); ++b) planner.add_band(t, b);
  plan.records = std::move(inputs.records);
  return plan;
}

config::Survey survey_after_calibration(config::Survey survey) {
  bool chain_ended = false;
  std::erase_if(survey.steps, [&](config::StepEntry const& entry) {
    bool const is_part = entry.step == "single_tile_destripe" || entry.step == "lv2";
    chain_ended = chain_ended || (!is_part && takes_calibrated(entry));
    return is_part && !chain_ended;
  });
  survey.tessera.inputs.clear();
  return survey;
}

std::string describe(CalibrationPlan const& plan) {
  if (!plan.starts_from_rates) return "";
  std::string text = fmt::format("{:<24} {:<12} {:>9} {:>5} {:>11}  {}\n", "level 2", "band", "exposures", "offs",
                                 "backgrounds", "operations");
  for (std::size_t b = 0; b < plan.bands.size(); ++b) {
    auto const& band = plan.bands[b];
    std::set<std::string> backgrounds;
    std::size_t exposures = 0, offs = 0;
    for (auto const& item : plan.exposures) {
      if (item.band != static_cast<int>(b)) continue;
      ++exposures;
      if (!item.background.empty()) backgrounds.insert(item.background.string());
    }
    for (auto const& background : plan.backgrounds)
      if (backgrounds.contains(background.product.string())) offs = std::max(offs, background.offs.size());
    text += fmt::format("{:<24} {:<12} {:>9} {:>5} {:>11}  {}\n", band.target, band.band, exposures, offs,
                        backgrounds.size(), names_of(band.operations));
  }
  std::set<std::string> references;
  for (auto const& item : plan.exposures)
    for (auto const& [type, path] : plan.records[static_cast<std::size_t>(item.record)].references)
      if (path != "N/A") references.insert(path);
  text += fmt::format("references: {} files of {}\n", references.size(), plan.context);
  return text;
}

}  // namespace tessera::pipeline
