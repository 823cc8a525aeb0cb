#include "tessera/store/export_exposure.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/io/fits_content.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/gwcs.hpp"
#include "tessera/sky/sip_fit.hpp"

namespace tessera::store {

namespace {

using model::Plane;

/// Images of the file in their official order, with the key they have in the ASDF tree.
struct NamedPlane {
  Plane plane;
  char const* key;
};
constexpr std::array<NamedPlane, 6> FloatPlanes{{{Plane::Err, "err"},
                                                 {Plane::Area, "area"},
                                                 {Plane::VarPoisson, "var_poisson"},
                                                 {Plane::VarRnoise, "var_rnoise"},
                                                 {Plane::VarFlat, "var_flat"},
                                                 {Plane::Wht, "wht"}}};

std::vector<float>& plane_of(model::RowBand& band, Plane plane) {
  switch (plane) {
    case Plane::Err:
      return band.err;
    case Plane::VarPoisson:
      return band.var_poisson;
    case Plane::VarRnoise:
      return band.var_rnoise;
    case Plane::VarFlat:
      return band.var_flat;
    case Plane::Wht:
      return band.wht;
    default:
      return band.sci;
  }
}

void blank_flagged(model::RowBand& band) {
  float const nan = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t k = 0; k < band.dq.size(); ++k) {
    if (!(band.dq[k] & dq::DoNotUse)) continue;
    for (auto* plane : {&band.sci, &band.err, &band.var_poisson, &band.var_rnoise, &band.var_flat})
      if (!plane->empty()) (*plane)[k] = nan;
  }
}

bool is_moved(ExposureReader const& reader) { return reader.wcs() != reader.file_wcs(); }

/// SIP and S_REGION of the WCS the exposure has now. A plain image that was not moved keeps its cards.
void set_wcs_cards(ExposureReader const& reader, sky::SipFitOptions options, model::Header& sci) {
  auto const& record = reader.record();
  if (record.kind == ExposureKind::PlainImage && !is_moved(reader)) return;
  auto const& wcs = *reader.wcs();
  auto const crpix1 = reader.image_header().real("CRPIX1"), crpix2 = reader.image_header().real("CRPIX2");
  if (crpix1 && crpix2 && !options.crpix) options.crpix = sky::PixelPoint{*crpix1 - 1, *crpix2 - 1};
  sky::fit_sip(wcs, sky::bounding_box_or_array(wcs, record.nx, record.ny), options).write_to(sci);
  if (auto const region = sky::format_s_region(sky::footprint(wcs, record.nx, record.ny)))
    sci.set("S_REGION", *region, "spatial extent of the observation");
}

char const* operation_name(model::Correction const& correction) {
  static constexpr std::array<char const*, 8> names{"level",        "plane",          "stripes",   "flags",
                                                    "region flags", "wcs correction", "sky plane", "sky"};
  return names[correction.index()];
}

/// Whether an entry changes the middle of the exposure: headers have room for one place alone.
bool covers_middle(model::LedgerEntry const& entry, ExposureRecord const& record) {
  auto const& region = entry.region;
  std::int64_t const x = record.nx / 2, y = record.ny / 2;
  return region.empty() || (x >= region.x0 && x < region.x1 && y >= region.y0 && y < region.y1);
}

/// LVLMATCH, or LVLM_A, LVLM_B and LVLM_C where there are planes: what level_match took off the middle of the exposure,
/// planes at the reference pixel of their grid (spec 40, 1.9).
void set_level_cards(ExposureReader const& reader, model::Header& primary) {
  double level = 0, slope_x = 0, slope_y = 0;
  bool is_matched = false, has_planes = false;
  for (auto const& entry : reader.entries()) {
    if (entry.step != "level_match" || !covers_middle(entry, reader.record())) continue;
    if (auto const* flat = std::get_if<model::LevelCorrection>(&entry.correction)) {
      level += flat->level;
      is_matched = true;
    } else if (auto const* plane = std::get_if<model::SkyPlaneCorrection>(&entry.correction)) {
      level += plane->level;
      slope_x += plane->slope_x;
      slope_y += plane->slope_y;
      has_planes = true;
    }
  }
  if (has_planes) {
    primary.set("LVLM_A", slope_x, "level_match: slope along x of its grid");
    primary.set("LVLM_B", slope_y, "level_match: slope along y of its grid");
    primary.set("LVLM_C", level, "level_match: level at the reference pixel");
  } else if (is_matched) {
    primary.set("LVLMATCH", level, "level_match: level subtracted");
  }
}

/// What the official steps say of themselves. A level that is subtracted adds to what was subtracted before.
void set_step_cards(ExposureReader const& reader, model::Header& primary) {
  bool const was_subtracted = primary.logical("BKGSUB").value_or(false);
  double const before = was_subtracted ? primary.real("BKGLEVEL").value_or(0) : 0;
  if (reader.has_seen("skymatch")) primary.set("S_SKYMAT", "SKIPPED", "Sky Matching");
  for (auto const& entry : reader.entries()) {
    if (entry.step == "outlier_detection") primary.set("S_OUTLIR", "COMPLETE", "Outlier Detection");
    auto const* sky = std::get_if<model::SkyCorrection>(&entry.correction);
    if (!sky || !covers_middle(entry, reader.record())) continue;
    primary.set("BKGLEVEL", sky->level + (sky->subtract ? before : 0), "Computed background level");
    primary.set("BKGSUB", sky->subtract, "Has background been subtracted?");
    primary.set("BKGMETH", std::string_view(sky->method), "Background calculation method");
    primary.set("S_SKYMAT", "COMPLETE", "Sky Matching");
  }
}

}  // namespace

