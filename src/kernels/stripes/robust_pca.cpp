#include "tessera/kernels/robust_pca.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "counter_noise.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr int StartRounds = 3;   ///< of orthogonal iteration
constexpr Index StartExtra = 8;  ///< vectors more than are wanted: the last ones converge slowly
constexpr int ScaleRounds = 50;
constexpr double Ridge = 1e-9;        ///< of the fit to an incomplete vector, in units of its number of values
constexpr double Negligible = 1e-12;  ///< residual in units of the vector: it lies in the components already

/// rho(t) / t and the derivative of rho, rho(t) = 2 / pi atan(pi t / (2 c^2)).
struct Weight {
  double of_scale = 0, of_vector = 0;
  Weight(double t, double scale2) {
    double const u = std::numbers::pi * t / (2 * scale2);
    of_vector = 1 / (scale2 * (1 + u * u));
    of_scale = u < 1e-6 ? 1 / scale2 : std::atan(u) / u / scale2;
  }
};

class RobustComponents {
 public:
  RobustComponents(std::span<double const> values, std::span<std::uint8_t const> known, Index count, Index length,
                   RobustPcaOptions const& options)
      : values_(Eigen::Map<MatrixXd const>(values.data(), length, count)),
        known_(known),
        options_(options),
        kept_(std::min<Index>({options.components, count - 1, length - 1})) {
    start();
    for (int pass = 0; pass < options.passes; ++pass)
      for (Index k = 0; k < count; ++k) take(k);
  }

