#include "sky_tables.hpp"

#include <fmt/format.h>

#include <cmath>

namespace tessera::steps {

namespace {

/// Shortest text that reads back the same; nothing for no value.
std::string number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

std::string exposure_name(store::ExposureRecord const& record) {
  switch (record.identity.half) {
    case model::Half::Imager:
      return record.identity.exposure + ":imager";
    case model::Half::Lyot:
      return record.identity.exposure + ":lyot";
    case model::Half::Whole:
      break;
  }
  return record.identity.exposure;
}

}  // namespace

std::string exposure_table(SkymatchOptions const& options, std::vector<store::ExposureRecord const*> const& members,
                           std::vector<std::vector<SkyMeasurement>> const& measured, SkyNeighbours const& neighbours,
                           TaskSkies const& skies, std::vector<SkyResult> const& results) {
  std::string text = "exposure,group,level,pixels,group_level,sky,status\n";
  for (std::size_t k = 0; k < members.size(); ++k) {
    auto const group = static_cast<std::size_t>(neighbours.groups[k]);
    bool const has_level = !measured[k].empty() && measured[k].front().pixels > 0;
    text +=
        fmt::format("{},{},{},{},{},{},{}\n", exposure_name(*members[k]), sky_group_name(options.grouping, *members[k]),
                    has_level ? number(measured[k].front().level) : "", has_level ? measured[k].front().pixels : 0,
                    skies.group_levels.empty() ? "" : number(skies.group_levels[group]),
                    results[k].level ? number(results[k].start + *results[k].level) : "",
                    results[k].failed  ? "FAILED"
                    : results[k].level ? "COMPLETE"
                                       : "SKIPPED");
  }
  return text;
}

std::string pair_table(std::vector<std::string> const& group_names, TaskSkies const& skies) {
  std::string text = "group_1,group_2,pixels_1,pixels_2,level_1,level_2,difference,residual\n";
  for (auto const& o : skies.overlaps) {
    auto const first = static_cast<std::size_t>(o.first), second = static_cast<std::size_t>(o.second);
    double const difference = o.sky_first - o.sky_second;
    text += fmt::format("{},{},{},{},{},{},{},{}\n", group_names[first], group_names[second], o.pixels_first,
                        o.pixels_second, number(o.sky_first), number(o.sky_second), number(difference),
                        number(difference - (skies.group_skies[first] - skies.group_skies[second])));
  }
  return text;
}

}  // namespace tessera::steps
