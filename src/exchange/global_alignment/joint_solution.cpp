#include "joint_solution.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace tessera::exchange {

namespace {

constexpr int Links = 3;                              // times that sightings are linked anew
constexpr int Steps = 12;                             // of least squares each time
constexpr int HuberSteps = 3;                         // of them, the first, with a weight function that never gives up
constexpr double Converged = 1e-6;                    // arcsec
constexpr double LeastRadius = 0.02;                  // arcsec
constexpr std::size_t EnoughForErrors = 10000;        // members
constexpr double LeastError = 5e-4;                   // arcsec: centroids are no better, whatever they say
constexpr double LeastWeight = 0.05;                  // robust weight of a member that has a part in the solution
constexpr double LeastKept = 0.25;                    // of the members that must have
constexpr double MostHollow = 0.55;                   // of two quantiles of r^2, 0.3 for normal errors
constexpr double MedianRadius2 = 1.3862943611198906;  // of two normal deviates: 2 ln 2

double quantile(std::vector<double>& values, double part) {
  auto const at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// Variance of a member: floor of its kind + factor of its kind * shape, over the weight of its list. The shape is the
/// square of the stated error; where none is stated, of how faint the star is for its image, as centroids of faint
/// stars go with the noise over the flux.
enum Kind { Stated, NotStated, OfDatum, Kinds };
static_assert(Kinds == ErrorKinds);
struct Errors {
  std::vector<int> kind;              ///< [member]
  std::vector<double> shape, weight;  ///< [member]
  std::array<double, Kinds> floor{};  ///< arcsec squared
  std::array<double, Kinds> factor{{1, 0, 1}};

  double variance(std::size_t member, double floor_of_kind, double factor_of_kind) const {
    return std::max(LeastError * LeastError, floor_of_kind + factor_of_kind * shape[member]) / weight[member];
  }
  double variance(std::size_t member) const {
    auto const k = static_cast<std::size_t>(kind[member]);
    return variance(member, floor[k], factor[k]);
  }
};

struct LinkedStars {
  StarChains chains;
  Errors errors;
};

LinkedStars link_sightings(GroupLists const& lists, Islands const& islands, Adjustment const& adjustment, double radius,
                           bool with_offsets, std::vector<DetectorAxes> const& detectors) {
  LinkedStars linked;
  for (std::size_t island = 0; island < islands.has_datum.size(); ++island) {
    std::vector<Sighting const*> sightings;
    sky::Vector3 sum;
    for (std::size_t g = 0; g < lists.groups.size(); ++g) {
      if (islands.of_group[g] != static_cast<int>(island)) continue;
      sum = sum + lists.groups[g].axes.centre;
      for (auto const& s : lists.groups[g].sightings) sightings.push_back(&s);
    }
    if (islands.has_datum[island])
      for (auto const& s : lists.datum.sightings) sightings.push_back(&s);
    auto const axes = axes_at(sum);
    std::vector<PlanePosition> points;
    std::vector<int> owners;
    std::erase_if(sightings, [&](Sighting const* s) { return sky::dot(s->direction, axes.centre) < LeastTowards; });
    for (auto const* s : sightings) {
      points.push_back(to_plane(axes, adjustment.corrected(s->direction, s->group, s->image)));
      owners.push_back(s->image);
    }
    for (auto const& chain : link_points(points, owners, radius)) {
      // A star of one group says nothing of groups, unless detectors of the group differ.
      auto const& leader = *sightings[static_cast<std::size_t>(chain.front())];
      auto const detector_of = [&](Sighting const& s) {
        return s.image == TheDatum ? -1 : detectors[static_cast<std::size_t>(s.image)].detector;
      };
      bool const is_useful = std::any_of(chain.begin(), chain.end(), [&](int k) {
        auto const& s = *sightings[static_cast<std::size_t>(k)];
        return s.group != leader.group || (with_offsets && detector_of(s) != detector_of(leader));
      });
      if (!is_useful) continue;
      for (int const k : chain) {
        auto const& s = *sightings[static_cast<std::size_t>(k)];
        int const kind = s.image == TheDatum ? OfDatum : (s.error > 0 ? Stated : NotStated);
        linked.chains.members.push_back({s.direction, s.group, s.image, 1, kind});
        double const shape = s.error > 0 ? s.error : s.image == TheDatum ? 0 : s.faintness;
        linked.errors.shape.push_back(shape * shape);
        linked.errors.weight.push_back(s.weight);
        linked.errors.kind.push_back(kind);
      }
      linked.chains.close();
    }
  }
  return linked;
}

void set_variances(StarChains& chains, Errors const& errors) {
  for (std::size_t k = 0; k < chains.members.size(); ++k) chains.members[k].variance = errors.variance(k);
}

/// Squared residual in units of its own variance; nothing can be said of a member that is all the weight of its chain.
double normalised2(Residual const& r, double variance) {
  double const own = (1 - r.share) * variance;
  return r.share < 0.999 ? (r.x * r.x + r.y * r.y) / own : 0;
}

/// The value in [low, high] at which a falling function of it crosses zero.
template <class Function>
double zero_of(Function const& function, double low, double high) {
  if (low >= high || function(low) <= 0) return low;
  for (int pass = 0; pass < 30; ++pass) {
    double const middle = low == 0 ? high * 1e-2 : 0.5 * (low + high);
    (function(middle) > 0 ? low : high) = middle;
    if (high - low < 1e-3 * low) break;
  }
  return 0.5 * (low + high);
}

/// Floor and factor of each kind, most likely for residuals within three of their errors. `freedom` makes good what the
/// unknowns take up. Stated errors are believed as much as `Belief` residuals. What lies outside has no say in this, so
/// errors far too small explain the few residuals that happen to be small just as well. `for_most` looks for errors
/// only where three of ten residuals lie as near as three of four do for normal errors: even if 60 % of the matches are
/// wrong.
void update_errors(StarChains const& chains, std::vector<Residual> const& residuals, double freedom, double radius,
                   bool for_most, Errors& errors) {
  constexpr double Cut = 9, InsideCut = 0.9494;  // mean of r^2 / 2 below the cut
  constexpr double Belief = 20;
  constexpr double NearPart = 0.3, NearRadius2 = 2.772588722239781;  // -2 ln(1 - 3/4)
  for (std::size_t kind = 0; kind < Kinds; ++kind) {
    std::vector<std::size_t> members;
    std::vector<double> squares;  // of residuals, as they would be without the unknowns
    for (std::size_t k = 0; k < chains.members.size(); ++k)
      if (errors.kind[k] == static_cast<int>(kind) && residuals[k].share < 0.999) {
        members.push_back(k);
        squares.push_back(normalised2(residuals[k], 1) * freedom);
      }
    if (members.empty()) continue;
    std::size_t const stride = members.size() / EnoughForErrors + 1;  // of many, some tell as much
    auto const excess = [&](double floor, double factor, bool of_factor) {
      double sum = 0;
      for (std::size_t k = 0; k < members.size(); k += stride) {
        double const variance = errors.variance(members[k], floor, factor), r2 = squares[k] / variance;
        if (r2 < Cut) sum += (r2 / 2 - InsideCut) / variance * (of_factor ? errors.shape[members[k]] : 1);
      }
      return sum;
    };
    std::vector<double> ratios;
    auto const near_excess = [&](double floor, double factor) {
      ratios.clear();
      for (std::size_t k = 0; k < members.size(); k += stride)
        ratios.push_back(squares[k] / errors.variance(members[k], floor, factor));
      return quantile(ratios, NearPart) - NearRadius2;
    };
    auto &floor = errors.floor[kind], &factor = errors.factor[kind];
    double const largest = radius * radius, largest_factor = kind == Stated ? 100 : largest;
    for (int pass = 0; pass < 2; ++pass) {
      double const least = for_most ? zero_of([&](double value) { return near_excess(value, factor); }, 0, largest) : 0;
      floor = zero_of([&](double value) { return excess(value, factor, false); }, least, largest);
      if (kind == OfDatum) break;
      double const prior = kind == Stated ? Belief : 0;
      double const least_factor =
          for_most ? zero_of([&](double value) { return near_excess(floor, value); }, 0, largest_factor) : 0;
      factor = zero_of(
          [&](double value) {
            double const held = std::max(value, 1e-6);
            return excess(floor, value, true) + prior * (1 - held) / (held * held);
          },
          least_factor, largest_factor);
    }
  }
}

class Solver {
 public:
  Solver(GlobalAlignmentOptions const& options, Adjustment& adjustment) : options_(options), adjustment_(adjustment) {}

  /// Iterates on linked stars; robust weights of all members are left in `robust`. Errors may find a few residuals that
  /// chance made small (most of all where they are not stated): a solution that most matches have no part in is made
  /// again with errors that explain most, unless that lies amid two clumps.
  void iterate(LinkedStars& linked, double radius) {
    auto const groups = adjustment_.groups;
    auto const offsets = adjustment_.offsets;
    auto const errors = linked.errors;
    auto const start_again = [&](bool for_most) {
      adjustment_.groups = groups;
      adjustment_.offsets = offsets;
      linked.errors = errors;
      iterate(linked, radius, for_most);
    };
    iterate(linked, radius, false);
    if (linked.chains.size() == 0 || kept_part() >= LeastKept) return;
    start_again(true);
    if (is_hollow(linked.chains)) start_again(false);
  }

  /// The last step, with covariance, and what the residuals say of it. After set_freedom.
  void finish(LinkedStars& linked, JointSolution& solution) {
    auto& chains = linked.chains;
    std::vector<double> weights(chains.members.size());
    set_weights(chains, weights);
    residuals = adjustment_.residuals(chains, weights);
    adjustment_.improve(chains, weights, Adjustment::Covariance::Make, kind_scales(chains, solution));
    residuals = adjustment_.residuals(chains, weights);
    std::vector<double> stated2, all2;
    for (std::size_t k = 0; k < residuals.size(); ++k) {
      if (residuals[k].share >= 0.999) continue;
      all2.push_back(normalised2(residuals[k], chains.members[k].variance));
      if (chains.members[k].kind == Stated)
        stated2.push_back(normalised2(residuals[k], linked.errors.variance(k, 0, 1)));
    }
    auto& judged = stated2.empty() ? all2 : stated2;
    if (!judged.empty()) solution.unit_weight_error = std::sqrt(quantile(judged, 0.5) / MedianRadius2);
    std::vector<double> variances;
    for (auto const& m : chains.members) variances.push_back(m.variance);
    solution.typical_error = std::sqrt(quantile(variances, 0.5));
  }

  /// Share of the residuals that the unknowns take up, for the next update of the errors.
  void set_freedom(StarChains const& chains) {
    double freedom = 0;
    for (auto const& r : residuals) freedom += r.share < 0.999 ? 2 * (1 - r.share) : 0;
    std::vector<double> weights(chains.members.size());
    set_weights(chains, weights);
    adjustment_.improve(chains, weights, Adjustment::Covariance::Make);
    used_ = adjustment_.free_parameters();
    double const used = used_[Stated] + used_[NotStated] + used_[OfDatum];
    freedom_ = freedom > 0 ? freedom / std::max(0.3 * freedom, freedom - used) : 1;
  }

  std::vector<double> robust;
  std::vector<Residual> residuals;

 private:
  void iterate(LinkedStars& linked, double radius, bool for_most) {
    auto& chains = linked.chains;
    robust.assign(chains.members.size(), 1.0);
    std::vector<double> weights(chains.members.size());
    for (int pass = 0; pass < Steps; ++pass) {
      set_variances(chains, linked.errors);
      set_weights(chains, weights);
      residuals = adjustment_.residuals(chains, weights);
      update_errors(chains, residuals, freedom_, radius, for_most, linked.errors);
      set_variances(chains, linked.errors);
      for (std::size_t k = 0; k < robust.size(); ++k)
        robust[k] = weight_of(std::sqrt(normalised2(residuals[k], chains.members[k].variance)), pass < HuberSteps);
      set_weights(chains, weights);
      if (adjustment_.improve(chains, weights) < Converged && pass > HuberSteps) break;
    }
  }

  /// Of the members that the rest of their chain can say something of: how many have weight.
  double kept_part() const {
    std::size_t judged = 0, kept = 0;
    for (std::size_t k = 0; k < robust.size(); ++k) {
      if (residuals[k].share >= 0.999) continue;
      ++judged;
      kept += robust[k] > LeastWeight;
    }
    return judged == 0 ? 0 : static_cast<double>(kept) / static_cast<double>(judged);
  }

  /// Whether residuals lie on a ring: nothing is where the solution is.
  bool is_hollow(StarChains const& chains) const {
    std::vector<double> radii2;
    for (std::size_t k = 0; k < residuals.size(); ++k)
      if (residuals[k].share < 0.999) radii2.push_back(normalised2(residuals[k], chains.members[k].variance));
    if (radii2.empty()) return false;
    double const near = quantile(radii2, 0.3);
    return near > MostHollow * quantile(radii2, 0.7);
  }

  /// Huber's formula for the covariance of an M-estimate, scaled to the inverse of the weighted normal matrix: for each
  /// kind by itself, as the stars of images may be far better than their least error says, and the datum not.
  Adjustment::KindScales kind_scales(StarChains const& chains, JointSolution& solution) const {
    struct Sum {
      double freedom = 0, psi2 = 0, slope = 0, mean = 0;
    };
    std::array<Sum, Kinds> sums{};
    double const end = 2 * options_.robust_scale;
    for (std::size_t k = 0; k < residuals.size(); ++k) {
      if (residuals[k].share >= 0.999) continue;
      double const r2 = normalised2(residuals[k], chains.members[k].variance), part2 = r2 / (end * end);
      if (part2 >= 1) continue;
      double const dof = 1 - residuals[k].share, weight = (1 - part2) * (1 - part2);
      auto& sum = sums[static_cast<std::size_t>(chains.members[k].kind)];
      sum.freedom += dof;
      sum.mean += dof * weight;
      sum.psi2 += dof * weight * weight * r2 / 2;
      sum.slope += dof * (weight - 2 * part2 * (1 - part2));
    }
    bool const is_stated = sums[Stated].freedom > 0;
    // Errors that the same few stars had to tell are themselves uncertain: the variance of Student's t.
    double const used = used_[Stated] + used_[NotStated] + used_[OfDatum];
    double const stars = std::max(4.0, 2 * static_cast<double>(chains.size()) - used);
    double const student = is_stated ? 1 : stars / (stars - 2), misfit = judge_images(chains, solution);
    Adjustment::KindScales scales;
    for (std::size_t kind = 0; kind < Kinds; ++kind) {
      // Few residuals say little of their own scatter: they are taken together with what normal errors give.
      double const expected = scale_of_normal_errors(), belief = is_stated || kind == OfDatum ? 10 : 4;
      auto const& sum = sums[kind];
      scales[kind] = expected;
      if (sum.freedom > 0 && sum.slope > 0) {
        double const rest = std::max(1.0, 2 * sum.freedom - used_[kind]);
        double const found =
            2 * sum.freedom / rest * (sum.psi2 / sum.freedom) * sum.mean * sum.freedom / (sum.slope * sum.slope);
        scales[kind] = (belief * expected + rest * found) / (belief + rest);
      }
      scales[kind] *= student * (kind == OfDatum ? 1 : misfit);
    }
    return scales;
  }

  /// Images whose stars are off together (offsets of detectors, distortion) say that errors are not independent: what
  /// the covariance is to be multiplied with.
  double judge_images(StarChains const& chains, JointSolution& solution) const {
    struct Sum {
      double x = 0, y = 0, weight = 0;
    };
    std::map<int, Sum> sums;
    for (std::size_t k = 0; k < residuals.size(); ++k) {
      auto const& r = residuals[k];
      if (chains.members[k].image == TheDatum || r.share >= 0.999) continue;
      double const weight = robust[k] / chains.members[k].variance;
      auto& sum = sums[chains.members[k].image];
      sum.x += weight * r.x;
      sum.y += weight * r.y;
      sum.weight += weight * (1 - r.share);
    }
    double chi2 = 0, freedom = -(used_[Stated] + used_[NotStated] + used_[OfDatum]);
    for (auto const& [image, sum] : sums) {
      if (sum.weight <= 0) continue;
      chi2 += (sum.x * sum.x + sum.y * sum.y) / sum.weight;
      freedom += 2;
    }
    if (freedom < 4) return 1;
    solution.image_misfit = chi2 / freedom;
    return solution.image_misfit > 1 + 4 * std::sqrt(2 / freedom) ? solution.image_misfit : 1;
  }

  double weight_of(double radius, bool never_zero) const {
    if (never_zero) return radius <= options_.robust_scale ? 1 : options_.robust_scale / radius;
    double const part = radius / (2 * options_.robust_scale);
    return part >= 1 ? 0 : (1 - part * part) * (1 - part * part);
  }
  void set_weights(StarChains const& chains, std::vector<double>& weights) const {
    for (std::size_t k = 0; k < weights.size(); ++k) weights[k] = robust[k] / chains.members[k].variance;
  }
  /// What covariance_scale is for normal errors: moments of the radius of two normal deviates, far inside the end.
  double scale_of_normal_errors() const {
    double const s = 1 / std::pow(2 * options_.robust_scale, 2);
    double const mean = 1 - 4 * s + 8 * s * s, slope = 1 - 8 * s + 24 * s * s;
    double const psi2 = 0.5 * (2 - 32 * s + 288 * s * s - 1536 * s * s * s + 3840 * s * s * s * s);
    return psi2 * mean / (slope * slope);
  }

  GlobalAlignmentOptions const& options_;
  Adjustment& adjustment_;
  double freedom_ = 1;
  Adjustment::KindScales used_{};  ///< free parameters
};

}  // namespace

JointSolution solve_jointly(GroupLists const& lists, Islands const& islands, double scatter,
                            GlobalAlignmentOptions const& options, Adjustment& adjustment,
                            std::vector<DetectorAxes> const& detectors) {
  JointSolution solution;
  Solver solver(options, adjustment);
  double const largest = options.separation / 2.2;
  double radius = std::clamp(6 * scatter + (options.with_detector_offsets ? options.detector_prior : 0),
                             std::min(0.05, largest), largest);
  Errors start;
  start.floor.fill(scatter * scatter / 2);
  LinkedStars linked;
  for (int pass = 0; pass < Links; ++pass) {
    linked = link_sightings(lists, islands, adjustment, radius, options.with_detector_offsets, detectors);
    linked.errors.floor = start.floor;
    linked.errors.factor = start.factor;
    solution.radius = radius;
    solver.iterate(linked, radius);
    if (linked.chains.size() > 0) solver.set_freedom(linked.chains);
    start.floor = linked.errors.floor;
    start.factor = linked.errors.factor;
    // Nine of ten errors decide how far sightings of one star lie apart.
    std::vector<double> variances;
    for (auto const& m : linked.chains.members) variances.push_back(m.variance);
    if (variances.empty()) break;
    radius = std::clamp(5 * std::sqrt(2 * quantile(variances, 0.9)), std::min(LeastRadius, largest), largest);
  }
  if (linked.chains.size() > 0) solver.finish(linked, solution);
  solution.chains = std::move(linked.chains);
  solution.robust = std::move(solver.robust);
  solution.residuals = std::move(solver.residuals);
  return solution;
}

}  // namespace tessera::exchange
