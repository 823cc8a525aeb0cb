#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "gauge.hpp"
#include "joint_solution.hpp"
#include "pair_graph.hpp"
#include "residual_clumps.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/exchange/global_alignment.hpp"
#include "tessera/sky/footprint.hpp"

namespace tessera::exchange {

namespace {

constexpr double LeastCommonShare = 0.3;  // of the matches of a pair that the joint solution must confirm
constexpr double LeastWeight = 0.05;      // robust weight of a match that counts
constexpr double MostClumpShare = 0.6;    // a second clump with more of the matches than this: nobody knows

/// Stars that pairs of groups (second TheDatum: the catalogue) have in common in the joint solution.
using CommonStars = std::map<std::pair<int, int>, int>;

struct Confirmed {
  std::vector<int> matches;          ///< [group] stars with weight that others see too
  CommonStars common;                ///< stars linked, with weight or not
  std::vector<int> datum_of_island;  ///< [island] of them in the catalogue
};

Confirmed count_confirmed(JointSolution const& solution, Islands const& islands, std::size_t groups) {
  Confirmed confirmed;
  confirmed.matches.assign(groups, 0);
  confirmed.datum_of_island.assign(islands.has_datum.size(), 0);
  for (std::size_t c = 0; c < solution.chains.size(); ++c) {
    std::set<int> seen, with_weight;
    for (auto k = solution.chains.start[c]; k < solution.chains.start[c + 1]; ++k) {
      int const group = solution.chains.members[k].group;
      seen.insert(group);
      if (solution.robust[k] > LeastWeight) with_weight.insert(group);
    }
    if (with_weight.size() > 1)
      for (int const group : with_weight)
        if (group != TheDatum) ++confirmed.matches[static_cast<std::size_t>(group)];
    for (auto a = seen.begin(); a != seen.end(); ++a)
      for (auto b = std::next(a); b != seen.end(); ++b)
        ++confirmed.common[*a == TheDatum ? std::pair(*b, TheDatum) : std::pair(*a, *b)];
    if (seen.size() > 1 && *seen.begin() == TheDatum)
      ++confirmed.datum_of_island[static_cast<std::size_t>(islands.of_group[static_cast<std::size_t>(*seen.rbegin())])];
  }
  return confirmed;
}

/// Whether what an island is aligned to is worth a correction: it holds the datum, or is the largest of all without one
/// (of equals the first), or its groups are of several visits. The dithers of one visit that hang together and match
/// nothing else say nothing of where the visit is.
std::vector<bool> find_connected(GroupLists const& lists, Islands const& islands, SortedImages const& images) {
  struct Content {
    std::size_t groups = 0;
    std::set<std::string> visits;
  };
  std::vector<Content> content(islands.has_datum.size());
  for (std::size_t g = 0; g < lists.groups.size(); ++g) {
    if (islands.of_group[g] < 0) continue;
    auto& island = content[static_cast<std::size_t>(islands.of_group[g])];
    ++island.groups;
    for (int const number : lists.groups[g].images)
      island.visits.insert(images[static_cast<std::size_t>(number)]->visit);
  }
  bool const any_datum = std::find(islands.has_datum.begin(), islands.has_datum.end(), true) != islands.has_datum.end();
  auto const largest = std::max_element(content.begin(), content.end(),
                                        [](auto const& a, auto const& b) { return a.groups < b.groups; });
  std::vector<bool> connected(content.size());
  for (std::size_t k = 0; k < content.size(); ++k)
    connected[k] = islands.has_datum[k] || content[k].visits.size() > 1 || (!any_datum && &content[k] == &*largest);
  return connected;
}

/// Takes pairs out that the joint solution does not confirm, and those of groups with too few matches.
bool drop_unconfirmed(std::vector<PairEdge>& edges, Confirmed const& confirmed, Islands const& islands, int minobj) {
  bool has_dropped = false;
  for (auto& edge : edges) {
    if (!edge.is_used) continue;
    auto const found = confirmed.common.find({edge.first, edge.second});
    int common = found == confirmed.common.end() ? 0 : found->second;
    if (edge.second == TheDatum)  // may stand for the whole island
      common = std::max(
          common,
          confirmed.datum_of_island[static_cast<std::size_t>(islands.of_group[static_cast<std::size_t>(edge.first)])]);
    double const least = std::max<double>(minobj, LeastCommonShare * static_cast<double>(edge.fit.pairs.size()));
    if (common >= least) continue;
    edge.is_used = false;
    edge.is_unconfirmed = true;
    has_dropped = true;
  }
  return has_dropped;
}

/// Takes out all pairs of groups of which as many stars lie somewhere else.
bool drop_torn_groups(std::vector<PairEdge>& edges, std::vector<std::optional<ResidualClump>> const& clumps,
                      std::map<int, ResidualClump>& torn) {
  bool has_dropped = false;
  for (auto& edge : edges) {
    if (!edge.is_used) continue;
    for (int const group : {edge.first, edge.second}) {
      if (group == TheDatum) continue;
      auto const& clump = clumps[static_cast<std::size_t>(group)];
      if (!clump || clump->share <= MostClumpShare) continue;
      torn[group] = *clump;
      edge.is_used = false;
      has_dropped = true;
    }
  }
  return has_dropped;
}

class GlobalAligner {
 public:
  GlobalAligner(std::span<AlignImage const> images, std::span<model::Star const> datum, double datum_error,
                GlobalAlignmentOptions const& options)
      : callers_place_(sorted(images)),
        images_(pointers(images, callers_place_)),
        options_(options),
        has_datum_(!datum.empty()),
        lists_(make_group_lists(images_, datum, datum_error, options)),
        adjustment_(planes(), {}, 0, {}) {
    for (std::size_t g = 0; g < lists_.groups.size(); ++g) order_.push_back(static_cast<int>(g));
    std::sort(order_.begin(), order_.end(), [&](int a, int b) { return callers_first(a) < callers_first(b); });
    if (options.with_detector_offsets) name_detectors();
    axes_of_detectors();
  }

