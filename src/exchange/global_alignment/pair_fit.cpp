#include "pair_fit.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "shift_search.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::exchange {

namespace {

constexpr double LargestRoll = 1.0 * sky::RadiansPerDegree;
constexpr int MostRolls = 61;            // tried a rung
constexpr double MostDifferences = 2e6;  // of a search; fewer stars, the brightest, are taken where there are more
constexpr double Ambiguous = 0.5;        // significance of a rival over that of the best
constexpr double LeastTolerance = 0.03;  // arcsec: fewer chance matches than within this are not claimed
constexpr double LeastScatter = 0.001;   // arcsec
constexpr double RayleighMedian = 1.1774;

double median_of(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

PlanePosition rotated(PlanePosition p, PlanePosition centre, double cosine, double sine) {
  double const x = p.x - centre.x, y = p.y - centre.y;
  return {centre.x + cosine * x - sine * y, centre.y + sine * x + cosine * y};
}

std::vector<PlanePosition> moved(std::span<PlanePosition const> list, PairFit const& fit) {
  double const cosine = std::cos(fit.roll), sine = std::sin(fit.roll);
  std::vector<PlanePosition> result;
  result.reserve(list.size());
  for (auto const& p : list) {
    auto const q = rotated(p, fit.centre, cosine, sine);
    result.push_back({q.x + fit.shift.x, q.y + fit.shift.y});
  }
  return result;
}

/// The `most` brightest of a list in its own order; all where there are no more.
PairList brightest(PairList const& list, std::size_t most) {
  if (list.at.size() <= most) return list;
  std::vector<std::size_t> order(list.at.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto const rank = [&](std::size_t k) { return std::isnan(list.brightness[k]) ? 1e30 : -list.brightness[k]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  order.resize(most);
  std::sort(order.begin(), order.end());
  PairList result;
  for (auto const k : order) {
    result.at.push_back(list.at[k]);
    result.brightness.push_back(list.brightness[k]);
  }
  result.density = list.density * static_cast<double>(most) / static_cast<double>(list.at.size());
  return result;
}

bool has_brightness(PairList const& list) {
  return std::any_of(list.brightness.begin(), list.brightness.end(), [](double b) { return !std::isnan(b); });
}

/// Accidental differences an arcsec squared: the density of the second list around every star of the first.
double density_of_differences(PairList const& first, PairList const& second, double searchrad) {
  double const radius = std::max(10.0, 2 * searchrad), area = 3.141592653589793 * radius * radius;
  PlaneGrid const grid(second.at, radius);
  double sum = 0;
  for (auto const& p : first.at) {
    auto const count = static_cast<double>(grid.count_near(p, radius));
    sum += std::max(second.density, (count - 1) / area);  // less the partner
  }
  return sum;
}

class PairFitter {
 public:
  PairFitter(PairList const& first, PairList const& second, GlobalAlignmentOptions const& options, double limit)
      : first_(first), second_(second), options_(options), limit_(limit), grid_(first.at, 0.3) {
    for (auto const& p : first.at) {
      centre_.x += p.x / static_cast<double>(first.at.size());
      centre_.y += p.y / static_cast<double>(first.at.size());
    }
    for (auto const& p : first.at) lever_ = std::max(lever_, std::sqrt(distance2(p, centre_)));
    density_ = density_of_differences(first, second, options.searchrad);
  }

  PairFit run() {
    PairFit failed;
    failed.centre = centre_;
    failed.verdict = AlignStatus::Insignificant;
    for (auto const& [a, b] : subsets())
      for (double const tolerance : options_.tolerances)
        if (auto const found = try_rung(a, b, tolerance, {0.0}, failed)) return *found;
    if (options_.with_rotation)
      for (double const tolerance : options_.tolerances)
        if (auto const rolls = rolls_for(tolerance); !rolls.empty())
          if (auto const found = try_rung(subsets().front().first, subsets().front().second, tolerance, rolls, failed))
            return *found;
    return failed;
  }

 private:
  struct Match {
    int first, second;
    double x, y, radius;  ///< first minus moved second
  };

  /// All stars (or as many of the brightest as a search can take), then the brightest alone.
  std::vector<std::pair<PairList, PairList>> subsets() const {
    std::vector<std::pair<PairList, PairList>> list;
    double const search_area = 4 * options_.searchrad * options_.searchrad;
    double const thinning = std::sqrt(std::min(1.0, MostDifferences / std::max(1.0, density_ * search_area)));
    auto const share = [&](PairList const& whole) {
      return brightest(whole, static_cast<std::size_t>(std::ceil(thinning * static_cast<double>(whole.at.size()))));
    };
    list.emplace_back(share(first_), share(second_));
    if (!has_brightness(first_) || !has_brightness(second_)) return list;
    for (std::size_t const most : {300, 80})
      if (list.back().first.at.size() > 2 * most || list.back().second.at.size() > 2 * most)
        list.emplace_back(brightest(first_, most), brightest(second_, most));
    return list;
  }

  /// Rolls that move the edge of the overlap by one tolerance each, by size; none where the shift alone was enough.
  std::vector<double> rolls_for(double tolerance) const {
    double const step = tolerance / std::max(lever_, 1e-3);
    auto const steps = static_cast<int>(std::ceil(LargestRoll / step));
    if (steps < 1 || 2 * steps + 1 > MostRolls) return {};
    std::vector<double> rolls;
    for (int k = 1; k <= steps; ++k) {
      rolls.push_back(k * LargestRoll / steps);
      rolls.push_back(-k * LargestRoll / steps);
    }
    return rolls;
  }

  double log10_trials(double places, std::size_t rolls) const {
    return std::log10(places * static_cast<double>(options_.tolerances.size()) * 3 * static_cast<double>(rolls));
  }

  std::vector<PlanePosition> differences(PairList const& a, PairList const& b, double roll) const {
    double const reach = options_.searchrad, cosine = std::cos(roll), sine = std::sin(roll);
    PlaneGrid const grid(a.at, reach);
    std::vector<PlanePosition> list;
    for (auto const& p : b.at) {
      auto const q = rotated(p, centre_, cosine, sine);
      grid.visit_near(q, reach * 1.4142135623730951, [&](int k, double) {
        auto const& star = a.at[static_cast<std::size_t>(k)];
        PlanePosition const d{star.x - q.x, star.y - q.y};
        if (std::abs(d.x) <= reach && std::abs(d.y) <= reach) list.push_back(d);
      });
    }
    return list;
  }

  std::optional<PairFit> try_rung(PairList const& a, PairList const& b, double tolerance,
                                  std::vector<double> const& rolls, PairFit& failed) const {
    double const share = static_cast<double>(a.at.size()) * static_cast<double>(b.at.size()) /
                         (static_cast<double>(first_.at.size()) * static_cast<double>(second_.at.size()));
    ShiftSearch best;
    double best_roll = 0;
    for (double const roll : rolls) {
      auto const search = search_shift(differences(a, b, roll), options_.searchrad, tolerance, density_ * share);
      if (search.best.log10_chance < best.best.log10_chance) {
        best = search;
        best_roll = roll;
      }
    }
    double const trials = log10_trials(best.places, rolls.size());
    double const chance = std::min(0.0, best.best.log10_chance + trials),
                 rival = std::min(0.0, best.rival.log10_chance + trials);
    PairFit fit;
    fit.centre = centre_;
    fit.shift = best.best.shift;
    fit.roll = best_roll;
    fit.tolerance = tolerance;
    fit.expected = best.best.expected;
    fit.log10_chance = chance;
    fit.rival = rival < 0 && chance < 0 ? rival / chance : 0;
    if (best.best.count < options_.minobj || chance > limit_) {
      if (failed.verdict == AlignStatus::Insignificant && chance <= failed.log10_chance) failed = fit;
      if (failed.verdict == AlignStatus::TooFewMatches) failed.verdict = AlignStatus::Insignificant;
      return std::nullopt;
    }
    if (fit.rival > Ambiguous && rival < limit_) {
      failed = fit;
      failed.verdict = AlignStatus::Ambiguous;
      return std::nullopt;
    }
    refine(fit, log10_trials(1, rolls.size()));
    if (fit.verdict == AlignStatus::Success) return fit;
    if (failed.verdict != AlignStatus::Ambiguous) failed = fit;
    return std::nullopt;
  }

  /// Mutual nearest neighbours within `tolerance`, of about the same brightness where that tells anything.
  std::vector<Match> match(PairFit const& fit, double tolerance) const {
    auto const list = moved(second_.at, fit);
    PlaneGrid const grid(list, tolerance);
    std::vector<Match> matches;
    std::vector<double> ratios;
    for (std::size_t k = 0; k < list.size(); ++k) {
      int const partner = grid_.nearest(list[k], tolerance);
      if (partner < 0) continue;
      auto const& p = first_.at[static_cast<std::size_t>(partner)];
      if (grid.nearest(p, tolerance) != static_cast<int>(k)) continue;
      double const x = p.x - list[k].x, y = p.y - list[k].y;
      matches.push_back({partner, static_cast<int>(k), x, y, std::hypot(x, y)});
      double const ratio = ratio_of(matches.back());
      if (!std::isnan(ratio)) ratios.push_back(ratio);
    }
    if (ratios.size() < 10) return matches;
    double const middle = median_of(ratios);
    std::vector<double> spread;
    for (double const ratio : ratios) spread.push_back(std::abs(ratio - middle));
    double const limit = 4 * std::max(0.05, 1.4826 * median_of(spread));
    std::erase_if(matches, [&](Match const& m) { return std::abs(ratio_of(m) - middle) > limit; });
    return matches;
  }
  double ratio_of(Match const& m) const {
    return first_.brightness[static_cast<std::size_t>(m.first)] -
           second_.brightness[static_cast<std::size_t>(m.second)];
  }

  /// The radius, of halvings of `tolerance`, within which matches are most significant; with some room.
  double most_significant_radius(std::vector<Match> const& matches, double tolerance) const {
    double best = tolerance, least = 0;
    for (double radius = tolerance; radius >= LeastTolerance / 2; radius /= 1.5) {
      auto const count = static_cast<double>(
          std::count_if(matches.begin(), matches.end(), [&](Match const& m) { return m.radius <= radius; }));
      double const chance = log10_poisson_tail(count, density_ * 3.141592653589793 * radius * radius);
      if (chance >= least) continue;
      least = chance;
      best = radius;
    }
    return std::min(tolerance, 2 * best);
  }

  /// One robust step of shift and roll; the roll held by its prior.
  void improve(PairFit& fit, std::vector<Match> const& matches, double scatter) const {
    double n = 0, sx = 0, sy = 0, su = 0, sv = 0, suu = 0, sr = 0;
    double const limit = 2 * options_.robust_scale * scatter;
    for (auto const& m : matches) {
      if (m.radius >= limit) continue;
      double const part = m.radius / limit, weight = (1 - part * part) * (1 - part * part);
      auto const& p = first_.at[static_cast<std::size_t>(m.first)];
      double const u = -(p.y - fit.centre.y), v = p.x - fit.centre.x;  // how a roll moves the star
      n += weight;
      sx += weight * m.x;
      sy += weight * m.y;
      su += weight * u;
      sv += weight * v;
      suu += weight * (u * u + v * v);
      sr += weight * (u * m.x + v * m.y);
    }
    if (n <= 0) return;
    double roll = 0;
    if (options_.with_rotation) {
      // As in the adjustment: Student's t, so that large rolls are not pulled back; here of the difference of two.
      double const prior = 1.4142135623730951 * options_.roll_prior * sky::RadiansPerDegree;
      double const held = prior > 0 ? 4 * scatter * scatter / (3 * prior * prior + fit.roll * fit.roll) : 0;
      double const curvature = suu - (su * su + sv * sv) / n + held;
      if (curvature > 0) roll = (sr - (su * sx + sv * sy) / n - held * fit.roll) / curvature;
    }
    fit.roll += roll;
    fit.shift.x += (sx - roll * su) / n;
    fit.shift.y += (sy - roll * sv) / n;
  }

  void refine(PairFit& fit, double log10_attempts) const {
    double tolerance = fit.tolerance;
    std::vector<Match> matches;
    for (int pass = 0; pass < 10; ++pass) {
      matches = match(fit, tolerance);
      if (static_cast<int>(matches.size()) < std::max(1, options_.minobj)) break;
      double const radius = most_significant_radius(matches, tolerance);
      std::vector<double> radii;
      for (auto const& m : matches)
        if (m.radius <= radius) radii.push_back(m.radius);
      if (radii.empty()) break;
      fit.scatter = std::max(LeastScatter, median_of(radii) / RayleighMedian);
      improve(fit, matches, fit.scatter);
      // A roll may have kept stars out at first: the tolerance may grow again, but not beyond its rung.
      tolerance = std::clamp(std::max(4 * fit.scatter, radius), LeastTolerance, fit.tolerance);
    }
    tolerance = std::min(fit.tolerance, std::max(LeastTolerance, 4 * fit.scatter));
    matches = match(fit, tolerance);
    fit.pairs.clear();
    for (auto const& m : matches) fit.pairs.emplace_back(m.first, m.second);
    fit.expected = density_ * 3.141592653589793 * tolerance * tolerance;
    double const places = 4 * options_.searchrad * options_.searchrad / (tolerance * tolerance);
    fit.log10_chance = std::min(0.0, log10_poisson_tail(static_cast<double>(matches.size()), fit.expected) +
                                         std::log10(std::max(1.0, places)) + log10_attempts);
    fit.verdict = static_cast<int>(matches.size()) < options_.minobj ? AlignStatus::TooFewMatches
                  : fit.log10_chance > limit_                        ? AlignStatus::Insignificant
                                                                     : AlignStatus::Success;
  }

  PairList const& first_;
  PairList const& second_;
  GlobalAlignmentOptions const& options_;
  double limit_;
  PlaneGrid grid_;  ///< of first_
  PlanePosition centre_;
  double lever_ = 0, density_ = 0;
};

}  // namespace

PairFit fit_pair(PairList const& first, PairList const& second, GlobalAlignmentOptions const& options,
                 double log10_limit) {
  auto const least = static_cast<std::size_t>(std::max(1, options.minobj));
  if (first.at.size() < least || second.at.size() < least) return {};
  return PairFitter(first, second, options, log10_limit).run();
}

}  // namespace tessera::exchange
