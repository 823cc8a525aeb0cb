// What the headers of one file say.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "plain_image_planes.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/output_grid.hpp"
#include "tessera/store/exposure_reader.hpp"
#include "tessera/store/input_identity.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::store {

namespace {

using model::Header;
using model::Plane;

std::string text_or(Header const& header, char const* keyword, std::string const& otherwise = "") {
  return header.text(keyword).value_or(otherwise);
}

std::string upper(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

/// Explicit group_id is not in FITS headers; the rule of spec 30, 0.1 builds it from the identifying keywords.
std::string group_of(Header const& primary, std::string const& exposure) {
  std::string parts[7];
  char const* keywords[] = {"PROGRAM", "OBSERVTN", "VISIT", "VISITGRP", "SEQ_ID", "ACT_ID", "EXPOSURE"};
  for (int k = 0; k < 7; ++k) {
    auto const value = primary.text(keywords[k]);
    if (!value || value->empty()) return exposure;
    parts[k] = *value;
  }
  return "jw" + parts[0] + parts[1] + parts[2] + "_" + parts[3] + parts[4] + parts[5] + "_" + parts[6];
}

void note_pointing_trouble(Header const& primary, std::string const& path, std::vector<InputNote>& notes) {
  auto const warn = [&](std::string text) { notes.push_back({path, false, std::move(text)}); };
  if (auto const status = primary.text("VISITSTA"); status && *status != "SUCCESSFUL")
    warn(fmt::format("VISITSTA is {}: the visit did not complete as planned", *status));
  if (auto const quality = primary.text("ENGQLPTG"); quality && !quality->starts_with("CALCULATED"))
    warn(fmt::format("ENGQLPTG is {}: the pointing was planned, not measured; its WCS may be off by arcseconds",
                     *quality));
  if (auto const mode = primary.text("PCS_MODE"); mode && *mode != "FINEGUIDE" && *mode != "MOVING")
    warn(fmt::format("PCS_MODE is {}: the telescope was not in fine guidance; images may be blurred or misplaced",
                     *mode));
}

/// Planes of a JWST file; all must have the image's shape.
model::PlaneSet jwst_planes(io::FitsFile const& file, io::Hdu const& image) {
  model::PlaneSet planes{Plane::Sci};
  for (Plane const plane :
       {Plane::Err, Plane::Dq, Plane::Area, Plane::VarPoisson, Plane::VarRnoise, Plane::VarFlat, Plane::Wht}) {
    io::Hdu const* hdu = file.find(model::extension_name(plane));
    if (!hdu || hdu->axes.empty()) continue;
    if (hdu->nx() != image.nx() || hdu->ny() != image.ny())
      throw InputError({"planes of differing shapes", fmt::format("{}[{}]", file.path().string(), hdu->extname),
                        fmt::format("{} x {} as SCI", image.nx(), image.ny()),
                        fmt::format("{} x {}", hdu->nx(), hdu->ny()), "make the file again, or leave it out"});
    planes.add(plane);
  }
  return planes;
}

/// Position angle of +Y and pixel handedness at the image centre stand in for ROLL_REF and VPARITY of a plain image.
void set_pointing_from_wcs(sky::Wcs const& wcs, ExposureRecord& record) {
  double const x = (static_cast<double>(record.nx) - 1) / 2, y = (static_cast<double>(record.ny) - 1) / 2;
  auto const centre = wcs.pixel_to_sky({x, y});
  auto const right = wcs.pixel_to_sky({x + 1, y}), up = wcs.pixel_to_sky({x, y + 1});
  double const degree = std::numbers::pi / 180;
  auto const east = [&](sky::SkyPoint p) {
    return std::remainder(p.ra - centre.ra, 360.0) * std::cos(centre.dec * degree);
  };
  auto const north = [&](sky::SkyPoint p) { return p.dec - centre.dec; };
  record.ra_ref = centre.ra;
  record.dec_ref = centre.dec;
  double const handedness = east(right) * north(up) - east(up) * north(right);
  record.vparity = handedness < 0 ? -1 : 1;
  record.roll_ref = std::atan2(east(up), north(up)) / degree;
  record.v3yangle = 0;
}

void set_pointing_from_header(Header const& image, sky::Wcs const& wcs, ExposureRecord& record) {
  auto const ra = image.real("RA_REF"), dec = image.real("DEC_REF"), roll = image.real("ROLL_REF");
  if (!ra || !dec || !roll) {
    set_pointing_from_wcs(wcs, record);
    return;
  }
  record.ra_ref = *ra;
  record.dec_ref = *dec;
  record.roll_ref = *roll;
  record.v3yangle = image.real("V3I_YANG").value_or(0);
  record.vparity = static_cast<int>(image.integer("VPARITY").value_or(-1));
}

/// Largest distance in pixels between the edges of the image on the sky and great circles through its corners, over
/// seven points an edge. In the tangent plane at the image centre great circles are straight lines.
double edge_bow(sky::Wcs const& wcs, ExposureRecord const& record) {
  auto const box = sky::bounding_box_or_array(wcs, record.nx, record.ny);
  double const degree = std::numbers::pi / 180;
  double const ra0 = record.ra_ref * degree, dec0 = record.dec_ref * degree;
  struct Planar {
    double x, y;
  };
  auto const project = [&](double px, double py) {
    auto const sky = wcs.pixel_to_sky({px, py});
    double const ra = sky.ra * degree, dec = sky.dec * degree;
    double const d = std::sin(dec) * std::sin(dec0) + std::cos(dec) * std::cos(dec0) * std::cos(ra - ra0);
    return Planar{std::cos(dec) * std::sin(ra - ra0) / d / degree,
                  (std::sin(dec) * std::cos(dec0) - std::cos(dec) * std::sin(dec0) * std::cos(ra - ra0)) / d / degree};
  };
  double const corners[5][2] = {{box.x_low, box.y_low},
                                {box.x_low, box.y_high},
                                {box.x_high, box.y_high},
                                {box.x_high, box.y_low},
                                {box.x_low, box.y_low}};
  double largest = 0;
  for (int edge = 0; edge < 4; ++edge) {
    auto const a = project(corners[edge][0], corners[edge][1]), b = project(corners[edge + 1][0], corners[edge + 1][1]);
    double const length = std::hypot(b.x - a.x, b.y - a.y);
    for (int k = 1; k < 8; ++k) {
      double const t = k / 8.0;
      auto const p = project(corners[edge][0] + t * (corners[edge + 1][0] - corners[edge][0]),
                             corners[edge][1] + t * (corners[edge + 1][1] - corners[edge][1]));
      largest = std::max(largest, std::abs((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)) / length);
    }
  }
  return largest / record.native_scale_deg;
}

void check_footprint(io::FitsFile const& file, ExposureRecord const& record) {
  for (auto const& vertex : record.footprint)
    if (!std::isfinite(vertex.ra) || !std::isfinite(vertex.dec))
      throw InputError({"the WCS leaves the sky", file.path().string(), "a position for every corner of the image",
                        "no value at a corner", "correct CRVAL, CD and CTYPE of this file, or leave it out"});
  if (!(record.native_scale_deg > 0) || record.native_scale_deg > 10)
    throw InputError({"the WCS has no sensible pixel scale", file.path().string(), "between 0 and 10 degrees a pixel",
                      fmt::format("{}", record.native_scale_deg),
                      "correct the CD matrix of this file, or leave it out"});
}

}  // namespace

std::optional<ExposureRecord> examine_exposure(ExposureSource const& source, std::vector<InputNote>& notes) {
  auto const file = io::FitsFile::open(source.path);
  Header const& primary = file.hdus().front().header;

  ExposureRecord record;
  record.path = source.path;
  record.identity = {source.target, source.band, exposure_name(source.path), model::Half::Whole};
  record.exp_type = upper(text_or(primary, "EXP_TYPE"));
  bool const is_jwst = upper(text_or(primary, "TELESCOP")) == "JWST";
  if (is_jwst && !record.exp_type.empty() && record.exp_type != "NRC_IMAGE" && record.exp_type != "MIR_IMAGE") {
    notes.push_back({source.path, true,
                     fmt::format("EXP_TYPE {} is left out: only NRC_IMAGE and MIR_IMAGE are taken", record.exp_type)});
    return std::nullopt;
  }
  if (is_jwst && !file.find("SCI")) file.require("SCI");  // throws, naming the extensions there are
  record.image_hdu = find_image_hdu(file);
  io::Hdu const& image = file.hdus()[static_cast<std::size_t>(record.image_hdu)];
  record.nx = image.nx();
  record.ny = image.ny();
  if (record.nx < 2 || record.ny < 2)
    throw InputError({"image too small", fmt::format("{}[{}]", source.path, image.extname), "at least 2 x 2 pixels",
                      fmt::format("{} x {}", record.nx, record.ny), "leave this file out"});

  if (is_jwst) {
    record.planes = jwst_planes(file, image);
    record.kind = record.planes.has(Plane::Wht) ? ExposureKind::JwstMosaic : ExposureKind::JwstExposure;
    record.instrument = upper(text_or(primary, "INSTRUME"));
    record.detector = upper(text_or(primary, "DETECTOR"));
    record.filter = upper(text_or(primary, "FILTER"));
    record.pupil = upper(text_or(primary, "PUPIL"));
    record.target_name = text_or(primary, "TARGPROP");
    record.group_id = group_of(primary, record.identity.exposure);
    record.has_gwcs = file.find("ASDF") != nullptr;
    note_pointing_trouble(primary, source.path, notes);
  } else {
    record.planes = {Plane::Sci};
    record.kind = ExposureKind::PlainImage;
    record.group_id = record.identity.exposure;
    record.filter = upper(text_or(primary, "FILTER", text_or(image.header, "FILTER")));
    find_weight_and_mask(file, source, record);
  }
  if (record.group_id.empty()) record.group_id = record.identity.exposure;

  auto const wcs = read_file_wcs(file, image, record.has_gwcs);
  set_pointing_from_header(image.header, *wcs, record);
  record.footprint = sky::footprint(*wcs, record.nx, record.ny);
  record.native_scale_deg = sky::native_scale(*wcs, {record.ra_ref, record.dec_ref});
  check_footprint(file, record);
  record.edge_bow_pixels = edge_bow(*wcs, record);
  record.mean_pixel_area_sr = sky::mean_pixel_area(*wcs, record.nx, record.ny);

  auto const number = [&](char const* keyword) {
    auto const value = primary.real(keyword);
    return value ? value : image.header.real(keyword);
  };
  record.effexptm = number("EFFEXPTM").value_or(number("EXPTIME").value_or(0));
  record.tmeasure = number("TMEASURE");
  record.duration = number("DURATION").value_or(0);
  record.expstart = number("EXPSTART");
  record.expend = number("EXPEND");
  record.unit = text_or(image.header, "BUNIT");
  // Official files keep BKGLEVEL and BKGSUB in the primary header; some tools write them beside the image.
  auto const subtracted = primary.logical("BKGSUB") ? primary.logical("BKGSUB") : image.header.logical("BKGSUB");
  if (is_jwst && !subtracted.value_or(false)) record.sky_level = number("BKGLEVEL");
  record.parallel_sequence = text_or(primary, "SEQ_ID");
  record.ledger_applied = text_or(primary, "TSRLEDGR");

  record.file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(source.path));
  std::vector<Companion> companions;
  if (!record.weight_path.empty()) companions.push_back({record.weight_path, record.weight_hdu});
  if (!record.mask_path.empty()) companions.push_back({record.mask_path, record.mask_hdu});
  record.header_hash = header_hash(file.hdus(), record.path, companions);
  return record;
}

}  // namespace tessera::store
