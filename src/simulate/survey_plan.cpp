#include "tessera/simulate/survey_plan.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "tessera/core/error.hpp"
#include "tessera/simulate/random.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

constexpr double Degree = std::numbers::pi / 180;
constexpr double Arcsec = Degree / 3600;

/// Sky position at tangent-plane offsets (arcsec; east, north) from a centre.
model::SkyPoint offset_position(double ra, double dec, double east, double north) {
  sky::TangentAxes const axes = sky::tangent_axes({ra, dec});
  return sky::to_sky(axes.centre + (east * Arcsec) * axes.east + (north * Arcsec) * axes.north);
}

/// Offsets in V2, V3 turned to east, north: V3 points to the position angle, V2 a quarter turn further to the east.
std::array<double, 2> turn_to_sky(double v2, double v3, double v3pa) {
  double const c = std::cos(v3pa * Degree), s = std::sin(v3pa * Degree);
  return {v2 * c + v3 * s, -v2 * s + v3 * c};
}

/// Dither k: a low-discrepancy sequence in the box (every count covers it evenly), plus the module throw.
std::array<double, 2> dither_offset(int k, config::DitherSettings const& settings) {
  auto const fraction = [](double value) { return value - std::floor(value) - 0.5; };
  double const x = settings.size * fraction(0.5 + 0.7548776662466927 * k);
  double const y = settings.size * fraction(0.5 + 0.5698402909980532 * k);
  return {x + settings.module_gap * (k % 2 == 0 ? -0.5 : 0.5), y};
}

/// Two characters of an activity number, base 36 as in real names.
std::string activity_name(std::size_t number) {
  constexpr char Digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  return {Digits[number / 36 % 36], Digits[number % 36]};
}

/// Adds the errors of a visit and a dither to the believed attitude.
void add_pointing_error(PlannedExposure& exposure, SimulationSettings const& settings, std::uint64_t visit_key) {
  exposure.actual = exposure.believed;
  if (!settings.pointing_errors.on) return;
  Random const random(visit_key);
  auto const visit = random.normals(Stream::Pointing, 0);
  auto const jitter = random.normals(Stream::Pointing, 1 + static_cast<std::uint64_t>(exposure.dither));
  auto const& errors = settings.pointing_errors;
  exposure.shift_ra = errors.shift_rms * visit[0] + errors.jitter_rms * jitter[0];
  exposure.shift_dec = errors.shift_rms * visit[1] + errors.jitter_rms * jitter[1];
  exposure.roll_error = errors.roll_rms * visit[2];
  auto const moved =
      offset_position(exposure.believed.ra, exposure.believed.dec, exposure.shift_ra, exposure.shift_dec);
  exposure.actual.ra = moved.ra;
  exposure.actual.dec = moved.dec;
  exposure.actual.v3pa += exposure.roll_error;
}

/// True minus believed place of a detector.
V2V3 draw_offset(std::string const& detector, SimulationSettings const& settings) {
  auto const& errors = settings.focal_plane;
  if (!errors.on) return {};
  if (detector == "mirimage") return {errors.miri_v2, errors.miri_v3};
  auto const own = Random(hash_text(detector, settings.seed)).normals(Stream::FocalPlane, 0);
  std::string const module = detector.substr(0, 4);  // "nrca"
  auto const common = Random(hash_text(module, settings.seed)).normals(Stream::FocalPlane, 0);
  return {errors.module_rms * common[0] + errors.detector_rms * own[0],
          errors.module_rms * common[1] + errors.detector_rms * own[1]};
}

/// Shift of the image behind a filter, the same for all detectors of a module (as the references have it).
model::PixelPoint draw_filter_offset(Band const& band, std::string const& detector,
                                     SimulationSettings const& settings) {
  std::string const module = band.is_miri() ? detector : detector.substr(0, 4);
  auto const u = Random(hash_text(module + " " + band.name, settings.seed)).uniforms(Stream::FilterOffset, 0);
  return {2 * u[0] - 1, 2 * u[1] - 1};
}

