#include "rate_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tessera/config/raw_files.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

std::string file_name(std::string const& path) { return fs::path(path).filename().string(); }

/// "*_rate.fits" and "*_rate.fits.gz" of a folder, sorted.
std::vector<std::string> rates_in(fs::path const& folder) {
  auto files = expand((folder / "*_rate.fits").string());
  for (auto& path : expand((folder / "*_rate.fits.gz").string())) files.push_back(std::move(path));
  return files;
}

std::vector<std::string> those_named(std::vector<std::string> const& files, std::string const& pattern) {
  std::vector<std::string> named;
  for (auto const& path : files)
    if (config::matches_pattern(file_name(path), pattern)) named.push_back(path);
  return named;
}

std::vector<FoundFile> as_found(std::vector<std::string> const& paths, bool must_name_target = false) {
  std::vector<FoundFile> files;
  for (auto const& path : paths) files.push_back({path, must_name_target});
  return files;
}

}  // namespace

bool calibrates(config::Survey const& survey, config::Band const& band) {
  return std::any_of(survey.steps.begin(), survey.steps.end(),
                     [&](auto const& entry) { return entry.step == "lv2" && entry.runs_on(band); });
}

bool destripes_rates(config::Survey const& survey, config::Band const& band) {
  return std::any_of(survey.steps.begin(), survey.steps.end(),
                     [&](auto const& entry) { return entry.takes_rates && entry.runs_on(band); });
}

std::vector<std::string> const& RateFinder::listed() {
  if (!listed_) listed_ = listed_inputs(survey_, "rate");
  return *listed_;
}

std::vector<std::string> const& RateFinder::flat() {
  if (!flat_) flat_ = rates_in(survey_.local.raw_dir);
  return *flat_;
}

std::vector<FoundFile> RateFinder::own_files(std::string const& target, config::Band const& band) {
  // Files of several targets lie together in these places, where there are several.
  bool const must_name_target = survey_.targets.size() > 1;
  if (!listed().empty()) return as_found(listed(), must_name_target);
  if (auto const files = rates_in(survey_.band_dir(target, band) / "lv1"); !files.empty()) return as_found(files);
  auto const& raw = survey_.local.raw_dir;
  if (raw.empty()) return {};
  for (auto const& pattern : config::RawSelection{}.globs(raw.string(), target, band, "rate"))
    if (auto const files = expand(pattern); !files.empty()) return as_found(files);
  if (auto const files = rates_in(raw / target); !files.empty()) return as_found(files);
  return as_found(flat(), must_name_target);
}

std::vector<std::string> RateFinder::extra_files(config::ExtraObservations const& extra, config::Band const& band) {
  auto const pattern = fmt::format("{}*{}_rate.fits*", extra.pattern, band.detector_glob);
  if (!listed().empty()) return those_named(listed(), pattern);
  auto const& raw = survey_.local.raw_dir;
  if (raw.empty()) return {};
  auto const in_archive = fmt::format("{0}/{1}/mastDownload/JWST/{2}*{3}/*{3}_rate.fits", raw.string(), extra.target,
                                      extra.pattern, band.detector_glob);
  if (auto files = expand(in_archive); !files.empty()) return files;
  if (auto files = those_named(rates_in(raw / extra.target), pattern); !files.empty()) return files;
  return those_named(flat(), pattern);
}

std::vector<FoundFile> RateFinder::operator()(std::string const& target, config::Band const& band) {
  if (!calibrates(survey_, band)) return {};
  auto const selection = survey_.raw_selection(target, band);
  auto files = own_files(target, band);
  for (auto const& extra : selection.extra)
    for (auto const& path : extra_files(extra, band)) files.push_back({path, false});
  std::erase_if(files, [&](FoundFile const& file) { return selection.skips(file_name(file.path)); });
  return files;
}

}  // namespace tessera::pipeline
