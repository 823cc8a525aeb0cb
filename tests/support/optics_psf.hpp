// A star as a telescope and square pixels make it, and stamps of such stars, for tests of star centres.
#pragma once
#include <cmath>
#include <numbers>
#include <vector>

#include "support/vector_noise.hpp"
#include "tessera/kernels/build_psf.hpp"

namespace tessera::test {

/// Diffraction of a round mirror with a round hole, lambda / D in pixels, with a faint displaced copy (an aberration
/// that no symmetry hides), integrated over the pixel by sums on a fine grid. Light 1 within `Radius`.
class OpticsPsf {
 public:
  explicit OpticsPsf(double lambda_over_d, double copy = 0.1) {
    std::vector<double> const fine = sample(lambda_over_d, copy);
    // Sums over the box of a pixel, with the two half cells at its ends: x, then y.
    values_ = sum_boxes(sum_boxes(fine, 1), Side);
    double total = 0;
    for (double const value : fine) total += value;
    for (auto& value : values_) value /= total;
  }

  /// Share of the light in a pixel whose centre lies (dx, dy) pixels from the star.
  double at(double dx, double dy) const {
    double const u = (dx + Radius) * Fine, v = (dy + Radius) * Fine;
    int const i = static_cast<int>(std::floor(u)), j = static_cast<int>(std::floor(v));
    if (i < 0 || j < 0 || i + 1 >= Side || j + 1 >= Side) return 0;
    double const a = u - i, b = v - j;
    auto const value = [&](int x, int y) { return values_[static_cast<std::size_t>(y * Side + x)]; };
    return (1 - b) * ((1 - a) * value(i, j) + a * value(i + 1, j)) +
           b * ((1 - a) * value(i, j + 1) + a * value(i + 1, j + 1));
  }

 private:
  static constexpr int Radius = 9, Fine = 32, Side = 2 * Radius * Fine + 1;

  static std::vector<double> sample(double lambda_over_d, double copy) {
    // Intensity as a function of the radius, in a table: Bessel functions are slow.
    double const step = 1.0 / 128;
    std::vector<double> table;
    for (double r = 0; r < 2.2 * Radius; r += step) {
      double const v = std::numbers::pi * r / lambda_over_d, hole = 0.2;
      auto const disc = [](double z) { return z < 1e-6 ? 1.0 : 2 * std::cyl_bessel_j(1.0, z) / z; };
      double const amplitude = (disc(v) - hole * hole * disc(hole * v)) / (1 - hole * hole);
      table.push_back(amplitude * amplitude);
    }
    auto const intensity = [&](double x, double y) {
      double const r = std::hypot(x, y) / step;
      auto const k = static_cast<std::size_t>(r);
      return k + 1 < table.size() ? table[k] + (r - static_cast<double>(k)) * (table[k + 1] - table[k]) : 0.0;
    };
    std::vector<double> fine;
    for (int j = 0; j < Side; ++j)
      for (int i = 0; i < Side; ++i) {
        double const x = static_cast<double>(i) / Fine - Radius, y = static_cast<double>(j) / Fine - Radius;
        fine.push_back(intensity(x, 1.08 * y) + copy * intensity(x - 0.8 * lambda_over_d, y - 0.4 * lambda_over_d));
      }
    return fine;
  }

  static std::vector<double> sum_boxes(std::vector<double> const& in, int step) {
    std::vector<double> out(in.size(), 0);
    int const other = step == 1 ? Side : 1;
    for (int line = 0; line < Side; ++line) {
      std::vector<double> sum(static_cast<std::size_t>(Side) + 1, 0);
      auto const at = [&](int k) { return static_cast<std::size_t>(line * other + k * step); };
      for (int k = 0; k < Side; ++k)
        sum[static_cast<std::size_t>(k) + 1] = sum[static_cast<std::size_t>(k)] + in[at(k)];
      int const half = Fine / 2;
      for (int k = half; k + half < Side; ++k) {
        double const inside = sum[static_cast<std::size_t>(k + half)] - sum[static_cast<std::size_t>(k - half + 1)];
        out[at(k)] = inside + (in[at(k - half)] + in[at(k + half)]) / 2;
      }
    }
    return out;
  }

