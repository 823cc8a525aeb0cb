#include "tessera/kernels/build_psf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr double FwhmOfSigma = 2.3548200450309493;
constexpr int Steps = EffectivePsf::Oversampling;

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What a pixel of a star says of the PSF at one place of the grid.
struct Sample {
  double residual, weight;
};

/// A star while the PSF is being built.
struct Subject {
  PsfStar const* star = nullptr;
  StarFit fit;
  double x = 0, y = 0;  ///< centre of the last fit
  bool used = true;
};

class PsfBuilder {
 public:
  PsfBuilder(std::span<PsfStar const> stars, BuildPsfOptions const& options) : options_(options) {
    for (auto const& star : stars) subjects_.push_back({&star, {}, star.x, star.y});
    fit_.radius = options.fit_radius;
    fit_.model_error = BuildModelError;
    fit_.clip_sigma = 0;  // what does not fit is what is looked for
  }

  BuiltPsf build() {
    if (auto const problem = count_problem(); !problem.empty()) return {.psf = {}, .problem = problem};
    psf_ = make_gaussian_psf(options_.radius, find_width());
    for (int iteration = 0; iteration < options_.iterations; ++iteration) {
      double const move = fit_stars();
      if (iteration >= SettledAfter) leave_out_misfits();
      auto problem = count_problem();
      if (problem.empty()) problem = phase_problem();
      if (!problem.empty()) return {.psf = {}, .problem = problem};
      built_.iterations = iteration;
      built_.last_move = move;
      if (iteration > SettledAfter && move < options_.tolerance) break;
      improve();
    }
    built_.stars = count_used();
    built_.model_error = measure_model_error();
    psf_.centre(sigma_ * FwhmOfSigma);
    built_.psf = std::move(psf_);
    return std::move(built_);
  }

 private:
  int count_used() const {
    return static_cast<int>(std::count_if(subjects_.begin(), subjects_.end(), [](Subject const& s) { return s.used; }));
  }

  std::string count_problem() const {
    int const count = count_used();
    return count < options_.min_stars ? fmt::format("{} usable stars, {} needed", count, options_.min_stars) : "";
  }

  /// Stars all in the same part of the pixel.
  std::string phase_problem() const {
    std::array<bool, 16> seen{};
    for (auto const& subject : subjects_) {
      if (!subject.used) continue;
      auto const part = [](double v) { return std::min(3, static_cast<int>(4 * (v - std::floor(v)))); };
      seen[static_cast<std::size_t>(4 * part(subject.y) + part(subject.x))] = true;
    }
    auto const phases = std::count(seen.begin(), seen.end(), true);
    if (phases >= options_.min_phases) return {};
    return fmt::format("the stars lie in {} of 16 parts of a pixel, {} needed", phases, options_.min_phases);
  }

  /// Standard deviation of the Gaussian that, integrated over pixels, fits the stars best.
  double find_width() {
    std::vector<Subject*> some;  // enough for a start
    std::size_t const step = std::max<std::size_t>(1, subjects_.size() / 60);
    for (std::size_t k = 0; k < subjects_.size(); k += step) some.push_back(&subjects_[k]);
    double best = 0, least = 0;
    for (int rung = -8; rung <= 8; ++rung) {
      double const sigma = options_.fwhm / FwhmOfSigma * std::pow(1.09, rung);
      auto const psf = make_gaussian_psf(options_.radius, sigma);
      std::vector<double> misfit;
      for (auto const* subject : some) {
        auto const found = fit_star(subject->star->stamp, psf, subject->star->x, subject->star->y, {}, fit_);
        misfit.push_back(found.good ? found.chi2 : HUGE_VAL);
      }
      double const middle = median_of(std::move(misfit));
      if (best > 0 && !(middle < least)) continue;
      best = sigma;
      least = middle;
    }
    sigma_ = best;
    return best;
  }

  /// Root mean square of how far the centres moved, pixels.
  double fit_stars() {
    double sum = 0;
    int moved = 0;
    for (auto& subject : subjects_) {
      auto const& star = *subject.star;
      subject.fit = fit_star(star.stamp, psf_, star.x, star.y, {}, fit_);
      subject.used = subject.fit.good;
      if (!subject.used) continue;
      double const dx = subject.fit.x - subject.x, dy = subject.fit.y - subject.y;
      subject.x = subject.fit.x;
      subject.y = subject.fit.y;
      sum += (dx * dx + dy * dy) / 2;
      ++moved;
    }
    return moved > 0 ? std::sqrt(sum / moved) : 0;
  }

