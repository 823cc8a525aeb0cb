// Source masks (spec 40, P3): the vector, and properties.
#include "tessera/kernels/source_mask.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "source_mask_vector.hpp"
#include "support/test_files.hpp"

namespace tessera {
namespace {

using Mask = std::vector<std::uint8_t>;

std::vector<std::array<int, 3>> find_row_runs(Mask const& mask, int side) {
  std::vector<std::array<int, 3>> runs;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      if (!mask[static_cast<std::size_t>(y * side + x)]) continue;
      int const x0 = x;
      while (x < side && mask[static_cast<std::size_t>(y * side + x)]) ++x;
      runs.push_back({y, x0, x});
    }
  return runs;
}

std::int64_t count_set(Mask const& mask) { return std::accumulate(mask.begin(), mask.end(), std::int64_t{0}); }

template <class T>
void check_cases() {
  auto const doubles = test::make_source_mask_input();
  std::vector<T> const image(doubles.begin(), doubles.end());
  auto const flags = test::make_source_mask_flags();
  auto const vector = test::read_vector("pj_source_mask.json");
  ASSERT_EQ(vector["cases"].size(), 4u);
  for (auto const& expected : vector["cases"]) {
    kernels::SourceMaskOptions options{.nsigma = expected["nsigma"],
                                       .npixels = expected["npixels"],
                                       .dilate = expected["dilate_size"],
                                       .maxiters = expected["sigclip_iters"].get<int>()};
    auto const* const stat_mask = expected["stat_mask_used"].get<bool>() ? flags.data() : nullptr;
    auto const mask = kernels::make_source_mask(image.data(), stat_mask, 64, 64, options);
    EXPECT_EQ(count_set(mask), expected["n_mask"].get<std::int64_t>());
    if (expected.contains("mask_runs_row_start_stop")) {
      EXPECT_EQ(find_row_runs(mask, 64), (expected["mask_runs_row_start_stop"].get<std::vector<std::array<int, 3>>>()));
    }
    options.dilate = 1;
    EXPECT_EQ(count_set(kernels::make_source_mask(image.data(), stat_mask, 64, 64, options)),
              expected["n_seg_pixels"].get<std::int64_t>());
  }
}

TEST(MakeSourceMask, GivesTheMasksOfTheVector) { check_cases<double>(); }
TEST(MakeSourceMask, GivesTheSameMasksInSinglePrecision) { check_cases<float>(); }

TEST(MakeSourceMask, JoinsPixelsAtCornersAndDropsSmallComponents) {
  // u-shaped, diagonal and lone detections on a flat sky
  std::vector<float> image(20 * 10, 0.0f);
  for (std::size_t k = 0; k < image.size(); ++k) image[k] = k % 2 ? 0.01f : -0.01f;
  auto const put = [&](int x, int y) { image[static_cast<std::size_t>(y * 20 + x)] = 9; };
  put(1, 1), put(3, 1), put(2, 2);                             // three pixels by corners only
  put(10, 5), put(12, 5), put(10, 6), put(11, 6), put(12, 6);  // two arms that join below
  put(18, 8), put(17, 9);                                      // two pixels: too small
  auto mask = kernels::make_source_mask(image.data(), nullptr, 20, 10, {.nsigma = 3, .npixels = 3, .dilate = 1});
  EXPECT_EQ(count_set(mask), 8);
  EXPECT_EQ(mask[8 * 20 + 18], 0);
  mask = kernels::make_source_mask(image.data(), nullptr, 20, 10, {.nsigma = 3, .npixels = 5, .dilate = 1});
  EXPECT_EQ(count_set(mask), 5);
}

TEST(MakeSourceMask, LeavesNanAloneAndFindsNothingInNothing) {
  std::vector<float> image(64, NAN);
  EXPECT_EQ(count_set(kernels::make_source_mask(image.data(), nullptr, 8, 8, {})), 0);
  std::fill(image.begin(), image.end(), 2.0f);
  EXPECT_EQ(count_set(kernels::make_source_mask(image.data(), nullptr, 8, 8, {})), 0);
  Mask const all(64, 1);
  image[9] = 50;
  EXPECT_EQ(count_set(kernels::make_source_mask(image.data(), all.data(), 8, 8, {})), 0);
}

TEST(MakeSourceMask, DetectsUnderTheStatisticsMask) {
  auto const doubles = test::make_source_mask_input();
  Mask stat_mask(doubles.size(), 0);
  for (int y = 10; y < 20; ++y)
    for (int x = 7; x < 18; ++x) stat_mask[static_cast<std::size_t>(y * 64 + x)] = 1;
  auto const mask = kernels::make_source_mask(doubles.data(), stat_mask.data(), 64, 64, {});
  EXPECT_EQ(mask[15 * 64 + 12], 1);
}

TEST(DilateMask, PutsAnEvenSquareTowardsLowerIndices) {
  auto const vector = test::read_vector("pj_source_mask.json");
  Mask mask(10 * 10, 0);
  mask[4 * 10 + 4] = 1;
  kernels::dilate_mask(mask, 10, 10, 4);
  EXPECT_EQ(find_row_runs(mask, 10), (vector["dilation_even"]["runs"].get<std::vector<std::array<int, 3>>>()));
}

TEST(DilateMask, IsTheUnionOfSquaresUpToTheEdges) {
  constexpr int nx = 37, ny = 23;
  for (int const size : {0, 1, 2, 3, 6, 7, 50}) {
    test::VectorNoise random(static_cast<std::uint32_t>(size) + 1);
    Mask mask(nx * ny);
    for (auto& m : mask) m = random.uniform() < 0.01;
    mask[0] = mask[nx - 1] = 1;
    Mask expected = mask;
    int const before = std::max(0, size - 1) / 2, after = size / 2;
    for (int y = 0; y < ny; ++y)
      for (int x = 0; x < nx; ++x)
        for (int dy = -before; dy <= (size > 1 ? after : 0); ++dy)
          for (int dx = -before; dx <= (size > 1 ? after : 0); ++dx)
            if (y + dy >= 0 && y + dy < ny && x + dx >= 0 && x + dx < nx)
              expected[static_cast<std::size_t>(y * nx + x)] |= mask[static_cast<std::size_t>((y + dy) * nx + x + dx)];
    kernels::dilate_mask(mask, nx, ny, size);
    EXPECT_EQ(mask, expected) << "size " << size;
  }
}

TEST(MakeSourceMask, TakesAFullFrameInAThirdOfASecond) {
  test::VectorNoise random(3);
  std::vector<float> frame(2048 * 2048);
  for (auto& v : frame)
    v = static_cast<float>(random.uniform() + random.uniform() + 5 * std::pow(random.uniform(), 40));
  auto const start = std::chrono::steady_clock::now();
  auto const mask = kernels::make_source_mask(frame.data(), nullptr, 2048, 2048, {.dilate = 7});
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("milliseconds", static_cast<int>(1000 * seconds));
  EXPECT_LT(seconds, 3.0) << "a tenth of this is usual; the machine may be busy";
  EXPECT_GE(count_set(mask), 0);
}

}  // namespace
}  // namespace tessera