  GlobalAlignment run() {
    edges_ = fit_pairs(lists_, options_);
    auto pairs_only = make_adjustment(false);
    drop_contradictions(edges_, pairs_only);
    if (has_datum_) {
      tie_islands_to_datum(lists_, options_, pairs_only, edges_);
      drop_contradictions(edges_, pairs_only);
    }
    // Every round but the last takes out a pair that the one before disproved: what is left at the end is confirmed.
    for (std::size_t round = 0; round <= edges_.size(); ++round) {
      adjustment_ = make_adjustment(true);
      adjustment_.groups = pairs_only.groups;
      islands_ = find_islands(edges_, lists_.groups.size());
      solution_ = solve_jointly(lists_, islands_, typical_scatter(), options_, adjustment_, detector_axes_);
      confirmed_ = count_confirmed(solution_, islands_, lists_.groups.size());
      clumps_ = find_second_clumps(lists_, islands_, adjustment_, solution_, options_);
      covariance_ = adjustment_.covariance();
      gauge_ = apply_gauge(lists_, islands_, options_.with_rotation, adjustment_, covariance_);
      if (!drop_unconfirmed(edges_, confirmed_, islands_, options_.minobj) &&
          !drop_torn_groups(edges_, clumps_, torn_) && !drop_weakest_group())
        break;
      drop_contradictions(edges_, pairs_only);
    }
    return make_result();
  }