  /// Blends and small galaxies: stars that fit far worse than most. Once the PSF is not the reason any more.
  void leave_out_misfits() {
    std::vector<double> misfit;
    for (auto const& subject : subjects_)
      if (subject.used) misfit.push_back(subject.fit.chi2);
    double const limit = MisfitLimit * std::max(1.0, median_of(misfit));
    for (auto& subject : subjects_) subject.used = subject.used && subject.fit.chi2 <= limit;
  }

  /// Calls work(dx, dy, residual as a fraction of the flux, its variance, model) for the good pixels of the stars.
  template <class Work>
  void for_pixels(Work work) const {
    for (auto const& subject : subjects_) {
      if (!subject.used) continue;
      auto const& [stamp, x, y] = *subject.star;
      auto const& fit = subject.fit;
      for (int row = 0; row < stamp.side; ++row)
        for (int column = 0; column < stamp.side; ++column) {
          auto const k = static_cast<std::size_t>(row * stamp.side + column);
          double const value = stamp.value[k], error = stamp.error[k];
          if (!std::isfinite(value) || !std::isfinite(error) || !(error > 0)) continue;
          auto const pixel_x = static_cast<double>(stamp.x0 + column), pixel_y = static_cast<double>(stamp.y0 + row);
          double const dx = pixel_x - fit.x, dy = pixel_y - fit.y;
          double const model = psf_.at(dx, dy).value;
          double const background = fit.background + fit.slope_x * (pixel_x - x) + fit.slope_y * (pixel_y - y);
          work(dx, dy, (value - background) / fit.flux - model, error * error / (fit.flux * fit.flux), model);
        }
    }
  }

  void improve() {
    int const side = psf_.side();
    auto const count = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    std::vector<std::vector<Sample>> samples(count);
    for_pixels([&](double dx, double dy, double residual, double variance, double model) {
      auto const column = static_cast<int>(std::floor((dx + options_.radius) * Steps + 0.5));
      auto const row = static_cast<int>(std::floor((dy + options_.radius) * Steps + 0.5));
      if (column < 0 || row < 0 || column >= side || row >= side) return;
      double const error = BuildModelError * model;
      samples[static_cast<std::size_t>(row * side + column)].push_back({residual, 1 / (variance + error * error)});
    });
    std::vector<double> mean(count, 0), found(count, 0);
    for (std::size_t k = 0; k < count; ++k) average(samples[k], mean[k], found[k]);
    auto values = psf_.samples();
    auto const correction = smooth(mean, found);
    for (std::size_t k = 0; k < count; ++k) values[k] += OverRelaxation * correction[k];
    settle(values);
    psf_ = EffectivePsf(options_.radius, std::move(values));
    recentre();
  }

  /// Brings the centre to the middle of the grid, whence it would wander.
  void recentre() {
    psf_.centre(sigma_ * FwhmOfSigma);
    int const side = psf_.side(), half = Steps * options_.radius;
    std::vector<double> values;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        values.push_back(psf_.at(static_cast<double>(x - half) / Steps, static_cast<double>(y - half) / Steps).value);
    psf_ = EffectivePsf(options_.radius, std::move(values));
  }

  /// Weighted mean of the samples within three (robust) standard deviations of the median, and how many they are.
  static void average(std::vector<Sample> const& samples, double& mean, double& count) {
    if (samples.empty()) return;
    std::vector<double> values;
    for (auto const& sample : samples) values.push_back(sample.residual);
    double const middle = median_of(values);
    for (auto& value : values) value = std::abs(value - middle);
    double limit = HUGE_VAL;
    if (samples.size() >= 5) limit = 3 * 1.4826 * median_of(values);
    double sum = 0, weight = 0;
    for (auto const& sample : samples) {
      if (std::abs(sample.residual - middle) > limit) continue;
      sum += sample.weight * sample.residual;
      weight += sample.weight;
      count += 1;
    }
    mean = weight > 0 ? sum / weight : 0;
  }

