#include "tessera/pipeline/survey_inputs.hpp"

#include <glob.h>

#include <algorithm>
#include <map>
#include <set>

#include "tessera/config/step_folders.hpp"
#include "tessera/pipeline/ledger_steps.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> expand(std::string const& pattern) {
  std::vector<std::string> paths;
  ::glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (std::size_t k = 0; k < found.gl_pathc; ++k) paths.emplace_back(found.gl_pathv[k]);
  ::globfree(&found);
  return paths;
}

bool is_calibrated(fs::path const& path) {
  auto const name = path.filename().string();
  return name.ends_with("_cal.fits") || name.ends_with("_cal.fits.gz");
}

/// Files of the [tessera] inputs list. Folders are searched for calibrated exposures; files named one by one are taken
/// as they are. Our own products never are inputs.
std::vector<std::string> listed_inputs(config::Survey const& survey) {
  std::set<std::string> paths;
  for (auto const& input : survey.tessera.inputs) {
    if (!fs::is_directory(input)) {
      paths.insert(input.string());  // one that is missing is said by the inventory
      continue;
    }
    for (auto item = fs::recursive_directory_iterator(input); item != fs::recursive_directory_iterator(); ++item) {
      std::error_code error;
      if (item->is_directory() && fs::equivalent(item->path(), survey.local.reprocess_dir, error)) {
        item.disable_recursion_pending();
        continue;
      }
      if (item->is_regular_file() && is_calibrated(item->path())) paths.insert(item->path().string());
    }
  }
  return {paths.begin(), paths.end()};
}

/// Newest folder of the band, before the first of our steps, that holds calibrated exposures. Empty: none.
std::vector<std::string> step_folder_files(config::Survey const& survey, std::string const& target,
                                           config::Band const& band) {
  std::vector<std::string> folders{"cal", "lv2"};
  for (auto const& link : config::chain_step_folders(survey.steps, band)) {
    folders.push_back(link.input_folder);
    if (takes_calibrated(link.step)) break;
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    auto files = expand((survey.band_dir(target, band) / *folder / "*_cal.fits").string());
    if (!files.empty()) return files;
  }
  return {};
}

std::string plain_letters(std::string const& text) {
  std::string plain;
  for (char const letter : text)
    if (std::isalnum(static_cast<unsigned char>(letter)))
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return plain;
}

/// Whether TARGPROP names this target: the same letters and digits, or the same and then letters ("NGC0628-OFF").
bool names_target(std::string const& proposed, std::string const& target) {
  auto const name = plain_letters(proposed), wanted = plain_letters(target);
  return name.starts_with(wanted) &&
         (name.size() == wanted.size() || !std::isdigit(static_cast<unsigned char>(name[wanted.size()])));
}

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// Whether an exposure is of the off field, by the band's bgr_check_type (spec 40, 1.6): `parallel_off` looks at the
/// parallel sequence and never holds for NIRCam; `check_in_name` at the proposer's target name; `filename` at the file
/// name.
bool is_off_field(store::ExposureRecord const& record, config::Band const& band,
                  config::ResolvedParameters const& lv3) {
  auto const& type = lv3.text("bgr_check_type");
  if (type == "parallel_off") return band.instrument == config::Instrument::Miri && record.parallel_sequence == "2";
  auto const where = lower(type == "filename" ? fs::path(record.path).filename().string() : record.target_name);
  auto const names = lv3.texts("bgr_background_name");
  return std::any_of(names.begin(), names.end(),
                     [&](auto const& name) { return where.find(lower(name)) != std::string::npos; });
}

/// Whether a band takes an exposure: filter and pupil, and science or off field as the band wants.
bool belongs_to(store::ExposureRecord const& record, config::Survey const& survey, config::Band const& band) {
  if (record.filter != band.filter_keyword) return false;
  if (!band.pupil_keyword.empty() && record.pupil != band.pupil_keyword) return false;
  auto const lv3 = survey.resolve("lv3", record.identity.target, &band);
  if (!band.is_background && lv3.boolean("process_bgr_like_science")) return true;
  return is_off_field(record, band, lv3) == band.is_background;
}

}  // namespace

SurveyInputs find_survey_inputs(parallel::Communicator const& communicator, config::Survey const& survey) {
  // One rank looks at the folders, so that all see the same list even while files arrive. A line a file: the target,
  // the bands it may belong to (raw files of several bands lie together: the header decides), the path.
  std::string listing;
  parallel::all_or_none(communicator, [&] {
    if (!communicator.is_root()) return;
    auto const listed = listed_inputs(survey);
    for (std::size_t t = 0; t < survey.targets.size(); ++t) {
      auto const& target = survey.targets[t];
      std::map<std::string, std::string> bands_of;  // path -> "b,b,..."
      for (std::size_t b = 0; b < survey.bands.size(); ++b) {
        auto const& band = survey.bands[b];
        auto const offer = [&](std::string const& path) { bands_of[path] += std::to_string(b) + ","; };
        if (!listed.empty()) {
          for (auto const& path : listed) offer(path);
          continue;
        }
        if (auto const from_steps = step_folder_files(survey, target, band); !from_steps.empty()) {
          for (auto const& path : from_steps) offer(path);
          continue;
        }
        auto const selection = survey.raw_selection(target, band);
        for (auto const& pattern : selection.globs(survey.local.raw_dir.string(), target, band, "cal"))
          for (auto const& path : expand(pattern))
            if (!selection.skips(fs::path(path).filename().string())) offer(path);
      }
      for (auto const& [path, bands] : bands_of) listing += fmt::format("{} {} {}\n", t, bands, path);
    }
  });
  listing = communicator.broadcast(listing);
  std::vector<store::ExposureSource> sources;
  std::map<std::pair<std::string, std::string>, std::vector<std::size_t>> offered;  // (target, path) -> bands
  for (std::size_t at = 0; at < listing.size();) {
    auto const end = listing.find('\n', at);
    auto const first = listing.find(' ', at), second = listing.find(' ', first + 1);
    auto const& target = survey.targets[std::stoul(listing.substr(at, first - at))];
    auto const path = listing.substr(second + 1, end - second - 1);
    for (std::size_t from = first + 1; from < second; from = listing.find(',', from) + 1)
      offered[{target, path}].push_back(std::stoul(listing.substr(from)));
    sources.push_back({target, "", path, "", ""});
    at = end + 1;
  }

  bool const match_names = survey.targets.size() > 1 && !survey.tessera.inputs.empty();
  auto const bands_taking = [&](store::ExposureRecord const& record) {
    std::vector<std::size_t> bands;
    for (auto const b : offered.at({record.identity.target, record.path}))
      if (belongs_to(record, survey, survey.bands[b])) bands.push_back(b);
    return bands;
  };
  SurveyInputs inputs;
  inputs.inventory = store::take_inventory(communicator, sources, [&](store::ExposureRecord const& record) {
    if (match_names && !names_target(record.target_name, record.identity.target)) return false;
    return !bands_taking(record).empty();
  });

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
