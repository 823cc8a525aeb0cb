#include "tessera/config/raw_files.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "tessera/config/resolve.hpp"
#include "tessera/core/error.hpp"

namespace tessera::config {

namespace {

void append_patterns(Value const& value, std::string_view key, std::vector<std::string>& patterns) {
  if (value.is_text()) {
    patterns.push_back(value.text());
    return;
  }
  if (value.is_list()) {
    for (auto const& member : value.list()) append_patterns(member, key, patterns);
    return;
  }
  throw ConfigError({.what = "wrong type",
                     .where = where_text(value.place(), key),
                     .expected = "a pattern of names, or a list of them",
                     .found = value.describe()});
}

/// The part of a rule for this target: below its target level where it has one, else the whole rule.
Value const* below_target(Value const& rule, std::string_view target) {
  if (!rule.is_table()) return &rule;
  return rule.find(target);
}

/// The parts of a rule that hold for this band: below sci or bgr, or without such a level.
template <class Use>
void for_observations(Value const& rule, Band const& band, Use const& use) {
  auto const* science = rule.find("sci");
  auto const* background = rule.find("bgr");
  if (!science && !background) {
    use(rule);
    return;
  }
  if (auto const* part = band.is_background ? background : science) use(*part);
}

}  // namespace

bool matches_pattern(std::string_view name, std::string_view pattern) {
  return fnmatch(std::string(pattern).c_str(), std::string(name).c_str(), 0) == 0;
}

std::vector<std::string> RawSelection::globs(std::string_view raw_dir, std::string_view target, Band const& band,
                                             std::string_view extension) const {
  std::string const tail = fmt::format("{0}/*{0}_{1}.fits", band.detector_glob, extension);
  std::vector<std::string> all{fmt::format("{}/{}/mastDownload/JWST/*{}", raw_dir, target, tail)};
  for (auto const& from : extra)
    all.push_back(fmt::format("{}/{}/mastDownload/JWST/{}*{}", raw_dir, from.target, from.pattern, tail));
  return all;
}

bool RawSelection::skips(std::string_view file_name) const {
  return std::any_of(skip.begin(), skip.end(),
                     [&](std::string const& pattern) { return matches_pattern(file_name, pattern); });
}

RawSelection select_raw_files(Value const& obs_to_skip, Value const& extra_obs_to_include, std::string_view target,
                              Band const& band) {
  RawSelection selection;
  if (!obs_to_skip.is_none()) {
    bool const has_target_level = obs_to_skip.is_table() && !obs_to_skip.find("sci") && !obs_to_skip.find("bgr");
    auto const* rule = has_target_level ? below_target(obs_to_skip, target) : &obs_to_skip;
    if (rule)
      for_observations(*rule, band, [&](Value const& patterns) {
        append_patterns(patterns, "parameters.move_raw_obs.obs_to_skip", selection.skip);
      });
  }
  std::string const key = "parameters.move_raw_obs.extra_obs_to_include";
  if (extra_obs_to_include.is_none()) return selection;
  if (!extra_obs_to_include.is_table())
    throw ConfigError({.what = "wrong type",
                       .where = where_text(extra_obs_to_include.place(), key),
                       .expected = "a table: <target>[.sci|.bgr].<other target> = pattern",
                       .found = extra_obs_to_include.describe()});
  auto const* rule = extra_obs_to_include.find(target);
  if (!rule) return selection;
  for_observations(*rule, band, [&](Value const& others) {
    if (!others.is_table())
      throw ConfigError({.what = "wrong type",
                         .where = where_text(others.place(), key),
                         .expected = "a table: <other target> = pattern",
                         .found = others.describe()});
    for (auto const& [other, value] : others.table()) {
      std::vector<std::string> patterns;
      append_patterns(value, key, patterns);
      for (auto& pattern : patterns) selection.extra.push_back({other, std::move(pattern)});
    }
  });
  return selection;
}

}  // namespace tessera::config
