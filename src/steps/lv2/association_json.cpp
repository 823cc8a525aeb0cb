// Associations as files.
#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>

#include "tessera/steps/lv2/associate.hpp"

namespace tessera::steps {

namespace {

using Json = nlohmann::ordered_json;

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

}  // namespace

std::string association_json(std::span<RateRecord const> records, BandAssociations const& band,
                             std::string const& name) {
  auto const at = [&](int number) -> RateRecord const& { return records[static_cast<std::size_t>(number)]; };
  Json products = Json::array();
  for (auto const& association : band.associations) {
    auto const& science = at(association.science);
    auto const offset =
        association.days_to_backgrounds ? fmt::format("{}", *association.days_to_backgrounds) : std::string("null");
    Json members = Json::array();
    members.push_back({{"expname", science.path}, {"exptype", "science"}, {"scibgroffset", offset}});
    for (std::size_t k = 0; k < association.backgrounds.size(); ++k) {
      Json member{
          {"expname", at(association.backgrounds[k]).path}, {"exptype", "background"}, {"scibgroffset", offset}};
      if (association.weights[k] != 1) member["weight"] = association.weights[k];
      members.push_back(std::move(member));
    }
    products.push_back(
        {{"name", science.identity.exposure}, {"array", lower(science.subarray)}, {"members", std::move(members)}});
  }
  auto const program = band.associations.empty() || at(band.associations.front().science).program.empty()
                           ? std::string("noprogram")
                           : at(band.associations.front().science).program;
  Json const association{{"asn_type", "image2"}, {"asn_rule", "DMSLevel2bBase"}, {"program", program},
                         {"asn_id", "a3001"},    {"asn_pool", "none"},           {"asn_name", name},
                         {"products", products}};
  // A path may hold bytes that are no UTF-8: they become U+FFFD in this file, which only people read.
  return association.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tessera::steps
