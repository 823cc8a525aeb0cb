#include "catalogue_row.hpp"

#include <cmath>

namespace tessera::steps {

namespace {

using kernels::NoValue;

/// Zero point of AB magnitudes of fluxes in Jy (spec 30, 5.2 item 7).
constexpr double AbZeroPoint = 8.9;

double to_abmag(double flux) { return flux < 0 ? NoValue : -2.5 * std::log10(flux) + AbZeroPoint; }
double to_mag_error(double flux, double error) { return flux < 0 ? NoValue : 2.5 * std::log10(1 + error / flux); }

double fold(double degrees) {
  while (degrees > 90) degrees -= 180;
  while (degrees <= -90) degrees += 180;
  return degrees;
}

}  // namespace

CatalogueRow describe_source(SourceRecord const& source, sky::Wcs const& wcs, CatalogueFacts const& facts) {
  CatalogueRow row;
  row.sky = wcs.pixel_to_sky(model::PixelPoint{source.x, source.y});
  for (std::size_t k = 0; k < 3; ++k) {
    row.flux[k] = source.flux[k];
    row.flux_error[k] = source.flux_error[k];
  }
  row.flux[3] = facts.reference.corrections[2] * source.flux[2];
  row.flux_error[3] = facts.reference.corrections[2] * source.flux_error[2];
  for (std::size_t k = 0; k < 4; ++k) {
    row.abmag[k] = to_abmag(row.flux[k]);
    row.abmag_error[k] = to_mag_error(row.flux[k], row.flux_error[k]);
    row.vegamag[k] = row.abmag[k] - facts.reference.abvega_offset;
  }
  row.concentration = {source.flux[1] / source.flux[0], source.flux[2] / source.flux[1],
                       source.flux[2] / source.flux[0]};
  row.is_extended = row.concentration[0] > facts.options.ci1 && row.concentration[1] > facts.options.ci2;
  row.isophotal_error = std::sqrt(source.isophotal_variance);
  row.isophotal_abmag = to_abmag(source.isophotal_flux);
  row.isophotal_abmag_error = to_mag_error(source.isophotal_flux, row.isophotal_error);
  row.isophotal_vegamag = row.isophotal_abmag - facts.reference.abvega_offset;
  row.sky_orientation =
      std::isfinite(source.orientation) ? fold(180 - facts.north_degrees + source.orientation) : NoValue;
  double const x0 = source.box[0] - 0.5, y0 = source.box[1] - 0.5, x1 = source.box[2] - 0.5, y1 = source.box[3] - 0.5;
  row.corners = {wcs.pixel_to_sky(model::PixelPoint{x0, y0}), wcs.pixel_to_sky(model::PixelPoint{x0, y1}),
                 wcs.pixel_to_sky(model::PixelPoint{x1, y0}), wcs.pixel_to_sky(model::PixelPoint{x1, y1})};
  return row;
}

double find_north(sky::Wcs const& wcs, double crpix1, double crpix2) {
  model::PixelPoint const origin{crpix1 - 1, crpix2 - 1};
  auto sky = wcs.pixel_to_sky(origin);
  sky.dec += 1.0 / 3600;
  auto const north = wcs.sky_to_pixel(sky);
  return std::atan2(north.y - origin.y, north.x - origin.x) * 57.295779513082320877;
}

}  // namespace tessera::steps
