#include "tessera/simulate/effects.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/core/dq.hpp"
#include "tessera/simulate/random.hpp"

namespace tessera::simulate {
namespace {

constexpr int LyotFirstRow = 735, LyotEndColumn = 290;  // spec 40, 1.8
constexpr int AmplifierCount = 4;

/// A series with variance 1 whose variance is `white` from row to row and the rest the same in every octave (1/f).
std::vector<double> draw_series(Random const& random, Stream stream, std::uint32_t which, int count, double white) {
  std::vector<double> series(static_cast<std::size_t>(count));
  int octaves = 0;
  while ((2 << octaves) < count) ++octaves;
  for (int k = 0; k < count; ++k) {
    double sum = 0;
    for (int octave = 1; octave <= octaves; ++octave) {
      // Normal deviates at knots 2^octave apart, joined so that the variance is 1 everywhere.
      double const position = static_cast<double>(k) / (1 << octave);
      auto const knot = static_cast<std::uint64_t>(position);
      double const angle = (position - static_cast<double>(knot)) * std::numbers::pi / 2;
      std::uint32_t const sub = which * 64 + static_cast<std::uint32_t>(octave);
      sum +=
          std::cos(angle) * random.normal(stream, knot, sub) + std::sin(angle) * random.normal(stream, knot + 1, sub);
    }
    double const fine = random.normal(stream, static_cast<std::uint64_t>(k), which * 64);
    series[static_cast<std::size_t>(k)] =
        std::sqrt(white) * fine + (octaves > 0 ? std::sqrt((1 - white) / octaves) * sum : 0.0);
  }
  return series;
}

bool is_reference_pixel(Detector const& detector, int x, int y) {
  if (detector.is_miri()) {
    if (detector.reduced) return false;
    return x < 4 || x >= detector.nx - 4;
  }
  return x < 4 || y < 4 || x >= detector.nx - 4 || y >= detector.ny - 4;
}

/// True where MIRI sees the sky: the imager, or the clear part of the Lyot field around its occulting spot.
bool is_miri_science(int x, int y) {
  if (x >= MiriImagerBegin && x < MiriImagerEnd) return true;
  constexpr int SpotColumn = 146, SpotRow = 885, SpotRadius = 20;
  bool const in_field = x >= 10 && x < 275 && y >= 755 && y < 1018;
  int const dx = x - SpotColumn, dy = y - SpotRow;
  return in_field && dx * dx + dy * dy >= SpotRadius * SpotRadius;
}

void add_bad_pixels(SimulationSettings const& settings, Detector const& detector, std::vector<std::uint32_t>& mask) {
  Random const random(hash_text(detector.aperture->detector, settings.seed));
  double const pixels = static_cast<double>(mask.size());
  auto const place = [&](double deviate) {
    return std::min(static_cast<std::size_t>(deviate * pixels), mask.size() - 1);
  };
  auto const singles = static_cast<std::uint64_t>(settings.bad_pixels.fraction * pixels);
  for (std::uint64_t k = 0; k < singles; ++k) {
    auto const u = random.uniforms(Stream::BadPixels, k);
    std::uint32_t const kind = u[1] < 0.4 ? dq::Hot | dq::DoNotUse : u[1] < 0.8 ? dq::Dead | dq::DoNotUse : dq::Warm;
    mask[place(u[0])] |= kind;
  }
  auto const clusters = static_cast<std::uint64_t>(std::lround(settings.bad_pixels.clusters * pixels / 1e6));
  for (std::uint64_t k = 0; k < clusters; ++k) {
    auto const u = random.uniforms(Stream::BadPixels, k, 1);
    auto const centre = place(u[0]);
    int const cx = static_cast<int>(centre % static_cast<std::size_t>(detector.nx));
    int const cy = static_cast<int>(centre / static_cast<std::size_t>(detector.nx));
    int const radius = 2 + static_cast<int>(5 * u[1]);
    for (int y = std::max(0, cy - radius); y <= std::min(detector.ny - 1, cy + radius); ++y)
      for (int x = std::max(0, cx - radius); x <= std::min(detector.nx - 1, cx + radius); ++x)
        if ((x - cx) * (x - cx) + (y - cy) * (y - cy) <= radius * radius)
          mask[static_cast<std::size_t>(y) * static_cast<std::size_t>(detector.nx) + static_cast<std::size_t>(x)] |=
              dq::Dead | dq::NoFlatField | dq::DoNotUse;
  }
}

}  // namespace

bool is_lyot(Detector const& detector, int x, int y) {
  if (!detector.is_miri()) return false;
  return x + detector.substrt1 - 1 < LyotEndColumn && y + detector.substrt2 - 1 >= LyotFirstRow;
}

Levels draw_levels(SimulationSettings const& settings, Band const& band, PlannedExposure const& exposure) {
  if (!settings.levels.on) return {};
  bool const per_visit = settings.levels.per == "visit";
  std::uint64_t const key =
      per_visit ? hash_text(exposure.visit_name + band.name + band.detectors[exposure.detector], settings.seed)
                : exposure.key;
  Random const random(key);
  double const level = band.level_rms * random.normal(Stream::Level, 0);
  return {level, band.is_miri() ? level + 0.5 * band.level_rms * random.normal(Stream::LyotLevel, 0) : level};
}

Stripes draw_stripes(SimulationSettings const& settings, Band const& band, Detector const& detector,
                     PlannedExposure const& exposure) {
  Stripes stripes;
  if (!settings.stripes.on || band.is_miri()) return stripes;
  Random const random(exposure.key);
  double const white = settings.stripes.white, common = settings.stripes.common;
  auto const shared = draw_series(random, Stream::RowStripes, 0, detector.ny, white);
  for (int amplifier = 0; amplifier < AmplifierCount; ++amplifier) {
    stripes.bounds.push_back(detector.nx * amplifier / AmplifierCount);
    auto const own =
        draw_series(random, Stream::RowStripes, static_cast<std::uint32_t>(amplifier) + 1, detector.ny, white);
    std::vector<float> rows;
    for (std::size_t y = 0; y < own.size(); ++y)
      rows.push_back(
          static_cast<float>(band.stripe_rms * (std::sqrt(common) * shared[y] + std::sqrt(1 - common) * own[y])));
    stripes.rows.push_back(std::move(rows));
  }
  stripes.bounds.push_back(detector.nx);
  for (int x = 0; x < detector.nx; ++x)
    stripes.columns.push_back(static_cast<float>(settings.stripes.columns_rms *
                                                 random.normal(Stream::ColumnStripes, static_cast<std::uint64_t>(x))));
  return stripes;
}

std::vector<CosmicRayPixel> draw_cosmic_rays(SimulationSettings const& settings, Detector const& detector,
                                             PlannedExposure const& exposure) {
  std::vector<CosmicRayPixel> rays;
  if (!settings.cosmic_rays.on) return rays;
  Random const random(exposure.key);
  double const mean = settings.cosmic_rays.rate * detector.nx * detector.ny / 1e6;
  auto const hits = static_cast<std::uint64_t>(mean + random.uniform(Stream::CosmicRays, ~0ull));
  for (std::uint64_t hit = 0; hit < hits; ++hit) {
    auto const u = random.uniforms(Stream::CosmicRays, hit), v = random.uniforms(Stream::CosmicRays, hit, 1);
    double x = u[0] * detector.nx, y = u[1] * detector.ny;
    double const angle = 2 * std::numbers::pi * u[2];
    // Most hits touch one or two pixels; grazing ones leave a track. Never so weak that no one could find it.
    int const length = 1 + static_cast<int>(1.5 * -std::log(u[3]));
    double const strength = 8 + settings.cosmic_rays.strength * -std::log(v[0]);
    for (int step = 0; step < length; ++step, x += std::cos(angle), y += std::sin(angle)) {
      if (x < 0 || y < 0 || x >= detector.nx || y >= detector.ny) break;
      rays.push_back(
          {static_cast<std::int64_t>(y) * detector.nx + static_cast<std::int64_t>(x), strength * std::pow(0.8, step)});
    }
  }
  return rays;
}

std::vector<std::uint32_t> make_detector_mask(SimulationSettings const& settings, Detector const& detector) {
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(detector.nx) * static_cast<std::size_t>(detector.ny), 0u);
  if (settings.bad_pixels.on) add_bad_pixels(settings, detector, mask);
  std::size_t at = 0;
  for (int y = 0; y < detector.ny; ++y)
    for (int x = 0; x < detector.nx; ++x, ++at) {
      int const full_x = x + static_cast<int>(detector.substrt1) - 1,
                full_y = y + static_cast<int>(detector.substrt2) - 1;
      if (is_reference_pixel(detector, x, y))
        mask[at] = dq::DoNotUse | dq::ReferencePixel;
      else if (detector.is_miri() && !is_miri_science(full_x, full_y))
        mask[at] |= dq::DoNotUse | dq::NonScience;
    }
  return mask;
}

}  // namespace tessera::simulate
