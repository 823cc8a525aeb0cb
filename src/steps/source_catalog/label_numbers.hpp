// Labels after deblending.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "source_record.hpp"

namespace tessera::steps {

/// Segments that are not blended keep their order, the parts of blended ones come after all of them.
class LabelNumbers {
 public:
  /// `segments` before deblending; the blended ones in any order.
  LabelNumbers(std::int64_t segments, std::vector<BlendRecord> blends)
      : segments_(segments), blends_(std::move(blends)) {
    std::sort(blends_.begin(), blends_.end(),
              [](BlendRecord const& a, BlendRecord const& b) { return a.segment < b.segment; });
    auto next = segments - static_cast<std::int64_t>(blends_.size());
    for (auto const& blend : blends_) {
      before_.push_back(next);
      next += blend.parts;
    }
    count_ = next;
  }

  std::int64_t count() const { return count_; }
  std::int64_t segments() const { return segments_; }
  std::int64_t blended() const { return static_cast<std::int64_t>(blends_.size()); }

  std::int32_t label(std::int32_t segment, std::int32_t part) const {
    auto const found = std::lower_bound(blends_.begin(), blends_.end(), segment,
                                        [](BlendRecord const& blend, std::int32_t one) { return blend.segment < one; });
    auto const blends_before = found - blends_.begin();
    if (found == blends_.end() || found->segment != segment) return segment - static_cast<std::int32_t>(blends_before);
    return static_cast<std::int32_t>(before_[static_cast<std::size_t>(blends_before)]) + part;
  }

 private:
  std::int64_t segments_ = 0;
  std::vector<BlendRecord> blends_;
  std::vector<std::int64_t> before_;  ///< labels before the first part
  std::int64_t count_ = 0;
};

}  // namespace tessera::steps
