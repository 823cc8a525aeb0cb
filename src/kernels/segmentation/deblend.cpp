#include "tessera/kernels/deblend.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tessera/core/contract.hpp"
#include "watershed.hpp"

namespace tessera::kernels {

namespace {

/// With more markers than this the levels are spaced evenly.
constexpr std::size_t MostMarkers = 200;

/// A segment being taken apart: pixels outside it have label Watershed::Outside.
struct Cutout {
  float const* values;
  std::int32_t* labels;
  std::int64_t width, height;
  SegmentationOptions const& options;
};

struct ValueRange {
  double least = std::numeric_limits<double>::infinity(), greatest = -std::numeric_limits<double>::infinity();
};

ValueRange find_range(Cutout const& cutout) {
  ValueRange range;
  for (std::int64_t k = 0; k < cutout.width * cutout.height; ++k) {
    if (cutout.labels[k] == Watershed::Outside) continue;
    range.least = std::min(range.least, static_cast<double>(cutout.values[k]));
    range.greatest = std::max(range.greatest, static_cast<double>(cutout.values[k]));
  }
  return range;
}

/// Thresholds between the least and the greatest value, both left out.
std::vector<double> make_levels(ValueRange const& range, LevelSpacing spacing, int count) {
  if (range.least <= 0 && spacing == LevelSpacing::Exponential) spacing = LevelSpacing::Linear;
  double const span = range.greatest - range.least;
  std::vector<double> levels;
  for (int k = 1; k <= count; ++k) {
    double const u = static_cast<double>(k) / (count + 1);
    switch (spacing) {
      case LevelSpacing::Linear:
        levels.push_back(range.least + u * span);
        break;
      case LevelSpacing::Exponential:
        levels.push_back(range.least * std::pow(range.greatest / range.least, u));
        break;
      case LevelSpacing::Sinh:
        levels.push_back(range.least + span * (std::sinh(u / 0.25) / std::sinh(4.0)));
        break;
    }
  }
  return levels;
}

/// Connected pixels above `level`, those of enough pixels only; runs of the others keep segment -1.
Segments find_components(Cutout const& cutout, double level) {
  SegmentFinder finder(cutout.options.connectivity);
  for (std::int64_t y = 0; y < cutout.height; ++y) {
    auto const* const values = cutout.values + y * cutout.width;
    auto const* const labels = cutout.labels + y * cutout.width;
    finder.add_row(y, 0, cutout.width, [&](std::int64_t x) {
      return labels[x] != Watershed::Outside && static_cast<double>(values[x]) > level;
    });
  }
  auto found = finder.finish();
  std::vector<std::int32_t> number(found.segments.size(), -1);
  std::vector<Segment> kept;
  for (std::size_t k = 0; k < number.size(); ++k) {
    if (found.segments[k].pixels < cutout.options.npixels) continue;
    number[k] = static_cast<std::int32_t>(kept.size());
    kept.push_back(found.segments[k]);
  }
  std::erase_if(found.runs, [&](SegmentRun const& run) { return number[static_cast<std::size_t>(run.segment)] < 0; });
  for (auto& run : found.runs) run.segment = number[static_cast<std::size_t>(run.segment)];
  found.segments = std::move(kept);
  return found;
}

/// Markers of a segment: components of some level, painted in the labels as 1, 2, ...
class Markers {
 public:
  explicit Markers(Cutout const& cutout) : cutout_(cutout) {}

  std::size_t count() const { return first_pixels_.size(); }

  /// Takes a level's components in: all of them where there are no markers yet; else those that part a marker.
  void refine(Segments const& components) {
    if (components.segments.size() < 2) return;
    std::vector<std::int32_t> parent(components.segments.size(), 0);
    std::vector<std::int32_t> children(count() + 1, 0);
    if (count() > 0) {
      for (std::size_t k = 0; k < parent.size(); ++k) {
        auto const& segment = components.segments[k];
        parent[k] = cutout_.labels[index_of(segment.first_x, segment.first_y)];
        TESSERA_EXPECT(parent[k] > 0);  // higher levels lie within lower ones
        ++children[static_cast<std::size_t>(parent[k])];
      }
      if (*std::max_element(children.begin(), children.end()) < 2) return;
    }
    auto const is_parted = [&](std::int32_t marker) {
      return marker == 0 || children[static_cast<std::size_t>(marker)] >= 2;
    };
    renumber(components, parent, is_parted);
  }

