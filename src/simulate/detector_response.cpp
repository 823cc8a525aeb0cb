#include "tessera/simulate/detector_response.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tessera/core/dq.hpp"
#include "tessera/simulate/random.hpp"
#include "tessera/simulate/turbulence.hpp"

namespace tessera::simulate {
namespace {

constexpr double Largest = 0.6, Smallest = 0.15;  ///< features of large-scale shapes, in units of the full frame
constexpr double DeadResponse = 0.02;

/// A smooth field over the full format, about -1 to 1.
class SmoothShape {
 public:
  SmoothShape(std::string const& name, SimulationSettings const& settings, Detector const& detector)
      : seed_(static_cast<std::uint32_t>(hash_text(name, settings.seed))),
        scale_(1.0 / std::max(detector.aperture->nx, detector.aperture->ny)) {}
  double at(int x, int y) const { return fractal_noise(x * scale_, y * scale_, Largest, Smallest, 0.5, seed_); }

 private:
  std::uint32_t seed_;
  double scale_;
};

}  // namespace

FrameWindow window_of(Detector const& detector) {
  return {static_cast<int>(detector.substrt1) - 1, static_cast<int>(detector.substrt2) - 1, detector.nx, detector.ny};
}

FrameWindow full_frame(Detector const& detector) { return {0, 0, detector.aperture->nx, detector.aperture->ny}; }

FlatField make_flat(SimulationSettings const& settings, Band const& band, Detector const& detector,
                    FrameWindow const& window) {
  auto const& flat = settings.rates.flat;
  std::string const& name = detector.aperture->detector;
  SmoothShape const shape("flat " + name + " " + band.name, settings, detector);
  Random const random(hash_text("flat " + name, settings.seed));  // pixels are the same in all bands
  std::size_t const count = static_cast<std::size_t>(window.nx) * static_cast<std::size_t>(window.ny);
  FlatField field;
  field.value.reserve(count);
  field.error.reserve(count);
  field.truth.reserve(count);
  field.dq.assign(count, 0u);
  for (int y = window.y0; y < window.y0 + window.ny; ++y)
    for (int x = window.x0; x < window.x0 + window.nx; ++x) {
      auto const pixel = static_cast<std::uint64_t>(y) * static_cast<std::uint64_t>(detector.aperture->nx) +
                         static_cast<std::uint64_t>(x);
      auto const deviates = random.normals(Stream::Flat, pixel);
      double const u = random.uniform(Stream::Flat, pixel, 1);
      double const response = std::max(0.1, (1 + flat.shape * shape.at(x, y)) * (1 + flat.scatter * deviates[0]));
      auto value = static_cast<float>(response);
      auto const error = static_cast<float>(flat.error * response);
      double truth = double{value} + double{error} * deviates[1];
      std::size_t const at = field.value.size();
      if (u < flat.dead) {
        // Dead in every way that references say so: NaN, zero, by its flag alone.
        field.dq[at] = dq::NoFlatField | dq::DoNotUse;
        if (u < 0.5 * flat.dead)
          value = std::numeric_limits<float>::quiet_NaN();
        else if (u < 0.75 * flat.dead)
          value = 0;
        truth = DeadResponse;
      } else if (u < 2 * flat.dead) {
        field.dq[at] = dq::UnreliableFlat;
      }
      field.value.push_back(value);
      field.error.push_back(error);
      field.truth.push_back(static_cast<float>(truth));
    }
  return field;
}

double PhotomRow::conversion_at(double mjd) const {
  if (!timed) return photmjsr;
  double const elapsed = mjd - double{t0};
  double const exponential = double{amplitude} * std::exp(-elapsed / double{tau}) + double{constant};
  double const linear = 1 - double{lossperyear} * elapsed / 365;
  return double{photmjsr} / (linear * exponential);
}

PhotomRow make_photom_row(SimulationSettings const& settings, Band const& band, Detector const& detector) {
  auto const& photom = settings.rates.photom;
  Random const random(hash_text("photom " + detector.aperture->detector + " " + band.name, settings.seed));
  PhotomRow row;
  row.photmjsr = static_cast<float>(band.photmjsr * (1 + photom.scatter * random.normal(Stream::Photom, 0)));
  row.uncertainty = 0.01f * row.photmjsr;
  if (!band.is_miri() || photom.loss == 0) return row;
  row.timed = true;
  row.t0 = 59720;  // May 2022
  row.lossperyear = 0.005f;
  row.amplitude = static_cast<float>(photom.loss);
  row.constant = static_cast<float>(1 - photom.loss);
  row.tau = 200;
  return row;
}

double conversion_of(SurveyPlan const& plan, PlannedExposure const& exposure) {
  Band const& band = plan.bands[exposure.band];
  double const middle = exposure.start_mjd + band.exposure_time / 86400 / 2;
  return make_photom_row(plan.settings, band, plan.detectors[exposure.band][exposure.detector]).conversion_at(middle);
}

double thermal_level(SurveyPlan const& plan, PlannedExposure const& exposure) {
  Band const& band = plan.bands[exposure.band];
  if (!band.is_miri()) return 0;
  auto const& thermal = plan.settings.rates.background;
  // Normal deviates some hours apart, joined so that the variance is that of `drift` at all times.
  double const position = (exposure.start_mjd - parse_utc(plan.settings.start)) * 24 / thermal.hours;
  double const knot = std::floor(position), angle = (position - knot) * std::numbers::pi / 2;
  Random const random(hash_text("thermal " + band.name, plan.settings.seed));
  auto const index = static_cast<std::uint64_t>(knot);
  double const deviate = std::cos(angle) * random.normal(Stream::Thermal, index) +
                         std::sin(angle) * random.normal(Stream::Thermal, index + 1);
  return band.background * (1 + thermal.drift * deviate);
}

std::vector<float> make_thermal_background(SurveyPlan const& plan, PlannedExposure const& exposure) {
  Band const& band = plan.bands[exposure.band];
  if (!band.is_miri()) return {};
  Detector const& detector = plan.detectors[exposure.band][exposure.detector];
  SmoothShape const shape("thermal " + band.name, plan.settings, detector);
  double const level = thermal_level(plan, exposure);
  FrameWindow const window = window_of(detector);
  std::vector<float> plane;
  plane.reserve(static_cast<std::size_t>(window.nx) * static_cast<std::size_t>(window.ny));
  for (int y = window.y0; y < window.y0 + window.ny; ++y)
    for (int x = window.x0; x < window.x0 + window.nx; ++x)
      plane.push_back(static_cast<float>(level * (1 + plan.settings.rates.background.shape * shape.at(x, y))));
  return plane;
}

}  // namespace tessera::simulate
