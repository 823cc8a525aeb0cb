#include "destripe_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/kernels/level_amplifiers.hpp"
#include "tessera/sky/grid_wcs.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

constexpr double LargestDistanceDegrees = 1;
constexpr double LeastSignificance = 4;  ///< of a step between amplifiers with the sky in the image, in its errors

double angle_on_grid(sky::Wcs const& grid, MemberFacts const& facts) {
  auto const a = grid.sky_to_pixel(facts.stripe_begin), b = grid.sky_to_pixel(facts.stripe_end);
  return std::atan2(b.y - a.y, b.x - a.x) * sky::DegreesPerRadian;
}

}  // namespace

std::string profile_item(DestripeTask const& task, DestripePass const& pass, model::ExposureIdentity const& identity) {
  auto const lost = task.lost_before.find(pass.name());
  return fmt::format("stripes {} of {} among {}{}", pass.name(), identity.label(), task.members_hash,
                     lost == task.lost_before.end() ? "" : lost->second);
}

void note_lost_before(DestripeTask& task, DestripePass const& pass) {
  std::string text;
  for (std::size_t k = 0; k < task.lost.size(); ++k)
    if (task.lost[k]) text += fmt::format(" without {}", k);
  task.lost_before[pass.name()] = text;
}

StripeProfile load_profile(DestripeTask const& task, DestripePass const& pass, model::ExposureIdentity const& identity,
                           double& largest_in_sigma) {
  return unpack_profile(task.builder->journal().load(profile_item(task, pass, identity)), largest_in_sigma);
}

std::optional<StripeProfile> find_profile(DestripeTask const& task, DestripePass const& pass,
                                          model::ExposureIdentity const& identity) {
  std::optional<StripeProfile> sum;
  int const iterations = pass.is_large_scale ? task.iterations_done : pass.iteration;
  for (int k = 0; k < iterations; ++k) {
    double unused = 0;
    auto const profile = load_profile(task, {false, k}, identity, unused);
    if (sum)
      sum->add(profile);
    else
      sum = profile;
  }
  return sum;
}

DestripeExposure load_for_pass(StepContext const& context, DestripeTask const& task, std::size_t member,
                               DestripePass const& pass, bool read_noise) {
  auto const& record = task.record(context, member);
  store::ExposureReader const reader(record, task.task->before);
  DestripeExposure exposure;
  exposure.layout = find_stripe_layout(reader, task.options.quadrants);
  exposure.image = exchange::load_exposure(reader, read_noise);
  exposure.bytes_read = reader.bytes_read();
  if (auto const profile = find_profile(task, pass, record.identity))
    subtract_profile(*profile, exposure.layout, exposure.image.sci);
  return exposure;
}

std::vector<double> find_amplifier_levels(StripeLayout const& layout, std::span<float const> image,
                                          std::span<std::uint8_t const> bad, SkyIn sky) {
  if (!layout.has_amplifiers()) return std::vector<double>(layout.bounds.size() - 1, 0.0);
  kernels::AmplifierLevelOptions options;
  if (sky == SkyIn::Yes) options = {.extrapolate = true, .least_significance = LeastSignificance};
  return kernels::measure_amplifier_levels(image.data(), bad.data(), layout.nx, layout.ny, layout.bounds, options);
}

std::vector<double> find_amplifier_levels(DestripeExposure const& exposure) {
  auto const& image = exposure.image;
  if (!exposure.layout.turned) return find_amplifier_levels(exposure.layout, image.sci, image.bad, SkyIn::Yes);
  return find_amplifier_levels(exposure.layout, transpose(image.sci, image.nx, image.ny),
                               transpose(image.bad, image.nx, image.ny), SkyIn::Yes);
}

StripeProfile profile_of_levels(StripeLayout const& layout, std::vector<double> const& added) {
  auto profile = make_profile(layout);
  for (std::size_t a = 0; a < added.size(); ++a) std::fill(profile.rows[a].begin(), profile.rows[a].end(), -added[a]);
  return profile;
}

