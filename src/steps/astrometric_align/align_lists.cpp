#include "align_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "match_chance.hpp"

namespace tessera::steps {

namespace {

using exchange::AlignStatus;

/// A rival with half the evidence of the best shift (in powers of ten) makes it ambiguous.
constexpr double RivalLimit = 0.5;
/// Tolerances that are tried, over the one configured.
constexpr std::array<double, 4> FirstLadder{1, 0.5, 2, 0.25};
constexpr std::array<double, 3> LaterLadder{1, 2, 0.5};

/// A linear map of the plane.
struct Placement {
  kernels::Matrix2 matrix{{{1, 0}, {0, 1}}};
  std::array<double, 2> shift{0, 0};

  PlanePosition operator()(PlanePosition const& p) const {
    return {matrix[0][0] * p.x + matrix[0][1] * p.y + shift[0], matrix[1][0] * p.x + matrix[1][1] * p.y + shift[1]};
  }
};

/// One way to match two lists, and how that went.
struct Attempt {
  AlignStatus status = AlignStatus::TooFewMatches;
  std::string reason;
  kernels::StarMatch match;
  double tolerance = 0, expected = 0, log10_chance = 0;
  kernels::FitGeometry geometry = kernels::FitGeometry::Shift;
  std::optional<kernels::PositionFit> fit;
};

/// The geometry asked for, or the simpler one that so few pairs determine with some to spare: twice what it needs.
kernels::FitGeometry determined_geometry(kernels::FitGeometry geometry, std::size_t pairs) {
  using kernels::FitGeometry;
  auto const is_determined = [&](FitGeometry g) { return static_cast<int>(pairs) >= 2 * kernels::least_pairs(g); };
  if (geometry == FitGeometry::General && !is_determined(geometry)) geometry = FitGeometry::Rshift;
  if (geometry != FitGeometry::Shift && !is_determined(geometry)) geometry = FitGeometry::Shift;
  return geometry;
}

char const* geometry_name(kernels::FitGeometry geometry) {
  static constexpr std::array<char const*, 4> Names{"shift", "rshift", "rscale", "general"};
  return Names.at(static_cast<std::size_t>(geometry));
}

class ListAligner {
 public:
  ListAligner(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
              std::span<double const> weights, Field const& field)
      : image_(image.begin(), image.end()), field_(field) {
    area_ = std::max(1.0, (field.x_high - field.x_low) * (field.y_high - field.y_low));
    reference_.assign(reference.begin(), reference.end());
    weights_.assign(weights.begin(), weights.end());
  }

  ListAlignment run(std::span<AlignIteration const> iterations) {
    ListAlignment result;
    if (image_.empty()) return refuse(result, AlignStatus::NoSources, "no stars in the mosaic");
    double const reach = iterations.front().searchrad + 2 * iterations.front().tolerance;
    result.reference_in_field = static_cast<int>(std::count_if(
        reference_.begin(), reference_.end(), [&](PlanePosition const& p) { return is_in_field(p, reach); }));
    if (result.reference_in_field == 0)
      return refuse(result, AlignStatus::NoOverlap,
                    fmt::format("none of the {} stars of the catalogue lies on the mosaic", reference_.size()));
    Placement placement;
    for (auto const& iteration : iterations) {
      bool const is_first = &iteration == &iterations.front();
      auto const attempt = is_first ? find_match(iteration) : refine_match(iteration, placement);
      auto const name = iteration.name.empty() ? std::string("the match") : iteration.name;
      if (attempt.status != AlignStatus::Success) {
        if (is_first) return refuse(result, attempt.status, attempt.reason);
        result.reason = fmt::format("{} {}: the solution before it stands", name, attempt.reason);
        break;
      }
      if (is_first) {
        result.expected_by_chance = attempt.expected;
        result.log10_chance = attempt.log10_chance;
      }
      placement = {attempt.fit->matrix, attempt.fit->shift};
      take(result, attempt);
      result.iterations.push_back(
          fmt::format("{}: {} by {} of {} matches within {:.3g} pixels, rms {:.3g}, {:.2g} expected by chance", name,
                      geometry_name(attempt.geometry), attempt.fit->count, attempt.match.pairs.size(),
                      attempt.tolerance, attempt.fit->rmse, attempt.expected));
    }
    double const limit = 2 * (iterations.front().searchrad + iterations.front().tolerance),
                 moved = largest_motion(placement);
    if (moved > limit)
      return refuse(
          result, AlignStatus::TooLarge,
          fmt::format("a corner of the mosaic would move by {:.1f} pixels, and {:.1f} are searched", moved, limit));
    result.status = AlignStatus::Success;
    result.matrix = placement.matrix;
    result.shift = placement.shift;
    return result;
  }