  PrincipalComponents result() const {
    PrincipalComponents found;
    found.length = values_.rows();
    found.mean.assign(mean_.begin(), mean_.end());
    VectorXd squares = VectorXd::Zero(kept_);
    double left = 0;
    Index known = 0;
    for (Index k = 0; k < values_.cols(); ++k) {
      VectorXd const y = fill(k);
      VectorXd const scores = components_.transpose() * y;
      squares += scores.cwiseAbs2();
      left += (y - components_ * scores).squaredNorm();
      known += count_known(k);
    }
    auto const count = static_cast<double>(values_.cols());
    found.noise = left / std::max(1.0, static_cast<double>(known) - count * static_cast<double>(kept_));
    std::vector<Index> order(static_cast<std::size_t>(kept_));
    for (Index k = 0; k < kept_; ++k) order[static_cast<std::size_t>(k)] = k;
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return squares[a] > squares[b]; });
    for (auto const k : order) {
      found.vectors.emplace_back(components_.col(k).begin(), components_.col(k).end());
      found.variances.push_back(squares[k] / count);
    }
    return found;
  }

 private:
  MatrixXd values_;  ///< a vector a column
  std::span<std::uint8_t const> known_;
  RobustPcaOptions const& options_;
  Index kept_;
  VectorXd mean_, variances_;
  MatrixXd components_;  ///< orthonormal columns
  double scale2_ = 1;    ///< sigma^2: what a vector leaves, squared
  double sum_v_ = 0, sum_q_ = 0, sum_u_ = 0;

  bool is_known(Index vector, Index place) const {
    return known_[static_cast<std::size_t>(vector * values_.rows() + place)] != 0;
  }
  VectorXd find_medians() const {
    VectorXd medians(values_.rows());
    std::vector<double> line;
    for (Index place = 0; place < values_.rows(); ++place) {
      line.clear();
      for (Index k = 0; k < values_.cols(); ++k)
        if (is_known(k, place)) line.push_back(values_(place, k));
      medians[place] = line.empty() ? values_.row(place).mean() : median_in_place(std::span(line));
    }
    return medians;
  }

  Index count_known(Index vector) const {
    Index count = 0;
    for (Index place = 0; place < values_.rows(); ++place) count += is_known(vector, place);
    return count;
  }

  /// Components of all vectors, each of the same length (Locantore et al. 1999), about the median of each place: a few
  /// that are far off have no more say than others.
  void start() {
    auto const length = values_.rows(), count = values_.cols();
    mean_ = find_medians();
    MatrixXd const about = values_.colwise() - mean_;
    VectorXd squares = about.colwise().squaredNorm();
    std::vector<double> sorted(squares.begin(), squares.end());
    double const typical = median_in_place(std::span(sorted));
    MatrixXd const alike = about * (typical / squares.array().max(Negligible)).sqrt().matrix().asDiagonal();
    auto const wide = std::min<Index>({kept_ + StartExtra, count, length});
    MatrixXd basis(length, wide);
    for (Index j = 0; j < wide; ++j)
      for (Index i = 0; i < length; ++i) basis(i, j) = normal_deviate(1, static_cast<std::uint64_t>(j * length + i));
    for (int round = 0; round < StartRounds; ++round) {
      MatrixXd const next = alike * (alike.transpose() * basis);
      basis = Eigen::HouseholderQR<MatrixXd>(next).householderQ() * MatrixXd::Identity(length, wide);
    }
    MatrixXd const scores = basis.transpose() * alike;
    Eigen::SelfAdjointEigenSolver<MatrixXd> const solved(scores * scores.transpose() / static_cast<double>(count));
    components_ = basis * solved.eigenvectors().rightCols(kept_).rowwise().reverse();
    variances_ = solved.eigenvalues().tail(kept_).reverse().cwiseMax(0.0);

    std::vector<double> left;
    for (Index k = 0; k < count; ++k) {
      auto const y = about.col(k);
      left.push_back((y - components_ * (components_.transpose() * y)).squaredNorm());
    }
    scale2_ = 0;
    for (double const r2 : left) scale2_ += r2 / static_cast<double>(count);
    for (int round = 0; round < ScaleRounds && scale2_ > 0; ++round) {
      double sum = 0;
      for (double const r2 : left) sum += Weight(r2 / scale2_, options_.scale2).of_scale * r2;
      scale2_ = sum / (options_.breakdown * static_cast<double>(count));
    }
    sum_u_ = static_cast<double>(count);
    for (double const r2 : left) {
      double const weight = scale2_ > 0 ? Weight(r2 / scale2_, options_.scale2).of_vector : 1;
      sum_v_ += weight;
      sum_q_ += weight * r2;
    }
  }

  /// A vector less the mean, its gaps filled from the components.
  VectorXd fill(Index k) const {
    VectorXd y = values_.col(k) - mean_;
    auto const count = count_known(k);
    if (count == y.size()) return y;
    MatrixXd part(count, kept_);
    VectorXd value(count);
    for (Index place = 0, row = 0; place < y.size(); ++place)
      if (is_known(k, place)) {
        part.row(row) = components_.row(place);
        value[row++] = y[place];
      }
    MatrixXd normal = part.transpose() * part;
    normal.diagonal().array() += Ridge;
    VectorXd const scores = normal.ldlt().solve(part.transpose() * value);
    for (Index place = 0; place < y.size(); ++place)
      if (!is_known(k, place)) y[place] = components_.row(place) * scores;
    return y;
  }

  void take(Index k) {
    VectorXd const y = fill(k);
    VectorXd const scores = components_.transpose() * y;
    VectorXd const rest = y - components_ * scores;
    double const filled2 = rest.squaredNorm();
    if (!(filled2 > Negligible * y.squaredNorm()) || !(scale2_ > 0)) return;
    double const r2 = filled2 * static_cast<double>(y.size()) / static_cast<double>(std::max<Index>(1, count_known(k)));
    Weight const weight(r2 / scale2_, options_.scale2);
    double const keep = 1 - 1 / static_cast<double>(values_.cols());
    double const v = keep * sum_v_ + weight.of_vector, q = keep * sum_q_ + weight.of_vector * r2, u = keep * sum_u_ + 1;
    double const past_v = keep * sum_v_ / v, past_q = keep * sum_q_ / q, past_u = keep * sum_u_ / u;
    sum_v_ = v;
    sum_q_ = q;
    sum_u_ = u;
    scale2_ = past_u * scale2_ + (1 - past_u) * weight.of_scale * r2 / options_.breakdown;
    mean_ += (1 - past_v) * y;
    turn_towards(scores, rest / std::sqrt(filled2), std::sqrt(filled2), past_q, (1 - past_q) * scale2_ / r2);
  }

  /// Components of past * C + now * y y^T, where y = components * scores + rest * direction.
  void turn_towards(VectorXd const& scores, VectorXd const& direction, double rest, double past, double now) {
    VectorXd y(kept_ + 1);
    y << scores, rest;
    MatrixXd small = now * y * y.transpose();
    small.diagonal().head(kept_) += past * variances_;
    Eigen::SelfAdjointEigenSolver<MatrixXd> const solved(small);
    MatrixXd const turned = solved.eigenvectors().rightCols(kept_).rowwise().reverse();
    components_ = (components_ * turned.topRows(kept_) + direction * turned.bottomRows(1)).eval();
    variances_ = solved.eigenvalues().tail(kept_).reverse().cwiseMax(0.0);
  }
};

}  // namespace

PrincipalComponents find_robust_components(std::span<double const> values, std::span<std::uint8_t const> known,
                                           std::int64_t count, std::int64_t length, RobustPcaOptions const& options) {
  TESSERA_EXPECT(count >= 2 && length >= 2 && options.components >= 1 && options.passes >= 0);
  TESSERA_EXPECT(static_cast<std::int64_t>(values.size()) == count * length && known.size() == values.size());
  return RobustComponents(values, known, count, length, options).result();
}

}  // namespace tessera::kernels
