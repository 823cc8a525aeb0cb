#include <cmath>
#include <numbers>

#include "calibrated_headers.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/sip_fit.hpp"

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

}  // namespace

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
