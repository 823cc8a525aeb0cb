// Measured PSFs of JWST (shared data/real/psf) as the truth of simulated stars.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <vector>

#include "tessera/io/fits_file.hpp"

namespace tessera::test {

/// Samples of an effective PSF, several a pixel, and a cubic through them (Keys 1981). Light 1.
class RealPsf {
 public:
  /// `smoothed` with (1 2 1) / 4 along both axes: the files have noise of a few per cent from sample to sample, which
  /// with two samples a pixel is detail of the size of a pixel, as no star that was integrated over pixels has.
  RealPsf(std::filesystem::path const& path, double samples_a_pixel, bool smoothed) : step_(samples_a_pixel) {
    auto const file = io::FitsFile::open(path);
    auto const hdu =
        std::find_if(file.hdus().begin(), file.hdus().end(), [](auto const& h) { return !h.axes.empty(); });
    side_ = static_cast<int>(hdu->axes.at(0));
    std::vector<float> values(static_cast<std::size_t>(side_ * side_));
    file.read_rows(*hdu, 0, side_, values.data());
    double sum = 0;
    for (float const value : values) sum += value;
    for (float const value : values) samples_.push_back(value * step_ * step_ / sum);
    if (smoothed) {
      smooth(1);
      smooth(side_);
    }
  }

  double at(double dx, double dy) const {
    double const u = side_ / 2 + dx * step_, v = side_ / 2 + dy * step_;
    int const i = static_cast<int>(std::floor(u)), j = static_cast<int>(std::floor(v));
    if (i < 1 || j < 1 || i + 2 >= side_ || j + 2 >= side_) return 0;
    auto const wx = weights(u - i), wy = weights(v - j);
    double sum = 0;
    for (int b = 0; b < 4; ++b)
      for (int a = 0; a < 4; ++a)
        sum += wy[static_cast<std::size_t>(b)] * wx[static_cast<std::size_t>(a)] *
               samples_[static_cast<std::size_t>((j + b - 1) * side_ + i + a - 1)];
    return sum;
  }

 private:
  void smooth(int step) {
    auto const in = samples_;
    for (std::size_t k = 0; k < in.size(); ++k) {
      auto const s = static_cast<std::size_t>(step);
      if (k >= s && k + s < in.size()) samples_[k] = (in[k - s] + 2 * in[k] + in[k + s]) / 4;
    }
  }

  static std::array<double, 4> weights(double t) {
    double const t2 = t * t, t3 = t2 * t;
    return {-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1, -1.5 * t3 + 2 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2};
  }
  double step_;
  int side_ = 0;
  std::vector<double> samples_;
};

}  // namespace tessera::test