std::string exported_name(model::ExposureIdentity const& identity, std::string const& suffix) {
  std::string const half = identity.half == model::Half::Imager ? "s" : identity.half == model::Half::Lyot ? "l" : "";
  return identity.exposure + half + "_" + suffix + ".fits";
}

void export_exposure(ExposureReader const& reader, std::filesystem::path const& path, sky::SipFitOptions const& sip) {
  auto const& record = reader.record();
  model::RowBand band;
  reader.read_rows(0, record.ny,
                   {Plane::Sci, Plane::Err, Plane::Dq, Plane::VarPoisson, Plane::VarRnoise, Plane::VarFlat, Plane::Wht},
                   band);
  blank_flagged(band);

  auto primary = reader.primary_header();
  primary.set("FILENAME", path.filename().string(), "Name of the file");
  primary.add_history("tessera " + build_facts().version + " (" + build_facts().commit +
                      "): exported with the ledger's corrections");
  if (!reader.entries().empty())
    primary.set("TSRLEDGR", std::string_view(reader.entries().back().step), "tessera: last step of the ledger applied");
  for (auto const& entry : reader.entries())
    primary.add_history(fmt::format("tessera: {} by {}", operation_name(entry.correction), entry.step));
  set_level_cards(reader, primary);
  set_step_cards(reader, primary);
  model::Header sci = record.image_hdu == 0 ? model::Header() : reader.image_header();
  set_wcs_cards(reader, sip, record.image_hdu == 0 ? primary : sci);

  io::FitsContent content(std::move(primary));
  content.add_image("SCI", "data", record.nx, record.ny, std::span<float const>(band.sci), std::move(sci));
  if (!band.dq.empty()) content.add_image("DQ", "dq", record.nx, record.ny, std::span<std::uint32_t const>(band.dq));
  std::vector<float> area;
  for (auto const& [plane, key] : FloatPlanes) {
    if (!record.planes.has(plane)) continue;
    auto const* name = model::extension_name(plane);
    auto const* hdu = reader.file().find(name);
    if (plane == Plane::Area) {
      area.resize(static_cast<std::size_t>(record.nx * record.ny));
      reader.file().read_rows(*hdu, 0, record.ny, area.data());
    }
    content.add_image(name, key, record.nx, record.ny,
                      std::span<float const>(plane == Plane::Area ? area : plane_of(band, plane)),
                      hdu ? hdu->header : model::Header());
  }
  if (auto const gwcs = std::dynamic_pointer_cast<sky::Gwcs const>(reader.wcs())) content.add_datamodel({}, gwcs.get());
  content.write(path);
}

}  // namespace tessera::store
