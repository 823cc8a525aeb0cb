#include "tessera/steps/lv2/assign_wcs.hpp"

#include <cmath>
#include <string>

#include "tessera/core/log.hpp"
#include "tessera/refs/detector_geometry.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/sip_fit.hpp"
#include "tessera/steps/lv2/cal_file.hpp"

namespace tessera::steps {

namespace {

/// What the official products say beside the keywords of the SIP approximation.
std::string_view comment_of(std::string_view keyword) {
  if (keyword == "WCSAXES") return "number of World Coordinate System axes";
  if (keyword == "RADESYS") return "Name of the coordinate reference frame";
  if (keyword == "CRPIX1") return "Axis 1 pixel coordinate of ref point, 1-indexed";
  if (keyword == "CRPIX2") return "Axis 2 pixel coordinate of ref point, 1-indexed";
  if (keyword == "CRVAL1") return "Axis 1 coordinate value at reference point";
  if (keyword == "CRVAL2") return "Axis 2 coordinate value at reference point";
  if (keyword == "CTYPE1") return "Axis 1 type";
  if (keyword == "CTYPE2") return "Axis 2 type";
  if (keyword == "CUNIT1") return "Axis 1 units";
  if (keyword == "CUNIT2") return "Axis 2 units";
  if (keyword == "A_ORDER" || keyword == "B_ORDER") return "Degree of forward SIP polynomial";
  if (keyword == "AP_ORDER" || keyword == "BP_ORDER") return "Degree of inverse SIP polynomial";
  if (keyword.starts_with("CD")) return "Linear transformation matrix element";
  if (keyword.starts_with("AP_") || keyword.starts_with("BP_")) return "SIP coefficient, inverse transform";
  if (keyword.starts_with("A_") || keyword.starts_with("B_")) return "SIP coefficient, forward transform";
  if (keyword == "SIPMXERR") return "[pixel] largest error of the forward SIP polynomial";
  if (keyword == "SIPIVERR") return "[pixel] largest error of the inverse SIP polynomial";
  return {};
}

/// Adds the fit's cards to `sci`, each with its comment; what they replace goes away.
void write_sip(sky::SipFit const& fit, model::Header& sci) {
  fit.write_to(sci);
  model::Header made;
  fit.write_to(made);
  for (auto const& card : made.cards()) {
    auto const keyword = card.keyword();
    auto const comment = comment_of(keyword);
    if (comment.empty()) continue;
    if (auto const text = made.text(keyword))
      sci.set(keyword, std::string_view(*text), comment);
    else if (auto const integer = made.integer(keyword))
      sci.set(keyword, *integer, comment);
    else if (auto const real = made.real(keyword))
      sci.set(keyword, *real, comment);
  }
}

/// The official step carries on without these keywords where the fit fails, and so do we.
void approximate(model::ExposureImage& image, sky::Gwcs const& wcs, sky::SipFitOptions options) {
  auto const crpix1 = image.sci_header.real("CRPIX1"), crpix2 = image.sci_header.real("CRPIX2");
  if (!options.crpix && crpix1 && crpix2) options.crpix = sky::PixelPoint{*crpix1 - 1, *crpix2 - 1};
  try {
    auto const box = sky::bounding_box_or_array(wcs, image.window.nx, image.window.ny);
    write_sip(sky::fit_sip(wcs, box, options), image.sci_header);
  } catch (InputError const& error) {
    log::warn("{}: its SIP keywords stay as they were: {}", image.path, error.problem().line());
  }
}

/// S_REGION; `at_centres`: of the box rounded to pixel centres, as the pipeline had it before 1.17 (spec 20, 3.7).
std::optional<std::string> region_text(sky::Gwcs const& wcs, model::DetectorWindow const& window, bool at_centres) {
  if (!at_centres) return sky::format_s_region(sky::footprint(wcs, window.nx, window.ny));
  auto const box = sky::bounding_box_or_array(wcs, window.nx, window.ny);
  double const x0 = std::floor(box.x_low + 0.5), x1 = std::floor(box.x_high + 0.5);
  double const y0 = std::floor(box.y_low + 0.5), y1 = std::floor(box.y_high + 0.5);
  sky::SkyPolygon polygon;
  for (auto const& corner : {sky::PixelPoint{x0, y0}, {x0, y1}, {x1, y1}, {x1, y0}})
    polygon.push_back(wcs.pixel_to_sky(corner));
  return sky::format_s_region(polygon);
}

/// Value of an R_ keyword (spec 20, 6.2).
std::string keyword_value(std::filesystem::path const& reference, std::string const& type, Lv2Options const& options) {
  if (reference.empty()) return "N/A";
  return options.overrides.contains(type) ? reference.string() : "crds://" + reference.filename().string();
}

}  // namespace

std::shared_ptr<sky::Gwcs const> make_wcs(model::ExposureImage const& image, std::filesystem::path const& distortion,
                                          std::filesystem::path const& filteroffset) {
  auto const detector = refs::read_detector_geometry(distortion, filteroffset, image.primary, image.window);
  return sky::make_imaging_wcs(detector, refs::read_pointing(image.path, image.sci_header));
}

std::shared_ptr<sky::Gwcs const> assign_wcs(model::ExposureImage& image, std::filesystem::path const& distortion,
                                            std::filesystem::path const& filteroffset, Lv2Options const& options) {
  auto wcs = make_wcs(image, distortion, filteroffset);
  if (options.sip_approx) approximate(image, *wcs, options.sip);
  if (auto const region = region_text(*wcs, image.window, options.before_version_1_16))
    image.sci_header.set("S_REGION", std::string_view(*region), "Spatial footprint of the observation");
  set_step_status(image.primary, "S_WCS", true);
  set_reference_keyword(image.primary, "distortion", keyword_value(distortion, "distortion", options));
  set_reference_keyword(image.primary, "filteroffset", keyword_value(filteroffset, "filteroffset", options));
  return wcs;
}

}  // namespace tessera::steps
