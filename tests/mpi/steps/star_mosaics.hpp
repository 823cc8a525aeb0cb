// Mosaics of stars in files, for the tests of the steps that work on finished mosaics.
#pragma once
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <random>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/steps/mosaic_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

struct TrueStar {
  double x, y, flux;
};

/// An image of Gaussian stars on a level with noise.
struct StarImage {
  std::int64_t nx, ny;
  double scale = 0.063;  ///< arcsec
  std::vector<float> sci;
  model::Header header;

  StarImage(std::int64_t columns, std::int64_t rows, double level, double noise, unsigned seed, double ra = 30,
            double dec = 10, double angle = 0)
      : nx(columns), ny(rows) {
    test::set_tan(header, nx, ny, ra, dec, scale, angle);
    header.set("BUNIT", "MJy/sr");
    std::mt19937 random(seed);
    for (std::int64_t k = 0; k < nx * ny; ++k) {
      double sum = -6;
      for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
      sci.push_back(static_cast<float>(level + noise * sum));
    }
  }

  void add(TrueStar const& star, double fwhm = 1.8) {
    double const sigma = fwhm / 2.3548200450309493, two_variances = 2 * sigma * sigma;
    for (auto y = static_cast<std::int64_t>(star.y) - 12; y <= static_cast<std::int64_t>(star.y) + 12; ++y)
      for (auto x = static_cast<std::int64_t>(star.x) - 12; x <= static_cast<std::int64_t>(star.x) + 12; ++x) {
        if (x < 0 || x >= nx || y < 0 || y >= ny) continue;
        double const dx = static_cast<double>(x) - star.x, dy = static_cast<double>(y) - star.y;
        sci[static_cast<std::size_t>(y * nx + x)] += static_cast<float>(
            star.flux / (3.141592653589793 * two_variances) * std::exp(-(dx * dx + dy * dy) / two_variances));
      }
  }
  /// No data within `border` pixels of the edges.
  void cut_border(std::int64_t border) {
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x)
        if (x < border || y < border || x >= nx - border || y >= ny - border)
          sci[static_cast<std::size_t>(y * nx + x)] = std::numeric_limits<float>::quiet_NaN();
  }
  void write(std::filesystem::path const& path) const {
    test::write_exposure(path, nx, ny, {}, header, {{"SCI", sci}});
  }
};

/// Stars on a jittered grid of this step, none within it of the edges.
inline std::vector<TrueStar> scattered_stars(std::int64_t nx, std::int64_t ny, int step, double least_flux,
                                             unsigned seed) {
  std::mt19937 random(seed);
  auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
  std::vector<TrueStar> stars;
  for (std::int64_t y = step; y < ny - step; y += step)
    for (std::int64_t x = step; x < nx - step; x += step)
      stars.push_back({static_cast<double>(x) + 0.3 * step * uniform(), static_cast<double>(y) + 0.3 * step * uniform(),
                       least_flux * (1 + 9 * uniform())});
  return stars;
}

/// A step's parameters at their defaults but for `settings`, keys of its own or of `inner` ("starfind_parameters.snr").
inline config::ResolvedParameters parameters_of_step(std::string const& step, std::string const& inner,
                                                     std::string const& inner_table,
                                                     std::map<std::string, config::Value> const& settings) {
  config::ResolvedParameters parameters;
  parameters.step = step;
  auto const take = [&](std::string const& prefix, config::ParameterTable const& table) {
    for (auto const& declared : table.parameters) {
      if (!declared.alias_of.empty()) continue;
      auto const set = settings.find(prefix + declared.key);
      parameters.by_key[prefix + declared.key] = {set == settings.end() ? declared.default_value : set->second,
                                                  set == settings.end(), declared.type, declared.support};
    }
  };
  take("", config::find_step(step)->table);
  take(inner + ".", config::inner_table(inner_table));
  return parameters;
}

inline std::string file_bytes(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace tessera::steps
