#include "tessera/config/simulation_settings.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::config {
namespace {

constexpr double Unlimited = std::numeric_limits<double>::infinity();

/// Reads one table: every key asked for is known, and `finish` refuses all others.
class TableReader {
 public:
  TableReader(toml::table const& table, std::string file, std::string prefix)
      : table_(table), file_(std::move(file)), prefix_(std::move(prefix)) {}

  void read(char const* key, double& value, double low = 0, double high = Unlimited) {
    toml::node const* node = find(key);
    if (!node) return;
    auto const found = node->value<double>();
    if (!found || !node->is_number()) fail(key, *node, "a number");
    if (!(*found >= low && *found <= high))
      fail(key, *node, "a number from " + text(low) + (high == Unlimited ? " up" : " to " + text(high)), text(*found));
    value = *found;
  }
  void read(char const* key, std::optional<double>& value) {
    double found = 0;
    if (!find(key)) return;
    read(key, found);
    value = found;
  }
  template <class Integer>
  requires std::is_integral_v<Integer> &&
      (!std::is_same_v<Integer, bool>)void read(char const* key, Integer& value, std::int64_t low = 0,
                                                std::int64_t high = std::numeric_limits<std::int32_t>::max()) {
    toml::node const* node = find(key);
    if (!node) return;
    if (!node->is_integer()) fail(key, *node, "a whole number");
    std::int64_t const found = node->as_integer()->get();
    if (found < low || found > high)
      fail(key, *node, "a whole number from " + std::to_string(low) + " to " + std::to_string(high),
           std::to_string(found));
    value = static_cast<Integer>(found);
  }
  void read(char const* key, bool& value) {
    toml::node const* node = find(key);
    if (!node) return;
    if (!node->is_boolean()) fail(key, *node, "true or false");
    value = node->as_boolean()->get();
  }
  void read(char const* key, std::string& value, std::vector<std::string> const& allowed = {}) {
    toml::node const* node = find(key);
    if (!node) return;
    if (!node->is_string()) fail(key, *node, "a text in quotes");
    value = node->as_string()->get();
    if (allowed.empty()) return;
    for (std::string const& one : allowed)
      if (one == value) return;
    throw ConfigError({"unknown value", place(key, *node), "one of the known values", "'" + value + "'",
                       suggest_name(value, allowed)});
  }
  void read(char const* key, std::vector<std::string>& values) {
    toml::node const* node = find(key);
    if (!node) return;
    toml::array const* array = node->as_array();
    if (!array) fail(key, *node, "a list of texts");
    values.clear();
    for (toml::node const& item : *array) {
      if (!item.is_string()) fail(key, item, "a list of texts");
      values.push_back(item.as_string()->get());
    }
  }
  /// Hands a sub-table to `read_it` and checks that all its keys were known.
  void read_table(char const* key, std::function<void(TableReader&)> const& read_it) {
    toml::node const* node = find(key);
    if (!node) return;
    if (!node->is_table()) fail(key, *node, "a table");
    TableReader inner(*node->as_table(), file_, prefix_ + key + ".");
    read_it(inner);
    inner.finish();
  }
  /// The same for every table of a [[list]].
  void read_tables(char const* key, std::function<void(TableReader&)> const& read_it) {
    toml::node const* node = find(key);
    if (!node) return;
    toml::array const* array = node->as_array();
    if (!array) fail(key, *node, "[[" + std::string(key) + "]] tables");
    for (toml::node const& item : *array) {
      if (!item.is_table()) fail(key, item, "[[" + std::string(key) + "]] tables");
      TableReader inner(*item.as_table(), file_, prefix_ + key + ".");
      read_it(inner);
      inner.finish();
    }
  }
  /// Sub-tables under names that the user chooses.
  void read_named_tables(char const* key, std::function<void(std::string const&, TableReader&)> const& read_it) {
    read_table(key, [&](TableReader& group) {
      for (auto const& [name, node] : group.table_) {
        std::string const text(name.str());
        group.read_table(text.c_str(), [&](TableReader& inner) { read_it(text, inner); });
      }
    });
  }
  bool has(char const* key) const { return table_.contains(key); }

  void finish() const {
    for (auto const& [name, node] : table_) {
      std::string const key(name.str());
      if (std::find(known_.begin(), known_.end(), key) == known_.end())
        throw ConfigError({"unknown key", place(key, node), "", "", suggest_name(key, known_)});
    }
  }

  std::string place(std::string const& key, toml::node const& node) const {
    return file_ + ": " + prefix_ + key + " (line " + std::to_string(node.source().begin.line) + ")";
  }
  [[noreturn]] void fail(char const* key, toml::node const& node, std::string const& expected,
                         std::string found = {}) const {
    if (found.empty()) {
      std::ostringstream type;
      type << node.type();
      found = type.str();
    }
    throw ConfigError({"unusable value", place(key, node), expected, found, ""});
  }

 private:
  toml::node const* find(char const* key) {
    known_.emplace_back(key);
    return table_.get(key);
  }
  static std::string text(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
  }

