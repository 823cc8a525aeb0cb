#include "tessera/store/coronagraph.hpp"

namespace tessera::store {

namespace {

/// The bits of a mask over `from` that lie in `box`, packed over `box`.
std::vector<std::uint8_t> cut_mask(std::vector<std::uint8_t> const& mask, model::PixelBox const& from,
                                   model::PixelBox const& box) {
  std::vector<std::uint8_t> part(static_cast<std::size_t>((box.width() * box.height() + 7) / 8), 0);
  std::size_t to = 0;
  for (std::int64_t y = box.y0; y < box.y1; ++y) {
    auto bit = static_cast<std::size_t>((y - from.y0) * from.width() + (box.x0 - from.x0));
    for (std::int64_t x = box.x0; x < box.x1; ++x, ++bit, ++to)
      if (bit / 8 < mask.size() && (mask[bit / 8] >> (bit % 8)) & 1u)
        part[to / 8] = static_cast<std::uint8_t>(part[to / 8] | 1u << (to % 8));
  }
  return part;
}

}  // namespace

bool has_coronagraph(ExposureRecord const& record) {
  return record.detector == "MIRIMAGE" && record.nx == MiriColumns && record.ny == MiriRows;
}

std::vector<model::LedgerEntry> restrict_to(model::LedgerEntry const& entry, model::PixelBox const& box,
                                            std::int64_t nx) {
  model::PixelBox const all = entry.region.empty() ? model::PixelBox{0, 0, nx, box.y1} : entry.region;
  auto restricted = entry;
  restricted.region = model::intersect(all, box);
  if (restricted.region.empty()) return {};
  if (auto* flags = std::get_if<model::FlagCorrection>(&restricted.correction))
    flags->mask = cut_mask(flags->mask, all, restricted.region);
  return {restricted};
}

std::vector<model::LedgerEntry> rejoin(model::LedgerEntry const& entry) {
  if (entry.identity.half == model::Half::Whole) return {entry};
  if (entry.step == "lyot_separate" && std::holds_alternative<model::RegionFlag>(entry.correction)) return {};
  auto const* sky = std::get_if<model::SkyCorrection>(&entry.correction);
  bool const is_single = std::holds_alternative<model::WcsCorrection>(entry.correction) || (sky && !sky->subtract);
  bool const is_imager = entry.identity.half == model::Half::Imager;
  if (is_single) return is_imager ? std::vector{entry} : std::vector<model::LedgerEntry>{};
  if (!is_imager) return restrict_to(entry, CoronagraphBox, MiriColumns);
  std::vector<model::LedgerEntry> parts;
  for (auto const& box : ImagerBoxes)
    for (auto& part : restrict_to(entry, box, MiriColumns)) parts.push_back(std::move(part));
  return parts;
}

}  // namespace tessera::store
