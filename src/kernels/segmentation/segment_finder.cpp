#include <algorithm>
#include <limits>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/segmentation.hpp"

namespace tessera::kernels {

std::int32_t SegmentFinder::find_root(std::int32_t run) {
  auto const at = [&](std::int32_t k) -> SegmentRun& { return runs_[static_cast<std::size_t>(k)]; };
  while (at(run).segment != run) run = at(run).segment = at(at(run).segment).segment;
  return run;
}

void SegmentFinder::join(std::size_t first, std::size_t second) {
  auto const a = find_root(static_cast<std::int32_t>(first)), b = find_root(static_cast<std::int32_t>(second));
  runs_[static_cast<std::size_t>(std::max(a, b))].segment = std::min(a, b);  // the root is the first in raster order
}

void SegmentFinder::add_run(std::int64_t y, std::int64_t x0, std::int64_t x1) {
  TESSERA_EXPECT(runs_.size() < static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  auto const row = static_cast<std::int32_t>(y), begin = static_cast<std::int32_t>(x0),
             end = static_cast<std::int32_t>(x1);
  if (runs_.empty() || runs_.back().y != row) {
    bool const is_next = !runs_.empty() && runs_.back().y + 1 == row;
    above_begin_ = is_next ? row_begin_ : runs_.size();
    above_end_ = runs_.size();
    above_next_ = above_begin_;
    row_begin_ = runs_.size();
  }
  auto const number = runs_.size();
  runs_.push_back({row, begin, end, static_cast<std::int32_t>(number)});
  while (above_next_ < above_end_ && runs_[above_next_].x1 + reach_ <= begin) ++above_next_;
  for (auto other = above_next_; other < above_end_ && runs_[other].x0 < end + reach_; ++other) join(other, number);
}

Segments SegmentFinder::finish() {
  Segments found;
  // A root comes before all of its runs, so that segments are numbered in raster order as the runs are walked.
  for (std::size_t k = 0; k < runs_.size(); ++k) {
    auto const root = static_cast<std::size_t>(find_root(static_cast<std::int32_t>(k)));
    if (root != k) runs_[k].segment = static_cast<std::int32_t>(root);
  }
  for (std::size_t k = 0; k < runs_.size(); ++k) {
    auto& run = runs_[k];
    auto const root = static_cast<std::size_t>(run.segment);
    if (root == k) {
      run.segment = static_cast<std::int32_t>(found.segments.size());
      found.segments.push_back({run.x0, run.y, run.x0, run.y, run.x1, run.y + 1, run.x1 - run.x0});
      continue;
    }
    run.segment = runs_[root].segment;  // the root was numbered before
    auto& segment = found.segments[static_cast<std::size_t>(run.segment)];
    segment.x0 = std::min(segment.x0, run.x0);
    segment.x1 = std::max(segment.x1, run.x1);
    segment.y1 = std::max(segment.y1, run.y + 1);
    segment.pixels += run.x1 - run.x0;
  }
  found.runs = std::move(runs_);
  *this = SegmentFinder(reach_ == 1 ? 8 : 4);
  return found;
}

}  // namespace tessera::kernels