 private:
  static std::vector<int> sorted(std::span<AlignImage const> images) {
    std::vector<int> places(images.size());
    std::iota(places.begin(), places.end(), 0);
    std::stable_sort(places.begin(), places.end(), [&](int a, int b) {
      auto const &first = images[static_cast<std::size_t>(a)], &second = images[static_cast<std::size_t>(b)];
      return std::tie(first.group, first.name) < std::tie(second.group, second.name);
    });
    return places;
  }
  static SortedImages pointers(std::span<AlignImage const> images, std::vector<int> const& places) {
    SortedImages list;
    for (int const place : places) list.push_back(&images[static_cast<std::size_t>(place)]);
    return list;
  }
  int callers_first(int group) const {
    int first = static_cast<int>(images_.size());
    for (int const number : lists_.groups[static_cast<std::size_t>(group)].images)
      first = std::min(first, callers_place_[static_cast<std::size_t>(number)]);
    return first;
  }
  std::vector<sky::TangentAxes> planes() const {
    std::vector<sky::TangentAxes> list;
    for (auto const& group : lists_.groups) list.push_back(group.axes);
    return list;
  }
  int first_image(int group) const { return lists_.groups[static_cast<std::size_t>(group)].first_image; }
  AlignImage const& image(int number) const { return *images_[static_cast<std::size_t>(number)]; }
  std::string const& name_of(int group) const {
    static std::string const catalogue = "the catalogue";
    return group == TheDatum ? catalogue : image(first_image(group)).group;
  }

  void name_detectors() {
    std::set<std::string> names;
    for (auto const* image : images_)
      if (!image->detector.empty()) names.insert(image->detector);
    if (names.size() > 1) detectors_.assign(names.begin(), names.end());
  }

  void axes_of_detectors() {
    detector_axes_.resize(images_.size());
    for (std::size_t k = 0; k < images_.size() && !detectors_.empty(); ++k) {
      auto const found = std::lower_bound(detectors_.begin(), detectors_.end(), images_[k]->detector);
      if (found == detectors_.end() || *found != images_[k]->detector) continue;
      auto& axes = detector_axes_[k];
      axes.detector = static_cast<int>(found - detectors_.begin());
      double const roll = images_[k]->plane.roll_ref * sky::RadiansPerDegree, c = std::cos(roll), s = std::sin(roll);
      auto const own = sky::tangent_axes(images_[k]->plane.tangent);
      auto const& plane = lists_.groups[static_cast<std::size_t>(lists_.group_of[k])].axes;
      // V2V3 to the plane of the image (spec 30, 1.7), and on to that of the group.
      double const ee = sky::dot(plane.east, own.east), en = sky::dot(plane.east, own.north),
                   ne = sky::dot(plane.north, own.east), nn = sky::dot(plane.north, own.north);
      axes.to_plane = {{{ee * c - en * s, ee * s + en * c}, {ne * c - nn * s, ne * s + nn * c}}};
    }
  }

  Adjustment make_adjustment(bool with_detectors) const {
    AdjustmentPriors priors;
    priors.with_rotation = options_.with_rotation;
    priors.roll = options_.roll_prior * sky::RadiansPerDegree;
    priors.detector = options_.detector_prior;
    auto axes = detector_axes_;
    if (!with_detectors) std::fill(axes.begin(), axes.end(), DetectorAxes{});
    return {planes(), std::move(axes), with_detectors ? static_cast<int>(detectors_.size()) : 0, priors};
  }

  /// Standard error of an unknown of a group; 0 without a covariance.
  double sigma(std::size_t group, std::size_t unknown) const {
    auto const unknowns = 3 * lists_.groups.size();
    return covariance_.empty() ? 0 : std::sqrt(std::max(0.0, covariance_[(3 * group + unknown) * (unknowns + 1)]));
  }

  double first_tolerance(int group) const {
    double widest = 0;
    for (auto const& edge : edges_)
      if (edge.is_used && (edge.first == group || edge.second == group)) widest = std::max(widest, edge.fit.tolerance);
    return widest;
  }