  /// Weighted mean under a Gaussian as wide as the optics allow detail.
  std::vector<double> smooth(std::vector<double> const& mean, std::vector<double> const& weight) const {
    int const side = psf_.side();
    double const sigma = std::max(0.7, SmoothingOfFwhm * sigma_ * FwhmOfSigma * Steps);
    int const reach = static_cast<int>(std::ceil(3 * sigma));
    std::vector<double> kernel(static_cast<std::size_t>(2 * reach + 1));
    for (int k = -reach; k <= reach; ++k)
      kernel[static_cast<std::size_t>(k + reach)] = std::exp(-k * k / (2 * sigma * sigma));
    auto const pass = [&](std::vector<double> const& in, bool rows) {
      std::vector<double> out(in.size(), 0);
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x) {
          double sum = 0;
          for (int k = -reach; k <= reach; ++k) {
            int const i = rows ? x + k : x, j = rows ? y : y + k;
            if (i < 0 || j < 0 || i >= side || j >= side) continue;
            sum += kernel[static_cast<std::size_t>(k + reach)] * in[static_cast<std::size_t>(j * side + i)];
          }
          out[static_cast<std::size_t>(y * side + x)] = sum;
        }
      return out;
    };
    std::vector<double> weighted(mean.size());
    for (std::size_t k = 0; k < mean.size(); ++k) weighted[k] = weight[k] * mean[k];
    auto top = pass(pass(weighted, true), false);
    auto const bottom = pass(pass(weight, true), false);
    for (std::size_t k = 0; k < top.size(); ++k) top[k] = bottom[k] > 0 ? top[k] / bottom[k] : 0;
    return top;
  }

  /// What the fits leave open: the level (that of the background) is 0 at the edge, the light within it is 1.
  void settle(std::vector<double>& values) const {
    int const side = psf_.side(), half = Steps * options_.radius;
    auto const radius_of = [&](int x, int y) { return std::hypot(x - half, y - half) / Steps; };
    double level = 0, light = 0;
    int ring = 0, disc = 0;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        double const r = radius_of(x, y), value = values[static_cast<std::size_t>(y * side + x)];
        if (r > options_.fit_radius - 0.5 && r <= options_.fit_radius + 0.5) level += value, ++ring;
        if (r <= options_.fit_radius) light += value, ++disc;
      }
    level /= ring;
    light = (light - disc * level) / (Steps * Steps);
    for (auto& value : values) value = (value - level) / light;
  }

  /// The fraction of the value that, added to the noise, explains the core pixels of the stars.
  double measure_model_error() const {
    struct CorePixel {
      double squared, variance, model;
    };
    std::vector<CorePixel> pixels;
    double const core = 0.3 * psf_.at(0, 0).value;
    for_pixels([&](double, double, double residual, double variance, double model) {
      if (model > core) pixels.push_back({residual * residual, variance, model});
    });
    auto const explains = [&](double error) {
      std::vector<double> ratio;
      for (auto const& p : pixels) ratio.push_back(p.squared / (p.variance + error * error * p.model * p.model));
      return median_of(std::move(ratio)) <= MedianOfChi2;
    };
    double low = 0, high = 1;
    if (explains(low)) return low;
    while (high - low > 1e-4) (explains((low + high) / 2) ? high : low) = (low + high) / 2;
    return high;
  }

  static constexpr double BuildModelError = 0.01;  ///< keeps the brightest stars from deciding alone
  static constexpr double SmoothingOfFwhm = 0.35;
  static constexpr double OverRelaxation = 1.7;   ///< of a step, whose gain is below 1 where it smooths: below 2
  static constexpr double MisfitLimit = 6;        ///< of the median misfit
  static constexpr double MedianOfChi2 = 0.4549;  ///< of one degree of freedom
  static constexpr int SettledAfter = 5;          ///< iterations

  BuildPsfOptions const& options_;
  FitStarOptions fit_;
  std::vector<Subject> subjects_;
  double sigma_ = 0;  ///< of the Gaussian it starts from: the optics without the pixel
  EffectivePsf psf_;
  BuiltPsf built_;
};

}  // namespace

BuiltPsf build_effective_psf(std::span<PsfStar const> stars, BuildPsfOptions const& options) {
  TESSERA_EXPECT(options.radius > options.fit_radius && options.fit_radius > 1 && options.fwhm > 0);
  return PsfBuilder(stars, options).build();
}

}  // namespace tessera::kernels
