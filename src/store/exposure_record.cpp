#include "tessera/store/exposure_record.hpp"

#include <nlohmann/json.hpp>

namespace tessera::store {

namespace {

using Json = nlohmann::json;

template <class T>
Json or_null(std::optional<T> const& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::optional<double> real_or_none(Json const& node) {
  return node.is_null() ? std::nullopt : std::optional<double>(node.get<double>());
}

std::vector<int> plane_numbers(model::PlaneSet planes) {
  std::vector<int> numbers;
  for (int plane = 0; plane < model::PlaneCount; ++plane)
    if (planes.has(static_cast<model::Plane>(plane))) numbers.push_back(plane);
  return numbers;
}

}  // namespace

std::vector<std::uint8_t> pack_record(ExposureRecord const& r) {
  Json footprint = Json::array();
  for (auto const& vertex : r.footprint) footprint.push_back({vertex.ra, vertex.dec});
  return Json::to_cbor(Json{{"target", r.identity.target},
                            {"band", r.identity.band},
                            {"exposure", r.identity.exposure},
                            {"half", static_cast<int>(r.identity.half)},
                            {"path", r.path},
                            {"kind", static_cast<int>(r.kind)},
                            {"image_hdu", r.image_hdu},
                            {"weight_path", r.weight_path},
                            {"mask_path", r.mask_path},
                            {"weight_hdu", r.weight_hdu},
                            {"mask_hdu", r.mask_hdu},
                            {"nx", r.nx},
                            {"ny", r.ny},
                            {"planes", plane_numbers(r.planes)},
                            {"instrument", r.instrument},
                            {"detector", r.detector},
                            {"filter", r.filter},
                            {"pupil", r.pupil},
                            {"exp_type", r.exp_type},
                            {"target_name", r.target_name},
                            {"group_id", r.group_id},
                            {"has_gwcs", r.has_gwcs},
                            {"parallel_sequence", r.parallel_sequence},
                            {"ledger_applied", r.ledger_applied},
                            {"footprint", footprint},
                            {"edge_bow_pixels", r.edge_bow_pixels},
                            {"native_scale_deg", r.native_scale_deg},
                            {"mean_pixel_area_sr", r.mean_pixel_area_sr},
                            {"ra_ref", r.ra_ref},
                            {"dec_ref", r.dec_ref},
                            {"roll_ref", r.roll_ref},
                            {"v3yangle", r.v3yangle},
                            {"vparity", r.vparity},
                            {"effexptm", r.effexptm},
                            {"tmeasure", or_null(r.tmeasure)},
                            {"duration", r.duration},
                            {"expstart", or_null(r.expstart)},
                            {"expend", or_null(r.expend)},
                            {"unit", r.unit},
                            {"sky_level", or_null(r.sky_level)},
                            {"file_bytes", r.file_bytes},
                            {"header_hash", r.header_hash}});
}

ExposureRecord unpack_record(std::vector<std::uint8_t> const& bytes) {
  Json const j = Json::from_cbor(bytes);
  ExposureRecord r;
  r.identity = {j.at("target"), j.at("band"), j.at("exposure"), static_cast<model::Half>(j.at("half").get<int>())};
  r.path = j.at("path");
  r.kind = static_cast<ExposureKind>(j.at("kind").get<int>());
  r.image_hdu = j.at("image_hdu");
  r.weight_path = j.at("weight_path");
  r.mask_path = j.at("mask_path");
  r.weight_hdu = j.at("weight_hdu");
  r.mask_hdu = j.at("mask_hdu");
  r.nx = j.at("nx");
  r.ny = j.at("ny");
  for (int const plane : j.at("planes")) r.planes.add(static_cast<model::Plane>(plane));
  r.instrument = j.at("instrument");
  r.detector = j.at("detector");
  r.filter = j.at("filter");
  r.pupil = j.at("pupil");
  r.exp_type = j.at("exp_type");
  r.target_name = j.at("target_name");
  r.group_id = j.at("group_id");
  r.has_gwcs = j.at("has_gwcs");
  r.parallel_sequence = j.at("parallel_sequence");
  r.ledger_applied = j.at("ledger_applied");
  for (auto const& vertex : j.at("footprint")) r.footprint.push_back({vertex.at(0), vertex.at(1)});
  r.edge_bow_pixels = j.at("edge_bow_pixels");
  r.native_scale_deg = j.at("native_scale_deg");
  r.mean_pixel_area_sr = j.at("mean_pixel_area_sr");
  r.ra_ref = j.at("ra_ref");
  r.dec_ref = j.at("dec_ref");
  r.roll_ref = j.at("roll_ref");
  r.v3yangle = j.at("v3yangle");
  r.vparity = j.at("vparity");
  r.effexptm = j.at("effexptm");
  r.tmeasure = real_or_none(j.at("tmeasure"));
  r.duration = j.at("duration");
  r.expstart = real_or_none(j.at("expstart"));
  r.expend = real_or_none(j.at("expend"));
  r.unit = j.at("unit");
  r.sky_level = real_or_none(j.at("sky_level"));
  r.file_bytes = j.at("file_bytes");
  r.header_hash = j.at("header_hash");
  return r;
}

}  // namespace tessera::store
