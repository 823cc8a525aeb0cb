#include "tessera/kernels/fit_template.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

namespace {

constexpr int Rounds = 10;
constexpr double ClipSigma = 3, SigmaOfMedianDeviation = 1.4826022;
constexpr std::int64_t Side = 128;  ///< of cells
constexpr double LeastPixels = 64;  ///< of a cell
constexpr double Ridge = 1e-6;
constexpr double Negligible = 1e-20;  ///< variance of the template

/// Constant and slopes of image and template over a cell, by least squares.
struct Cell {
  double x = 0, y = 0;                       ///< middle
  std::array<double, 6> normal{};            ///< sums of 1, u, v, uu, uv, vv
  std::array<double, 3> image{}, pattern{};  ///< sums with 1, u, v; then coefficients

  void solve() {
    if (normal[0] < LeastPixels) {
      image = pattern = {};
      normal[0] = 0;
      return;
    }
    // Cholesky, with a little on the slopes: cells of which next to nothing is left have only a constant.
    double const ridge = Ridge * normal[0];
    double const l00 = std::sqrt(normal[0]), l10 = normal[1] / l00, l20 = normal[2] / l00;
    double const l11 = std::sqrt(normal[3] - l10 * l10 + ridge), l21 = (normal[4] - l20 * l10) / l11;
    double const l22 = std::sqrt(normal[5] - l20 * l20 - l21 * l21 + ridge);
    for (auto* sums : {&image, &pattern}) {
      auto& s = *sums;
      s[0] /= l00;
      s[1] = (s[1] - l10 * s[0]) / l11;
      s[2] = (s[2] - l20 * s[0] - l21 * s[1]) / l22;
      s[2] /= l22;
      s[1] = (s[1] - l21 * s[2]) / l11;
      s[0] = (s[0] - l10 * s[1] - l20 * s[2]) / l00;
    }
  }
};

class Fitter {
 public:
  Fitter(std::span<float const> image, std::span<float const> pattern, std::int64_t nx, std::int64_t ny,
         std::span<std::int64_t const> bounds)
      : image_(image), pattern_(pattern), nx_(nx), cell_of_column_(static_cast<std::size_t>(nx)) {
    std::vector<double> middles;
    for (std::size_t a = 0; a + 1 < bounds.size(); ++a)
      for (auto x0 = bounds[a]; x0 < bounds[a + 1]; x0 += Side) {
        auto const x1 = std::min(x0 + Side, bounds[a + 1]);
        for (auto x = x0; x < x1; ++x) cell_of_column_[static_cast<std::size_t>(x)] = middles.size();
        middles.push_back(static_cast<double>(x0 + x1 - 1) / 2);
      }
    columns_ = middles.size();
    for (std::int64_t y0 = 0; y0 < ny; y0 += Side)
      for (double const x : middles) {
        auto& cell = cells_.emplace_back();
        cell.x = x;
        cell.y = static_cast<double>(y0 + std::min(y0 + Side, ny) - 1) / 2;
      }
  }

  TemplateFit fit(std::vector<std::uint8_t> const& used) {
    fit_planes(used);
    found_ = {};
    double tt = 0, td = 0;
    each(used, [&](std::size_t k, std::size_t c, double u, double v) {
      auto const [d, t] = about_planes(k, c, u, v);
      tt += t * t;
      td += t * d;
      ++found_.used;
    });
    if (!(tt > Negligible * static_cast<double>(found_.used))) return found_ = {};
    found_.scale = td / tt;
    std::vector<double> sums(cells_.size(), 0.0);
    each(used, [&](std::size_t k, std::size_t c, double u, double v) {
      auto const [d, t] = about_planes(k, c, u, v);
      sums[c] += t * (d - found_.scale * t);
    });
    double squares = 0;
    for (double const sum : sums) squares += sum * sum;
    found_.error = std::sqrt(squares) / tt;
    return found_;
  }

