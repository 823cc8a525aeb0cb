#include <array>
#include <cmath>
#include <numbers>

#include "calibrated_headers.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/sip_fit.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

/// PHOTUJA2 over PHOTMJSR: microjansky an arcsec^2 in a megajansky a steradian (spec 20, 5.3).
constexpr double MicrojanskyPerArcsec2 = 23.50443053909789;

double arcsec2(double steradian) {
  double const arcsec = std::numbers::pi / 180 / 3600;
  return steradian / (arcsec * arcsec);
}

void add_photometry_cards(model::Header& h, Band const& band, Detector const& detector) {
  h.set("BUNIT", "MJy/sr", "physical units of the array values");
  h.set("PHOTMJSR", band.photmjsr, "Flux density (MJy/steradian) producing 1 cps");
  h.set("PHOTUJA2", band.photmjsr * MicrojanskyPerArcsec2, "Flux density (uJy/arcsec2) producing 1 cps");
  h.set("PIXAR_SR", detector.pixel_area, "Nominal pixel area in steradians");
  h.set("PIXAR_A2", arcsec2(detector.pixel_area), "Nominal pixel area in arcsec^2");
}

void add_time_cards(model::Header& h, Band const& band, double start) {
  double const days = band.exposure_time / 86400;
  h.set("MJD-BEG", start, "[d] exposure start time in MJD");
  h.set("MJD-AVG", start + days / 2, "[d] exposure mid time in MJD");
  h.set("MJD-END", start + days, "[d] exposure end time in MJD");
  h.set("XPOSURE", band.exposure_time, "[s] Effective exposure time");
  h.set("TELAPSE", band.exposure_time, "[s] Total elapsed exposure time");
}

void add_pointing_cards(model::Header& h, Detector const& detector, PlannedExposure const& exposure,
                        sky::Pointing const& pointing) {
  sky::Pointing boresight = pointing;  // without aberration: attitude alone
  double const zero = 0;
  double ra_v1 = 0, dec_v1 = 0;
  double const* in[]{&zero, &zero};
  double* out[]{&ra_v1, &dec_v1};
  sky::make_v2v3_to_sky(boresight)->evaluate(1, in, out);
  h.set("RA_V1", ra_v1, "[deg] RA of telescope V1 axis");
  h.set("DEC_V1", dec_v1, "[deg] Dec of telescope V1 axis");
  h.set("PA_V3", sky::roll_at(boresight, 0, 0), "[deg] Position angle of telescope V3 axis");
  double const aperture_angle = std::fmod(pointing.roll_ref + detector.aperture->v3_idl_y_angle + 720, 360);
  h.set("PA_APER", aperture_angle, "[deg] Position angle of aperture used");
  h.set("V2_REF", pointing.v2_ref, "[arcsec] Telescope v2 coordinate of the reference point");
  h.set("V3_REF", pointing.v3_ref, "[arcsec] Telescope v3 coordinate of the reference point");
  h.set("VPARITY", detector.aperture->vidl_parity, "Relative sense of rotation between Ideal xy and V2V3");
  h.set("V3I_YANG", detector.aperture->v3_idl_y_angle, "[deg] Angle from V3 axis to Ideal y axis");
  h.set("RA_REF", pointing.ra_ref, "[deg] Right ascension of the reference point");
  h.set("DEC_REF", pointing.dec_ref, "[deg] Declination of the reference point");
  h.set("ROLL_REF", pointing.roll_ref, "[deg] V3 roll angle at the reference point");
  h.set("VA_SCALE", exposure.va_scale, "Velocity aberration scale factor");
  h.set("SRCTYPE", "EXTENDED", "Point or extended source");
}

