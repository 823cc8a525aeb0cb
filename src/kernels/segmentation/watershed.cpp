#include "watershed.hpp"

#include <limits>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

Watershed::Watershed(float const* values, std::int32_t* labels, std::int64_t width, std::int64_t height,
                     int connectivity)
    : values_(values), labels_(labels), width_(width), height_(height), connectivity_(connectivity == 8 ? 8 : 4) {
  TESSERA_EXPECT(width * height <= std::numeric_limits<std::uint32_t>::max());
}

/// Only markers beside free pixels can give their label to one: the others need not wait in the queue.
void Watershed::seed(model::PixelBox const& box) {
  auto const around = model::intersect({box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1}, {0, 0, width_, height_});
  age_ = 0;
  for (auto y = around.y0; y < around.y1; ++y)
    for (auto x = around.x0; x < around.x1; ++x) {
      auto const index = y * width_ + x;
      if (labels_[index] <= Free) continue;
      bool has_free = false;
      each_free_neighbour(index, [&](std::int64_t) { has_free = true; });
      if (has_free) queue_.push({values_[index], 0, static_cast<std::uint32_t>(index)});
    }
}

}  // namespace tessera::kernels
