// The frame that the drizzle benchmarks are run on. reference_drizzle.py makes the same one: keep the two in step.
#pragma once
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <vector>

#include "support/quadratic_map.hpp"
#include "tessera/kernels/drizzle.hpp"

namespace tessera::bench {

inline constexpr std::int64_t FrameSize = 2048;  ///< input pixels a side
inline constexpr std::int64_t GridSize = 2816;   ///< output pixels a side

/// Rotation by 30 degrees and a distortion of a few pixels, about the centres of frame and grid.
inline model::PixelMap make_frame_map() {
  double const angle = std::numbers::pi / 6, cosine = std::cos(angle), sine = std::sin(angle);
  test::Quadratic const X{1407.5, cosine, -sine, 3e-6, -2e-6, 1e-6}, Y{1407.5, sine, cosine, -1e-6, 2e-6, 3e-6};
  return test::make_quadratic_map(FrameSize, FrameSize, test::shift_origin(X, 1023.5, 1023.5),
                                  test::shift_origin(Y, 1023.5, 1023.5));
}

struct Frame {
  model::PixelMap map = make_frame_map();
  std::vector<float> data, weight;
  std::vector<float> roots[3];

  Frame() {
    for (std::int64_t y = 0; y < FrameSize; ++y)
      for (std::int64_t x = 0; x < FrameSize; ++x) {
        data.push_back(static_cast<float>(static_cast<double>((x * 7 + y * 13) % 101) * 0.01 + 1));
        bool const bad = (x * 31 + y * 17) % 97 == 0;
        weight.push_back(bad ? 0.0f : static_cast<float>(static_cast<double>((x * 3 + y * 5) % 17) * 0.125 + 1));
        std::int64_t const steps[3] = {5, 7, 11};
        for (int k = 0; k < 3; ++k)
          roots[k].push_back(static_cast<float>(static_cast<double>((x * steps[k] + y * 3) % 23) * 0.0625 + 0.5));
      }
  }

  kernels::DrizzleInput input(int number) const {
    return {.number = number,
            .map = &map,
            .y0 = 0,
            .y1 = FrameSize,
            .data = data.data(),
            .weight = weight.data(),
            .root_variance = {roots[0].data(), roots[1].data(), roots[2].data()},
            .exposure_time = 1,
            .holes = nullptr};
  }
};

/// All blocks of the grid.
struct Blocks {
  std::vector<std::unique_ptr<kernels::BlockAccumulator>> owned;
  std::vector<kernels::BlockAccumulator*> pointers;

  explicit Blocks(kernels::DrizzleOptions const& options) {
    model::BlockGrid const grid{GridSize, GridSize};
    for (std::int64_t block = 0; block < grid.count(); ++block) {
      owned.push_back(std::make_unique<kernels::BlockAccumulator>(grid.box(block), GridSize, GridSize, options));
      pointers.push_back(owned.back().get());
    }
  }
};

}  // namespace tessera::bench