  /// Takes out the pairs of the group with the fewest matches, if these are fewer than minobj or leave its shift less
  /// certain than a match is: one group at a time, for the others may do better without it.
  bool drop_weakest_group() {
    int weakest = -1;
    std::string reason;
    for (int group = 0; group < static_cast<int>(lists_.groups.size()); ++group) {
      auto const g = static_cast<std::size_t>(group);
      if (islands_.of_group[g] < 0) continue;
      int const matches = confirmed_.matches[g];
      if (weakest >= 0 && matches >= confirmed_.matches[static_cast<std::size_t>(weakest)]) continue;
      double const error = std::max(sigma(g, 0), sigma(g, 1)), tolerance = first_tolerance(group);
      if (matches < options_.minobj)
        reason = fmt::format("only {} of its matches fit the solution of all groups", matches);
      else if (error > tolerance)
        reason = fmt::format("its shift is uncertain by {:.3f}\", more than the {}\" within which stars match", error,
                             tolerance);
      else
        continue;
      weakest = group;
    }
    if (weakest < 0) return false;
    weak_[weakest] = reason;
    for (auto& edge : edges_)
      if (edge.is_used && (edge.first == weakest || edge.second == weakest)) {
        edge.is_used = false;
        edge.is_unconfirmed = true;
      }
    return true;
  }

  double typical_scatter() const {
    std::vector<double> list;
    for (auto const& edge : edges_)
      if (edge.is_used) list.push_back(edge.fit.scatter);
    if (list.empty()) return 0.01;
    auto const high = list.begin() + static_cast<std::ptrdiff_t>(list.size() * 3 / 4);
    std::nth_element(list.begin(), high, list.end());
    return *high;
  }

  /// What stopped a group that hangs together with no other.
  void explain_failure(int group, GroupFit& fit) const {
    auto const set = [&fit](AlignStatus status, std::string reason) {
      fit.status = status;
      fit.reason = std::move(reason);
    };
    auto const& list = lists_.groups[static_cast<std::size_t>(group)];
    if (std::count(lists_.torn.begin(), lists_.torn.end(), group) > 0)
      return set(AlignStatus::Ambiguous, "its images disagree with each other, as many one way as the other");
    if (list.sightings.empty())
      return set(AlignStatus::NoSources,
                 list.sources == 0 ? ""
                                   : fmt::format("none of its {} sources is usable: positions are not finite, or they "
                                                 "lie nearer to each other than {}\"",
                                                 list.sources, options_.separation));
    if (auto const clump = torn_.find(group); clump != torn_.end())
      return set(AlignStatus::Ambiguous, describe_clump(clump->second));
    if (auto const weak = weak_.find(group); weak != weak_.end()) return set(AlignStatus::TooFewMatches, weak->second);
    PairEdge const* nearest = nullptr;  // to success
    auto const rank = [](PairEdge const& edge) {
      return edge.contradicts                                 ? 0
             : edge.is_unconfirmed                            ? 1
             : edge.fit.verdict == AlignStatus::Ambiguous     ? 2
             : edge.fit.verdict == AlignStatus::Insignificant ? 3
                                                              : 4;
    };
    for (auto const& edge : edges_)
      if ((edge.first == group || edge.second == group) &&
          (!nearest ||
           std::pair(rank(edge), edge.fit.log10_chance) < std::pair(rank(*nearest), nearest->fit.log10_chance)))
        nearest = &edge;
    if (!nearest && !has_overlap(group))
      return set(AlignStatus::NoOverlap,
                 has_datum_ ? "sees nothing that another group or the catalogue sees" : "overlaps no other group");
    if (!nearest) return set(AlignStatus::TooFewMatches, "none of its stars lies where another group has any");
    if (fits_upside_down(lists_, images_, group, options_))
      return set(AlignStatus::TooLarge,
                 "fits only when it is turned by 180 degrees: its WCS, or that of its neighbour, is upside down");
    auto const& other = name_of(nearest->first == group ? nearest->second : nearest->first);
    auto const& pair = nearest->fit;
    if (nearest->contradicts)
      return set(
          AlignStatus::Ambiguous,
          fmt::format("its shift against {} contradicts those of other pairs by {:.3f}\"", other, nearest->misfit));
    if (nearest->is_unconfirmed)
      return set(AlignStatus::TooFewMatches, fmt::format("few of its matches with {} fit one solution", other));
    if (pair.verdict == AlignStatus::Ambiguous)
      return set(pair.verdict, fmt::format("a second shift against {} is {:.0f} % as significant as the best", other,
                                           100 * pair.rival));
    if (pair.verdict == AlignStatus::Insignificant)
      return set(pair.verdict, fmt::format("the best shift against {} comes by chance with probability {:.1g}", other,
                                           std::pow(10.0, std::max(-300.0, pair.log10_chance))));
    set(AlignStatus::TooFewMatches, fmt::format("fewer than {} stars in common with {}", options_.minobj, other));
  }