 private:
  static ListAlignment refuse(ListAlignment& result, AlignStatus status, std::string reason) {
    result.status = status;
    result.reason = std::move(reason);
    result.pairs.clear();
    result.used.clear();
    result.matches = 0;
    return std::move(result);
  }

  bool is_in_field(PlanePosition const& p, double margin) const {
    return p.x >= field_.x_low - margin && p.x <= field_.x_high + margin && p.y >= field_.y_low - margin &&
           p.y <= field_.y_high + margin;
  }

  double largest_motion(Placement const& placement) const {
    double largest = 0;
    for (double const x : {field_.x_low, field_.x_high})
      for (double const y : {field_.y_low, field_.y_high}) {
        auto const moved = placement({x, y});
        largest = std::max(largest, std::hypot(moved.x - x, moved.y - y));
      }
    return largest;
  }

  /// As configured; then with other tolerances about the densest shift. The first failure is what is said.
  Attempt find_match(AlignIteration const& iteration) const {
    std::optional<Attempt> failed;
    for (int rung = -1; rung < static_cast<int>(FirstLadder.size()); ++rung) {
      bool const as_configured = rung < 0;
      double const tolerance = iteration.tolerance * (as_configured ? 1 : FirstLadder[static_cast<std::size_t>(rung)]);
      bool const searches = !as_configured || iteration.use2dhist;
      std::optional<DensestShift> densest;
      std::array<double, 2> start{0, 0};
      if (!as_configured) {
        densest = find_densest_shift(image_, reference_, iteration.searchrad, tolerance);
        start = densest->shift;
      } else if (iteration.use2dhist) {
        start = kernels::histogram_shift(image_, reference_, iteration.searchrad, 1);
      }
      double const places = std::max(1.0, std::pow(2 * iteration.searchrad / tolerance, 2));
      double const trials = (searches ? places : 1) * static_cast<double>(FirstLadder.size() + 1);
      auto attempt = try_match(iteration, image_, start, tolerance, trials);
      if (attempt.status == AlignStatus::Success) {
        if (!densest) densest = find_densest_shift(image_, reference_, iteration.searchrad, tolerance);
        judge_rival(attempt, *densest, start, tolerance, places);
      }
      if (attempt.status == AlignStatus::Success) return attempt;
      if (!failed) failed = std::move(attempt);
    }
    return *failed;
  }

  /// About the solution so far.
  Attempt refine_match(AlignIteration const& iteration, Placement const& placement) const {
    std::vector<PlanePosition> placed;
    for (auto const& p : image_) placed.push_back(placement(p));
    std::optional<Attempt> failed;
    for (double const factor : LaterLadder) {
      double const tolerance = iteration.tolerance * factor;
      std::array<double, 2> start{0, 0};
      double trials = static_cast<double>(LaterLadder.size());
      if (iteration.use2dhist) {
        start = kernels::histogram_shift(placed, reference_, iteration.searchrad, 1);
        trials *= std::max(1.0, std::pow(2 * iteration.searchrad / tolerance, 2));
      }
      auto attempt = try_match(iteration, placed, start, tolerance, trials);
      if (attempt.status == AlignStatus::Success) return attempt;
      if (!failed) failed = std::move(attempt);
    }
    return *failed;
  }

