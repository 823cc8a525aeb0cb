#include "tessera/kernels/fit_star.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr int MaxNeighbours = 4;
constexpr int MaxParameters = 6 + 3 * MaxNeighbours;
using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, MaxParameters, 1>;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, MaxParameters, MaxParameters>;

struct Pixel {
  double x, y;  ///< of the image
  double value, variance;
  bool used = true;
};

/// Stars and background under the pixels of one stamp. Parameters: background, slopes, then flux, x, y a star.
class StarModel {
 public:
  StarModel(StampView const& stamp, EffectivePsf const& psf, double x, double y, std::span<Neighbour const> neighbours,
            FitStarOptions const& options)
      : psf_(psf), options_(options), start_x_(x), start_y_(y) {
    gather_pixels(stamp);
    stars_ = {{x, y, 0, true}};
    add_neighbours(neighbours);
  }

  StarFit fit() {
    StarFit found;
    int const pixels = count_used();
    if (pixels < parameter_count() + 3 || !solve()) return found;
    // What was drawn off by a cosmic ray clips good pixels too: they come back in the next round.
    for (int round = 0; round < MaxClips && options_.clip_sigma > 0 && clip(); ++round)
      if (!solve()) return found;
    describe(found);
    return found;
  }

 private:
  struct FittedStar {
    double x, y, flux;
    bool free = true;  ///< whether its place is fitted: not that of one at the edge
  };

  void gather_pixels(StampView const& stamp) {
    double const limit = options_.radius * options_.radius;
    for (int row = 0; row < stamp.side; ++row)
      for (int column = 0; column < stamp.side; ++column) {
        auto const x = static_cast<double>(stamp.x0 + column), y = static_cast<double>(stamp.y0 + row);
        if ((x - start_x_) * (x - start_x_) + (y - start_y_) * (y - start_y_) > limit) continue;
        auto const k = static_cast<std::size_t>(row * stamp.side + column);
        double const value = stamp.value[k], error = stamp.error[k];
        if (!std::isfinite(value) || !std::isfinite(error) || !(error > 0)) continue;
        pixels_.push_back({x, y, value, error * error});
      }
  }

  void add_neighbours(std::span<Neighbour const> neighbours) {
    struct Near {
      double distance;
      Neighbour star;
    };
    std::vector<Near> near;
    for (auto const& star : neighbours) {
      double const distance = std::hypot(star.x - start_x_, star.y - start_y_);
      if (distance < options_.radius + 1) near.push_back({distance, star});
    }
    std::stable_sort(near.begin(), near.end(), [](Near const& a, Near const& b) { return a.distance < b.distance; });
    for (auto const& one : near) {
      if (stars_.size() > MaxNeighbours) break;
      stars_.push_back({one.star.x, one.star.y, 0, one.distance < options_.radius - 0.5});
    }
  }

  int parameter_count() const { return 3 + 3 * static_cast<int>(stars_.size()); }
  int fitted_count() const {
    int count = 3;
    for (auto const& star : stars_) count += star.free ? 3 : 1;
    return count;
  }
  int count_used() const {
    return static_cast<int>(std::count_if(pixels_.begin(), pixels_.end(), [](Pixel const& p) { return p.used; }));
  }

  /// The model at a pixel and its derivatives; `light` is that of the stars alone.
  double evaluate(Pixel const& pixel, bool places, double& light, Vector& slopes) const {
    slopes[0] = 1;
    slopes[1] = pixel.x - start_x_;
    slopes[2] = pixel.y - start_y_;
    light = 0;
    for (std::size_t s = 0; s < stars_.size(); ++s) {
      auto const& star = stars_[s];
      auto const psf = psf_.at(pixel.x - star.x, pixel.y - star.y);
      auto const k = static_cast<Eigen::Index>(3 + 3 * s);
      bool const moves = places && star.free;
      slopes[k] = psf.value;
      slopes[k + 1] = moves ? -star.flux * psf.dx : 0;
      slopes[k + 2] = moves ? -star.flux * psf.dy : 0;
      light += star.flux * psf.value;
    }
    return light + background_[0] + background_[1] * slopes[1] + background_[2] * slopes[2];
  }

  double variance_of(Pixel const& pixel, double light) const {
    double const model = options_.model_error * light;
    return pixel.variance + model * model;
  }

  /// Normal equations of the next step. False where they are singular.
  bool make_step(bool places, Vector& step) {
    int const count = parameter_count();
    normal_.setZero(count, count);
    Vector right = Vector::Zero(count), slopes = Vector::Zero(count);
    for (auto const& pixel : pixels_) {
      if (!pixel.used) continue;
      double light = 0;
      double const residual = pixel.value - evaluate(pixel, places, light, slopes);
      double const weight = 1 / variance_of(pixel, light);
      for (int j = 0; j < count; ++j) {
        double const scaled = weight * slopes[j];
        right[j] += scaled * residual;
        for (int i = 0; i <= j; ++i) normal_(j, i) += scaled * slopes[i];
      }
    }
    // Units of flux and of pixels differ by orders: scaled to a unit diagonal. What is not fitted stays where it is.
    scale_.resize(count);
    for (int k = 0; k < count; ++k) {
      if (!(normal_(k, k) > 0)) normal_(k, k) = 1;
      scale_[k] = 1 / std::sqrt(normal_(k, k));
    }
    for (int j = 0; j < count; ++j) {
      right[j] *= scale_[j];
      for (int i = 0; i <= j; ++i) {
        normal_(j, i) *= scale_[j] * scale_[i];
        normal_(i, j) = normal_(j, i);
      }
    }
    factors_.compute(normal_);
    if (factors_.info() != Eigen::Success || !(factors_.rcond() > 1e-10)) return false;
    step = factors_.solve(right);
    step.array() *= scale_.array();
    return step.allFinite();
  }