/// A plane that touches the sky at the reference pixel.
void add_linear_wcs(model::Header& h, Detector const& detector, sky::Pointing const& pointing, sky::Gwcs const& wcs) {
  double const x = detector.crpix1() - 1, y = detector.crpix2() - 1;
  std::array<double, 4> ra{}, dec{}, east{}, north{};
  wcs.pixel_to_sky(std::vector{x - 0.5, x + 0.5, x, x}, std::vector{y, y, y - 0.5, y + 0.5}, ra, dec);
  auto const axes = sky::tangent_axes(wcs.pixel_to_sky(model::PixelPoint{x, y}));
  for (std::size_t k = 0; k < 4; ++k) {
    auto const v = sky::to_vector(ra[k], dec[k]);
    east[k] = dot(v, axes.east) / dot(v, axes.centre) * sky::DegreesPerRadian;
    north[k] = dot(v, axes.north) / dot(v, axes.centre) * sky::DegreesPerRadian;
  }
  double const cd[2][2]{{east[1] - east[0], east[3] - east[2]}, {north[1] - north[0], north[3] - north[2]}};
  double const cdelt[2]{std::hypot(cd[0][0], cd[1][0]), std::hypot(cd[0][1], cd[1][1])};
  h.set("WCSAXES", 2, "number of World Coordinate System axes");
  h.set("CRPIX1", detector.crpix1(), "axis 1 coordinate of the reference pixel");
  h.set("CRPIX2", detector.crpix2(), "axis 2 coordinate of the reference pixel");
  h.set("CRVAL1", pointing.ra_ref, "first axis value at the reference pixel");
  h.set("CRVAL2", pointing.dec_ref, "second axis value at the reference pixel");
  h.set("CTYPE1", "RA---TAN", "first axis coordinate type");
  h.set("CTYPE2", "DEC--TAN", "second axis coordinate type");
  h.set("CUNIT1", "deg", "first axis units");
  h.set("CUNIT2", "deg", "second axis units");
  h.set("CDELT1", cdelt[0], "first axis increment per pixel");
  h.set("CDELT2", cdelt[1], "second axis increment per pixel");
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      h.set("PC" + std::to_string(i + 1) + "_" + std::to_string(j + 1), cd[i][j] / cdelt[i],
            "linear transformation matrix element");
  h.set("RADESYS", "ICRS", "Name of the coordinate reference frame");
}

}  // namespace

model::Header make_rate_science_header(SurveyPlan const& plan, PlannedExposure const& exposure, sky::Gwcs const& wcs) {
  Detector const& detector = plan.detectors[exposure.band][exposure.detector];
  sky::Pointing const pointing = make_pointing(detector, exposure.believed, exposure.va_scale);
  model::Header h;
  h.set("BUNIT", "DN/s", "physical units of the array values");
  add_time_cards(h, plan.bands[exposure.band], exposure.start_mjd);
  add_pointing_cards(h, detector, exposure, pointing);
  add_linear_wcs(h, detector, pointing, wcs);
  if (auto const region = sky::format_s_region(sky::footprint(wcs, detector.nx, detector.ny)))
    h.set("S_REGION", *region, "spatial extent of the observation");
  return h;
}

model::Header make_science_header(SurveyPlan const& plan, PlannedExposure const& exposure, sky::Gwcs const& wcs) {
  Band const& band = plan.bands[exposure.band];
  Detector const& detector = plan.detectors[exposure.band][exposure.detector];
  model::Header h;
  add_photometry_cards(h, band, detector);
  add_time_cards(h, band, exposure.start_mjd);
  add_pointing_cards(h, detector, exposure, make_pointing(detector, exposure.believed, exposure.va_scale));
  sky::SipFitOptions options;
  options.crpix = model::PixelPoint{detector.crpix1() - 1, detector.crpix2() - 1};
  sky::fit_sip(wcs, sky::bounding_box_or_array(wcs, detector.nx, detector.ny), options).write_to(h);
  if (auto const region = sky::format_s_region(sky::footprint(wcs, detector.nx, detector.ny)))
    h.set("S_REGION", *region, "spatial extent of the observation");
  return h;
}

}  // namespace tessera::simulate