  void clear() {
    for (std::int64_t k = 0; k < cutout_.width * cutout_.height; ++k)
      if (cutout_.labels[k] > 0) cutout_.labels[k] = Watershed::Free;
    first_pixels_.clear();
  }

 private:
  std::int64_t index_of(std::int64_t x, std::int64_t y) const { return y * cutout_.width + x; }

  /// New numbers in raster order of the first pixels, of the markers that stay and the components that replace others.
  template <class IsParted>
  void renumber(Segments const& components, std::vector<std::int32_t> const& parent, IsParted is_parted) {
    struct Entry {
      std::int64_t first_pixel;
      std::int32_t marker, component;
    };
    std::vector<Entry> entries;
    for (std::size_t k = 0; k < count(); ++k)
      if (!is_parted(static_cast<std::int32_t>(k + 1)))
        entries.push_back({first_pixels_[k], static_cast<std::int32_t>(k + 1), -1});
    for (std::size_t k = 0; k < parent.size(); ++k)
      if (is_parted(parent[k]))
        entries.push_back({index_of(components.segments[k].first_x, components.segments[k].first_y), 0,
                           static_cast<std::int32_t>(k)});
    std::sort(entries.begin(), entries.end(),
              [](Entry const& a, Entry const& b) { return a.first_pixel < b.first_pixel; });
    std::vector<std::int32_t> of_marker(count() + 1, Watershed::Free), of_component(parent.size(), Watershed::Free);
    first_pixels_.clear();
    for (auto const& entry : entries) {
      first_pixels_.push_back(entry.first_pixel);
      auto const number = static_cast<std::int32_t>(first_pixels_.size());
      if (entry.marker > 0)
        of_marker[static_cast<std::size_t>(entry.marker)] = number;
      else
        of_component[static_cast<std::size_t>(entry.component)] = number;
    }
    for (std::int64_t k = 0; k < cutout_.width * cutout_.height; ++k)
      if (cutout_.labels[k] > 0) cutout_.labels[k] = of_marker[static_cast<std::size_t>(cutout_.labels[k])];
    for (auto const& run : components.runs)
      if (auto const number = of_component[static_cast<std::size_t>(run.segment)]; number > 0)
        std::fill(cutout_.labels + index_of(run.x0, run.y), cutout_.labels + index_of(run.x1, run.y), number);
  }

