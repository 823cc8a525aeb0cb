#include "tessera/pipeline/survey_inputs.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "offered_files.hpp"
#include "tessera/config/step_folders.hpp"
#include "tessera/pipeline/ledger_steps.hpp"
#include "tessera/steps/lv2/off_field.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// Newest folder of the band, before the first of our steps, that holds calibrated exposures. Empty: none.
std::vector<std::string> step_folder_files(config::Survey const& survey, std::string const& target,
                                           config::Band const& band) {
  std::vector<std::string> folders{"cal", "lv2"};
  for (auto const& link : config::chain_step_folders(survey.steps, band)) {
    folders.push_back(link.input_folder);
    if (link.input_extension == "cal" && takes_calibrated(link.step)) break;
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    auto files = expand((survey.band_dir(target, band) / *folder / "*_cal.fits").string());
    if (!files.empty()) return files;
  }
  return {};
}

/// Whether a band takes an exposure: filter and pupil, and science or off field as the band wants.
bool belongs_to(store::ExposureRecord const& record, config::Survey const& survey, config::Band const& band) {
  if (record.filter != band.filter_keyword) return false;
  if (!band.pupil_keyword.empty() && record.pupil != band.pupil_keyword) return false;
  auto const lv3 = survey.resolve("lv3", record.identity.target, &band);
  if (!band.is_background && lv3.boolean("process_bgr_like_science")) return true;
  return steps::is_off_field({record.path, record.target_name, record.parallel_sequence}, band, lv3) ==
         band.is_background;
}

/// Calibrated exposures that a band may take. Looks at the listed inputs once.
class Finder {
 public:
  Finder(config::Survey const& survey, std::optional<CalibratedFiles> const& calibrated)
      : survey_(survey), calibrated_(calibrated) {}

  std::vector<FoundFile> operator()(std::string const& target, config::Band const& band) {
    if (calibrated_) return calibrated_of(target, band);
    if (!listed_) listed_ = listed_inputs(survey_, "cal");
    std::vector<FoundFile> files;
    // What is listed belongs to the targets that it names, where there are several.
    for (auto const& path : *listed_) files.push_back({path, survey_.targets.size() > 1});
    if (!files.empty()) return files;
    for (auto const& path : step_folder_files(survey_, target, band)) files.push_back({path});
    if (!files.empty()) return files;
    auto const selection = survey_.raw_selection(target, band);
    for (auto const& pattern : selection.globs(survey_.local.raw_dir.string(), target, band, "cal"))
      for (auto const& path : expand(pattern))
        if (!selection.skips(fs::path(path).filename().string())) files.push_back({path});
    return files;
  }

 private:
  config::Survey const& survey_;
  std::optional<CalibratedFiles> const& calibrated_;
  std::optional<std::vector<std::string>> listed_;

  std::vector<FoundFile> calibrated_of(std::string const& target, config::Band const& band) const {
    std::vector<FoundFile> files;
    if (auto const made = calibrated_->find({target, band.name}); made != calibrated_->end())
      for (auto const& path : made->second) files.push_back({path});
    return files;
  }
};

}  // namespace

SurveyInputs find_survey_inputs(parallel::Communicator const& communicator, config::Survey const& survey,
                                std::optional<CalibratedFiles> const& calibrated) {
  auto const files = offer_files(communicator, survey, Finder(survey, calibrated));
  std::vector<store::ExposureSource> sources;
  std::map<std::pair<std::string, std::string>, std::vector<OfferedFile::Offer>> offered;  // (target, path) -> bands
  for (auto const& file : files) {
    sources.push_back({survey.targets[file.target], "", file.path, "", ""});
    offered[{survey.targets[file.target], file.path}] = file.offers;
  }

  auto const bands_taking = [&](store::ExposureRecord const& record) {
    std::vector<std::size_t> bands;
    bool const is_named = names_target(record.target_name, record.identity.target);
    for (auto const& offer : offered.at({record.identity.target, record.path}))
      // What level 2 made for a band is that band's.
      if (calibrated || ((is_named || !offer.must_name_target) && belongs_to(record, survey, survey.bands[offer.band])))
        bands.push_back(offer.band);
    return bands;
  };
  SurveyInputs inputs;
  inputs.are_made_here = calibrated.has_value();
  inputs.inventory = store::take_inventory(
      communicator, sources, [&](store::ExposureRecord const& record) { return !bands_taking(record).empty(); });

  // Give each record its band, then put all in catalogue order: target, band, file name.
  auto& records = inputs.inventory.records;
  std::map<std::string, std::size_t> target_number;
  for (std::size_t t = 0; t < survey.targets.size(); ++t) target_number[survey.targets[t]] = t;
  struct Key {
    std::size_t target, band;
    std::string exposure;
    store::ExposureRecord record;
  };
  std::vector<Key> keyed;
  for (auto const& record : records)
    for (auto const b : bands_taking(record)) {
      keyed.push_back({target_number.at(record.identity.target), b, record.identity.exposure, record});
      keyed.back().record.identity.band = survey.bands[b].name;
    }
  std::stable_sort(keyed.begin(), keyed.end(), [](Key const& a, Key const& b) {
    return std::tie(a.target, a.band, a.exposure) < std::tie(b.target, b.band, b.exposure);
  });
  records.clear();
  inputs.members.assign(survey.targets.size(), std::vector<std::vector<int>>(survey.bands.size()));
  for (auto& key : keyed) {
    inputs.members[key.target][key.band].push_back(static_cast<int>(records.size()));
    records.push_back(std::move(key.record));
  }
  return inputs;
}

}  // namespace tessera::pipeline