  /// Matches `placed` about `start` and fits the image's own positions.
  Attempt try_match(AlignIteration const& iteration, std::span<PlanePosition const> placed,
                    std::array<double, 2> const& start, double tolerance, double trials) const {
    Attempt attempt;
    attempt.tolerance = tolerance;
    kernels::MatchOptions options;
    options.searchrad = iteration.searchrad;
    options.separation = iteration.separation;
    options.tolerance = tolerance;
    options.use2dhist = false;
    options.xoffset = start[0];
    options.yoffset = start[1];
    attempt.match = kernels::match_stars(placed, reference_, options);
    auto const count = static_cast<int>(attempt.match.pairs.size());
    if (attempt.match.confused) {
      attempt.status = AlignStatus::Confused;
      attempt.reason = "matches stars of the catalogue to more stars than there are";
      return attempt;
    }
    if (count < iteration.minobj) {
      attempt.reason = fmt::format("found {} matches of {} stars within {:.3g} pixels, and {} are needed", count,
                                   image_.size(), tolerance, iteration.minobj);
      return attempt;
    }
    auto const judge = [&](double expected) {
      attempt.expected = expected;
      attempt.log10_chance = std::min(0.0, log10_chance(count, expected) + std::log10(trials));
      return attempt.log10_chance <= std::log10(LargestChance);
    };
    // Moving the lists apart takes time, and can only find more.
    if (!judge(pairs_by_density(placed, reference_, tolerance, area_)) ||
        !judge(pairs_by_chance(placed, reference_, start, tolerance, iteration.separation, area_))) {
      attempt.status = AlignStatus::Insignificant;
      attempt.reason = fmt::format("found {} matches of {} stars within {:.3g} pixels, and chance gives {:.2g}", count,
                                   image_.size(), tolerance, attempt.expected);
      return attempt;
    }
    fit(iteration, attempt);
    return attempt;
  }

  void fit(AlignIteration const& iteration, Attempt& attempt) const {
    std::vector<PlanePosition> image, reference;
    std::vector<double> weights;
    for (auto const& [i, r] : attempt.match.pairs) {
      image.push_back(image_[static_cast<std::size_t>(i)]);
      reference.push_back(reference_[static_cast<std::size_t>(r)]);
      if (!weights_.empty()) weights.push_back(weights_[static_cast<std::size_t>(r)]);
    }
    kernels::FitOptions options;
    options.geometry = attempt.geometry = determined_geometry(iteration.geometry, image.size());
    options.nclip = iteration.nclip;
    options.sigma = iteration.sigma;
    options.minobj = iteration.minobj;
    attempt.fit = kernels::fit_positions(image, reference, weights, options);
    attempt.status = attempt.fit ? AlignStatus::Success : AlignStatus::Singular;
    if (!attempt.fit)
      attempt.reason = fmt::format("found {} matches that do not determine the fit", attempt.match.pairs.size());
  }

  /// Another shift at which nearly as many stars fall together.
  static void judge_rival(Attempt& attempt, DensestShift const& densest, std::array<double, 2> const& start,
                          double tolerance, double places) {
    double const apart = std::max(std::abs(densest.shift[0] - start[0]), std::abs(densest.shift[1] - start[1]));
    int const rival = apart > 3 * tolerance ? densest.count : densest.rival;
    double const expected = std::max(densest.expected, attempt.expected);
    double const chance = std::min(0.0, log10_chance(rival, expected) + std::log10(places));
    if (chance > RivalLimit * attempt.log10_chance) return;
    attempt.status = AlignStatus::Ambiguous;
    attempt.reason = fmt::format("found {} matches within {:.3g} pixels, and {} at another shift",
                                 attempt.match.pairs.size(), tolerance, rival);
  }

  void take(ListAlignment& result, Attempt const& attempt) const {
    auto const& fit = *attempt.fit;
    result.pairs = attempt.match.pairs;
    result.used = fit.used;
    result.matches = fit.count;
    result.rmse = fit.rmse;
    result.mae = fit.mae;
    result.tolerance = attempt.tolerance;
    double squares = 0;
    for (std::size_t k = 0; k < result.pairs.size(); ++k) {
      if (!fit.used[k]) continue;
      auto const &i = image_[static_cast<std::size_t>(result.pairs[k].first)],
                 &r = reference_[static_cast<std::size_t>(result.pairs[k].second)];
      squares += (r.x - i.x) * (r.x - i.x) + (r.y - i.y) * (r.y - i.y);
    }
    result.rms_before = fit.count > 0 ? std::sqrt(squares / fit.count) : 0;
  }

  std::vector<PlanePosition> image_, reference_;
  std::vector<double> weights_;
  Field field_;
  double area_ = 1;
};

}  // namespace

ListAlignment align_lists(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                          std::span<double const> weights, Field const& field,
                          std::span<AlignIteration const> iterations) {
  return ListAligner(image, reference, weights, field).run(iterations);
}

}  // namespace tessera::steps