  Cutout const& cutout_;
  std::vector<std::int64_t> first_pixels_;
};

std::size_t mark(Cutout const& cutout, Markers& markers, ValueRange const& range, LevelSpacing spacing) {
  for (double const level : make_levels(range, spacing, cutout.options.nlevels))
    markers.refine(find_components(cutout, level));
  return markers.count();
}

/// Sum and extent of a region, as it grows.
struct Region {
  double sum = 0;
  model::PixelBox box{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max(), 0, 0};
  void add(std::int64_t x, std::int64_t y, float value) {
    sum += static_cast<double>(value);
    box = {std::min(box.x0, x), std::min(box.y0, y), std::max(box.x1, x + 1), std::max(box.y1, y + 1)};
  }
};

/// Grows the markers over the whole segment and gives away the regions that are too faint. Returns what stays of each
/// marker: its new number, 0 for none.
std::vector<std::int32_t> grow_regions(Cutout const& cutout, std::size_t count) {
  Watershed watershed(cutout.values, cutout.labels, cutout.width, cutout.height, cutout.options.connectivity);
  std::vector<Region> regions(count);
  auto const add = [&](std::int64_t index, std::int32_t label) {
    regions[static_cast<std::size_t>(label - 1)].add(index % cutout.width, index / cutout.width, cutout.values[index]);
  };
  watershed.flood({0, 0, cutout.width, cutout.height}, [](std::int64_t, std::int32_t) {});
  double total = 0;
  for (std::int64_t k = 0; k < cutout.width * cutout.height; ++k) {
    if (cutout.labels[k] <= Watershed::Free) continue;
    add(k, cutout.labels[k]);
    total += static_cast<double>(cutout.values[k]);
  }
  // Of the faintest the first: sums that change are taken out and put in again.
  std::set<std::pair<double, std::int32_t>> by_sum;
  for (std::size_t k = 0; k < count; ++k) by_sum.insert({regions[k].sum, static_cast<std::int32_t>(k + 1)});
  std::vector<std::int32_t> touched;
  while (by_sum.size() > 1 && by_sum.begin()->first / total < cutout.options.contrast) {
    auto const faintest = by_sum.begin()->second;
    by_sum.erase(by_sum.begin());
    auto const box = regions[static_cast<std::size_t>(faintest - 1)].box;
    for (auto y = box.y0; y < box.y1; ++y)
      for (auto x = box.x0; x < box.x1; ++x)
        if (auto& label = cutout.labels[y * cutout.width + x]; label == faintest) label = Watershed::Free;
    touched.clear();
    watershed.flood(box, [&](std::int64_t index, std::int32_t label) {
      auto& region = regions[static_cast<std::size_t>(label - 1)];
      if (by_sum.erase({region.sum, label}) > 0) touched.push_back(label);
      add(index, label);
    });
    for (auto const label : touched) by_sum.insert({regions[static_cast<std::size_t>(label - 1)].sum, label});
  }
  std::vector<std::int32_t> number(count + 1, 0);
  for (auto const& [sum, label] : by_sum) number[static_cast<std::size_t>(label)] = 1;
  std::int32_t next = 0;
  for (auto& one : number)
    if (one > 0) one = ++next;
  return number;
}

}  // namespace

int deblend(float const* values, std::int32_t* labels, std::int64_t width, std::int64_t height,
            SegmentationOptions const& options) {
  auto const count = width * height;
  std::int64_t pixels = 0;
  for (std::int64_t k = 0; k < count; ++k) pixels += labels[k] != 0;
  if (pixels < 2 * static_cast<std::int64_t>(options.npixels)) return 1;
  for (std::int64_t k = 0; k < count; ++k) labels[k] = labels[k] != 0 ? Watershed::Free : Watershed::Outside;
  auto const finish = [&](std::vector<std::int32_t> const& number) {
    for (std::int64_t k = 0; k < count; ++k)
      labels[k] = labels[k] == Watershed::Outside ? 0
                  : number.empty()                ? 1
                                                  : number[static_cast<std::size_t>(labels[k])];
  };

  Cutout const cutout{values, labels, width, height, options};
  auto const range = find_range(cutout);
  Markers markers(cutout);
  if (range.least < range.greatest) {
    mark(cutout, markers, range, options.multithresh_mode);
    if (markers.count() > MostMarkers && options.multithresh_mode != LevelSpacing::Linear) {
      markers.clear();
      mark(cutout, markers, range, LevelSpacing::Linear);
    }
  }
  if (markers.count() < 2) {
    finish({});
    return 1;
  }
  auto const number = grow_regions(cutout, markers.count());
  auto const parts = *std::max_element(number.begin(), number.end());
  finish(parts > 1 ? number : std::vector<std::int32_t>{});
  return parts;
}

void deblend(SegmentCutout& cutout, SegmentationOptions const& options) {
  if (options.deblend)
    cutout.parts =
        deblend(cutout.values.data(), cutout.labels.data(), cutout.box.width(), cutout.box.height(), options);
}

std::int64_t deblend_bytes(std::int64_t pixels) {
  // Runs of a level (16 bytes, of four pixels or more in a smoothed image), and the edges of the growing regions (12).
  return pixels * 16;
}

}  // namespace tessera::kernels
