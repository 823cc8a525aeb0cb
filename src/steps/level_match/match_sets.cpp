#include "match_sets.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "tessera/config/exposure_name.hpp"

namespace tessera::steps {

namespace {

/// The name with the halves of a coronagraph split as detectors of their own, as pjpipe's files have them.
std::optional<config::ExposureName> name_of(model::ExposureIdentity const& identity) {
  auto name = config::parse_exposure_name(identity.exposure);
  if (name && identity.half == model::Half::Imager) name->detector += 's';
  if (name && identity.half == model::Half::Lyot) name->detector += 'l';
  return name;
}

bool is_coronagraph_half(config::ExposureName const& name) {
  return name.detector == "mirimages" || name.detector == "mirimagel";
}

/// Name of the set of an exposure in a stage; empty: it takes no part.
std::string set_of(MatchPool const& pool, int task, MatchStage stage, model::ExposureIdentity const& identity) {
  auto const index = static_cast<std::size_t>(task);
  if (stage == MatchStage::MosaicTiles) return pool.tasks[index].label();
  auto const name = name_of(identity);
  if (stage == MatchStage::Dithers) return name ? name->dither_group() : identity.exposure;
  bool const takes_part =
      name && (stage == MatchStage::RecombineLyot ? pool.options[index].recombine_lyot && is_coronagraph_half(*name)
                                                  : pool.options[index].combine_nircam_short &&
                                                        pool.tasks[index].band_facts.channel == config::Channel::Short);
  return takes_part ? name->combined_group() : "";
}

/// The tile whose off exposures are nearest in time; of a coronagraph tile its imager. -1: none has any.
int nearest_to_its_off(MatchPool const& pool, MatchSet const& set) {
  int best = -1;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < set.images.size(); ++k) {
    double const days =
        std::abs(pool.exposures[static_cast<std::size_t>(set.images[k].members.front())].place.off_days);
    if (!(days < least)) continue;
    least = days;
    best = static_cast<int>(k);
  }
  if (best < 0) return best;
  std::string partner = set.images[static_cast<std::size_t>(best)].name;
  if (!partner.ends_with("mirimagel")) return best;
  partner.back() = 's';
  for (std::size_t k = 0; k < set.images.size(); ++k)
    if (set.images[k].name == partner) return static_cast<int>(k);
  return best;
}

exchange::Gauge choose_gauge(MatchPool const& pool, MatchSet const& set, MatchStage stage) {
  using Kind = exchange::Gauge::Kind;
  if (stage == MatchStage::Dithers || stage == MatchStage::CombineNircamShort) return {Kind::Mean, -1};
  if (stage == MatchStage::MosaicTiles) {
    int const image = nearest_to_its_off(pool, set);
    return {image < 0 ? Kind::MostPairs : Kind::Image, image};
  }
  // The imager keeps its level: only the coronagraph changes.
  for (std::size_t k = 0; k < set.images.size(); ++k) {
    auto const name = name_of(pool.record(set.images[k].members.front()).identity);
    if (name && name->detector == "mirimages") return {Kind::Image, static_cast<int>(k)};
  }
  return {Kind::MostPairs, -1};
}

}  // namespace

std::string exposure_image_name(model::ExposureIdentity const& identity) {
  auto const name = name_of(identity);
  return name ? name->root() : identity.exposure;
}

std::vector<MatchSet> make_match_sets(MatchPool const& pool, MatchStage stage) {
  std::vector<MatchSet> sets;
  std::map<std::pair<int, std::string>, std::size_t> set_place;
  std::vector<std::map<std::string, std::size_t>> image_place;  // [set]
  for (std::size_t e = 0; e < pool.exposures.size(); ++e) {
    auto const& exposure = pool.exposures[e];
    if (exposure.failed) continue;
    auto const name = set_of(pool, exposure.task, stage, pool.record(static_cast<int>(e)).identity);
    if (name.empty()) continue;
    auto const [at, is_new] = set_place.try_emplace({exposure.task, name}, sets.size());
    if (is_new) {
      sets.push_back({exposure.task, name, {}, {}});
      image_place.emplace_back();
    }
    auto& images = sets[at->second].images;
    auto const [image, is_new_image] = image_place[at->second].try_emplace(exposure.image, images.size());
    if (is_new_image) images.push_back({exposure.image, {}});
    images[image->second].members.push_back(static_cast<int>(e));
  }
  if (stage != MatchStage::Dithers) std::erase_if(sets, [](MatchSet const& set) { return set.images.size() < 2; });
  for (auto& set : sets) set.gauge = choose_gauge(pool, set, stage);
  return sets;
}

void join_images(MatchPool& pool, MatchSet const& set, std::vector<int> const& component) {
  for (std::size_t k = 0; k < set.images.size(); ++k) {
    if (component[k] < 0) continue;
    auto const name = component[k] == 0 ? set.name : fmt::format("{}:{}", set.name, component[k] + 1);
    for (int const member : set.images[k].members) pool.exposures[static_cast<std::size_t>(member)].image = name;
  }
}

}  // namespace tessera::steps