MemberFacts examine_member(StepContext const& context, BandTask const& task, int position) {
  auto const& record = context.records[static_cast<std::size_t>(task.members[static_cast<std::size_t>(position)])];
  store::ExposureReader const reader(record, task.before);
  auto const layout = find_stripe_layout(reader, false);
  auto const image = exchange::load_exposure(reader, false);
  MemberFacts facts;
  facts.position = position;
  facts.rows = layout.ny;
  facts.good_pixels = std::count(image.bad.begin(), image.bad.end(), std::uint8_t{0});
  if (facts.good_pixels == 0)
    throw InputError({.what = "no pixel can be used",
                      .where = record.path,
                      .expected = "pixels that are finite, not 0 and not flagged DO_NOT_USE or NON_SCIENCE",
                      .found = "none",
                      .remedy = "look at its SCI and DQ; it is left out"});
  std::optional<sky::PixelPoint> crpix;
  auto const& header = reader.image_header();
  if (auto const x = header.real("CRPIX1"), y = header.real("CRPIX2"); x && y) crpix = {*x - 1, *y - 1};
  facts.outline = sky::make_common_grid_member(*image.wcs, image.nx, image.ny, crpix);
  double const x = 0.5 * static_cast<double>(image.nx - 1), y = 0.5 * static_cast<double>(image.ny - 1);
  double const half = 0.25 * static_cast<double>(layout.nx);
  double const along_x = layout.turned ? 0 : half, along_y = layout.turned ? half : 0;
  facts.stripe_begin = image.wcs->pixel_to_sky(sky::PixelPoint{x - along_x, y - along_y});
  facts.stripe_end = image.wcs->pixel_to_sky(sky::PixelPoint{x + along_x, y + along_y});
  for (auto const& corner : facts.outline.corners)
    if (!std::isfinite(corner.ra) || !std::isfinite(corner.dec))
      throw InputError({.what = "the WCS gives no position for a corner of the image",
                        .where = record.path,
                        .expected = "right ascensions and declinations",
                        .found = fmt::format("({}, {})", corner.ra, corner.dec),
                        .remedy = "look at its WCS; it is left out"});
  facts.exposure_time = record.tmeasure.value_or(record.effexptm);
  return facts;
}

std::vector<std::pair<int, std::string>> drop_strayed_members(DestripeTask& task) {
  std::array<std::vector<double>, 3> components;
  std::vector<sky::Vector3> places;
  for (auto const& facts : task.facts) {
    places.push_back(sky::to_vector(facts.outline.reference));
    components[0].push_back(places.back().x);
    components[1].push_back(places.back().y);
    components[2].push_back(places.back().z);
  }
  std::vector<std::pair<int, std::string>> dropped;
  if (places.empty()) return dropped;
  for (auto& component : components) {  // the lower middle one: an exposure that is there
    auto const middle = component.begin() + static_cast<std::ptrdiff_t>((component.size() - 1) / 2);
    std::nth_element(component.begin(), middle, component.end());
    component.front() = *middle;
  }
  sky::Vector3 const centre{components[0].front(), components[1].front(), components[2].front()};
  std::vector<int> members;
  std::vector<MemberFacts> facts;
  for (std::size_t k = 0; k < places.size(); ++k) {
    double const distance = sky::separation(centre, places[k]) * sky::DegreesPerRadian;
    if (distance <= LargestDistanceDegrees) {
      members.push_back(task.members[k]);
      facts.push_back(task.facts[k]);
    } else {
      dropped.emplace_back(task.members[k],
                           fmt::format("its WCS puts it {:.1f} degrees from the other exposures of the band (expected "
                                       "{} at most); it is left out",
                                       distance, LargestDistanceDegrees));
    }
  }
  task.members = members;
  task.facts = facts;
  return dropped;
}

void plan_task(StepContext const& context, DestripeTask& task) {
  io::Sha256 hash;
  hash.update(std::as_bytes(std::span(task.members)));
  task.members_hash = hash.hex().substr(0, 16);
  task.lost.assign(task.members.size(), false);
  std::vector<sky::CommonGridMember> outlines;
  std::vector<model::SkyPolygon> footprints;
  for (auto const& facts : task.facts) {
    outlines.push_back(facts.outline);
    footprints.emplace_back(facts.outline.corners.begin(), facts.outline.corners.end());
  }
  auto grid = sky::make_common_grid(outlines, true);
  // The same transformation with positive CDELT, as plan_sky takes it.
  grid.cdelt[0] = -grid.cdelt[0];
  for (double& element : grid.pc[0]) element = -element;
  // Squares of the native pixel: they reach as far as interpolation does.
  task.plan = exchange::plan_sky(task.members, grid, footprints, context.records, kernels::DrizzleOptions{});
  task.owners.assign(1, BlockOwners(grid.blocks()));
  task.overlaps.assign(task.members.size(), false);
  for (std::size_t block = 0; block < task.plan.block_members.size(); ++block) {
    auto const& reaching = task.plan.block_members[block];
    if (reaching.size() > 1)
      for (int const member : reaching) task.overlaps[static_cast<std::size_t>(member)] = true;
    if (reaching.empty()) task.plan.block_cost[block] = 0;
  }
  std::vector<double> angles;
  auto const grid_wcs = sky::make_grid_wcs(grid);
  for (auto const& facts : task.facts) angles.push_back(angle_on_grid(*grid_wcs, facts));
  task.course = kernels::find_stripe_course(angles);
  task.window = std::max<std::int64_t>(1, task.options.filter_scale.value_or(task.facts.front().rows / 10));
  if (task.window % 2 == 0) --task.window;
}

}  // namespace tessera::steps