  toml::table const& table_;
  std::string file_, prefix_;
  std::vector<std::string> known_;
};

void read_effects(TableReader& effects, SimulationSettings& s) {
  effects.read_table("levels", [&](TableReader& t) {
    t.read("on", s.levels.on);
    t.read("rms", s.levels.rms);
    t.read("per", s.levels.per, {"exposure", "visit"});
  });
  effects.read_table("stripes", [&](TableReader& t) {
    t.read("on", s.stripes.on);
    t.read("rms", s.stripes.rms);
    t.read("white", s.stripes.white, 0, 1);
    t.read("common", s.stripes.common, 0, 1);
    t.read("columns_rms", s.stripes.columns_rms);
  });
  effects.read_table("cosmic_rays", [&](TableReader& t) {
    t.read("on", s.cosmic_rays.on);
    t.read("rate", s.cosmic_rays.rate, 0, 1e5);
    t.read("detected", s.cosmic_rays.detected, 0, 1);
    t.read("strength", s.cosmic_rays.strength);
  });
  effects.read_table("pointing_errors", [&](TableReader& t) {
    t.read("on", s.pointing_errors.on);
    t.read("shift_rms", s.pointing_errors.shift_rms);
    t.read("roll_rms", s.pointing_errors.roll_rms);
    t.read("jitter_rms", s.pointing_errors.jitter_rms);
  });
  effects.read_table("focal_plane", [&](TableReader& t) {
    t.read("on", s.focal_plane.on);
    t.read("miri_v2", s.focal_plane.miri_v2, -10, 10);
    t.read("miri_v3", s.focal_plane.miri_v3, -10, 10);
    t.read("module_rms", s.focal_plane.module_rms, 0, 10);
    t.read("detector_rms", s.focal_plane.detector_rms, 0, 10);
  });
  effects.read_table("bad_pixels", [&](TableReader& t) {
    t.read("on", s.bad_pixels.on);
    t.read("fraction", s.bad_pixels.fraction, 0, 0.5);
    t.read("clusters", s.bad_pixels.clusters, 0, 1e4);
  });
}

void read_rates(TableReader& rates, RateSettings& r) {
  rates.read("on", r.on);
  rates.read_table("flat", [&](TableReader& t) {
    t.read("shape", r.flat.shape, 0, 0.5);
    t.read("scatter", r.flat.scatter, 0, 0.2);
    t.read("dead", r.flat.dead, 0, 0.2);
    t.read("error", r.flat.error, 0, 0.1);
  });
  rates.read_table("background", [&](TableReader& t) {
    t.read("shape", r.background.shape, 0, 0.5);
    t.read("drift", r.background.drift, 0, 0.5);
    t.read("hours", r.background.hours, 1e-3, 1e5);
  });
  rates.read_table("photom", [&](TableReader& t) {
    t.read("scatter", r.photom.scatter, 0, 0.1);
    t.read("loss", r.photom.loss, 0, 0.9);
  });
}

void read_survey(TableReader& top, SimulationSettings& s) {
  top.read("seed", s.seed, 0, std::numeric_limits<std::int64_t>::max());
  top.read("version", s.version);
  top.read("program", s.program, 1, 99999);
  top.read("start", s.start);
  top.read("bands", s.bands);
  top.read_tables("targets", [&](TableReader& t) {
    SimulatedTarget target;
    t.read("name", target.name);
    t.read("ra", target.ra, 0, 360);
    t.read("dec", target.dec, -89, 89);
    t.read("size", target.size, 1, 3600);
    std::string star_list;
    t.read("star_list", star_list);
    target.star_list = star_list;
    s.targets.push_back(target);
  });
  top.read_table("tiles", [&](TableReader& t) {
    t.read("columns", s.tiles.columns, 1, 200);
    t.read("rows", s.tiles.rows, 1, 200);
    t.read("overlap", s.tiles.overlap, -1, 0.95);
    t.read("v3pa", s.tiles.v3pa, -360, 360);
    t.read("miri_columns", s.tiles.miri_columns, 1, 200);
    t.read("miri_rows", s.tiles.miri_rows, 1, 200);
  });
  top.read_table("dithers", [&](TableReader& t) {
    t.read("count", s.dithers.count, 1, 9999);
    t.read("size", s.dithers.size);
    t.read("module_gap", s.dithers.module_gap);
  });
  top.read_table("detectors", [&](TableReader& t) {
    t.read("nircam_size", s.detectors.nircam_size, 64, 2048);
    t.read("miri_size", s.detectors.miri_size, 64, 1032);
    t.read("compact", s.detectors.compact);
    t.read("use", s.detectors.use);
  });
  top.read_named_tables("band", [&](std::string const& name, TableReader& t) {
    BandSettings& band = s.band[name];
    t.read("exposure_time", band.exposure_time);
    t.read("background", band.background);
    t.read("read_noise", band.read_noise);
    t.read("photmjsr", band.photmjsr);
    t.read("fwhm", band.fwhm);
    t.read("level_rms", band.level_rms);
    t.read("stripe_rms", band.stripe_rms);
  });
  top.read_table("scene", [&](TableReader& t) {
    t.read("brightness", s.scene.brightness);
    t.read("field_stars", s.scene.field_stars, 0, 1e5);
    t.read("galaxies", s.scene.galaxies, 0, 1e5);
    t.read("member_stars", s.scene.member_stars, 0, 10'000'000);
    t.read("clusters", s.scene.clusters, 0, 1'000'000);
    t.read("ionised_regions", s.scene.ionised_regions, 0, 1'000'000);
    t.read("faintest_star", s.scene.faintest_star, 1e-6);
    t.read("brightest_star", s.scene.brightest_star, 1e-6);
  });
  top.read_table("listed_stars", [&](TableReader& t) {
    t.read("faintest", s.listed_stars.faintest, 1e-6);
    t.read("brightest", s.listed_stars.brightest, 1e-6);
    t.read("slope", s.listed_stars.slope, -10, 10);
  });
  top.read_table("datum", [&](TableReader& t) {
    t.read("stars", s.datum.stars, {"bright", "listed"});
    t.read("scatter", s.datum.scatter);
  });
  top.read_table("off", [&](TableReader& t) {
    t.read("exposures", s.off_exposures, 0, 9999);
    t.read("distance", s.off_distance);
    t.read("late", s.off_late, 0, 9999);
    t.read("late_hours", s.off_late_hours);
  });
  top.read("noise", s.noise);
  top.read("truth_planes", s.truth_planes);
  top.read_table("effects", [&](TableReader& t) { read_effects(t, s); });
  top.read_table("rates", [&](TableReader& t) { read_rates(t, s.rates); });
}

void check(SimulationSettings const& s, std::string const& file) {
  auto const fail = [&](std::string const& what, std::string const& key, std::string const& expected,
                        std::string const& found) {
    throw ConfigError({what, file + ": " + key, expected, found, ""});
  };
  if (s.bands.empty()) fail("nothing to simulate", "bands", "a list such as [\"F300M\", \"F1000W\"]", "none");
  if (s.targets.empty()) fail("nothing to simulate", "targets", "at least one [[targets]] table", "none");
  // Observation numbers have three digits, two a target (NIRCam and MIRI): spec 40, 0.4.
  if (s.targets.size() > 499) fail("too many targets", "targets", "at most 499", std::to_string(s.targets.size()));
  int const visits =
      std::max(s.tiles.columns * s.tiles.rows, (s.tiles.miri_columns ? s.tiles.miri_columns : s.tiles.columns) *
                                                   (s.tiles.miri_rows ? s.tiles.miri_rows : s.tiles.rows));
  if (visits > 998) fail("too many tiles", "tiles", "at most 998 visits", std::to_string(visits));
  for (SimulatedTarget const& target : s.targets)
    if (target.name.empty() || target.name.find('/') != std::string::npos)
      fail("unusable name", "targets.name", "a name that can be a folder", "'" + target.name + "'");
  for (auto const& [name, band] : s.band)
    if (std::find(s.bands.begin(), s.bands.end(), name) == s.bands.end())
      throw ConfigError(
          {"settings of a band that is not simulated", file + ": band." + name, "", "", suggest_name(name, s.bands)});
  if (s.scene.brightest_star < s.scene.faintest_star)
    fail("empty range", "scene.brightest_star", "not below scene.faintest_star",
         std::to_string(s.scene.brightest_star));
  if (s.listed_stars.brightest < s.listed_stars.faintest)
    fail("empty range", "listed_stars.brightest", "not below listed_stars.faintest",
         std::to_string(s.listed_stars.brightest));
  if (s.off_late > s.off_exposures)
    fail("more late exposures than there are", "off.late", "at most off.exposures", std::to_string(s.off_late));
  if (s.datum.stars == "listed")
    for (SimulatedTarget const& target : s.targets)
      if (target.star_list.empty())
        fail("no stars for the datum", "targets.star_list", "a star list of every target, as datum.stars is 'listed'",
             "none of '" + target.name + "'");
}

}  // namespace

SimulationSettings parse_simulation_settings(std::string const& text, std::string const& name) {
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (toml::parse_error const& error) {
    throw ConfigError({std::string(error.description()),
                       name + " (line " + std::to_string(error.source().begin.line) + ")", "TOML 1.0", "", ""});
  }
  SimulationSettings settings;
  TableReader top(table, name, "");
  read_survey(top, settings);
  top.finish();
  check(settings, name);
  return settings;
}

SimulationSettings read_simulation_settings(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    throw ConfigError({"cannot be read", path.string(), "a TOML file of simulator settings", "", ""});
  SimulationSettings settings = parse_simulation_settings(text.str(), path.string());
  for (SimulatedTarget& target : settings.targets)
    if (!target.star_list.empty()) target.star_list = path.parent_path() / target.star_list;
  return settings;
}

}  // namespace tessera::config
