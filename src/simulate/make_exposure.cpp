#include "tessera/simulate/make_exposure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/dq.hpp"
#include "tessera/simulate/detector_response.hpp"
#include "tessera/simulate/random.hpp"
#include "tessera/simulate/render_sky.hpp"

namespace tessera::simulate {
namespace {

constexpr double FlatError = 1e-3;         ///< of SCI, one sigma
constexpr double FullWell = 6e4;           ///< electrons
constexpr double UnusableSaturation = 20;  ///< times the full well: even the first group is lost

/// MJy/sr of one electron in the whole exposure.
double electron(Band const& band) { return band.photmjsr / (band.gain * band.exposure_time); }

void add_variances(Band const& band, SimulatedExposure& e) {
  std::size_t const count = e.sky.size();
  e.var_poisson.resize(count);
  e.var_flat.resize(count);
  e.err.resize(count);
  double const unit = electron(band);
  e.var_rnoise.assign(count, static_cast<float>(band.read_noise * band.read_noise * unit * unit));
  for (std::size_t k = 0; k < count; ++k) {
    double const sky = e.sky[k];
    e.var_poisson[k] = static_cast<float>(std::max(0.0, sky + band.background) * unit);
    e.var_flat[k] = static_cast<float>(FlatError * FlatError * sky * sky);
    e.err[k] =
        static_cast<float>(std::sqrt(double{e.var_poisson[k]} + double{e.var_rnoise[k]} + double{e.var_flat[k]}));
  }
}

/// The same of a count rate, in DN/s. NIRCam's sky background is taken out of SCI as always, but not out of the noise.
void add_rate_variances(Band const& band, SimulatedExposure& e) {
  std::size_t const count = e.sky.size();
  RateTruth const& rate = *e.rate;
  e.var_poisson.resize(count);
  e.err.resize(count);
  double const unit = 1 / (band.gain * band.exposure_time);  // DN/s of one electron
  e.var_rnoise.assign(count, static_cast<float>(band.read_noise * band.read_noise * unit * unit));
  for (std::size_t k = 0; k < count; ++k) {
    double const background = rate.thermal.empty() ? band.background : double{rate.thermal[k]};
    double const light = double{rate.response[k]} * (double{e.sky[k]} + background) / rate.conversion;
    e.var_poisson[k] = static_cast<float>(std::max(0.0, light) * unit);
    e.err[k] = static_cast<float>(std::sqrt(double{e.var_poisson[k]} + double{e.var_rnoise[k]}));
  }
}

/// From surface brightness to count rate: `sci` holds the sky in MJy/sr, and in DN/s afterwards.
void add_rate_signal(Detector const& detector, SimulatedExposure& e) {
  RateTruth const& rate = *e.rate;
  std::size_t at = 0;
  for (int y = 0; y < e.ny; ++y) {
    std::size_t amplifier = 0;
    for (int x = 0; x < e.nx; ++x, ++at) {
      double const level = is_lyot(detector, x, y) ? e.levels.lyot : e.levels.level;
      double const thermal = rate.thermal.empty() ? 0.0 : double{rate.thermal[at]};
      double value = double{rate.response[at]} * (double{e.sky[at]} + level + thermal);
      if (!e.stripes.rows.empty()) {
        if (x >= e.stripes.bounds[amplifier + 1]) ++amplifier;
        value += e.stripes.at(x, y, amplifier);  // of the electronics: not through the flat
      }
      e.sci[at] = static_cast<float>(value / rate.conversion);
    }
  }
}

/// Normal noise, four pixels a draw: a function of exposure and pixel alone.
void add_noise(Random const& random, SimulatedExposure& e) {
  for (std::size_t k = 0; k < e.sci.size(); k += 4) {
    auto const deviates = random.normals(Stream::Noise, k / 4);
    for (std::size_t i = 0; i < 4 && k + i < e.sci.size(); ++i)
      e.sci[k + i] += static_cast<float>(e.err[k + i] * deviates[i]);
  }
}

void add_levels_and_stripes(Detector const& detector, SimulatedExposure& e) {
  auto const level = static_cast<float>(e.levels.level), lyot = static_cast<float>(e.levels.lyot);
  std::size_t at = 0;
  for (int y = 0; y < e.ny; ++y) {
    std::size_t amplifier = 0;
    for (int x = 0; x < e.nx; ++x, ++at) {
      e.sci[at] += is_lyot(detector, x, y) ? lyot : level;
      if (e.stripes.rows.empty()) continue;
      if (x >= e.stripes.bounds[amplifier + 1]) ++amplifier;
      e.sci[at] += e.stripes.at(x, y, amplifier);
    }
  }
}

void set_flags(SimulationSettings const& settings, Band const& band, Random const& random, SimulatedExposure& e) {
  double const full = FullWell * electron(band);
  double const detected = settings.cosmic_rays.on ? settings.cosmic_rays.detected : 0;
  for (std::size_t k = 0; k < e.sci.size(); k += 4) {
    auto const u = detected > 0 ? random.uniforms(Stream::DetectedRays, k / 4) : std::array<double, 4>{1, 1, 1, 1};
    for (std::size_t i = 0; i < 4 && k + i < e.sci.size(); ++i) {
      if (u[i] < detected) e.dq[k + i] |= dq::JumpDet;
      if (e.sky[k + i] > full) e.dq[k + i] |= dq::Saturated;
      if (e.sky[k + i] > UnusableSaturation * full) e.dq[k + i] |= dq::DoNotUse;
    }
  }
  constexpr float Nothing = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t k = 0; k < e.sci.size(); ++k) {
    if (!(e.dq[k] & dq::DoNotUse)) continue;
    for (auto* plane : {&e.sci, &e.err, &e.var_poisson, &e.var_rnoise, &e.var_flat})
      if (!plane->empty()) (*plane)[k] = Nothing;
  }
}

}  // namespace

