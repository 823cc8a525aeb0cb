#include "check_parameters.hpp"

#include <algorithm>
#include <cctype>

#include "tessera/config/bands.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::config {

namespace {

std::string join(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

bool is_iteration(std::string_view key) {
  return key.starts_with("iteration") && key.size() > 9 &&
         std::all_of(key.begin() + 9, key.end(), [](unsigned char letter) { return std::isdigit(letter); });
}

/// Names a table of values may be specialised by, besides targets.
std::vector<std::string> const& band_and_instrument_keys() {
  static std::vector<std::string> const keys = [] {
    std::vector<std::string> all{"nircam", "miri", "niriss", "nircam_short", "nircam_long"};
    for (auto const& filter : known_filters()) all.push_back(filter);
    return all;
  }();
  return keys;
}

bool is_band_or_instrument(std::string const& key) {
  auto const& keys = band_and_instrument_keys();
  if (std::find(keys.begin(), keys.end(), key) != keys.end()) return true;
  try {
    return !parse_band(key).is_background;
  } catch (ConfigError const&) {
    return false;
  }
}

class Checker {
 public:
  Checker(TableKind kind, bool name_not_built, Findings& findings)
      : kind_(kind), name_not_built_(name_not_built), findings_(findings) {}

  void check_table(ParameterTable const& table, Value const& value, std::string const& dotted) {
    if (!require_table(value, dotted)) return;
    for (auto const& [key, member] : value.table()) {
      std::string const member_key = dotted.empty() ? key : dotted + "." + key;
      if (auto const* parameter = table.find(key))
        check_parameter(*parameter, member, member_key);
      else
        report_unknown(key, member, member_key, table.keys());
    }
  }

 private:
  void check_parameter(Parameter const& parameter, Value const& value, std::string const& dotted) {
    if (parameter.support == Support::Retired) {
      findings_.warnings.push_back({.what = "this parameter no longer exists and is ignored",
                                    .where = where_text(value.place(), dotted),
                                    .remedy = parameter.help});
      return;
    }
    switch (parameter.content) {
      case Content::Plain:
        check_leaves(parameter, value, dotted);
        name_if_not_built(parameter, value, dotted);
        break;
      case Content::Free:
        require_table(value, dotted);
        name_if_not_built(parameter, value, dotted);
        break;
      case Content::Attributes:
        check_table(inner_table(parameter.inner.front()), value, dotted);
        break;
      case Content::Iterations:
        check_iterations(parameter, value, dotted);
        break;
      case Content::SubSteps:
        check_sub_steps(parameter, value, dotted);
        break;
    }
  }

  /// Every value a parameter may take after specialisation.
  void check_leaves(Parameter const& parameter, Value const& value, std::string const& dotted) {
    if (!value.is_table() || kind_ != TableKind::Arguments) {
      Problem problem;
      if (coerce(parameter, value, kind_ == TableKind::Arguments, problem)) return;
      problem.where = where_text(value.place(), dotted);
      findings_.errors.push_back(std::move(problem));
      return;
    }
    for (auto const& [key, member] : value.table()) {
      check_specialisation_key(key, member, dotted);
      check_leaves(parameter, member, dotted + "." + key);
    }
  }

  /// A key that is no band and no instrument is a target, perhaps one that this run leaves out: only what looks like a
  /// misspelt band or instrument is worth a warning.
  void check_specialisation_key(std::string const& key, Value const& member, std::string const& dotted) {
    if (is_band_or_instrument(key)) return;
    auto const near = nearest_name(key, band_and_instrument_keys());
    bool const is_background = key.ends_with("_bgr");
    if (near.empty() && !is_background) return;
    findings_.warnings.push_back(
        {.what = is_background ? "values cannot be given for background bands alone: this one is never used"
                               : "no band or instrument has this name: the value is for a target of this name only",
         .where = where_text(member.place(), dotted),
         .expected = "a target, a band without _bgr, nircam_short, nircam_long or an instrument",
         .found = "'" + key + "'",
         .remedy = is_background ? "name the band without _bgr" : "did you mean '" + near + "'?"});
  }

  void check_iterations(Parameter const& parameter, Value const& value, std::string const& dotted) {
    if (!require_table(value, dotted)) return;
    auto const& table = inner_table(parameter.inner.front());
    for (auto const& [key, member] : value.table()) {
      std::string const member_key = dotted + "." + key;
      if (is_iteration(key))
        check_table(table, member, member_key);
      else if (auto const* inner = table.find(key))
        check_parameter(*inner, member, member_key);
      else
        report_unknown(key, member, member_key, table.keys());
    }
  }

  void check_sub_steps(Parameter const& parameter, Value const& value, std::string const& dotted) {
    if (!require_table(value, dotted)) return;
    auto const& pipeline = inner_table(parameter.inner.front());
    std::vector<std::string> const steps(parameter.inner.begin() + 1, parameter.inner.end());
    for (auto const& [key, member] : value.table()) {
      std::string const member_key = dotted + "." + key;
      if (std::find(steps.begin(), steps.end(), key) != steps.end())
        check_table(inner_table(key), member, member_key);
      else if (auto const* attribute = pipeline.find(key))
        check_parameter(*attribute, member, member_key);
      else
        report_unknown(key, member, member_key, steps);
    }
  }

  bool require_table(Value const& value, std::string const& dotted) {
    if (value.is_table()) return true;
    findings_.errors.push_back({.what = "wrong type",
                                .where = where_text(value.place(), dotted),
                                .expected = "a table",
                                .found = value.describe()});
    return false;
  }

  void report_unknown(std::string const& key, Value const& value, std::string const& dotted,
                      std::vector<std::string> const& known) {
    Problem problem{.what = "unknown parameter",
                    .where = where_text(value.place(), dotted),
                    .expected = "one of " + join(known),
                    .found = "'" + key + "'"};
    auto const near = nearest_name(key, known);
    if (!near.empty()) problem.remedy = "did you mean '" + near + "'?";
    if (kind_ == TableKind::Own) {
      findings_.errors.push_back(std::move(problem));
    } else {
      problem.what += " (ignored)";
      findings_.warnings.push_back(std::move(problem));
    }
  }

  void name_if_not_built(Parameter const& parameter, Value const& value, std::string const& dotted) {
    if (!name_not_built_ || parameter.support != Support::NotBuilt) return;
    Problem ignored;
    auto const coerced = value.is_table() ? std::nullopt : coerce(parameter, value, true, ignored);
    if (coerced && *coerced == parameter.default_value) return;
    findings_.not_built.push_back({.what = "this parameter is not yet built: it has no effect",
                                   .where = where_text(value.place(), dotted),
                                   .found = value.is_table() ? "a table of values" : value.json()});
  }

  TableKind kind_;
  bool name_not_built_;
  Findings& findings_;
};

}  // namespace

void check_table(ParameterTable const& table, Value const& value, std::string const& dotted, TableKind kind,
                 bool name_not_built, Findings& findings) {
  Checker(kind, name_not_built, findings).check_table(table, value, dotted);
}

}  // namespace tessera::config
