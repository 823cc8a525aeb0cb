// Mosaics in files with SCI, ERR and WHT, for the tests of source_catalog.
#pragma once
#include <algorithm>
#include <numbers>

#include "star_mosaics.hpp"
#include "tessera/kernels/segmentation.hpp"

namespace tessera::steps {

/// A StarImage with errors and weights. 1 MJy/sr is 1e-7 Jy a pixel.
struct SourceMosaic {
  StarImage image;
  std::vector<float> errors, weights;
  model::Header primary = test::nircam_primary();
  static constexpr double Jansky = 1e-7;

  SourceMosaic(std::int64_t nx, std::int64_t ny, unsigned seed, double noise = 0.05)
      : image(nx, ny, 1.0, noise, seed),
        errors(image.sci.size(), static_cast<float>(noise)),
        weights(image.sci.size(), 1.0f) {
    image.header.set("PIXAR_SR", Jansky / 1e6);
    primary.set("PXSCLRT", 1.0);
  }

  /// A disc with a hundred knots: one segment over many rows, many parts.
  void add_galaxy(double x0, double y0, double size, double height) {
    std::mt19937 random(5);
    std::vector<std::array<double, 3>> knots;
    for (int k = 0; k < 100; ++k)
      knots.push_back({x0 + size * (static_cast<double>(random()) / 4294967296.0 - 0.5) * 2,
                       y0 + size * (static_cast<double>(random()) / 4294967296.0 - 0.5) * 3,
                       1 + 4 * static_cast<double>(random()) / 4294967296.0});
    for (std::int64_t y = 0; y < image.ny; ++y)
      for (std::int64_t x = 0; x < image.nx; ++x) {
        double const dx = (static_cast<double>(x) - x0) / size, dy = (static_cast<double>(y) - y0) / (1.7 * size);
        double const disc = std::exp(-std::sqrt(dx * dx + dy * dy));
        double sum = disc;
        for (auto const& knot : knots) {
          double const u = static_cast<double>(x) - knot[0], v = static_cast<double>(y) - knot[1];
          if (u * u + v * v < 200) sum += disc * knot[2] * std::exp(-(u * u + v * v) / 16);
        }
        image.sci[index(x, y)] += static_cast<float>(height * sum);
      }
  }
  /// No coverage: a tilted edge, and holes in ERR, WHT and SCI.
  void cut_coverage() {
    float const nan = std::numeric_limits<float>::quiet_NaN();
    for (std::int64_t y = 0; y < image.ny; ++y)
      for (std::int64_t x = 0; x < image.nx; ++x) {
        if (3 * x + y < 120) {
          image.sci[index(x, y)] = errors[index(x, y)] = nan;
          weights[index(x, y)] = 0;
        }
        if (x % 97 == 50 && y % 89 == 40) image.sci[index(x, y)] = nan;
        if (x % 101 == 60 && y % 83 == 30) errors[index(x, y)] = nan;
        if (x % 103 == 70 && y % 79 == 20) weights[index(x, y)] = 0;
      }
  }
  std::size_t index(std::int64_t x, std::int64_t y) const { return static_cast<std::size_t>(y * image.nx + x); }

  void write(std::filesystem::path const& path, bool with_errors = true) const {
    std::vector<test::TestPlane> planes{{"SCI", image.sci}};
    if (with_errors) planes.push_back({"ERR", errors});
    planes.push_back({"WHT", weights});
    test::write_exposure(path, image.nx, image.ny, primary, image.header, planes);
  }
};

}  // namespace tessera::steps
