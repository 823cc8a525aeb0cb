#include "tessera/kernels/fit_positions.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::kernels {

namespace {

/// Pairs of one fit: u (image) with the centre taken off, x (reference), normalised weights.
struct Pairs {
  std::vector<double> u1, u2, x1, x2, weight;
  std::size_t size() const { return u1.size(); }
};

struct Means {
  double u1 = 0, u2 = 0, x1 = 0, x2 = 0;
};

Means means_of(Pairs const& pairs) {
  Means mean;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    mean.u1 += pairs.weight[k] * pairs.u1[k];
    mean.u2 += pairs.weight[k] * pairs.u2[k];
    mean.x1 += pairs.weight[k] * pairs.x1[k];
    mean.x2 += pairs.weight[k] * pairs.x2[k];
  }
  return mean;
}

/// Rotation, and scale where it is asked for, or a reflection where that is nearer. Nothing for points in one place.
std::optional<Matrix2> fit_rotation(Pairs const& pairs, Means const& mean, bool with_scale) {
  double sxu = 0, sxv = 0, syu = 0, syv = 0, suu = 0;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    double const w = pairs.weight[k], u = pairs.u1[k] - mean.u1, v = pairs.u2[k] - mean.u2;
    double const x = pairs.x1[k] - mean.x1, y = pairs.x2[k] - mean.x2;
    sxu += w * x * u;
    sxv += w * x * v;
    syu += w * y * u;
    syv += w * y * v;
    suu += w * (u * u + v * v);
  }
  // Points on a line, as any two are, fit a rotation and a reflection alike: no rounding error may choose the latter.
  double const rounding = 1e-10 * (sxu * sxu + sxv * sxv + syu * syu + syv * syv);
  bool const is_mirrored = sxu * syv - sxv * syu < -rounding;
  double const along = is_mirrored ? sxu - syv : sxu + syv, across = is_mirrored ? sxv + syu : sxv - syu;
  if (!(suu > 0) || (along == 0 && across == 0)) return std::nullopt;
  double const angle = std::atan2(across, along), c = std::cos(angle), s = std::sin(angle);
  double const scale = with_scale ? (along * c + across * s) / suu : 1.0;
  double const sign = is_mirrored ? -1.0 : 1.0;
  return Matrix2{{{scale * c, scale * s}, {-sign * scale * s, sign * scale * c}}};
}

/// All four elements; nothing for points on a line.
std::optional<Matrix2> fit_general(Pairs const& pairs, Means const& mean) {
  Eigen::MatrixXd design(static_cast<Eigen::Index>(pairs.size()), 2),
      values(static_cast<Eigen::Index>(pairs.size()), 2);
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    double const root = std::sqrt(pairs.weight[k]);
    design.row(static_cast<Eigen::Index>(k)) << root * (pairs.u1[k] - mean.u1), root * (pairs.u2[k] - mean.u2);
    values.row(static_cast<Eigen::Index>(k)) << root * (pairs.x1[k] - mean.x1), root * (pairs.x2[k] - mean.x2);
  }
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> solver(design);
  solver.setThreshold(1e-10);  // positions are known to fewer digits
  if (solver.rank() < 2) return std::nullopt;
  Eigen::MatrixXd const solution = solver.solve(values);
  return Matrix2{{{solution(0, 0), solution(1, 0)}, {solution(0, 1), solution(1, 1)}}};
}

std::optional<Matrix2> fit_matrix(Pairs const& pairs, Means const& mean, FitGeometry geometry) {
  switch (geometry) {
    case FitGeometry::Shift:
      return Matrix2{{{1, 0}, {0, 1}}};
    case FitGeometry::Rshift:
      return fit_rotation(pairs, mean, false);
    case FitGeometry::Rscale:
      return fit_rotation(pairs, mean, true);
    case FitGeometry::General:
      return fit_general(pairs, mean);
  }
  return std::nullopt;
}

/// The fit with one selection of pairs; how far each of all pairs is from it goes to `distance`.
class Fitter {
 public:
  Fitter(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
         std::span<double const> weights, FitGeometry geometry)
      : image_(image), reference_(reference), weights_(weights), geometry_(geometry) {}

  double weight(std::size_t k) const { return weights_.empty() ? 1.0 : weights_[k]; }

  /// Fills matrix, shift, rmse, mae, std and count from fit.center and fit.used; false where it is not determined.
  bool run(PositionFit& fit) const {
    Pairs pairs;
    double total = 0;
    for (std::size_t k = 0; k < image_.size(); ++k) {
      if (!fit.used[k]) continue;
      pairs.u1.push_back(image_[k].x - fit.center[0]);
      pairs.u2.push_back(image_[k].y - fit.center[1]);
      pairs.x1.push_back(reference_[k].x - fit.center[0]);
      pairs.x2.push_back(reference_[k].y - fit.center[1]);
      pairs.weight.push_back(weight(k));
      total += weight(k);
    }
    for (auto& w : pairs.weight) w /= total;
    auto const mean = means_of(pairs);
    auto const matrix = fit_matrix(pairs, mean, geometry_);
    if (!matrix) return false;
    fit.matrix = *matrix;
    auto const& m = fit.matrix;
    double const s1 = mean.x1 - m[0][0] * mean.u1 - m[0][1] * mean.u2;
    double const s2 = mean.x2 - m[1][0] * mean.u1 - m[1][1] * mean.u2;
    fit.shift = {s1 + fit.center[0] - m[0][0] * fit.center[0] - m[0][1] * fit.center[1],
                 s2 + fit.center[1] - m[1][0] * fit.center[0] - m[1][1] * fit.center[1]};
    measure(pairs, {s1, s2}, fit);
    return std::isfinite(fit.rmse);
  }