  std::vector<double> values_;
};

/// One star on a square of pixels, whose centre is known.
struct MadeStamp {
  int side = 0;
  double x = 0, y = 0, flux = 0;
  std::vector<float> value, error;
  kernels::StampView view() const { return {0, 0, side, value.data(), error.data()}; }
};

/// What lies around the stars.
struct StampScene {
  double sky = 50, slope_x = 0, slope_y = 0;  ///< a pixel
  double sky_noise = 1, gain = 3;             ///< electrons a unit: the light's own noise
};

template <class Psf>
MadeStamp make_stamp(Psf const& psf, int side, double x, double y, double flux, StampScene const& scene,
                     VectorNoise& random) {
  MadeStamp stamp{side, x, y, flux, {}, {}};
  for (int row = 0; row < side; ++row)
    for (int column = 0; column < side; ++column) {
      double const light = flux * psf.at(column - x, row - y);
      double const noise = std::sqrt(scene.sky_noise * scene.sky_noise + light / scene.gain);
      double const background = scene.sky + scene.slope_x * (column - side / 2) + scene.slope_y * (row - side / 2);
      stamp.value.push_back(static_cast<float>(light + background + noise * random.deviate()));
      stamp.error.push_back(static_cast<float>(noise));
    }
  return stamp;
}

/// Stars in the middle of their stamps, at all phases of the pixel, of fluxes from `faintest` to four times that.
template <class Psf>
std::vector<MadeStamp> make_stamps(Psf const& psf, int count, int side, double faintest, StampScene const& scene,
                                   std::uint32_t seed) {
  VectorNoise random(seed);
  std::vector<MadeStamp> stamps;
  for (int k = 0; k < count; ++k) {
    double const x = side / 2 + random.uniform() - 0.5, y = side / 2 + random.uniform() - 0.5;
    double const flux = faintest * std::pow(4.0, random.uniform());
    stamps.push_back(make_stamp(psf, side, x, y, flux, scene, random));
  }
  return stamps;
}

/// Errors of centres along x, and their dependence on where in the pixel the star lies.
class CentreErrors {
 public:
  void add(double error, double truth, double stated) {
    errors_.push_back(error);
    phases_.push_back(truth - std::floor(truth));
    stated_.push_back(stated);
  }
  std::size_t size() const { return errors_.size(); }
  double mean() const {
    double sum = 0;
    for (double const error : errors_) sum += error;
    return sum / static_cast<double>(errors_.size());
  }
  double rms() const {
    double sum = 0;
    for (double const error : errors_) sum += std::pow(error - mean(), 2);
    return std::sqrt(sum / static_cast<double>(errors_.size()));
  }
  /// Standard deviation in units of the stated errors.
  double pull() const {
    double sum = 0;
    for (std::size_t k = 0; k < errors_.size(); ++k) sum += std::pow((errors_[k] - mean()) / stated_[k], 2);
    return std::sqrt(sum / static_cast<double>(errors_.size()));
  }
  /// Size of the wave over the pixel: its first two harmonics, fitted; noise of this: rms * sqrt(4 / count).
  double phase_bias() const {
    double power = 0;
    for (int harmonic = 1; harmonic <= 2; ++harmonic) {
      double c = 0, s = 0;
      for (std::size_t k = 0; k < errors_.size(); ++k) {
        double const angle = 2 * std::numbers::pi * harmonic * phases_[k];
        c += (errors_[k] - mean()) * std::cos(angle);
        s += (errors_[k] - mean()) * std::sin(angle);
      }
      power += 2 * (c * c + s * s) / static_cast<double>(errors_.size() * errors_.size());
    }
    return std::sqrt(power);
  }

 private:
  std::vector<double> errors_, phases_, stated_;
};

}  // namespace tessera::test
