#include "align_images.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <type_traits>

#include "tessera/config/exposure_name.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/store/item_journal.hpp"

namespace tessera::steps {

namespace {

using parallel::StopRequest;

static_assert(std::is_trivially_copyable_v<model::Star>);

std::filesystem::path journal_folder(BandTask const& task) { return task.scratch / "star_lists"; }

/// Side of the pixel at the tangent point, arcsec: root of the area of the quadrilateral of its corners.
double pixel_scale_at_tangent(sky::Wcs const& wcs, sky::CorrectionPlane const& plane, double fallback) {
  auto const centre = wcs.sky_to_pixel(plane.tangent);
  if (!std::isfinite(centre.x) || !std::isfinite(centre.y)) return fallback;
  std::array<double, 4> const px{centre.x - 0.5, centre.x - 0.5, centre.x + 0.5, centre.x + 0.5};
  std::array<double, 4> const py{centre.y - 0.5, centre.y + 0.5, centre.y + 0.5, centre.y - 0.5};
  std::array<double, 4> ra{}, dec{}, x{}, y{};
  wcs.pixel_to_sky(px, py, ra, dec);
  plane.sky_to_plane(ra, dec, x, y);
  double twice = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    auto const next = (k + 1) % 4;
    twice += (x[k] - x[0]) * (y[next] - y[0]) - (x[next] - x[0]) * (y[k] - y[0]);
  }
  double const scale = std::sqrt(0.5 * std::abs(twice)) * sky::DegreesPerRadian * 3600;
  return std::isfinite(scale) && scale > 0 ? scale : fallback;
}

/// Sky positions where the list has none; stars without a position, or not strictly inside the box, are left out.
void place_stars(std::vector<model::Star>& stars, sky::Wcs const& wcs, sky::BoundingBox const& box) {
  std::erase_if(stars, [&](model::Star& star) {
    bool const has_pixel = std::isfinite(star.x) && std::isfinite(star.y);
    if (has_pixel && !(std::isfinite(star.ra) && std::isfinite(star.dec))) {
      auto const sky = wcs.pixel_to_sky({star.x, star.y});
      star.ra = sky.ra;
      star.dec = sky.dec;
    }
    if (!std::isfinite(star.ra) || !std::isfinite(star.dec) || !(star.weight >= 0)) return true;
    return !(star.x > box.x_low && star.x < box.x_high && star.y > box.y_low && star.y < box.y_high);
  });
}

/// What the journal keeps of an image: the rest is known from its record.
struct ImageGeometry {
  sky::CorrectionPlane plane;
  double pixel_scale = 0;
  std::array<model::SkyPoint, 4> corners{};
  std::int64_t wcs_version = 0;
};
static_assert(std::is_trivially_copyable_v<ImageGeometry>);

std::vector<std::byte> pack_image(ImageGeometry const& geometry, std::vector<model::Star> const& stars) {
  std::size_t const list_bytes = stars.size() * sizeof(model::Star);
  std::vector<std::byte> bytes(sizeof geometry + list_bytes);
  std::memcpy(bytes.data(), &geometry, sizeof geometry);
  if (list_bytes > 0) std::memcpy(bytes.data() + sizeof geometry, stars.data(), list_bytes);
  return bytes;
}

/// Returns the WCS version.
int unpack_image(std::vector<std::byte> const& bytes, exchange::AlignImage& image) {
  ImageGeometry geometry;
  std::memcpy(&geometry, bytes.data(), sizeof geometry);
  image.plane = geometry.plane;
  image.pixel_scale = geometry.pixel_scale;
  image.corners.assign(geometry.corners.begin(), geometry.corners.end());
  image.stars.resize((bytes.size() - sizeof geometry) / sizeof(model::Star));
  if (!image.stars.empty())
    std::memcpy(image.stars.data(), bytes.data() + sizeof geometry, image.stars.size() * sizeof(model::Star));
  return static_cast<int>(geometry.wcs_version);
}

std::vector<std::byte> make_image(store::ExposureReader const& reader, BandTask const& task, ListStars const& list) {
  auto const& record = reader.record();
  auto const wcs = reader.wcs();
  ImageGeometry geometry;
  geometry.plane =
      sky::correction_plane(*wcs, {0.5 * static_cast<double>(record.nx - 1), 0.5 * static_cast<double>(record.ny - 1)});
  geometry.pixel_scale = pixel_scale_at_tangent(*wcs, geometry.plane, record.native_scale_deg * 3600);
  auto const corners = sky::footprint(*wcs, record.nx, record.ny);
  for (std::size_t k = 0; k < geometry.corners.size(); ++k) {
    geometry.corners[k] = corners.at(k);
    if (!std::isfinite(corners[k].ra) || !std::isfinite(corners[k].dec))
      throw InputError({"the WCS leaves the sky", record.path, "a position for every corner of the image",
                        "no value at a corner", "correct the WCS of this file, or leave it out"});
  }
  for (auto const& entry : reader.entries())
    geometry.wcs_version += std::holds_alternative<model::WcsCorrection>(entry.correction);
  auto stars = list(reader, task);
  place_stars(stars, *wcs, sky::bounding_box_or_array(*wcs, record.nx, record.ny));
  return pack_image(geometry, stars);
}

std::vector<std::byte> make_image_with_one_more_try(store::ExposureRecord const& record, BandTask const& task,
                                                    ListStars const& list, StepCounts& counts) {
  auto const attempt = [&] {
    store::ExposureReader const reader(record, task.before);
    auto bytes = make_image(reader, task, list);
    counts.bytes_read += reader.bytes_read();
    return bytes;
  };
  try {
    return attempt();
  } catch (IoError const& error) {
    log::warn("{}: {}; trying once more", record.path, error.what());
    return attempt();
  }
}

exchange::AlignImage image_of(store::ExposureRecord const& record, BandTask const& task, GroupOf const& group_of) {
  exchange::AlignImage image;
  image.name = record.identity.label();
  image.group = group_of(record, task);
  auto const name = config::parse_exposure_name(record.identity.exposure);
  image.visit = name ? name->visit_key() : image.group;
  image.detector = record.detector;
  return image;
}

/// Journals of all tasks, and who makes which exposure.
class Collection {
 public:
  Collection(StepContext& context, std::vector<BandTask> const& tasks, std::vector<std::string> const& variants)
      : context_(context), tasks_(tasks) {
    std::vector<std::string> found(tasks.size());
    for (std::size_t t = 0; t < tasks.size(); ++t)
      journals_.emplace_back(journal_folder(tasks[t]), tasks[t].key + (variants.empty() ? "" : variants[t]),
                             context.world.rank());
    // One rank looks: on a network file system the others may see an older folder.
    parallel::all_or_none(context.world, [&] {
      if (!context.world.is_root()) return;
      for (std::size_t t = 0; t < tasks.size(); ++t) {
        journals_[t].read();
        found[t] = journals_[t].listing();
      }
    });
    for (std::size_t t = 0; t < tasks.size(); ++t) journals_[t].take_listing(context.world.broadcast(found[t]));
  }