  /// Pixels of `used` that lie near the last fit.
  std::vector<std::uint8_t> clip(std::vector<std::uint8_t> const& used) const {
    std::vector<float> deviations;
    auto const deviation = [&](std::size_t k, std::size_t c, double u, double v) {
      auto const [d, t] = about_planes(k, c, u, v);
      return static_cast<float>(std::abs(d - found_.scale * t));
    };
    each(used, [&](std::size_t k, std::size_t c, double u, double v) { deviations.push_back(deviation(k, c, u, v)); });
    auto const most = static_cast<float>(ClipSigma * SigmaOfMedianDeviation * median_in_place(std::span(deviations)));
    std::vector<std::uint8_t> kept(used.size(), 0);
    each(used, [&](std::size_t k, std::size_t c, double u, double v) { kept[k] = deviation(k, c, u, v) <= most; });
    return kept;
  }

 private:
  struct Pair {
    double image = 0, pattern = 0;
  };
  std::span<float const> image_, pattern_;
  std::int64_t nx_;
  std::vector<std::size_t> cell_of_column_;  ///< in a row of cells
  std::size_t columns_ = 0;
  std::vector<Cell> cells_;
  TemplateFit found_;

  /// With the cell of a pixel and its place in it.
  template <class Function>
  void each(std::vector<std::uint8_t> const& used, Function function) const {
    for (std::size_t k = 0; k < used.size(); ++k) {
      if (used[k] == 0) continue;
      auto const y = static_cast<std::int64_t>(k) / nx_, x = static_cast<std::int64_t>(k) % nx_;
      auto const c = static_cast<std::size_t>(y / Side) * columns_ + cell_of_column_[static_cast<std::size_t>(x)];
      function(k, c, static_cast<double>(x) - cells_[c].x, static_cast<double>(y) - cells_[c].y);
    }
  }

  Pair about_planes(std::size_t k, std::size_t c, double u, double v) const {
    auto const& cell = cells_[c];
    if (cell.normal[0] == 0) return {};
    return {static_cast<double>(image_[k]) - cell.image[0] - cell.image[1] * u - cell.image[2] * v,
            static_cast<double>(pattern_[k]) - cell.pattern[0] - cell.pattern[1] * u - cell.pattern[2] * v};
  }

  void fit_planes(std::vector<std::uint8_t> const& used) {
    for (auto& cell : cells_) {
      cell.normal = {};
      cell.image = cell.pattern = {};
    }
    each(used, [&](std::size_t k, std::size_t c, double u, double v) {
      auto& cell = cells_[c];
      std::array<double, 3> const basis{1, u, v};
      std::array<double, 6> const products{1, u, v, u * u, u * v, v * v};
      for (std::size_t i = 0; i < 6; ++i) cell.normal[i] += products[i];
      for (std::size_t i = 0; i < 3; ++i) {
        cell.image[i] += basis[i] * static_cast<double>(image_[k]);
        cell.pattern[i] += basis[i] * static_cast<double>(pattern_[k]);
      }
    });
    for (auto& cell : cells_) cell.solve();
  }
};

}  // namespace

TemplateFit fit_template(std::span<float const> image, std::span<float const> pattern,
                         std::span<std::uint8_t const> mask, std::int64_t nx, std::int64_t ny,
                         std::span<std::int64_t const> bounds) {
  auto const count = static_cast<std::size_t>(nx * ny);
  TESSERA_EXPECT(image.size() == count && pattern.size() == count && mask.size() == count);
  TESSERA_EXPECT(bounds.size() >= 2 && bounds.front() == 0 && bounds.back() == nx);
  std::vector<std::uint8_t> usable(count);
  for (std::size_t k = 0; k < count; ++k)
    usable[k] = mask[k] == 0 && std::isfinite(image[k]) && std::isfinite(pattern[k]);
  Fitter fitter(image, pattern, nx, ny, bounds);
  auto used = usable;
  auto found = fitter.fit(used);
  for (int round = 0; round < Rounds && found.used > 0; ++round) {
    auto kept = fitter.clip(usable);
    if (kept == used) break;
    used = std::move(kept);
    found = fitter.fit(used);
  }
  return found;
}

}  // namespace tessera::kernels
