#include "blend_headers.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tessera::steps {

namespace {

enum class Rule { Minimum, Maximum, Mean, Common };

std::map<std::string, Rule> const& rules() {
  static std::map<std::string, Rule> const table{
      {"DATE-OBS", Rule::Minimum}, {"TIME-OBS", Rule::Minimum}, {"DATE-BEG", Rule::Minimum},
      {"EXPSTART", Rule::Minimum}, {"MJD-BEG", Rule::Minimum},  {"TDB-BEG", Rule::Minimum},
      {"INTSTART", Rule::Minimum}, {"DATE-END", Rule::Maximum}, {"EXPEND", Rule::Maximum},
      {"MJD-END", Rule::Maximum},  {"TDB-END", Rule::Maximum},  {"INTEND", Rule::Maximum},
      {"FWPOSOFF", Rule::Maximum}, {"PWPOSOFF", Rule::Maximum}, {"EXPMID", Rule::Mean},
      {"MJD-AVG", Rule::Mean},     {"TDB-MID", Rule::Mean},     {"DETECTOR", Rule::Common},
      {"MODULE", Rule::Common},    {"FILTER", Rule::Common},    {"GRATING", Rule::Common},
      {"BAND", Rule::Common}};
  return table;
}

/// The text among `values` that the rule picks, numbers compared as numbers.
std::string pick(Rule rule, KeywordKind kind, std::vector<std::string> const& values) {
  auto const less = [&](std::string const& a, std::string const& b) {
    return kind == KeywordKind::Text ? a < b : std::stod(a) < std::stod(b);
  };
  if (rule == Rule::Minimum) return *std::min_element(values.begin(), values.end(), less);
  if (rule == Rule::Maximum) return *std::max_element(values.begin(), values.end(), less);
  if (rule == Rule::Mean) {
    double sum = 0;
    for (auto const& value : values) sum += std::stod(value);
    return fmt::format("{}", sum / static_cast<double>(values.size()));
  }
  return std::all_of(values.begin(), values.end(), [&](auto const& v) { return v == values.front(); }) ? values.front()
                                                                                                       : "MULTIPLE";
}

void set_from_text(model::Header& header, ImageKeyword const& keyword, std::string const& value) {
  switch (keyword.kind) {
    case KeywordKind::Text:
      header.set(keyword.keyword, std::string_view(value));
      break;
    case KeywordKind::Real:
      header.set(keyword.keyword, std::stod(value));
      break;
    case KeywordKind::Integer:
      header.set(keyword.keyword, std::stoll(value));
      break;
    case KeywordKind::Logical:
      header.set(keyword.keyword, value == "T");
      break;
  }
}

}  // namespace

void blend_headers(std::vector<MemberValues> const& members, model::Header& primary, model::Header& sci) {
  auto const& keywords = image_keywords();
  for (std::size_t k = 0; k < keywords.size(); ++k) {
    auto const rule = rules().find(keywords[k].keyword);
    if (rule == rules().end()) continue;
    std::vector<std::string> values;
    for (auto const& member : members)
      if (member.values[k]) values.push_back(*member.values[k]);
    if (!values.empty())
      set_from_text(keywords[k].in_sci ? sci : primary, keywords[k], pick(rule->second, keywords[k].kind, values));
  }
}

ExposureTimes sum_exposure_times(MosaicPlan const& plan, std::vector<store::ExposureRecord> const& records) {
  ExposureTimes times;
  std::set<std::string> groups;
  double measured = 0;
  bool all_measured = true;
  for (int const member : plan.request.members) {
    auto const& record = records[static_cast<std::size_t>(member)];
    if (!groups.insert(record.group_id).second) continue;
    times.effexptm += record.effexptm;
    times.duration += record.duration;
    measured += record.tmeasure.value_or(0);
    all_measured = all_measured && record.tmeasure.has_value();
  }
  times.groups = static_cast<int>(groups.size());
  if (all_measured && times.groups > 0) times.tmeasure = measured;
  return times;
}

}  // namespace tessera::steps
