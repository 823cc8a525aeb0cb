#include <algorithm>

#include "tessera/kernels/deblend.hpp"
#include "tessera/kernels/segmentation.hpp"

namespace tessera::kernels {

namespace {

void paint_parts(SegmentCutout const& cutout, std::int32_t first_label, std::int64_t nx, std::int32_t* labels) {
  std::size_t k = 0;
  for (auto y = cutout.box.y0; y < cutout.box.y1; ++y)
    for (auto x = cutout.box.x0; x < cutout.box.x1; ++x, ++k)
      if (cutout.labels[k] > 0) labels[y * nx + x] = first_label + cutout.labels[k] - 1;
}

}  // namespace

std::vector<std::size_t> Segments::sort_runs_by_segment() {
  std::vector<std::size_t> begin(segments.size() + 1, 0);
  for (auto const& run : runs) ++begin[static_cast<std::size_t>(run.segment) + 1];
  for (std::size_t k = 1; k < begin.size(); ++k) begin[k] += begin[k - 1];
  std::vector<SegmentRun> sorted(runs.size());
  auto next = begin;
  for (auto const& run : runs) sorted[next[static_cast<std::size_t>(run.segment)]++] = run;
  runs = std::move(sorted);
  return begin;
}

SegmentCutout cut_segment(Segment const& segment, std::span<SegmentRun const> runs, float const* smoothed,
                          model::PixelBox const& window) {
  SegmentCutout cutout;
  cutout.box = {segment.x0, segment.y0, segment.x1, segment.y1};
  auto const pixels = static_cast<std::size_t>(cutout.box.width() * cutout.box.height());
  cutout.values.assign(pixels, 0);
  cutout.labels.assign(pixels, 0);
  for (auto const& run : runs) {
    auto const to = (run.y - cutout.box.y0) * cutout.box.width() + run.x0 - cutout.box.x0;
    auto const* const from = smoothed + (run.y - window.y0) * window.width() - window.x0;
    std::copy(from + run.x0, from + run.x1, cutout.values.begin() + to);
    std::fill_n(cutout.labels.begin() + to, run.x1 - run.x0, 1);
  }
  return cutout;
}

std::vector<std::int32_t> segment(float const* smoothed, float const* threshold, std::uint8_t const* mask,
                                  std::int64_t nx, std::int64_t ny, SegmentationOptions const& options) {
  SegmentFinder finder(options.connectivity);
  for (std::int64_t y = 0; y < ny; ++y)
    finder.add_row(y, 0, nx, [&](std::int64_t x) {
      auto const k = y * nx + x;
      return smoothed[k] > threshold[k] && !(mask && mask[k] != 0);
    });
  auto found = finder.finish();
  auto const begin = found.sort_runs_by_segment();
  std::vector<std::int32_t> labels(static_cast<std::size_t>(nx * ny), 0);
  std::vector<SegmentCutout> blends;  // their parts are numbered after all segments that are not blended
  std::int32_t next = 0;
  for (std::size_t k = 0; k < found.segments.size(); ++k) {
    if (found.segments[k].pixels < options.npixels) continue;
    std::span<SegmentRun const> const runs(found.runs.data() + begin[k], begin[k + 1] - begin[k]);
    if (options.deblend) {
      auto cutout = cut_segment(found.segments[k], runs, smoothed, {0, 0, nx, ny});
      deblend(cutout, options);
      if (cutout.parts > 1) {
        blends.push_back(std::move(cutout));
        continue;
      }
    }
    ++next;
    for (auto const& run : runs) std::fill_n(labels.begin() + run.y * nx + run.x0, run.x1 - run.x0, next);
  }
  for (auto const& blend : blends) {
    paint_parts(blend, next + 1, nx, labels.data());
    next += blend.parts;
  }
  return labels;
}

}  // namespace tessera::kernels
