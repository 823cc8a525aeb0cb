#include "source_measurer.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/apertures.hpp"

namespace tessera::steps {

namespace {

using kernels::SegmentCutout;
using parallel::MemoryBudget;

/// Truncation of the kernel of sharpness and roundness, standard deviations (spec 30, 5.2 item 9).
constexpr double KernelRadius = 1.5;
/// Rows of a large segment at a time.
constexpr std::int64_t RowsTogether = 128;

std::vector<SourceRecord> begin_records(SegmentCutout const& cutout, std::int32_t label) {
  std::vector<SourceRecord> parts;
  for (auto const& shape : kernels::measure_shapes(cutout)) {
    auto& one = parts.emplace_back();
    one.segment = label;
    one.part = static_cast<std::int32_t>(parts.size());
    one.x = shape.x;
    one.y = shape.y;
    one.semimajor = shape.semimajor;
    one.semiminor = shape.semiminor;
    one.ellipticity = shape.ellipticity;
    one.orientation = shape.orientation;
    one.box = {static_cast<std::int32_t>(shape.box.x0), static_cast<std::int32_t>(shape.box.y0),
               static_cast<std::int32_t>(shape.box.x1), static_cast<std::int32_t>(shape.box.y1)};
  }
  return parts;
}

void add_runs(SegmentCutout const& cutout, std::int32_t label, std::vector<LabelRun>& runs) {
  auto const width = cutout.box.width();
  for (std::int64_t y = 0; y < cutout.box.height(); ++y) {
    auto const* const row = cutout.labels.data() + y * width;
    for (std::int64_t x = 0; x < width;) {
      auto const part = row[x];
      auto const begin = x;
      while (x < width && row[x] == part) ++x;
      if (part > 0)
        runs.push_back({static_cast<std::int32_t>(cutout.box.y0 + y), static_cast<std::int32_t>(cutout.box.x0 + begin),
                        static_cast<std::int32_t>(cutout.box.x0 + x), label, part});
    }
  }
}

model::PixelBox grown(model::PixelBox const& box, std::int64_t reach) {
  return {box.x0 - reach, box.y0 - reach, box.x1 + reach, box.y1 + reach};
}

void append(MeasuredSegments& all, MeasuredSegments&& one) {
  all.sources.insert(all.sources.end(), one.sources.begin(), one.sources.end());
  all.blends.insert(all.blends.end(), one.blends.begin(), one.blends.end());
  all.runs.insert(all.runs.end(), one.runs.begin(), one.runs.end());
}

}  // namespace

SourceMeasurer::SourceMeasurer(CatalogueImage const& image, kernels::BackgroundMesh const& mesh,
                               SourceCatalogOptions const& options, ApertureReference const& reference,
                               MemoryBudget& budget)
    : image_(image),
      mesh_(mesh),
      options_(options),
      budget_(budget),
      kernel_(kernels::make_finder_kernel(options.segmentation.kernel_fwhm, KernelRadius)),
      inner_(reference.inner / image.pixel_ratio()),
      outer_(reference.outer / image.pixel_ratio()),
      smoothing_reach_(kernels::smoothing_reach(options.segmentation.kernel_fwhm)) {
  for (std::size_t k = 0; k < 3; ++k) radii_[k] = reference.radii[k] / image.pixel_ratio();
  auto const farthest = static_cast<std::int64_t>(std::ceil(std::max(outer_, radii_[2]))) + 2;
  source_reach_ = std::max<std::int64_t>({farthest, 2 * kernel_.radius + 1, smoothing_reach_});
}

std::int64_t SourceMeasurer::detection_bytes(model::PixelBox const& own) const {
  // 17 bytes a pixel that is read, 4 that is smoothed, 16 a run: one in four pixels where all is noise.
  return image_.read_bytes(own.width() * (own.height() + 2 * smoothing_reach_)) + 8 * own.width() * own.height();
}

void SourceMeasurer::detect(MosaicPixels const& pixels, model::PixelBox const& own, float* smoothed,
                            kernels::SegmentFinder& finder) const {
  kernels::smooth_for_detection(window_of(pixels, image_), own, options_.segmentation.kernel_fwhm, smoothed);
  for (auto y = own.y0; y < own.y1; ++y) {
    auto const at = (y - pixels.box.y0) * pixels.box.width() + own.x0 - pixels.box.x0;
    auto const* const row = smoothed + (y - own.y0) * own.width();
    auto const* const rms = pixels.rms.data() + at;
    auto const* const mask = pixels.mask.data() + at;
    finder.add_row(y, own.x0, own.width(), [&](std::int64_t x) {
      return static_cast<double>(row[x]) > options_.snr_threshold * static_cast<double>(rms[x]) && mask[x] == 0;
    });
  }
}

kernels::Segments SourceMeasurer::find(std::int64_t y0, std::int64_t y1) const {
  model::PixelBox const own{0, y0, image_.nx(), y1};
  MemoryBudget::Reservation const held(budget_, "source_catalog: rows of the mosaic", detection_bytes(own));
  auto const pixels = image_.read(grown(own, smoothing_reach_), &mesh_);
  std::vector<float> smoothed(static_cast<std::size_t>(own.width() * own.height()));
  kernels::SegmentFinder finder(options_.segmentation.connectivity);
  detect(pixels, own, smoothed.data(), finder);
  return finder.finish();
}

void SourceMeasurer::add_isophotal(SegmentCutout const& cutout, MosaicPixels const& pixels, std::int64_t y0,
                                   std::int64_t y1, std::span<SourceRecord> parts) const {
  auto const& box = cutout.box;
  for (auto y = std::max(y0, box.y0); y < std::min(y1, box.y1); ++y) {
    auto const* const labels = cutout.labels.data() + (y - box.y0) * box.width();
    auto const at = (y - pixels.box.y0) * pixels.box.width() + box.x0 - pixels.box.x0;
    for (std::int64_t x = 0; x < box.width(); ++x) {
      if (labels[x] <= 0) continue;
      auto const k = static_cast<std::size_t>(at + x);
      if (pixels.mask[k] != 0 || !std::isfinite(pixels.data[k])) continue;
      auto& part = parts[static_cast<std::size_t>(labels[x] - 1)];
      auto const error = static_cast<double>(pixels.errors[k]);
      part.isophotal_flux += static_cast<double>(pixels.data[k]);
      part.isophotal_variance += error * error;
      ++part.isophotal_area;
    }
  }
}

void SourceMeasurer::measure_apertures(SourceRecord& source, MosaicPixels const& pixels) const {
  // As the official step: the ring takes the background off, not the mesh.
  auto const window = raw_window_of(pixels, image_);
  auto const level = kernels::annulus_level(window, source.x, source.y, inner_, outer_);
  source.background = level.median;
  source.background_error = level.error;
  for (std::size_t k = 0; k < radii_.size(); ++k) {
    auto const sum = kernels::aperture_sum(window, pixels.errors.data(), source.x, source.y, radii_[k]);
    constexpr double Pi = 3.14159265358979323846;
    source.flux[k] = sum.sum - level.median * (Pi * radii_[k] * radii_[k]);
    source.flux_error[k] = sum.error;
  }
  auto const look = kernels::measure_pointedness(window, source.x, source.y, kernel_);
  source.sharpness = look.sharpness;
  source.roundness = look.roundness;
}

MeasuredSegments SourceMeasurer::measure_within(std::int64_t y0, std::int64_t y1,
                                                std::span<NumberedSegment const> segments) const {
  if (segments.empty()) return {};
  model::PixelBox const own{0, y0, image_.nx(), y1};
  MemoryBudget::Reservation const held(budget_, "source_catalog: rows of the mosaic",
                                       detection_bytes({0, y0 - source_reach_, image_.nx(), y1 + source_reach_}));
  auto const pixels = image_.read(grown(own, source_reach_), &mesh_);
  std::vector<float> smoothed(static_cast<std::size_t>(own.width() * own.height()));
  kernels::SegmentFinder finder(options_.segmentation.connectivity);
  detect(pixels, own, smoothed.data(), finder);
  auto found = finder.finish();
  auto const begin = found.sort_runs_by_segment();
  // Both are in raster order of first pixels; what else was found here belongs to other bands, or is too small.
  std::vector<std::size_t> place;
  for (std::size_t k = 0; k < found.segments.size() && place.size() < segments.size(); ++k) {
    auto const& wanted = segments[place.size()].segment;
    if (found.segments[k].first_x == wanted.first_x && found.segments[k].first_y == wanted.first_y) place.push_back(k);
  }
  TESSERA_EXPECT(place.size() == segments.size());

  std::vector<MeasuredSegments> measured(segments.size());
  using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("tessera::measure_sources", Policy(0, segments.size()).set_chunk_size(8), [&](std::size_t k) {
    auto const number = place[k];
    auto cutout = kernels::cut_segment(found.segments[number],
                                       {found.runs.data() + begin[number], begin[number + 1] - begin[number]},
                                       smoothed.data(), own);
    kernels::deblend(cutout, options_.segmentation);
    auto& one = measured[k];
    one.sources = begin_records(cutout, segments[k].label);
    add_isophotal(cutout, pixels, cutout.box.y0, cutout.box.y1, one.sources);
    for (auto& source : one.sources) measure_apertures(source, pixels);
    if (cutout.parts > 1) one.blends.push_back({segments[k].label, cutout.parts});
    add_runs(cutout, segments[k].label, one.runs);
  });
  MeasuredSegments all;
  for (auto& one : measured) append(all, std::move(one));
  return all;
}

MeasuredSegments SourceMeasurer::measure_large(NumberedSegment const& wanted) const {
  SegmentCutout cutout;
  cutout.box = {wanted.segment.x0, wanted.segment.y0, wanted.segment.x1, wanted.segment.y1};
  auto const& box = cutout.box;
  auto const strip = std::min(box.height(), RowsTogether);
  auto const count = box.width() * box.height();
  auto const strip_bytes = image_.read_bytes((box.width() + 2 * source_reach_) * (strip + 2 * source_reach_));
  std::int64_t const bytes = 8 * count + kernels::deblend_bytes(wanted.segment.pixels) + strip_bytes;
  if (bytes > budget_.free())
    throw BudgetError(
        {fmt::format("a segment of {} x {} pixels does not fit into the memory", box.width(), box.height()),
         fmt::format("pixels {} to {} and {} to {} of the mosaic", box.x0, box.x1, box.y0, box.y1),
         fmt::format("{} MB free a rank", bytes >> 20), fmt::format("{} MB", budget_.free() >> 20),
         "give more memory a rank, raise snr_threshold of source_catalog, or lower its bkg_boxsize"});
  MemoryBudget::Reservation const held(budget_, "source_catalog: a large segment", bytes);
  cutout.values.resize(static_cast<std::size_t>(count));
  cutout.labels.assign(static_cast<std::size_t>(count), 0);
  {
    kernels::SegmentFinder finder(options_.segmentation.connectivity);
    for (auto y = box.y0; y < box.y1; y += RowsTogether) {
      model::PixelBox const own{box.x0, y, box.x1, std::min(box.y1, y + RowsTogether)};
      auto const pixels = image_.read(grown(own, smoothing_reach_), &mesh_);
      detect(pixels, own, cutout.values.data() + (y - box.y0) * box.width(), finder);
    }
    auto const found = finder.finish();
    std::int32_t number = -1;
    for (std::size_t k = 0; k < found.segments.size() && number < 0; ++k)
      if (found.segments[k].first_x == wanted.segment.first_x && found.segments[k].first_y == wanted.segment.first_y)
        number = static_cast<std::int32_t>(k);
    TESSERA_EXPECT(number >= 0 && found.segments[static_cast<std::size_t>(number)].pixels == wanted.segment.pixels);
    for (auto const& run : found.runs)
      if (run.segment == number)
        std::fill_n(cutout.labels.begin() + (run.y - box.y0) * box.width() + run.x0 - box.x0, run.x1 - run.x0, 1);
  }
  kernels::deblend(cutout, options_.segmentation);
  MeasuredSegments measured;
  measured.sources = begin_records(cutout, wanted.label);
  if (cutout.parts > 1) measured.blends.push_back({wanted.label, cutout.parts});
  for (auto y = box.y0; y < box.y1; y += RowsTogether) {
    model::PixelBox const own{box.x0, y, box.x1, std::min(box.y1, y + RowsTogether)};
    auto const pixels = image_.read(grown(own, source_reach_), &mesh_);
    add_isophotal(cutout, pixels, own.y0, own.y1, measured.sources);
    for (auto& source : measured.sources) {
      if (!std::isfinite(source.y)) continue;
      auto const row = static_cast<std::int64_t>(std::floor(source.y));
      if (row >= own.y0 && row < own.y1) measure_apertures(source, pixels);
    }
  }
  add_runs(cutout, wanted.label, measured.runs);
  return measured;
}

}  // namespace tessera::steps
