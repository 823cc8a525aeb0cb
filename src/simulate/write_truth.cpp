#include <fmt/format.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "tessera/io/fits_write.hpp"
#include "write_exposure.hpp"

namespace tessera::simulate {
namespace {

nlohmann::ordered_json describe(Attitude const& attitude) {
  return {{"ra", attitude.ra},
          {"dec", attitude.dec},
          {"v3pa", attitude.v3pa},
          {"v2", attitude.at.v2},
          {"v3", attitude.at.v3}};
}

void append_big_endian(std::vector<std::byte>& bytes, double value) {
  auto const bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(bits >> shift & 0xff));
}

}  // namespace

std::string describe_truth(SurveyPlan const& plan, PlannedExposure const& planned, SimulatedExposure const& e) {
  sky::Pointing const believed =
      make_pointing(plan.detectors[planned.band][planned.detector], planned.believed, planned.va_scale);
  sky::Pointing const actual = actual_pointing(plan, planned);
  auto const reference = [](sky::Pointing const& p) {
    return nlohmann::ordered_json{{"ra_ref", p.ra_ref},
                                  {"dec_ref", p.dec_ref},
                                  {"roll_ref", p.roll_ref},
                                  {"v2_ref", p.v2_ref},
                                  {"v3_ref", p.v3_ref}};
  };
  nlohmann::ordered_json line{{"exposure", planned.root},
                              {"file", plan.relative_path(planned)},
                              {"target", plan.settings.targets[planned.target].name},
                              {"band", plan.bands[planned.band].name},
                              {"off", planned.off},
                              {"visit", planned.visit_name},
                              {"dither", planned.dither + 1},
                              {"seed", plan.settings.seed},
                              {"key", fmt::format("{:016x}", planned.key)},
                              {"level", e.levels.level},
                              {"level_lyot", e.levels.lyot},
                              {"shift_ra_arcsec", planned.shift_ra},
                              {"shift_dec_arcsec", planned.shift_dec},
                              {"roll_error_deg", planned.roll_error},
                              {"va_scale", planned.va_scale},
                              {"believed", reference(believed)},
                              {"actual", reference(actual)},
                              {"believed_attitude", describe(planned.believed)},
                              {"actual_attitude", describe(planned.actual)},
                              {"striped", !e.stripes.rows.empty()},
                              {"cosmic_ray_pixels", e.cosmic_rays.size()}};
  if (plan.settings.focal_plane.any()) {
    V2V3 const offset = plan.offsets[planned.band][planned.detector];
    line["offset_v2_arcsec"] = offset.v2;
    line["offset_v3_arcsec"] = offset.v3;
  }
  if (e.rate) {
    line["conversion"] = e.rate->conversion;
    line["thermal_level"] = e.rate->thermal_level;
  }
  return line.dump();
}

void write_sources(std::filesystem::path const& path, SurveyPlan const& plan, Scene const& scene,
                   std::vector<Source> const& sources) {
  std::vector<std::string> names{"RA", "DEC", "KIND", "SIZE"};
  for (Band const& band : plan.bands) names.push_back("FLUX_" + band.name);
  std::vector<std::byte> bytes;
  for (Source const& source : sources) {
    auto const sky = scene.to_sky(source.at);
    for (double const value : {sky.ra, sky.dec, static_cast<double>(source.kind), source.size})
      append_big_endian(bytes, value);
    for (Band const& band : plan.bands) append_big_endian(bytes, source.flux_at(band.wavelength));
  }
  io::HduPlan primary, table;
  table.extname = "SOURCES";
  table.binary_table = true;
  table.axes = {static_cast<std::int64_t>(8 * names.size()), static_cast<std::int64_t>(sources.size())};
  model::Header columns;
  for (std::size_t k = 0; k < names.size(); ++k) {
    std::string const number = std::to_string(k + 1);
    columns.set("TTYPE" + number, names[k]);
    columns.set("TFORM" + number, "D");
    if (k < 2) columns.set("TUNIT" + number, "deg");
    if (k == 3) columns.set("TUNIT" + number, "arcsec");
    if (k > 3) columns.set("TUNIT" + number, "uJy");
  }
  table.table_columns = columns.cards();
  std::filesystem::create_directories(path.parent_path());
  io::write_fits(path, {primary, table}, {{}, bytes});
}

}  // namespace tessera::simulate