  bool has_overlap(int group) const {
    for (int const own : lists_.groups[static_cast<std::size_t>(group)].images)
      for (std::size_t k = 0; k < images_.size(); ++k) {
        if (lists_.group_of[k] == group) continue;
        auto const &a = lists_.shapes[static_cast<std::size_t>(own)], &b = lists_.shapes[k];
        if (!are_near(a, b, 0)) continue;
        if (a.corners.empty() || b.corners.empty() || sky::overlaps(image(own).corners, images_[k]->corners))
          return true;
      }
    return false;
  }

  static std::string describe_clump(ResidualClump const& clump) {
    return fmt::format(
        "residuals have a second clump at ({:+.3f}, {:+.3f})\" with {:.0f} % as many matches as the first", clump.at.x,
        clump.at.y, 100 * clump.share);
  }

  /// Residuals of a group against what other groups (and the catalogue) say of its stars.
  void add_residuals(int group, GroupFit& fit) const {
    auto const& chains = solution_.chains;
    double squares = 0, sizes = 0;
    for (std::size_t c = 0; c < chains.size(); ++c) {
      double own = 0, all = 0, x = 0, y = 0;
      for (auto k = chains.start[c]; k < chains.start[c + 1]; ++k) {
        double const weight = solution_.robust[k] / chains.members[k].variance;
        all += weight;
        if (chains.members[k].group != group) continue;
        own += weight;
        x += weight * solution_.residuals[k].x;
        y += weight * solution_.residuals[k].y;
      }
      if (own <= 0 || own >= 0.999 * all) continue;
      // residual = (mean of all) - own; the mean of the others is that much further away
      x *= all / (own * (all - own));
      y *= all / (own * (all - own));
      fit.residuals.push_back({static_cast<float>(x), static_cast<float>(y)});
      squares += x * x + y * y;
      sizes += std::hypot(x, y);
    }
    if (auto const n = static_cast<double>(fit.residuals.size()); n > 0) {
      fit.rmse = std::sqrt(squares / n);
      fit.mae = sizes / n;
    }
  }

  void describe(int group, GroupFit& fit) const {
    std::vector<std::string> notes;
    auto const g = static_cast<std::size_t>(group);
    if (has_datum_ && !islands_.has_datum[static_cast<std::size_t>(islands_.of_group[g])])
      notes.emplace_back("aligned with its neighbours only: they have no match with the catalogue");
    if (auto const sets = std::count(connected_.begin(), connected_.end(), true); !has_datum_ && sets > 1)
      notes.push_back(fmt::format("one of {} sets of groups without a match between them", sets));
    if (auto const& clump = clumps_[g]) notes.push_back(describe_clump(*clump));
    for (auto const& slip : lists_.slipped)
      if (lists_.group_of[static_cast<std::size_t>(slip.image)] == group)
        notes.push_back(fmt::format("{} lies ({:+.3f}, {:+.3f})\" off its group and was left out",
                                    image(slip.image).name, slip.shift.x, slip.shift.y));
    int told = 0;
    for (auto const& offset : find_image_offsets(solution_, group, options_.minobj)) {
      if (++told > 3) break;
      notes.push_back(fmt::format("{} lies ({:+.3f}, {:+.3f})\" off its group", image(offset.image).name, offset.at.x,
                                  offset.at.y));
    }
    for (auto const& edge : edges_)
      if ((edge.contradicts || edge.is_unconfirmed) && (edge.first == group || edge.second == group))
        notes.push_back(fmt::format("its pair with {} was left out: it {} the others",
                                    name_of(edge.first == group ? edge.second : edge.first),
                                    edge.contradicts ? "contradicts" : "does not fit together with"));
    fit.reason = fmt::format("{}", fmt::join(notes, "; "));
  }

