#include "measure_exposure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "tessera/compute/session.hpp"
#include "tessera/core/log.hpp"
#include "tessera/exchange/sky_region.hpp"
#include "tessera/kernels/sky_regions.hpp"

namespace tessera::steps {

namespace {

using kernels::PixelRun;
using model::Plane;

constexpr std::int64_t BandRows = 256;
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// Bytes of the image and of reading it.
std::int64_t reading_bytes(store::ExposureRecord const& record) {
  return 4 * record.nx * record.ny +
         28 * record.nx * std::min(record.ny, BandRows);  // SCI twice, DQ, weight, flags of the ledger
}

/// Bytes of measuring one region: its values, and those of a median.
std::int64_t region_bytes(store::ExposureRecord const& record) { return 8 * record.nx * record.ny; }

/// SCI of the whole exposure, NaN where it must not be used (spec 30, 2.1).
std::vector<float> read_usable_sky(store::ExposureReader const& reader, std::uint32_t bad_bits) {
  auto const& record = reader.record();
  std::vector<float> image;
  image.reserve(static_cast<std::size_t>(record.nx * record.ny));
  model::RowBand band;
  for (std::int64_t y0 = 0; y0 < record.ny; y0 += BandRows) {
    reader.read_rows(y0, std::min(y0 + BandRows, record.ny), {Plane::Sci, Plane::Dq, Plane::Wht}, band);
    for (std::size_t k = 0; k < band.sci.size(); ++k) {
      bool const usable = std::isfinite(band.sci[k]) && (band.dq.empty() || (band.dq[k] & bad_bits) == 0) &&
                          (band.wht.empty() || band.wht[k] > 0);
      image.push_back(usable ? band.sci[k] : NaN);
    }
  }
  return image;
}

std::vector<float> read_with_one_more_try(store::ExposureReader const& reader, std::uint32_t bad_bits) {
  try {
    return read_usable_sky(reader, bad_bits);
  } catch (Error const& error) {
    log::warn("{}: {}; trying once more", reader.record().path, error.what());
    return read_usable_sky(reader, bad_bits);
  }
}

/// Pixels of the exposure in the overlap with a group: the union over the group's members.
struct GroupOverlap {
  std::vector<std::int64_t> groups;
  std::vector<std::vector<PixelRun>> pixels;
};

GroupOverlap find_overlaps(store::ExposureReader const& reader, SkyNeighbours const& n, std::size_t position) {
  auto const& record = reader.record();
  auto const& outline = n.outlines[position];
  auto const& own = n.circles[position];
  auto const wcs = reader.wcs();
  std::map<int, std::vector<PixelRun>> runs;
  for (std::size_t k = 0; k < n.outlines.size(); ++k) {
    if (n.groups[k] == n.groups[position] || n.outlines[k].empty()) continue;
    auto const& other = n.circles[k];
    if (sky::separation(own.centre, other.centre) > own.radius + other.radius) continue;
    auto const overlap = exchange::overlap_pixels(*wcs, record.nx, record.ny, outline, n.outlines[k]);
    auto& all = runs[n.groups[k]];
    all.insert(all.end(), overlap.begin(), overlap.end());
  }
  GroupOverlap found;
  for (auto& [group, pixels] : runs) {
    found.groups.push_back(group);
    found.pixels.push_back(kernels::unite_runs(std::move(pixels)));
  }
  return found;
}

}  // namespace

SkyCircle circle_around(model::SkyPolygon const& outline) {
  sky::Vector3 sum;
  for (auto const& vertex : outline) sum = sum + sky::to_vector(vertex);
  SkyCircle circle{(1 / sky::length(sum)) * sum, 0};
  for (auto const& vertex : outline)
    circle.radius = std::max(circle.radius, sky::separation(circle.centre, sky::to_vector(vertex)));
  return circle;
}

SkyOutline examine_sky(store::ExposureReader const& reader, SkymatchOptions const& options) {
  auto const& record = reader.record();
  auto const &primary = reader.primary_header(), &image = reader.image_header();
  SkyOutline examined;
  auto const subtracted = primary.logical("BKGSUB") ? primary.logical("BKGSUB") : image.logical("BKGSUB");
  if (subtracted && *subtracted != options.subtract)
    throw InputError({"its background was treated otherwise", record.path + ": BKGSUB",
                      options.subtract ? "T, as skymatch.subtract" : "F, as skymatch.subtract", *subtracted ? "T" : "F",
                      fmt::format("set parameters.lv3.jwst_parameters.skymatch.subtract = {}, or start from exposures "
                                  "without BKGSUB",
                                  *subtracted)});
  if (options.subtract && subtracted) {
    auto const level = primary.real("BKGLEVEL") ? primary.real("BKGLEVEL") : image.real("BKGLEVEL");
    examined.start = level.value_or(0);
  }
  if (!options.uses_overlaps()) return examined;
  examined.outline = exchange::sky_outline(*reader.wcs(), record.nx, record.ny, options.step);
  for (auto const& vertex : examined.outline)
    if (!std::isfinite(vertex.ra) || !std::isfinite(vertex.dec))
      throw InputError({"the WCS leaves the sky", record.path, "a position for every corner of the image",
                        "no value at a corner", "correct the WCS of this file, or leave it out"});
  return examined;
}

std::vector<SkyMeasurement> measure_exposure(StepContext& context, store::ExposureReader const& reader,
                                             SkymatchOptions const& options, SkyNeighbours const& neighbours,
                                             std::size_t position) {
  auto const& record = reader.record();
  // Regions beyond the first are measured at the same time where there are threads and memory for them.
  std::int64_t const least = reading_bytes(record) + region_bytes(record);
  int const at_once = static_cast<int>(
      std::clamp<std::int64_t>(1 + (context.budget.free() - least) / region_bytes(record), 1, compute::thread_count()));
  parallel::MemoryBudget::Reservation const reservation(context.budget, "sky of " + record.identity.label(),
                                                        least + (at_once - 1) * region_bytes(record));
  std::vector<SkyMeasurement> measured(1);
  auto image = read_with_one_more_try(reader, options.bad_bits);
  if (options.uses_overlaps()) {
    auto const overlaps = find_overlaps(reader, neighbours, position);
    auto const skies = kernels::measure_sky_regions(image, record.nx, overlaps.pixels, options.statistic, at_once);
    for (std::size_t k = 0; k < skies.size(); ++k)
      if (skies[k]) measured.push_back({overlaps.groups[k], skies[k]->pixels, skies[k]->value});
  }
  std::erase_if(image, [](float value) { return std::isnan(value); });
  if (auto const sky = kernels::measure_sky(image, options.statistic))
    measured.front() = {SkyMeasurement::Whole, sky->pixels, sky->value};
  return measured;
}

}  // namespace tessera::steps
