#include "tessera/pipeline/survey_inputs.hpp"

#include <glob.h>

#include <algorithm>
#include <map>
#include <set>

#include "tessera/config/step_folders.hpp"

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

bool is_fits(fs::path const& path) {
  auto const name = path.filename().string();
  return name.ends_with(".fits") || name.ends_with(".fits.gz") || name.ends_with(".fits.fz");
}

/// Files of the [tessera] inputs list: folders are searched through, files are taken as they are.
std::vector<std::string> listed_inputs(std::vector<fs::path> const& inputs) {
  std::set<std::string> paths;
  for (auto const& input : inputs) {
    if (fs::is_directory(input)) {
      for (auto const& item : fs::recursive_directory_iterator(input))
        if (item.is_regular_file() && is_fits(item.path())) paths.insert(item.path().string());
    } else {
      paths.insert(input.string());  // one that is missing is said by the inventory
    }
  }
  return {paths.begin(), paths.end()};
}

/// Newest folder of the band, before `step`, that holds calibrated exposures. Empty: none.
std::vector<std::string> step_folder_files(config::Survey const& survey, std::string const& target, config::Band const& band,
                                           std::string const& step) {
  std::vector<std::string> folders{"cal", "lv2"};
  for (auto const& link : config::chain_step_folders(survey.steps, band)) {
    folders.push_back(link.input_folder);
    if (link.step == step) break;
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    auto const files = expand((survey.band_dir(target, band) / *folder / "*_cal.fits").string());
    if (!files.empty()) return files;
  }
  return {};
}

std::string plain_letters(std::string const& text) {
  std::string plain;
  for (char const letter : text)
    if (std::isalnum(static_cast<unsigned char>(letter))) plain += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return plain;
}

bool belongs_to(store::ExposureRecord const& record, config::Band const& band) {
  if (record.filter != band.filter_keyword) return false;
  if (!band.pupil_keyword.empty() && record.pupil != band.pupil_keyword) return false;
  return record.off_field == band.is_background;
}

}  // namespace

SurveyInputs find_survey_inputs(parallel::Communicator const& communicator, config::Survey const& survey,
                                std::string const& step) {
  // One rank looks at the folders, so that all see the same list even while files arrive.
  struct Candidate {
    int target;
    int band;  ///< -1: by its header
    std::string path;
  };
  std::vector<Candidate> candidates;
  std::string listing;
  parallel::all_or_none(communicator, [&] {
    if (!communicator.is_root()) return;
    auto const listed = listed_inputs(survey.tessera.inputs);
    for (int t = 0; t < static_cast<int>(survey.targets.size()); ++t) {
      auto const& target = survey.targets[static_cast<std::size_t>(t)];
      std::set<std::string> by_header(listed.begin(), listed.end());
      for (int b = 0; b < static_cast<int>(survey.bands.size()); ++b) {
        auto const& band = survey.bands[static_cast<std::size_t>(b)];
        if (!listed.empty()) break;
        auto const from_steps = step_folder_files(survey, target, band, step);
        for (auto const& path : from_steps) listing += fmt::format("{} {} {}\n", t, b, path);
        if (!from_steps.empty()) continue;
        auto const selection = survey.raw_selection(target, band);
        for (auto const& pattern : selection.globs(survey.local.raw_dir.string(), target, band, "cal"))
          for (auto const& path : expand(pattern))
            if (!selection.skips(fs::path(path).filename().string())) by_header.insert(path);
      }
      for (auto const& path : by_header) listing += fmt::format("{} -1 {}\n", t, path);
    }
  });
  listing = communicator.broadcast(listing);
  for (std::size_t at = 0; at < listing.size();) {
    auto const end = listing.find('\n', at);
    auto const first = listing.find(' ', at), second = listing.find(' ', first + 1);
    candidates.push_back({std::stoi(listing.substr(at, first - at)), std::stoi(listing.substr(first + 1, second - first - 1)),
                          listing.substr(second + 1, end - second - 1)});
    at = end + 1;
  }

  std::vector<store::ExposureSource> sources;
  for (auto const& candidate : candidates) {
    auto const band = candidate.band < 0 ? "" : survey.bands[static_cast<std::size_t>(candidate.band)].name;
    sources.push_back({survey.targets[static_cast<std::size_t>(candidate.target)], band, candidate.path, "", ""});
  }
  bool const match_names = survey.targets.size() > 1 && !survey.tessera.inputs.empty();
  SurveyInputs inputs;
  inputs.inventory = store::take_inventory(communicator, sources, [&](store::ExposureRecord const& record) {
    if (match_names && plain_letters(record.target_name) != plain_letters(record.identity.target)) return false;
    return std::any_of(survey.bands.begin(), survey.bands.end(), [&](auto const& band) {
      return record.identity.band == band.name || (record.identity.band.empty() && belongs_to(record, band));
    });
  });

  // Give each record its band, then put all in catalogue order: target, band, file name.
  auto& records = inputs.inventory.records;
  auto const band_number = [&](store::ExposureRecord const& record) {
    for (std::size_t b = 0; b < survey.bands.size(); ++b)
      if (record.identity.band.empty() ? belongs_to(record, survey.bands[b]) : record.identity.band == survey.bands[b].name)
        return static_cast<int>(b);
    return -1;
  };
  std::map<std::string, int> target_number;
  for (std::size_t t = 0; t < survey.targets.size(); ++t) target_number[survey.targets[t]] = static_cast<int>(t);
  struct Key {
    int target, band;
    std::string exposure;
    store::ExposureRecord record;
  };
  std::vector<Key> keyed;
  for (auto& record : records) {
    int const b = band_number(record), t = target_number.at(record.identity.target);
    record.identity.band = survey.bands[static_cast<std::size_t>(b)].name;
    keyed.push_back({t, b, record.identity.exposure, std::move(record)});
  }
  std::stable_sort(keyed.begin(), keyed.end(), [](Key const& a, Key const& b) {
    return std::tie(a.target, a.band, a.exposure) < std::tie(b.target, b.band, b.exposure);
  });
  records.clear();
  inputs.members.assign(survey.targets.size(), std::vector<std::vector<int>>(survey.bands.size()));
  for (auto& key : keyed) {
    inputs.members[static_cast<std::size_t>(key.target)][static_cast<std::size_t>(key.band)].push_back(static_cast<int>(records.size()));
    records.push_back(std::move(key.record));
  }
  return inputs;
}

}  // namespace tessera::pipeline
