#include "tessera/store/pack_entries.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tessera/core/error.hpp"

namespace tessera::store {

namespace {

using Json = nlohmann::json;

Json grid_values(model::SkyGrid const& g) {
  return {{"size", {g.nx, g.ny}},
          {"values",
           {g.crpix.x, g.crpix.y, g.crval.ra, g.crval.dec, g.cdelt[0], g.cdelt[1], g.pc[0][0], g.pc[0][1], g.pc[1][0],
            g.pc[1][1], g.pixel_scale_ratio, g.bounding_box[0][0], g.bounding_box[0][1], g.bounding_box[1][0],
            g.bounding_box[1][1]}}};
}

model::SkyGrid grid_of(Json const& json) {
  std::vector<double> const v = json.at("values");
  model::SkyGrid g;
  g.nx = json.at("size").at(0);
  g.ny = json.at("size").at(1);
  g.crpix = {v.at(0), v.at(1)};
  g.crval = {v.at(2), v.at(3)};
  g.cdelt = {v.at(4), v.at(5)};
  g.pc = {{{v.at(6), v.at(7)}, {v.at(8), v.at(9)}}};
  g.pixel_scale_ratio = v.at(10);
  g.bounding_box = {{{v.at(11), v.at(12)}, {v.at(13), v.at(14)}}};
  return g;
}

/// The fields of each kind of correction; the kind itself is its place in the variant.
struct Packer {
  Json operator()(model::LevelCorrection const& c) const { return {c.level}; }
  Json operator()(model::PlaneCorrection const& c) const { return {c.level, c.slope_x, c.slope_y, c.x0, c.y0}; }
  Json operator()(model::StripeCorrection const& c) const {
    return {static_cast<int>(c.direction), c.bounds, c.profile};
  }
  Json operator()(model::FlagCorrection const& c) const { return {c.bits, Json::binary(c.mask)}; }
  Json operator()(model::RegionFlag const& c) const { return {c.bits}; }
  Json operator()(model::WcsCorrection const& c) const { return {c.matrix, c.shift, c.v2_ref, c.v3_ref, c.roll_ref}; }
  Json operator()(model::SkyPlaneCorrection const& c) const {
    return {c.level, c.slope_x, c.slope_y, c.x_ref, c.y_ref, grid_values(c.grid)};
  }
  Json operator()(model::SkyCorrection const& c) const { return {c.level, c.subtract, c.method}; }
};

model::Correction unpack_correction(std::size_t kind, Json const& f) {
  switch (kind) {
    case 0:
      return model::LevelCorrection{f.at(0)};
    case 1:
      return model::PlaneCorrection{f.at(0), f.at(1), f.at(2), f.at(3), f.at(4)};
    case 2:
      return model::StripeCorrection{static_cast<model::StripeCorrection::Direction>(f.at(0).get<int>()), f.at(1),
                                     f.at(2)};
    case 3:
      return model::FlagCorrection{f.at(0), f.at(1).get_binary()};
    case 4:
      return model::RegionFlag{f.at(0)};
    case 5:
      return model::WcsCorrection{f.at(0), f.at(1), f.at(2), f.at(3), f.at(4)};
    case 6:
      return model::SkyPlaneCorrection{f.at(0), f.at(1), f.at(2), f.at(3), f.at(4), grid_of(f.at(5))};
    case 7:
      return model::SkyCorrection{f.at(0), f.at(1), f.at(2)};
    default:
      throw InputError({"unknown kind of ledger entry", "packed entries", "0 to 7", fmt::format("{}", kind), ""});
  }
}

}  // namespace

std::vector<std::byte> pack_entries(std::vector<model::LedgerEntry> const& entries) {
  Json list = Json::array();
  for (auto const& e : entries)
    list.push_back({{"target", e.identity.target},
                    {"band", e.identity.band},
                    {"exposure", e.identity.exposure},
                    {"half", static_cast<int>(e.identity.half)},
                    {"step", e.step},
                    {"order", e.order},
                    {"kind", e.correction.index()},
                    {"fields", std::visit(Packer{}, e.correction)},
                    {"region", {e.region.x0, e.region.y0, e.region.x1, e.region.y1}},
                    {"wcs_version", e.wcs_version},
                    {"made_from", e.made_from}});
  auto const packed = Json::to_cbor(list);
  auto const bytes = std::as_bytes(std::span(packed));
  return {bytes.begin(), bytes.end()};
}

std::vector<model::LedgerEntry> unpack_entries(std::span<std::byte const> bytes) {
  try {
    auto const* first = reinterpret_cast<std::uint8_t const*>(bytes.data());
    std::vector<model::LedgerEntry> entries;
    for (Json const& e : Json::from_cbor(first, first + bytes.size())) {
      model::LedgerEntry entry;
      entry.identity = {e.at("target"), e.at("band"), e.at("exposure"),
                        static_cast<model::Half>(e.at("half").get<int>())};
      entry.step = e.at("step");
      entry.order = e.at("order");
      entry.correction = unpack_correction(e.at("kind"), e.at("fields"));
      auto const& r = e.at("region");
      entry.region = {r.at(0), r.at(1), r.at(2), r.at(3)};
      entry.wcs_version = e.at("wcs_version");
      entry.made_from = e.at("made_from");
      entries.push_back(std::move(entry));
    }
    return entries;
  } catch (Json::exception const& error) {
    throw InputError({"broken ledger entries", "packed entries", "", error.what(), "run the step again"});
  }
}

}  // namespace tessera::store