/// Days since 1970-01-01 of a civil date and back (proleptic Gregorian; Hinnant's algorithm).
std::int64_t days_from_civil(std::int64_t y, int m, int d) {
  y -= m <= 2;
  std::int64_t const era = (y >= 0 ? y : y - 399) / 400;
  std::int64_t const yoe = y - era * 400;
  std::int64_t const doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
std::array<std::int64_t, 3> civil_from_days(std::int64_t z) {
  z += 719468;
  std::int64_t const era = (z >= 0 ? z : z - 146096) / 146097;
  std::int64_t const doe = z - era * 146097;
  std::int64_t const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  std::int64_t const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  std::int64_t const mp = (5 * doy + 2) / 153;
  std::int64_t const m = mp + (mp < 10 ? 3 : -9);
  return {yoe + era * 400 + (m <= 2), m, doy - (153 * mp + 2) / 5 + 1};
}

constexpr std::int64_t MjdOf1970 = 40587;
constexpr double SlewDays = 90.0 / 86400;

}  // namespace

double parse_utc(std::string const& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, read = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%n", &year, &month, &day, &hour, &minute, &second, &read) !=
          6 ||
      static_cast<std::size_t>(read) != text.size() || month < 1 || month > 12 || day < 1 || day > 31)
    throw ConfigError({"unusable time", "start", "UTC as 2023-07-20T00:00:00", "'" + text + "'", ""});
  return static_cast<double>(days_from_civil(year, month, day) + MjdOf1970) +
         (hour * 3600 + minute * 60 + second) / 86400;
}

std::string format_utc(double mjd) {
  auto const milliseconds = static_cast<std::int64_t>(std::llround((mjd - MjdOf1970) * 86400e3));
  std::int64_t const days = milliseconds / 86400000, rest = milliseconds % 86400000;
  auto const [year, month, day] = civil_from_days(days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}", year, month, day, rest / 3600000, rest / 60000 % 60,
                     rest / 1000 % 60, rest % 1000);
}

std::string SurveyPlan::relative_path(PlannedExposure const& exposure) const {
  return "raw/" + settings.targets[exposure.target].name + "/mastDownload/JWST/" + exposure.root + "/" + exposure.root +
         (settings.rates.on ? "_rate.fits" : "_cal.fits");
}

sky::Pointing make_pointing(Detector const& detector, Attitude const& attitude, double va_scale) {
  sky::Pointing centre;
  centre.v2_ref = attitude.at.v2;
  centre.v3_ref = attitude.at.v3;
  centre.ra_ref = attitude.ra;
  centre.dec_ref = attitude.dec;
  centre.roll_ref = attitude.v3pa;
  sky::Pointing pointing;
  pointing.v2_ref = detector.v2_ref;
  pointing.v3_ref = detector.v3_ref;
  double const* in[]{&detector.v2_ref, &detector.v3_ref};
  double* out[]{&pointing.ra_ref, &pointing.dec_ref};
  sky::make_v2v3_to_sky(centre)->evaluate(1, in, out);
  pointing.roll_ref = sky::roll_at(centre, detector.v2_ref, detector.v3_ref);
  if (va_scale != 1) pointing.va_scale = va_scale;
  return pointing;
}

sky::Pointing actual_pointing(SurveyPlan const& plan, PlannedExposure const& exposure) {
  Detector const& believed = plan.detectors[exposure.band][exposure.detector];
  V2V3 const offset = plan.offsets[exposure.band][exposure.detector];
  Detector moved = believed;
  moved.v2_ref += offset.v2;
  moved.v3_ref += offset.v3;
  sky::Pointing pointing = make_pointing(moved, exposure.actual, exposure.va_scale);
  pointing.v2_ref = believed.v2_ref;
  pointing.v3_ref = believed.v3_ref;
  return pointing;
}