  void correct_images(int group, GroupFit const& fit, GlobalAlignment& result) const {
    auto const& list = lists_.groups[static_cast<std::size_t>(group)];
    for (int const number : list.images) {
      if (std::any_of(lists_.slipped.begin(), lists_.slipped.end(),
                      [&](auto const& slip) { return slip.image == number; }))
        continue;
      auto correction = carry_to_image(fit.matrix, fit.shift, image(list.first_image).plane, image(number));
      if (auto const& axes = detector_axes_[static_cast<std::size_t>(number)]; axes.detector >= 0) {
        auto const& offset = adjustment_.offsets[static_cast<std::size_t>(axes.detector)];
        double const roll = image(number).plane.roll_ref * sky::RadiansPerDegree;
        correction.shift[0] += (std::cos(roll) * offset[0] + std::sin(roll) * offset[1]) / ArcsecPerRadian;
        correction.shift[1] += (-std::sin(roll) * offset[0] + std::cos(roll) * offset[1]) / ArcsecPerRadian;
      }
      result.corrections[static_cast<std::size_t>(callers_place_[static_cast<std::size_t>(number)])] = correction;
    }
  }

  /// Groups that are corrected without what the catalogue says, though there is one.
  std::ptrdiff_t count_untied() const {
    if (!has_datum_) return 0;
    return std::count_if(islands_.of_group.begin(), islands_.of_group.end(), [&](int island) {
      return island >= 0 && connected_[static_cast<std::size_t>(island)] &&
             !islands_.has_datum[static_cast<std::size_t>(island)];
    });
  }

  GlobalAlignment make_result() {
    GlobalAlignment result;
    connected_ = find_connected(lists_, islands_, images_);
    auto const sets = std::count(connected_.begin(), connected_.end(), true);
    result.corrections.resize(images_.size());
    result.unit_weight_error = solution_.unit_weight_error;
    result.typical_error = solution_.typical_error;
    result.image_misfit = solution_.image_misfit;
    if (!has_datum_ && sets > 1)
      result.warning = fmt::format(
          "the groups form {} sets without a match between them: each is aligned by itself, and the sets may lie apart",
          sets);
    if (auto const untied = count_untied(); untied > 0)
      result.warning = fmt::format(
          "{} groups have no match with the catalogue: they are aligned with each other only, and their errors are "
          "those against their mean",
          untied);
    std::vector<int> solved;
    for (int const group : order_) {
      auto const g = static_cast<std::size_t>(group);
      auto const& list = lists_.groups[g];
      GroupFit fit;
      fit.group = name_of(group);
      fit.sources = list.sources;
      result.gauge_weight.push_back(gauge_[g]);
      if (islands_.of_group[g] < 0) {
        explain_failure(group, fit);
        result.groups.push_back(std::move(fit));
        continue;
      }
      if (!connected_[static_cast<std::size_t>(islands_.of_group[g])]) {
        fit.status = AlignStatus::NotConnected;
        fit.reason = fmt::format("{} stars match other exposures of its visit, but none of the rest{}",
                                 confirmed_.matches[g], has_datum_ ? " and not the catalogue" : "");
        result.gauge_weight.back() = 0;
        result.groups.push_back(std::move(fit));
        continue;
      }
      auto const& move = adjustment_.groups[g];
      fit.status = AlignStatus::Success;
      fit.matrix = {{{std::cos(move.roll), -std::sin(move.roll)}, {std::sin(move.roll), std::cos(move.roll)}}};
      fit.shift = {move.x, move.y};
      fit.matches = confirmed_.matches[g];
      fit.first_tolerance = first_tolerance(group);
      fit.error = {sigma(g, 0), sigma(g, 1), options_.with_rotation ? sigma(g, 2) * sky::DegreesPerRadian : 0};
      add_residuals(group, fit);
      describe(group, fit);
      correct_images(group, fit, result);
      solved.push_back(group);
      result.groups.push_back(std::move(fit));
    }
    keep_covariance(covariance_, solved, result);
    for (auto const& edge : edges_) result.pairs.push_back(describe_pair(edge));
    if (!detectors_.empty()) {
      result.detectors = detectors_;
      result.detector_offset = adjustment_.offsets;
    }
    if (solved.empty()) result.problem = explain_problem();
    return result;
  }