  /// False: a stop request ended it.
  bool list(ListStars const& list_stars, StepCounts& counts) {
    struct Item {
      std::size_t task;
      store::ExposureRecord const* record;
    };
    std::vector<Item> items;
    std::vector<double> costs;
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      for (int const member : tasks_[t].members) {
        auto const& record = record_of(member);
        if (journals_[t].has(record.identity.label())) continue;
        items.push_back({t, &record});
        costs.push_back(static_cast<double>(record.nx * record.ny));
      }
    if (items.empty()) return true;  // on all ranks alike
    auto const rank_of = parallel::divide_balanced(costs, context_.world.size());
    parallel::Progress progress(context_.world, tasks_.front().step, static_cast<std::int64_t>(items.size()));
    for (std::size_t k = 0; k < items.size(); ++k) {
      if (rank_of[k] != context_.world.rank()) continue;
      if (context_.control.poll() >= StopRequest::FinishItems) break;
      auto const& record = *items[k].record;
      auto const begin = std::chrono::steady_clock::now();
      try {
        auto const image = make_image_with_one_more_try(record, tasks_[items[k].task], list_stars, counts);
        journals_[items[k].task].append(record.identity.label(), image);
        ++counts.items;
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
        failures_.push_back(
            {record.identity.label(), error.what(), static_cast<int>(error.status()), context_.world.rank()});
        if (context_.stop_on_error) context_.control.raise(StopRequest::Failure);
      }
      counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      progress.advance();
    }
    progress.finish();
    return context_.control.agree() < StopRequest::FinishItems;
  }

  /// Tells every aligner where the lists of its tasks are; it reads them from the journals itself, one by one, so that
  /// nothing but the images is in memory.
  void gather(GroupOf const& group_of, CollectedImages& collected) {
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      int const aligner = aligner_of(t, context_.world.size());
      bool const is_aligner = context_.world.rank() == aligner;
      auto const mine = is_aligner ? std::string() : journals_[t].own_listing();
      for (auto const& listing : context_.world.gather(std::as_bytes(std::span(mine)), aligner))
        journals_[t].add_listing({reinterpret_cast<char const*>(listing.data()), listing.size()});
    }
    parallel::all_or_none(context_.world, [&] {
      for (std::size_t t = 0; t < tasks_.size(); ++t) {
        if (aligner_of(t, context_.world.size()) != context_.world.rank()) continue;
        for (int const member : tasks_[t].members) {
          auto const& record = record_of(member);
          if (!journals_[t].has(record.identity.label())) continue;  // it failed
          auto const bytes = journals_[t].load(record.identity.label());
          collected.memory.push_back(std::make_unique<parallel::MemoryBudget::Reservation>(
              context_.budget, "star lists to be aligned", static_cast<std::int64_t>(bytes.size())));
          auto image = image_of(record, tasks_[t], group_of);
          collected.wcs_versions[t].push_back(unpack_image(bytes, image));
          collected.images[t].push_back(std::move(image));
          collected.members[t].push_back(member);
        }
      }
    });
  }

  std::vector<parallel::Failure> const& failures() const { return failures_; }

 private:
  store::ExposureRecord const& record_of(int member) const {
    return context_.records[static_cast<std::size_t>(member)];
  }

  StepContext& context_;
  std::vector<BandTask> const& tasks_;
  std::vector<store::ItemJournal> journals_;
  std::vector<parallel::Failure> failures_;
};

}  // namespace

CollectedImages collect_align_images(StepContext& context, std::vector<BandTask> const& tasks, ListStars const& list,
                                     GroupOf const& group_of, StepCounts& counts,
                                     std::vector<std::string> const& variants) {
  CollectedImages collected;
  collected.images.resize(tasks.size());
  collected.members.resize(tasks.size());
  collected.wcs_versions.resize(tasks.size());
  if (tasks.empty()) return collected;
  TESSERA_EXPECT(variants.empty() || variants.size() == tasks.size());
  Collection collection(context, tasks, variants);
  collected.stopped = !collection.list(list, counts);
  if (!collected.stopped) collection.gather(group_of, collected);
  collected.failures = parallel::agree_on_failures(context.world, collection.failures());
  return collected;
}

}  // namespace tessera::steps