SurveyPlan plan_survey(SimulationSettings const& settings) {
  SurveyPlan plan;
  plan.settings = settings;
  for (std::string const& name : settings.bands) {
    Band const band = make_band(name, settings);
    V2V3 const centre = instrument_centre(band.detectors);
    std::vector<Detector> detectors;
    std::vector<V2V3> offsets;
    for (std::string const& detector : band.detectors) {
      detectors.push_back(make_detector(detector, centre, settings.detectors));
      if (settings.rates.on) detectors.back().filter_offset = draw_filter_offset(band, detector, settings);
      offsets.push_back(draw_offset(detector, settings));
    }
    plan.offsets.push_back(std::move(offsets));
    plan.bands.push_back(band);
    plan.detectors.push_back(std::move(detectors));
  }
  double const start = parse_utc(settings.start);
  double time = start;
  for (std::size_t target = 0; target < settings.targets.size(); ++target) {
    auto const& place = settings.targets[target];
    for (std::size_t b = 0; b < plan.bands.size(); ++b) {
      Band const& band = plan.bands[b];
      V2V3 const view = field_of_view(plan.detectors[b]);
      auto const& grid = settings.tiles;
      int const columns = band.is_miri() && grid.miri_columns > 0 ? grid.miri_columns : grid.columns;
      int const rows = band.is_miri() && grid.miri_rows > 0 ? grid.miri_rows : grid.rows;
      int const tiles = columns * rows;
      int const visits = tiles + (band.is_miri() && settings.off_exposures > 0 ? 1 : 0);
      for (int visit = 0; visit < visits; ++visit) {
        bool const off = visit == tiles;
        double const column = visit % columns - 0.5 * (columns - 1);
        int const tile_row = visit / columns;
        double const row = tile_row - 0.5 * (rows - 1);
        double const v2 = off ? settings.off_distance : column * view.v2 * (1 - settings.tiles.overlap);
        double const v3 = off ? 0 : row * view.v3 * (1 - settings.tiles.overlap);
        int const observation = static_cast<int>(2 * target) + (band.is_miri() ? 2 : 1);
        std::string const visit_name = fmt::format("jw{:05}{:03}{:03}", settings.program, observation, visit + 1);
        std::uint64_t const visit_key = hash_text(visit_name, settings.seed);
        for (int dither = 0; dither < (off ? settings.off_exposures : settings.dithers.count); ++dither) {
          auto const throw_by = dither_offset(dither, settings.dithers);
          auto const [east, north] = turn_to_sky(v2 + throw_by[0], v3 + throw_by[1], settings.tiles.v3pa);
          auto const at = offset_position(place.ra, place.dec, east, north);
          for (std::size_t detector = 0; detector < band.detectors.size(); ++detector) {
            PlannedExposure exposure;
            exposure.index = plan.exposures.size();
            exposure.target = target;
            exposure.band = b;
            exposure.detector = detector;
            exposure.off = off;
            exposure.observation = observation;
            exposure.visit = visit + 1;
            exposure.dither = dither;
            exposure.visit_name = visit_name;
            exposure.root = fmt::format("{}_02{}{}_{:05}_{}", visit_name, off ? 2 : 1, activity_name(b + 1), dither + 1,
                                        band.detectors[detector]);
            exposure.key = hash_text(exposure.root, settings.seed);
            exposure.start_mjd = time;
            if (off && dither >= settings.off_exposures - settings.off_late)
              exposure.start_mjd += settings.off_late_hours / 24;
            exposure.x_offset = throw_by[0];
            exposure.y_offset = throw_by[1];
            exposure.va_scale = 1 + 1e-4 * (Random(visit_key).uniform(Stream::Aberration, 0) - 0.5);
            exposure.believed = {instrument_centre(band.detectors), at.ra, at.dec, settings.tiles.v3pa};
            add_pointing_error(exposure, settings, visit_key);
            plan.exposures.push_back(std::move(exposure));
          }
          time += band.exposure_time / 86400 + SlewDays;
        }
      }
    }
  }
  return plan;
}

}  // namespace tessera::simulate
