#include "tessera/steps/skymatch/skymatch_options.hpp"

#include <algorithm>
#include <map>

#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

std::string const Prefix = "jwst_parameters.skymatch.";

/// True when the list names the class of the band: nircam_short, nircam_long, miri, niriss.
bool names_class(std::vector<std::string> const& classes, config::Band const& band) {
  std::string const own = band.channel_name().empty() ? config::instrument_name(band.instrument) : band.channel_name();
  return std::find(classes.begin(), classes.end(), own) != classes.end();
}

/// "jw02107041001_02105" of "jw02107041001_02105_00001" and of what comes after it; other names are left as they are.
std::string without_dither(std::string const& group) {
  auto const visit_end = group.find('_');
  if (!group.starts_with("jw") || visit_end == std::string::npos) return group;
  return group.substr(0, group.find('_', visit_end + 1));
}

}  // namespace

SkymatchOptions skymatch_options(config::ResolvedParameters const& p, config::Band const& band) {
  SkymatchOptions options;
  options.method_name = p.text(Prefix + "skymethod");
  options.method = exchange::parse_sky_method(options.method_name);
  options.match_down = p.boolean(Prefix + "match_down");
  options.subtract = p.boolean(Prefix + "subtract");
  options.skylist = p.optional_text(Prefix + "skylist");
  options.step = p.optional_real(Prefix + "stepsize");
  options.statistic.kind = kernels::parse_sky_statistic(p.text(Prefix + "skystat"));
  options.statistic.lower = p.optional_real(Prefix + "lower");
  options.statistic.upper = p.optional_real(Prefix + "upper");
  options.statistic.clips = static_cast<int>(std::min<std::int64_t>(p.integer(Prefix + "nclip"), 10000));
  options.statistic.lower_sigma = p.real(Prefix + "lsigma");
  options.statistic.upper_sigma = p.real(Prefix + "usigma");
  options.statistic.bin_width = p.real(Prefix + "binwidth");
  options.bad_bits = dq::bad_bits(p.text(Prefix + "dqbits"));
  // pjpipe asks for the first list first (spec 40, 1.12).
  if (names_class(p.texts("skymatch_group_dithers"), band))
    options.grouping = SkyGrouping::Dithers;
  else if (names_class(p.texts("skymatch_degroup_dithers"), band))
    options.grouping = SkyGrouping::None;
  if (options.method == exchange::SkyMethod::User && !options.skylist.value_or("").size())
    throw ConfigError({"skymethod user needs a list of levels", "parameters.lv3.jwst_parameters.skymatch.skylist",
                       "a file with a line \"IMAGE LEVEL\" for every exposure", "no file",
                       "give skylist, or choose another skymethod"});
  if (options.statistic.lower && options.statistic.upper && *options.statistic.lower > *options.statistic.upper)
    throw ConfigError({"limits of the sky leave nothing", "parameters.lv3.jwst_parameters.skymatch.lower",
                       fmt::format("at most upper = {}", *options.statistic.upper),
                       fmt::format("{}", *options.statistic.lower), "exchange lower and upper"});
  return options;
}

std::string sky_group_name(SkyGrouping grouping, store::ExposureRecord const& record) {
  switch (grouping) {
    case SkyGrouping::Dithers:
      return without_dither(record.group_id);
    case SkyGrouping::None: {
      std::string const half = record.identity.half == model::Half::Whole    ? ""
                               : record.identity.half == model::Half::Imager ? ":imager"
                                                                             : ":lyot";
      return record.identity.exposure + half;
    }
    case SkyGrouping::Exposures:
      break;
  }
  return record.group_id;
}

std::vector<int> sky_groups(SkyGrouping grouping, std::span<int const> members,
                            std::vector<store::ExposureRecord> const& records) {
  std::map<std::string, int> numbers;
  std::vector<int> groups;
  for (int const member : members) {
    auto const name = sky_group_name(grouping, records[static_cast<std::size_t>(member)]);
    groups.push_back(numbers.emplace(name, static_cast<int>(numbers.size())).first->second);
  }
  return groups;
}

}  // namespace tessera::steps
