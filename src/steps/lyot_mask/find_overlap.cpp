#include "find_overlap.hpp"

#include <algorithm>

#include "tessera/core/dq.hpp"
#include "tessera/kernels/reproject.hpp"
#include "tessera/sky/exposure_to_exposure.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/store/coronagraph.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

using store::CoronagraphBox;

/// Corrections of the WCS move exposures by no more than this from where their files have them.
constexpr double PointingAllowance = 60.0 / 3600 * sky::RadiansPerDegree;

/// A circle about the outline of an exposure.
struct Circle {
  sky::Vector3 centre;
  double radius = 0;  ///< radian
};

Circle circle_about(store::ExposureRecord const& record) {
  Circle circle;
  for (auto const& vertex : record.footprint) circle.centre = circle.centre + sky::to_vector(vertex);
  circle.centre = (1 / sky::length(circle.centre)) * circle.centre;
  for (auto const& vertex : record.footprint)
    circle.radius = std::max(circle.radius, sky::separation(circle.centre, sky::to_vector(vertex)));
  return circle;
}

/// 1 where a pixel is good and outside of the coronagraph box.
std::vector<std::uint8_t> read_imager_mask(store::ExposureReader const& reader) {
  constexpr std::int64_t RowsAtATime = 256;
  auto const& record = reader.record();
  std::vector<std::uint8_t> mask;
  mask.reserve(static_cast<std::size_t>(record.nx * record.ny));
  model::RowBand band;
  for (std::int64_t y0 = 0; y0 < record.ny; y0 += RowsAtATime) {
    std::int64_t const y1 = std::min(y0 + RowsAtATime, record.ny);
    reader.read_rows(y0, y1, {model::Plane::Dq}, band);
    for (std::int64_t k = 0; k < record.nx * (y1 - y0); ++k)
      mask.push_back(band.dq.empty() || !(band.dq[static_cast<std::size_t>(k)] & dq::ResampleBad));
  }
  if (store::has_coronagraph(record))
    for (std::int64_t y = CoronagraphBox.y0; y < CoronagraphBox.y1; ++y)
      std::fill_n(mask.begin() + y * record.nx + CoronagraphBox.x0, CoronagraphBox.width(), std::uint8_t{0});
  return mask;
}

std::int64_t working_bytes(store::ExposureRecord const& record) {
  return record.nx * (record.ny + 256 * 4) + 4 * CoronagraphBox.width() * CoronagraphBox.height();
}

}  // namespace

std::vector<int> find_neighbours(StepContext const& context, BandTask const& task, int member) {
  auto const& own = context.records[static_cast<std::size_t>(member)];
  if (!store::has_coronagraph(own)) return {};
  auto const here = circle_about(own);
  std::vector<int> neighbours;
  for (int const other : task.members) {
    if (other == member) continue;
    auto const there = circle_about(context.records[static_cast<std::size_t>(other)]);
    if (sky::separation(here.centre, there.centre) < here.radius + there.radius + PointingAllowance)
      neighbours.push_back(other);
  }
  return neighbours;
}

std::vector<std::uint8_t> find_overlap(StepContext const& context, BandTask const& task, int member,
                                       StepCounts& counts) {
  auto const width = CoronagraphBox.width(), height = CoronagraphBox.height();
  store::ExposureReader const own(context.records[static_cast<std::size_t>(member)], task.before);
  auto const count = static_cast<std::size_t>(width * height);
  std::vector<std::uint8_t> seen(count, 0), seen_there(count);
  for (int const neighbour : find_neighbours(context, task, member)) {
    auto const& record = context.records[static_cast<std::size_t>(neighbour)];
    parallel::MemoryBudget::Reservation const reservation(context.budget, "the mask of a neighbour for lyot_mask",
                                                          working_bytes(record));
    store::ExposureReader const other(record, task.before);
    auto const map = sky::map_exposure_to_exposure(*own.wcs(), CoronagraphBox, *other.wcs(), record.nx, record.ny);
    bool const reaches = std::any_of(map.patches.begin(), map.patches.end(), [](auto const& p) { return p.finite; });
    if (!reaches) continue;
    auto const mask = read_imager_mask(other);
    kernels::reproject_nearest(mask.data(), record.nx, record.ny, map, {0, 0, width, height}, seen_there.data());
    for (std::size_t k = 0; k < count; ++k) seen[k] |= seen_there[k];
    counts.bytes_read += other.bytes_read();
  }
  if (std::none_of(seen.begin(), seen.end(), [](std::uint8_t s) { return s != 0; })) return {};
  std::vector<std::uint8_t> bits((count + 7) / 8, 0);
  for (std::size_t k = 0; k < count; ++k)
    if (seen[k]) bits[k / 8] = static_cast<std::uint8_t>(bits[k / 8] | 1u << (k % 8));
  return bits;
}

}  // namespace tessera::steps
