#include "tessera/config/step_list.hpp"

#include <vector>

#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::config {

namespace {

std::vector<std::string> split_at_dots(std::string_view text) {
  std::vector<std::string> tokens;
  while (true) {
    auto const dot = text.find('.');
    tokens.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return tokens;
    text.remove_prefix(dot + 1);
  }
}

std::optional<Instrument> instrument_of(std::string_view name) {
  for (auto const instrument : {Instrument::Nircam, Instrument::Miri, Instrument::Niriss})
    if (instrument_name(instrument) == name) return instrument;
  return std::nullopt;
}

}  // namespace

bool StepEntry::runs_on(Band const& band) const {
  if (instrument && *instrument != band.instrument) return false;
  if (observations == Observations::Science) return !band.is_background;
  if (observations == Observations::Background) return band.is_background;
  return true;
}

bool StepEntry::is_built() const {
  auto const* known = find_step(step);
  return known && known->is_built;
}

StepEntry parse_step(std::string_view text, Place const& place) {
  auto const tokens = split_at_dots(text);
  StepEntry entry{std::string(text), tokens.front(), std::nullopt, Observations::All, place, false};
  std::string const where = where_text(place, "steps");
  auto const* step = find_step(entry.step);
  if (!step)
    throw ConfigError({.what = "unknown step",
                       .where = where,
                       .found = "'" + entry.step + "'",
                       .remedy = suggest_name(entry.step, step_names())});
  if (step->step_class == StepClass::Implicit)
    throw ConfigError({.what = "this step cannot be listed: it runs by itself before the first step of each band",
                       .where = where,
                       .found = "'" + entry.step + "'",
                       .remedy = "remove it from steps; its parameters stay in [parameters." + entry.step + "]"});
  std::vector<std::string> const qualifiers{"sci", "bgr", "nircam", "miri", "niriss"};
  for (std::size_t index = 1; index < tokens.size(); ++index) {
    auto const& token = tokens[index];
    auto const instrument = instrument_of(token);
    bool const is_repeated = instrument ? entry.instrument.has_value() : entry.observations != Observations::All;
    if (instrument)
      entry.instrument = instrument;
    else if (token == "sci")
      entry.observations = Observations::Science;
    else if (token == "bgr")
      entry.observations = Observations::Background;
    else
      throw ConfigError({.what = "unknown qualifier of a step",
                         .where = where,
                         .expected = "step[.nircam|.miri|.niriss][.sci|.bgr]",
                         .found = "'" + token + "' in '" + entry.text + "'",
                         .remedy = suggest_name(token, qualifiers)});
    if (is_repeated)
      throw ConfigError({.what = "two qualifiers of the same kind",
                         .where = where,
                         .expected = "at most one instrument and one of sci, bgr",
                         .found = "'" + entry.text + "'",
                         .remedy = "list the step twice, or leave the qualifier out"});
  }
  return entry;
}

}  // namespace tessera::config