SimulatedExposure make_exposure(SurveyPlan const& plan, Scene const& scene, PlannedExposure const& exposure) {
  SimulationSettings const& settings = plan.settings;
  Band const& band = plan.bands[exposure.band];
  Detector const& detector = plan.detectors[exposure.band][exposure.detector];
  auto const wcs = sky::make_imaging_wcs(make_geometry(detector), actual_pointing(plan, exposure));
  BandMix const mix = mix_of(band.wavelength, band.name.back() == 'N');
  Random const random(exposure.key);

  SimulatedExposure e;
  e.nx = detector.nx;
  e.ny = detector.ny;
  e.area = make_area_plane(detector, exposure.va_scale);
  e.sky = render_smooth(scene, mix, *wcs, e.nx, e.ny);
  double const least_variance = (band.background + band.read_noise * band.read_noise * electron(band)) * electron(band);
  add_sources(scene, band, detector, *wcs, e.area, std::sqrt(least_variance), e.sky);
  if (settings.rates.on) {
    e.rate = RateTruth{conversion_of(plan, exposure), thermal_level(plan, exposure),
                       make_flat(settings, band, detector, window_of(detector)).truth,
                       make_thermal_background(plan, exposure)};
    e.area.clear();
    add_rate_variances(band, e);
  } else {
    add_variances(band, e);
  }
  e.sci = e.sky;
  e.levels = draw_levels(settings, band, exposure);
  e.stripes = draw_stripes(settings, band, detector, exposure);
  e.cosmic_rays = draw_cosmic_rays(settings, detector, exposure);
  if (settings.rates.on)
    add_rate_signal(detector, e);
  else
    add_levels_and_stripes(detector, e);
  if (settings.noise) add_noise(random, e);
  for (CosmicRayPixel const& ray : e.cosmic_rays) {
    auto const at = static_cast<std::size_t>(ray.pixel);
    e.sci[at] += static_cast<float>(ray.strength * e.err[at]);
  }
  e.dq = make_detector_mask(settings, detector);
  set_flags(settings, band, random, e);
  return e;
}

}  // namespace tessera::simulate