  /// Rows and columns of the solved groups, in the order of the result; rolls in degrees.
  void keep_covariance(std::vector<double> const& all, std::vector<int> const& solved, GlobalAlignment& result) const {
    if (all.empty()) return;
    auto const unknowns = 3 * lists_.groups.size();
    result.covariance.reserve(9 * solved.size() * solved.size());
    auto const unit = [](std::size_t k) { return k == 2 ? sky::DegreesPerRadian : 1.0; };
    for (int const a : solved)
      for (std::size_t i = 0; i < 3; ++i)
        for (int const b : solved)
          for (std::size_t j = 0; j < 3; ++j)
            result.covariance.push_back(
                unit(i) * unit(j) *
                all[(3 * static_cast<std::size_t>(a) + i) * unknowns + 3 * static_cast<std::size_t>(b) + j]);
  }

  PairOfGroups describe_pair(PairEdge const& edge) const {
    auto const place = [&](int group) {  // in the order of the result
      return static_cast<int>(std::find(order_.begin(), order_.end(), group) - order_.begin());
    };
    PairOfGroups pair;
    pair.first = place(edge.first);
    pair.second = edge.second == TheDatum ? -1 : place(edge.second);
    pair.matches = static_cast<int>(edge.fit.pairs.size());
    pair.expected_by_chance = edge.fit.expected;
    pair.shift = {edge.fit.shift.x, edge.fit.shift.y};
    pair.roll = edge.fit.roll * sky::DegreesPerRadian;
    pair.log10_chance = edge.fit.log10_chance;
    pair.rival = edge.fit.rival;
    pair.tolerance = edge.fit.tolerance;
    pair.verdict = edge.is_used || edge.fit.verdict != AlignStatus::Success ? edge.fit.verdict
                   : edge.is_unconfirmed                                    ? AlignStatus::TooFewMatches
                                                                            : AlignStatus::Ambiguous;
    return pair;
  }

  std::string explain_problem() const {
    if (std::all_of(lists_.groups.begin(), lists_.groups.end(), [](auto const& g) { return g.sightings.empty(); }))
      return "no image has a usable source";
    if (has_datum_ && !lists_.is_datum_near)
      return "the catalogue lies elsewhere on the sky, and no two groups could be aligned with each other";
    if (lists_.groups.size() == 1 && !has_datum_) return "one group and no catalogue: nothing to align with";
    return "no two groups have a significant match";
  }

  std::vector<int> callers_place_;  ///< of the sorted images
  SortedImages images_;
  GlobalAlignmentOptions options_;
  bool has_datum_;
  GroupLists lists_;
  std::vector<int> order_;  ///< groups in the order of their first image
  std::vector<std::string> detectors_;
  std::vector<DetectorAxes> detector_axes_;
  std::vector<PairEdge> edges_;
  Islands islands_;
  Adjustment adjustment_;
  JointSolution solution_;
  Confirmed confirmed_;
  std::vector<std::optional<ResidualClump>> clumps_;
  std::vector<double> covariance_;     ///< of all groups in their gauge; empty: too many groups
  std::vector<double> gauge_;          ///< [group] weight in it
  std::vector<bool> connected_;        ///< [island] is corrected
  std::map<int, ResidualClump> torn_;  ///< groups that were left out because of their second clump
  std::map<int, std::string> weak_;    ///< groups that were left out because too few matches hold them, and how few
};

}  // namespace

GlobalAlignment align_globally(std::span<AlignImage const> images, std::span<model::Star const> datum,
                               double datum_error, GlobalAlignmentOptions const& options) {
  if (images.empty()) {
    GlobalAlignment result;
    result.problem = "there is no image";
    return result;
  }
  return GlobalAligner(images, datum, datum_error, options).run();
}

}  // namespace tessera::exchange