  bool solve() {
    Vector step;
    double largest = 0;
    for (int iteration = 0; iteration < options_.iterations; ++iteration) {
      bool const places = iteration > 0 || stars_[0].flux > 0;
      if (!make_step(places, step)) return false;
      for (int k = 0; k < 3; ++k) background_[static_cast<std::size_t>(k)] += step[k];
      largest = 0;
      for (std::size_t s = 0; s < stars_.size(); ++s) {
        auto const k = static_cast<Eigen::Index>(3 + 3 * s);
        double const length = std::hypot(step[k + 1], step[k + 2]);
        double const cut = length > MaxStep ? MaxStep / length : 1;
        stars_[s].flux += step[k];
        stars_[s].x += cut * step[k + 1];
        stars_[s].y += cut * step[k + 2];
        largest = std::max(largest, s == 0 ? length : 0.01 * length);  // a faint neighbour need not come to rest
      }
      if (!(stars_[0].flux > 0)) return false;
      if (!(std::hypot(stars_[0].x - start_x_, stars_[0].y - start_y_) < options_.max_shift)) return false;
      if (places && largest < AtRest) return true;
    }
    return largest < NearlyAtRest;
  }

  /// Leaves out pixels that nothing explains (cosmic rays, unlisted neighbours), unless they are many: then none.
  /// Whether that changed anything.
  bool clip() {
    Vector slopes = Vector::Zero(parameter_count());
    std::vector<bool> keep;
    for (auto const& pixel : pixels_) {
      double light = 0;
      double const residual = pixel.value - evaluate(pixel, true, light, slopes);
      double const allowed = variance_of(pixel, light) + ClipModel * ClipModel * light * light;
      keep.push_back(residual * residual <= options_.clip_sigma * options_.clip_sigma * allowed);
    }
    auto const left = std::count(keep.begin(), keep.end(), true);
    auto const all = static_cast<std::ptrdiff_t>(pixels_.size());
    if (all - left > all / 5 || left < parameter_count() + 3) keep.assign(keep.size(), true);
    bool changed = false;
    for (std::size_t k = 0; k < keep.size(); ++k) {
      changed = changed || pixels_[k].used != keep[k];
      pixels_[k].used = keep[k];
    }
    return changed;
  }

  void describe(StarFit& found) {
    Vector step;
    if (!make_step(true, step)) return;
    int const count = parameter_count();
    Matrix inverse = factors_.solve(Matrix::Identity(count, count));
    double chi2 = 0;
    Vector slopes = Vector::Zero(count);
    for (auto const& pixel : pixels_) {
      if (!pixel.used) continue;
      double light = 0;
      double const residual = pixel.value - evaluate(pixel, true, light, slopes);
      chi2 += residual * residual / variance_of(pixel, light);
    }
    found.pixels = count_used();
    found.chi2 = chi2 / (found.pixels - fitted_count());
    double const enlarge = std::max(1.0, found.chi2);
    auto const variance = [&](int k) { return enlarge * inverse(k, k) * scale_[k] * scale_[k]; };
    found.x = stars_[0].x;
    found.y = stars_[0].y;
    found.flux = stars_[0].flux;
    found.background = background_[0];
    found.slope_x = background_[1];
    found.slope_y = background_[2];
    found.flux_error = std::sqrt(variance(3));
    found.error = std::sqrt((variance(4) + variance(5)) / 2);
    found.good = std::isfinite(found.error) && found.error > 0;
  }

  static constexpr double MaxStep = 0.5;                       ///< pixels in one iteration
  static constexpr double AtRest = 1e-5, NearlyAtRest = 1e-3;  ///< pixels: what the PSF does not fit creeps
  static constexpr int MaxClips = 4;
  static constexpr double ClipModel = 0.05;  ///< of the light: what the PSF itself may be wrong by

  EffectivePsf const& psf_;
  FitStarOptions const& options_;
  double start_x_, start_y_;
  std::vector<Pixel> pixels_;
  std::vector<FittedStar> stars_;
  std::array<double, 3> background_{};
  Matrix normal_;
  Vector scale_;
  Eigen::LLT<Matrix> factors_;
};

}  // namespace

StarFit fit_star(StampView const& stamp, EffectivePsf const& psf, double x, double y,
                 std::span<Neighbour const> neighbours, FitStarOptions const& options) {
  TESSERA_EXPECT(!psf.is_empty() && std::isfinite(x) && std::isfinite(y));
  return StarModel(stamp, psf, x, y, neighbours, options).fit();
}

}  // namespace tessera::kernels
