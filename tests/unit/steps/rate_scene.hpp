// A full frame of count rates in memory: a smooth galaxy seen through a flat, noise, stripes of four amplifiers.
#pragma once
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/vector_noise.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/model/exposure_image.hpp"
#include "tessera/refs/image_references.hpp"

namespace tessera::test {

struct RateScene {
  static constexpr double Noise = 0.075, Stripes = 0.05, Sky = 0.3;
  std::int64_t side;
  model::ExposureImage image;
  refs::FlatReference flat;
  std::vector<float> galaxy;
  std::vector<std::vector<double>> truth;  ///< [amplifier][row], DN/s

  /// Stripes of rms `stripes`, as much white as 1/f.
  explicit RateScene(std::int64_t length, double stripes = Stripes, std::string const& detector = "NRCA3")
      : side(length), truth(4, std::vector<double>(static_cast<std::size_t>(length), 0.0)) {
    VectorNoise random(31);
    for (auto& rows : truth) add_stripes(random, stripes, rows);
    image.identity = {"ngc0628", "F200W", "jw01_nrc", model::Half::Whole};
    image.path = "jw01_nrc_rate.fits";
    image.primary.set("INSTRUME", "NIRCAM");
    image.primary.set("DETECTOR", detector);
    image.primary.set("SUBARRAY", "FULL");
    image.primary.set("FASTAXIS", -1);
    image.primary.set("SLOWAXIS", 2);
    image.sci_header.set("BUNIT", "DN/s");
    image.window = {1, 1, side, side};
    auto& planes = image.planes;
    planes.nx = planes.y1 = side;
    double const middle = static_cast<double>(side) / 2, scale = static_cast<double>(side) / 5;
    for (std::int64_t y = 0; y < side; ++y)
      for (std::int64_t x = 0; x < side; ++x) {
        double const radius =
            std::hypot(static_cast<double>(x) - 1.1 * middle, 1.5 * (static_cast<double>(y) - 0.9 * middle));
        galaxy.push_back(static_cast<float>(1.5 * std::exp(-std::hypot(radius, 0.3 * scale) / scale)));
        // As rough along rows as stripes are: whoever measures without the flat finds it.
        flat.sci.push_back(static_cast<float>(1 + 0.1 * std::sin(static_cast<double>(y)) +
                                              0.02 * std::sin(static_cast<double>(x) / 7)));
        double const light = Sky + static_cast<double>(galaxy.back()) + Noise * random.deviate();
        auto const amplifier = static_cast<std::size_t>(4 * x / side);
        planes.sci.push_back(static_cast<float>(light * static_cast<double>(flat.sci.back()) +
                                                truth[amplifier][static_cast<std::size_t>(y)]));
      }
    planes.err.assign(planes.sci.size(), static_cast<float>(Noise));
    planes.dq.assign(planes.sci.size(), 0);
    flat.err.assign(planes.sci.size(), 0.01f);
    flat.dq.assign(planes.sci.size(), 0);
  }

  static void add_stripes(VectorNoise& random, double rms, std::vector<double>& rows) {
    constexpr double Memory[] = {0, 1, 4, 16, 64, 256};  // rows that walks remember; the first is white
    for (double const memory : Memory) {
      double const keep = memory > 0 ? std::exp(-1 / memory) : 0, step = std::sqrt(1 - keep * keep);
      double const part = rms * std::sqrt(memory > 0 ? 0.1 : 0.5);
      double walk = random.deviate();
      for (double& row : rows) {
        row += part * walk;
        walk = keep * walk + step * random.deviate();
      }
    }
  }

  /// Error of the median of a row of an amplifier.
  double median_floor() const { return 1.2533 * Noise / std::sqrt(static_cast<double>(side) / 4); }

  std::size_t at(std::int64_t x, std::int64_t y) const { return static_cast<std::size_t>(y * side + x); }

  /// rms of truth less model at a scale: means over so many rows less those over twice as many.
  double left_at_scale(std::vector<float> const& model, std::int64_t rows) const {
    double squares = 0;
    std::int64_t count = 0;
    for (std::int64_t a = 0; a < 4; ++a) {
      auto const x = a * side / 4 + 10;
      auto const mean = [&](std::int64_t y, std::int64_t length) {
        double sum = 0;
        auto const y0 = y / length * length;
        for (auto k = y0; k < y0 + length; ++k)
          sum += truth[static_cast<std::size_t>(a)][static_cast<std::size_t>(k)] -
                 static_cast<double>(model.empty() ? 0.f : model[at(x, k)]);
        return sum / static_cast<double>(length);
      };
      for (auto y = 2 * rows; y < side - 2 * rows; ++y) {
        double const left = mean(y, rows) - mean(y, 2 * rows);
        squares += left * left;
        ++count;
      }
    }
    return std::sqrt(squares / static_cast<double>(count));
  }
};

using TileSettings = std::map<std::string, config::Value>;

/// The one set of parameters with which all images are tried, and what else is set.
inline config::ResolvedParameters tried_parameters(TileSettings settings = {}) {
  settings.insert(
      {{"filter_diffuse", true}, {"dilate_size", std::int64_t{7}}, {"vertical_destriping_method", "median_filter"}});
  config::ResolvedParameters parameters;
  parameters.step = "single_tile_destripe";
  for (auto const& declared : config::find_step(parameters.step)->table.parameters) {
    auto const set = settings.find(declared.key);
    parameters.by_key[declared.key] = {set == settings.end() ? declared.default_value : set->second,
                                       set == settings.end(), declared.type, declared.support};
  }
  return parameters;
}

inline double rms_of(std::vector<float> const& values) {
  double squares = 0;
  for (float const value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

inline double correlation(std::vector<float> const& a, std::vector<float> const& b) {
  double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
  auto const count = static_cast<double>(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    mean_a += static_cast<double>(a[k]) / count;
    mean_b += static_cast<double>(b[k]) / count;
  }
  for (std::size_t k = 0; k < a.size(); ++k) {
    double const da = static_cast<double>(a[k]) - mean_a, db = static_cast<double>(b[k]) - mean_b;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace tessera::test