  double distance(PositionFit const& fit, std::size_t k) const {
    auto const& m = fit.matrix;
    double const u = image_[k].x - fit.center[0], v = image_[k].y - fit.center[1];
    // The shift about the centre, from that about the origin.
    double const s1 = fit.shift[0] + m[0][0] * fit.center[0] + m[0][1] * fit.center[1];
    double const s2 = fit.shift[1] + m[1][0] * fit.center[0] + m[1][1] * fit.center[1];
    return std::hypot(reference_[k].x - (m[0][0] * u + m[0][1] * v + s1),
                      reference_[k].y - (m[1][0] * u + m[1][1] * v + s2));
  }

 private:
  void measure(Pairs const& pairs, std::array<double, 2> const& s, PositionFit& fit) const {
    auto const& m = fit.matrix;
    double squares = 0, distances = 0, mean1 = 0, mean2 = 0;
    std::vector<std::array<double, 2>> residual(pairs.size());
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      double const r1 = pairs.x1[k] - (m[0][0] * pairs.u1[k] + m[0][1] * pairs.u2[k] + s[0]);
      double const r2 = pairs.x2[k] - (m[1][0] * pairs.u1[k] + m[1][1] * pairs.u2[k] + s[1]);
      residual[k] = {r1, r2};
      squares += pairs.weight[k] * (r1 * r1 + r2 * r2);
      distances += pairs.weight[k] * std::hypot(r1, r2);
      mean1 += pairs.weight[k] * r1;
      mean2 += pairs.weight[k] * r2;
    }
    double scatter = 0;
    for (std::size_t k = 0; k < pairs.size(); ++k)
      scatter += pairs.weight[k] * ((residual[k][0] - mean1) * (residual[k][0] - mean1) +
                                    (residual[k][1] - mean2) * (residual[k][1] - mean2));
    fit.rmse = std::sqrt(squares);
    fit.mae = distances;
    fit.std = std::sqrt(scatter);
    fit.count = static_cast<int>(pairs.size());
  }

  std::span<PlanePosition const> image_, reference_;
  std::span<double const> weights_;
  FitGeometry geometry_;
};

}  // namespace

FitGeometry parse_fit_geometry(std::string_view name) {
  if (name == "shift") return FitGeometry::Shift;
  if (name == "rshift") return FitGeometry::Rshift;
  if (name == "rscale") return FitGeometry::Rscale;
  if (name == "general") return FitGeometry::General;
  throw ConfigError({.what = "no such geometry of a fit",
                     .expected = "shift, rshift, rscale or general",
                     .found = std::string(name)});
}

int least_pairs(FitGeometry geometry) {
  switch (geometry) {
    case FitGeometry::Shift:
      return 1;
    case FitGeometry::Rshift:
    case FitGeometry::Rscale:
      return 2;
    case FitGeometry::General:
      return 3;
  }
  return 3;
}

std::optional<PositionFit> fit_positions(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                                         std::span<double const> weights, FitOptions const& options) {
  TESSERA_EXPECT(image.size() == reference.size() && (weights.empty() || weights.size() == image.size()));
  Fitter const fitter(image, reference, weights, options.geometry);
  PositionFit fit;
  std::vector<bool> usable(image.size());
  int count = 0;
  for (std::size_t k = 0; k < image.size(); ++k) {
    usable[k] = fitter.weight(k) > 0;
    if (!usable[k]) continue;
    fit.center[0] += image[k].x;
    fit.center[1] += image[k].y;
    ++count;
  }
  int const least = std::max(options.minobj, least_pairs(options.geometry));
  if (count < least_pairs(options.geometry)) return std::nullopt;
  for (auto& c : fit.center) c /= count;
  fit.used = usable;
  if (!fitter.run(fit)) return std::nullopt;
  if (count <= least) return fit;

  for (int round = 0; round < options.nclip; ++round) {
    // Only pairs of the fit at hand are judged: one that was left out before comes back in.
    auto next = usable;
    int kept = 0;
    for (std::size_t k = 0; k < image.size(); ++k) {
      if (!fit.used[k]) continue;
      bool const is_near = fitter.distance(fit, k) < options.sigma * fit.rmse;
      next[k] = is_near;
      kept += is_near;
    }
    if (kept == fit.count || kept < least) break;
    PositionFit clipped = fit;
    clipped.used = next;
    if (!fitter.run(clipped)) break;
    fit = std::move(clipped);
  }
  return fit;
}

}  // namespace tessera::kernels
