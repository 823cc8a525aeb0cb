#include "write_exposure.hpp"

#include "calibrated_headers.hpp"
#include "tessera/io/fits_content.hpp"

namespace tessera::simulate {
namespace {

model::Header unit_header(char const* unit) {
  model::Header header;
  header.set("BUNIT", unit, "physical units of the array values");
  return header;
}

}  // namespace

void write_exposure(std::filesystem::path const& path, SurveyPlan const& plan, PlannedExposure const& planned,
                    SimulatedExposure const& e) {
  Detector const& detector = plan.detectors[planned.band][planned.detector];
  auto const wcs =
      sky::make_imaging_wcs(make_geometry(detector), make_pointing(detector, planned.believed, planned.va_scale));
  bool const is_rate = e.rate.has_value();
  io::FitsContent file(make_primary_header(plan, planned));
  auto const add = [&](char const* name, char const* key, auto const& values, model::Header header = {}) {
    file.add_image(name, key, e.nx, e.ny, values, std::move(header));
  };
  add("SCI", "data", e.sci,
      is_rate ? make_rate_science_header(plan, planned, *wcs) : make_science_header(plan, planned, *wcs));
  add("ERR", "err", e.err, unit_header(is_rate ? "DN/s" : "MJy/sr"));
  add("DQ", "dq", e.dq);
  if (!is_rate) add("AREA", "area", e.area);
  add("VAR_POISSON", "var_poisson", e.var_poisson);
  add("VAR_RNOISE", "var_rnoise", e.var_rnoise);
  if (!is_rate) add("VAR_FLAT", "var_flat", e.var_flat);
  file.add_datamodel({}, is_rate ? nullptr : wcs.get());  // a count rate has no WCS yet
  file.write(path);
}

void write_truth_planes(std::filesystem::path const& path, SimulatedExposure const& e) {
  std::vector<float> stripes(e.sky.size(), 0.0f);
  if (!e.stripes.rows.empty()) {
    std::size_t at = 0;
    for (int y = 0; y < e.ny; ++y)
      for (std::size_t amplifier = 0; amplifier < e.stripes.rows.size(); ++amplifier)
        for (int x = e.stripes.bounds[amplifier]; x < e.stripes.bounds[amplifier + 1]; ++x)
          stripes[at++] = e.stripes.at(x, y, amplifier);
  }
  std::vector<std::uint32_t> rays(e.sky.size(), 0u);
  for (CosmicRayPixel const& ray : e.cosmic_rays) rays[static_cast<std::size_t>(ray.pixel)] = 1;
  io::FitsContent file{model::Header()};
  auto const add = [&](char const* name, auto const& values, model::Header header = {}) {
    file.add_image(name, "", e.nx, e.ny, values, std::move(header));
  };
  std::vector<float> thermal;
  if (!e.rate) {
    add("SKY", e.sky);
    add("STRIPES", stripes);
  } else {
    RateTruth const& rate = *e.rate;
    for (float& stripe : stripes) stripe = static_cast<float>(stripe / rate.conversion);
    thermal.assign(e.sky.size(), 0.0f);
    for (std::size_t k = 0; k < rate.thermal.size(); ++k)
      thermal[k] = static_cast<float>(double{rate.response[k]} * rate.thermal[k] / rate.conversion);
    add("SKY", e.sky, unit_header("MJy/sr"));
    add("STRIPES", stripes, unit_header("DN/s"));
    if (!rate.thermal.empty()) add("BACKGROUND", thermal, unit_header("DN/s"));
    add("RESPONSE", rate.response);
  }
  add("COSMIC_RAYS", rays);
  file.write(path);
}

}  // namespace tessera::simulate
