#include "pair_graph.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../level_graph/image_groups.hpp"

namespace tessera::exchange {

namespace {

constexpr double RollMargin = 3;         // arcsec beyond a footprint: a roll of a degree moves stars that far
constexpr double PairSystematic = 0.01;  // arcsec: pairs agree no better (offsets of detectors, distortion)
constexpr double Contradiction = 0.05;   // arcsec, and five standard errors
constexpr int LeastAbsoluteSteps = 25;
constexpr double SuspectMisfit = 0.2;     // of what is a contradiction
constexpr std::size_t MostSuspects = 12;  // pairs that may be to blame and are left out in turn

/// Stars of `group` that images near the other group can see, in the plane of `axes`.
PairList list_near(GroupList const& group, std::vector<ShapeInPlane> const& others, sky::TangentAxes const& axes) {
  PairList list;
  list.density = group.density;
  for (auto const& star : group.stars) {
    if (sky::dot(star.direction, axes.centre) < LeastTowards) continue;
    auto const at = to_plane(axes, star.direction);
    if (std::none_of(others.begin(), others.end(), [&](auto const& shape) { return shape.contains(at); })) continue;
    list.at.push_back(at);
    list.brightness.push_back(star.brightness);
  }
  return list;
}

/// Shapes of the images of `group` near those of `other` (null: all), in the plane of `axes`.
std::vector<ShapeInPlane> shapes_near(GroupLists const& lists, GroupList const& group, GroupList const* other,
                                      sky::TangentAxes const& axes, double margin) {
  std::vector<ShapeInPlane> shapes;
  for (int const image : group.images) {
    auto const& shape = lists.shapes[static_cast<std::size_t>(image)];
    bool const is_near =
        shape.radius >= 0 && (!other || std::any_of(other->images.begin(), other->images.end(), [&](int k) {
          return are_near(shape, lists.shapes[static_cast<std::size_t>(k)], margin);
        }));
    if (is_near) shapes.emplace_back(shape, axes, margin);
  }
  return shapes;
}

/// Calls visit(first, second, lists) for every pair that sees stars of each other; `lonely` >= 0: pairs of that group
/// alone. Returns how many pairs are near enough to be looked at.
template <class Visit>
int visit_near_pairs(GroupLists const& lists, double margin, int lonely, Visit&& visit) {
  int looked_at = 0;
  auto const count = static_cast<int>(lists.groups.size());
  auto const look = [&](int g, int h, GroupList const& other) {
    if (lonely >= 0 && g != lonely && h != lonely) return;
    auto const& group = lists.groups[static_cast<std::size_t>(g)];
    auto const own = shapes_near(lists, group, h == TheDatum ? nullptr : &other, group.axes, margin);
    if (own.empty()) return;
    ++looked_at;
    visit(g, h, [&] {
      auto const others = h == TheDatum ? own : shapes_near(lists, other, &group, group.axes, margin);
      return std::pair(list_near(group, others, group.axes), list_near(other, own, group.axes));
    });
  };
  for (int g = 0; g < count; ++g)
    for (int h = g + 1; h < count; ++h) look(g, h, lists.groups[static_cast<std::size_t>(h)]);
  if (!lists.datum.stars.empty())
    for (int g = 0; g < count; ++g) look(g, TheDatum, lists.datum);
  return looked_at;
}

double log10_limit(GlobalAlignmentOptions const& options, std::size_t pairs) {
  return std::log10(options.significance / static_cast<double>(std::max<std::size_t>(1, pairs)));
}

/// Four places around the centre of the matches, as far out as their spread says: as good as all matches together.
void set_places(PairEdge& edge, PairList const& first, sky::TangentAxes const& axes) {
  double x = 0, y = 0, xx = 0, yy = 0;
  auto const n = static_cast<double>(edge.fit.pairs.size());
  for (auto const& [k, partner] : edge.fit.pairs) {
    auto const& p = first.at[static_cast<std::size_t>(k)];
    x += p.x / n;
    y += p.y / n;
  }
  for (auto const& [k, partner] : edge.fit.pairs) {
    auto const& p = first.at[static_cast<std::size_t>(k)];
    xx += (p.x - x) * (p.x - x) / n;
    yy += (p.y - y) * (p.y - y) / n;
  }
  double const cosine = std::cos(edge.fit.roll), sine = std::sin(edge.fit.roll);
  auto const& centre = edge.fit.centre;
  auto const at_second = [&](PlanePosition p) {  // inverse of the fit
    double const u = p.x - edge.fit.shift.x - centre.x, v = p.y - edge.fit.shift.y - centre.y;
    return PlanePosition{centre.x + cosine * u + sine * v, centre.y - sine * u + cosine * v};
  };
  double const a = std::sqrt(2 * xx), b = std::sqrt(2 * yy);
  std::array<PlanePosition, 4> const places{{{x - a, y}, {x + a, y}, {x, y - b}, {x, y + b}}};
  for (std::size_t k = 0; k < 4; ++k)
    edge.places[k] = {from_plane(axes, places[k]), from_plane(axes, at_second(places[k]))};
  edge.place_variance = 4 * edge.fit.scatter * edge.fit.scatter / n + PairSystematic * PairSystematic;
}

/// The places of the used pairs as stars that two images saw; `edge_of` [chain].
StarChains chains_of(std::vector<PairEdge> const& edges, std::vector<std::size_t>& edge_of) {
  StarChains chains;
  for (std::size_t k = 0; k < edges.size(); ++k) {
    if (!edges[k].is_used) continue;
    for (auto const& [first, second] : edges[k].places) {
      // Offsets of detectors are no matter here: image 0 stands for any.
      chains.members.push_back({first, edges[k].first, 0, edges[k].place_variance / 2});
      chains.members.push_back({second, edges[k].second, 0, edges[k].place_variance / 2});
      chains.close();
      edge_of.push_back(k);
    }
  }
  return chains;
}

/// How much a pair counts against others: by its significance.
double trust_in(PairEdge const& edge) { return std::clamp(-edge.fit.log10_chance, 1.0, 300.0) / 10; }

/// Root mean square over the places of what is left between the two groups, arcsec.
double misfit_of(PairEdge const& edge, Adjustment const& adjustment) {
  double sum = 0;
  for (auto const& [first, second] : edge.places) {
    auto const a = adjustment.corrected(first, edge.first, 0), b = adjustment.corrected(second, edge.second, 0);
    sum += std::pow(sky::length(a - b) * ArcsecPerRadian, 2) / 4;
  }
  return std::sqrt(sum);
}

/// Least absolute misfits, the more significant pairs dearer: a wrong pair keeps most of its misfit, where least
/// squares would spread it. Returns the misfits; 0 for pairs that are not used.
std::vector<double> solve_pairs(std::vector<PairEdge> const& edges, Adjustment& adjustment) {
  std::vector<std::size_t> edge_of;
  auto const chains = chains_of(edges, edge_of);
  std::vector<double> misfit(edges.size(), 0), weights(chains.members.size());
  if (chains.size() == 0) return misfit;
  for (int pass = 0; pass < LeastAbsoluteSteps; ++pass) {
    for (std::size_t c = 0; c < chains.size(); ++c) {
      auto const& edge = edges[edge_of[c]];
      weights[2 * c] = weights[2 * c + 1] =
          trust_in(edge) / edge.place_variance / std::max(1.0, misfit[edge_of[c]] / std::sqrt(edge.place_variance));
    }
    double const step = adjustment.improve(chains, weights);
    for (std::size_t k = 0; k < edges.size(); ++k)
      if (edges[k].is_used) misfit[k] = misfit_of(edges[k], adjustment);
    if (pass > 5 && step < 1e-5) break;
  }
  return misfit;
}

}  // namespace

std::vector<PairEdge> fit_pairs(GroupLists const& lists, GlobalAlignmentOptions const& options) {
  double const margin = options.searchrad + RollMargin;
  auto const near = visit_near_pairs(lists, margin, -1, [](int, int, auto const&) {});
  double const limit = log10_limit(options, static_cast<std::size_t>(near));
  std::vector<PairEdge> edges;
  visit_near_pairs(lists, margin, -1, [&](int g, int h, auto const& make_lists) {
    auto const [first, second] = make_lists();
    if (first.at.empty() || second.at.empty()) return;
    PairEdge edge;
    edge.first = g;
    edge.second = h;
    edge.fit = fit_pair(first, second, options, limit);
    edge.is_used = edge.fit.verdict == AlignStatus::Success;
    if (edge.is_used) set_places(edge, first, lists.groups[static_cast<std::size_t>(g)].axes);
    edges.push_back(std::move(edge));
  });
  return edges;
}

void drop_contradictions(std::vector<PairEdge>& edges, Adjustment& adjustment) {
  auto const start = adjustment.groups;
  for (;;) {
    adjustment.groups = start;
    auto const misfit = solve_pairs(edges, adjustment);
    std::vector<std::size_t> suspects;
    bool is_consistent = true;
    for (std::size_t k = 0; k < edges.size(); ++k) {
      if (!edges[k].is_used) continue;
      edges[k].misfit = misfit[k];
      double const ratio = misfit[k] / (5 * std::sqrt(edges[k].place_variance) + Contradiction);
      if (ratio > 1) is_consistent = false;
      if (ratio > SuspectMisfit) suspects.push_back(k);
    }
    if (is_consistent) return;
    std::stable_sort(suspects.begin(), suspects.end(),
                     [&](std::size_t a, std::size_t b) { return misfit[a] > misfit[b]; });
    if (suspects.size() > MostSuspects) suspects.resize(MostSuspects);
    // The one without which the others agree best; where several do as well, the least significant.
    std::size_t worst = suspects.front();
    double least = std::numeric_limits<double>::infinity();
    for (auto const k : suspects) {
      edges[k].is_used = false;
      adjustment.groups = start;
      auto const rest = solve_pairs(edges, adjustment);
      double cost = 5 * trust_in(edges[k]);
      for (std::size_t other = 0; other < edges.size(); ++other)
        if (edges[other].is_used) cost += trust_in(edges[other]) * rest[other] / std::sqrt(edges[other].place_variance);
      edges[k].is_used = true;
      if (cost >= least) continue;
      least = cost;
      worst = k;
      // What the others, without it, say of its places.
      edges[k].misfit = misfit_of(edges[k], adjustment);
    }
    edges[worst].is_used = false;
    edges[worst].contradicts = true;
  }
}

Islands find_islands(std::vector<PairEdge> const& edges, std::size_t groups) {
  auto const datum = static_cast<int>(groups);
  ImageGroups sets(datum + 1);
  std::vector<bool> takes_part(groups + 1, false);
  for (auto const& edge : edges) {
    if (!edge.is_used) continue;
    int const second = edge.second == TheDatum ? datum : edge.second;
    sets.join(edge.first, second);
    takes_part[static_cast<std::size_t>(edge.first)] = takes_part[static_cast<std::size_t>(second)] = true;
  }
  Islands islands;
  islands.of_group.assign(groups, -1);
  std::vector<int> number(groups + 1, -1);
  for (std::size_t g = 0; g < groups; ++g) {
    if (!takes_part[g]) continue;
    auto const root = static_cast<std::size_t>(sets.find(static_cast<int>(g)));
    if (number[root] < 0) {
      number[root] = static_cast<int>(islands.has_datum.size());
      islands.has_datum.push_back(takes_part[groups] && sets.find(datum) == static_cast<int>(root));
    }
    islands.of_group[g] = number[root];
  }
  return islands;
}

void tie_islands_to_datum(GroupLists const& lists, GlobalAlignmentOptions const& options, Adjustment const& adjustment,
                          std::vector<PairEdge>& edges) {
  if (lists.datum.stars.empty()) return;
  auto const islands = find_islands(edges, lists.groups.size());
  auto const count = islands.has_datum.size();
  double const limit = log10_limit(options, count);
  for (std::size_t island = 0; island < count; ++island) {
    if (islands.has_datum[island]) continue;
    PairList first;
    std::vector<PlanePosition> all;
    std::vector<double> brightness;
    std::vector<int> owners;
    std::vector<ShapeInPlane> shapes;
    int leader = -1;
    for (std::size_t g = 0; g < lists.groups.size(); ++g) {
      if (islands.of_group[g] != static_cast<int>(island)) continue;
      auto const& group = lists.groups[g];
      if (leader < 0) leader = static_cast<int>(g);
      auto const& axes = lists.groups[static_cast<std::size_t>(leader)].axes;
      for (auto const& star : group.stars) {
        all.push_back(to_plane(axes, adjustment.corrected(star.direction, static_cast<int>(g), group.first_image)));
        brightness.push_back(star.brightness);
        owners.push_back(static_cast<int>(g));
      }
      first.density = std::max(first.density, group.density);
      auto const own = shapes_near(lists, group, nullptr, axes, options.searchrad + RollMargin);
      shapes.insert(shapes.end(), own.begin(), own.end());
    }
    for (auto const& chain : link_points(all, owners, 0.05)) {
      PlanePosition mean;
      double sum = 0;
      for (int const k : chain) {
        auto const& p = all[static_cast<std::size_t>(k)];
        mean = {mean.x + p.x / static_cast<double>(chain.size()), mean.y + p.y / static_cast<double>(chain.size())};
        sum += brightness[static_cast<std::size_t>(k)];
      }
      first.at.push_back(mean);
      first.brightness.push_back(sum / static_cast<double>(chain.size()));
    }
    auto const& axes = lists.groups[static_cast<std::size_t>(leader)].axes;
    auto const second = list_near(lists.datum, shapes, axes);
    PairEdge edge;
    edge.first = leader;
    edge.fit = fit_pair(first, second, options, limit);
    if (edge.fit.verdict != AlignStatus::Success) continue;
    edge.is_used = true;
    set_places(edge, first, axes);
    // The places were found with the corrections in place; a pair speaks of positions before them.
    auto const& move = adjustment.groups[static_cast<std::size_t>(leader)];
    for (auto& place : edge.places) {
      auto const p = to_plane(axes, place.first);
      double const u = p.x - move.x, v = p.y - move.y, cosine = std::cos(move.roll), sine = std::sin(move.roll);
      place.first = from_plane(axes, {cosine * u + sine * v, -sine * u + cosine * v});
    }
    // It takes the place of what the leader alone said of the datum.
    std::erase_if(edges, [&](PairEdge const& other) { return other.first == leader && other.second == TheDatum; });
    edges.push_back(std::move(edge));
  }
}

bool fits_upside_down(GroupLists const& lists, SortedImages const& images, int lonely,
                      GlobalAlignmentOptions const& options) {
  GroupLists turned = lists;
  auto& group = turned.groups[static_cast<std::size_t>(lonely)];
  std::vector<GroupStar> stars;
  for (auto const& s : group.sightings) {
    auto const axes = sky::tangent_axes(images[static_cast<std::size_t>(s.image)]->plane.tangent);
    auto const p = to_plane(axes, s.direction);
    stars.push_back({from_plane(axes, {-p.x, -p.y}), s.brightness});
  }
  for (int const image : group.images) {
    auto& shape = turned.shapes[static_cast<std::size_t>(image)];
    auto const axes = sky::tangent_axes(images[static_cast<std::size_t>(image)]->plane.tangent);
    auto const turn = [&](sky::Vector3 v) {
      auto const p = to_plane(axes, v);
      return from_plane(axes, {-p.x, -p.y});
    };
    shape.centre = turn(shape.centre);
    for (auto& corner : shape.corners) corner = turn(corner);
  }
  group.stars = std::move(stars);
  double const margin = options.searchrad + RollMargin;
  auto const near = visit_near_pairs(turned, margin, lonely, [](int, int, auto const&) {});
  double const limit = log10_limit(options, static_cast<std::size_t>(near));
  bool does_fit = false;
  visit_near_pairs(turned, margin, lonely, [&](int, int, auto const& make_lists) {
    if (does_fit) return;
    auto const [first_list, second_list] = make_lists();
    does_fit = fit_pair(first_list, second_list, options, limit).verdict == AlignStatus::Success;
  });
  return does_fit;
}

}  // namespace tessera::exchange
