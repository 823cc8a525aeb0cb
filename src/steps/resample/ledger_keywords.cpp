#include "ledger_keywords.hpp"

#include <algorithm>
#include <string_view>

namespace tessera::steps {

namespace {

std::size_t keyword_index(std::string_view name) {
  auto const& keywords = image_keywords();
  return static_cast<std::size_t>(
      std::find_if(keywords.begin(), keywords.end(), [&](ImageKeyword const& k) { return k.keyword == name; }) -
      keywords.begin());
}

std::optional<std::string>& value_of(MemberValues& member, char const* keyword) {
  return member.values.at(keyword_index(keyword));
}

}  // namespace

void apply_ledger_keywords(store::Ledger const& ledger, model::ExposureIdentity const& identity, MemberValues& member) {
  auto const has_step = [&](char const* step) {
    return std::find(ledger.steps().begin(), ledger.steps().end(), step) != ledger.steps().end();
  };
  bool const is_matched = has_step("skymatch"), is_flagged = has_step("outlier_detection");
  if (!is_matched && !is_flagged) return;
  if (is_matched) value_of(member, "S_SKYMAT") = "SKIPPED";
  if (is_flagged) value_of(member, "S_OUTLIR") = "SKIPPED";
  for (auto const& entry : ledger.entries(identity)) {
    if (entry.step == "outlier_detection") value_of(member, "S_OUTLIR") = "COMPLETE";
    auto const* sky = std::get_if<model::SkyCorrection>(&entry.correction);
    if (!sky) continue;
    // What was taken off before, and is still off, counts too.
    auto const& level = value_of(member, "BKGLEVEL");
    bool const on_top = sky->subtract && level && value_of(member, "BKGSUB") == "T";
    value_of(member, "BKGLEVEL") = fmt::format("{}", sky->level + (on_top ? std::stod(*level) : 0.0));
    value_of(member, "BKGSUB") = sky->subtract ? "T" : "F";
    value_of(member, "BKGMETH") = sky->method;
    value_of(member, "S_SKYMAT") = "COMPLETE";
  }
}

void set_ledger_keywords(MemberValues const& first, model::Header& primary) {
  for (auto const& [keyword, comment] :
       {std::pair{"BKGMETH", "Background calculation method"}, std::pair{"S_SKYMAT", "Sky Matching"},
        std::pair{"S_OUTLIR", "Outlier Detection"}})
    if (auto const& value = first.values.at(keyword_index(keyword)))
      primary.set(keyword, std::string_view(*value), comment);
}

}  // namespace tessera::steps
