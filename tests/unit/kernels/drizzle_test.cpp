// Properties of drizzle: exactness against a plain implementation, conservation, independence of blocks and threads.
#include "tessera/kernels/drizzle.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numbers>
#include <random>

#include "plain_drizzle.hpp"
#include "support/quadratic_map.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

struct Scene {
  model::PixelMap map;
  std::int64_t grid_nx = 0, grid_ny = 0;
  std::vector<float> data, weight;
  std::array<std::vector<float>, 3> roots;

  kernels::DrizzleInput input(int number) const {
    return {.number = number,
            .map = &map,
            .y0 = 0,
            .y1 = map.ny,
            .data = data.data(),
            .weight = weight.data(),
            .root_variance = {roots[0].data(), roots[1].data(), roots[2].data()},
            .exposure_time = 100,
            .holes = nullptr};
  }
};

/// nx x ny pixels with a rotation, scale, shear, distortion and perhaps a mirror, centred in the grid.
Scene make_scene(std::int64_t nx, std::int64_t ny, std::int64_t grid_nx, std::int64_t grid_ny, double scale,
                 double degrees, bool mirror, double distortion, unsigned seed) {
  double const angle = degrees * std::numbers::pi / 180, sign = mirror ? -1 : 1;
  double const cx = static_cast<double>(nx - 1) / 2 + 0.13, cy = static_cast<double>(ny - 1) / 2 - 0.21;
  test::Quadratic const X{static_cast<double>(grid_nx) / 2,
                          sign * scale * std::cos(angle),
                          -scale * std::sin(angle) + 0.03 * scale,
                          distortion,
                          -0.5 * distortion,
                          0.3 * distortion};
  test::Quadratic const Y{static_cast<double>(grid_ny) / 2,
                          sign * scale * std::sin(angle),
                          scale * std::cos(angle),
                          -0.4 * distortion,
                          0.6 * distortion,
                          distortion};
  Scene scene{test::make_quadratic_map(nx, ny, test::shift_origin(X, cx, cy), test::shift_origin(Y, cx, cy)),
              grid_nx,
              grid_ny,
              {},
              {},
              {}};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> unit(0, 1);
  for (std::int64_t k = 0; k < nx * ny; ++k) {
    scene.data.push_back(1 + unit(random));
    scene.weight.push_back(unit(random) < 0.05f ? 0.0f : 0.5f + unit(random));
    for (auto& root : scene.roots) root.push_back(0.5f + unit(random));
  }
  return scene;
}

struct Blocks {
  std::vector<std::unique_ptr<kernels::BlockAccumulator>> owned;
  std::vector<kernels::BlockAccumulator*> pointers;
  Blocks(Scene const& scene, kernels::DrizzleOptions const& options) {
    model::BlockGrid const grid{scene.grid_nx, scene.grid_ny};
    for (std::int64_t block = 0; block < grid.count(); ++block) {
      owned.push_back(
          std::make_unique<kernels::BlockAccumulator>(grid.box(block), scene.grid_nx, scene.grid_ny, options));
      pointers.push_back(owned.back().get());
    }
  }
  std::vector<float> gather(Scene const& scene, std::vector<float> kernels::DrizzledBlock::*plane) const {
    std::vector<float> whole(static_cast<std::size_t>(scene.grid_nx * scene.grid_ny));
    for (auto const* block : pointers) {
      auto const done = block->finish(NaN);
      for (std::int64_t y = done.box.y0; y < done.box.y1; ++y)
        for (std::int64_t x = done.box.x0; x < done.box.x1; ++x)
          whole[static_cast<std::size_t>(y * scene.grid_nx + x)] =
              (done.*plane)[static_cast<std::size_t>((y - done.box.y0) * done.box.width() + x - done.box.x0)];
    }
    return whole;
  }
};

struct Layout {
  char const* name;
  double scale, degrees, pixfrac, distortion;
  bool mirror;
};
void PrintTo(Layout const& layout, std::ostream* stream) { *stream << layout.name; }

class DrizzleLayouts : public testing::TestWithParam<Layout> {};

TEST_P(DrizzleLayouts, SquareKernelAgreesWithThePlainImplementation) {
  auto const& layout = GetParam();
  // Small enough for the plain one; over block edges at 256, over patch edges at 128, and over the border of the grid.
  auto const scene = make_scene(150, 140, 300, 270, layout.scale, layout.degrees, layout.mirror, layout.distortion, 7);
  kernels::DrizzleOptions options;
  options.pixfrac = layout.pixfrac;
  Blocks const blocks(scene, options);
  kernels::drizzle_onto_blocks(scene.input(0), blocks.pointers);
  auto const plain =
      test::drizzle_plainly(scene.map, scene.grid_nx, scene.grid_ny, layout.pixfrac, scene.data, scene.weight);
  auto const wht = blocks.gather(scene, &kernels::DrizzledBlock::wht),
             sci = blocks.gather(scene, &kernels::DrizzledBlock::sci);
  int covered = 0;
  for (std::size_t k = 0; k < wht.size(); ++k) {
    ASSERT_NEAR(wht[k], plain.weight[k], 1e-7 * std::max(1.0, plain.weight[k])) << "pixel " << k;
    if (plain.weight[k] == 0) {
      ASSERT_TRUE(std::isnan(sci[k]) || wht[k] < 1e-11f) << "pixel " << k;
    }
    if (plain.weight[k] < 1e-4) continue;
    ++covered;
    ASSERT_NEAR(sci[k], plain.value[k] / plain.weight[k], 2e-7 * sci[k]) << "pixel " << k;
  }
  EXPECT_GT(covered, 1000);
}

INSTANTIATE_TEST_SUITE_P(
    Maps, DrizzleLayouts,
    testing::Values(Layout{"AlongTheAxes", 1.0, 0, 1.0, 0, false}, Layout{"QuarterTurn", 1.0, 90, 1.0, 0, false},
                    Layout{"HalfTurnMirrored", 1.0, 180, 0.7, 0, true}, Layout{"Rotated", 1.0, 30, 1.0, 2e-5, false},
                    Layout{"RotatedSmallDrops", 1.0, -57, 0.2, 2e-5, false},
                    Layout{"Mirrored", 1.1, 140, 0.8, 2e-5, true}, Layout{"CoarseGrid", 0.3, 20, 1.0, 1e-5, false},
                    Layout{"CoarseGridSmallDrops", 0.3, 200, 0.2, 1e-5, false},
                    Layout{"FineGrid", 3.0, 75, 1.0, 5e-5, true},
                    Layout{"FineGridHalfDrops", 2.0, 45, 0.5, 5e-5, false},
                    Layout{"DropsLargerThanAnyWindow", 9.0, 33, 1.0, 1e-4, false}),
    [](auto const& layout) { return layout.param.name; });

class DrizzleKernels : public testing::TestWithParam<kernels::DrizzleKernel> {};

TEST_P(DrizzleKernels, GivesTheSameBitsForAnyThreadsBlocksOrderAndRows) {
  auto const scene = make_scene(300, 260, 600, 560, 1.05, 25, false, 1e-5, 11);
  kernels::DrizzleOptions options;
  options.kernel = GetParam();
  Blocks const parallel(scene, options), serial(scene, options);
  for (int number = 0; number < 3; ++number) kernels::drizzle_onto_blocks(scene.input(number), parallel.pointers);
  test::CentreMap const centres(scene.map);
  double const margin = kernels::reach(options, 1.15);
  for (auto block = serial.pointers.rbegin(); block != serial.pointers.rend(); ++block) {
    // Only the rows that reach the block, in arrays of their own.
    auto const box = (*block)->box();
    std::int64_t y0 = scene.map.ny, y1 = 0;
    for (std::int64_t y = 0; y < scene.map.ny; ++y)
      for (std::int64_t x = 0; x < scene.map.nx; ++x) {
        auto const [X, Y] = centres.at(x, y);
        if (X >= static_cast<double>(box.x0) - margin && X <= static_cast<double>(box.x1 - 1) + margin &&
            Y >= static_cast<double>(box.y0) - margin && Y <= static_cast<double>(box.y1 - 1) + margin)
          y0 = std::min(y0, y), y1 = std::max(y1, y + 1);
      }
    if (y0 >= y1) continue;
    auto const cut = [&](std::vector<float> const& plane) {
      return std::vector<float>(plane.begin() + y0 * scene.map.nx, plane.begin() + y1 * scene.map.nx);
    };
    auto const data = cut(scene.data), weight = cut(scene.weight);
    std::array<std::vector<float>, 3> const roots{cut(scene.roots[0]), cut(scene.roots[1]), cut(scene.roots[2])};
    for (int number = 0; number < 3; ++number) {
      auto input = scene.input(number);
      input.y0 = y0, input.y1 = y1, input.data = data.data(), input.weight = weight.data();
      input.root_variance = {roots[0].data(), roots[1].data(), roots[2].data()};
      (*block)->add(input);
    }
  }
  for (auto plane :
       {&kernels::DrizzledBlock::sci, &kernels::DrizzledBlock::wht, &kernels::DrizzledBlock::err,
        &kernels::DrizzledBlock::var_rnoise, &kernels::DrizzledBlock::var_flat, &kernels::DrizzledBlock::var_poisson}) {
    auto const a = parallel.gather(scene, plane), b = serial.gather(scene, plane);
    ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
    ASSERT_GT(std::count_if(a.begin(), a.end(), [](float v) { return v == v; }), 50000);
  }
  for (std::size_t block = 0; block < parallel.pointers.size(); ++block) {
    auto const a = parallel.pointers[block]->finish(NaN), b = serial.pointers[block]->finish(NaN);
    EXPECT_EQ(a.inputs, b.inputs);
    EXPECT_EQ(a.context, b.context);
  }
}

TEST_P(DrizzleKernels, KeepsAFlatSkyFlat) {
  auto scene = make_scene(200, 200, 300, 300, 0.9, 35, true, 1e-5, 3);
  std::fill(scene.data.begin(), scene.data.end(), 2.5f);
  kernels::DrizzleOptions options;
  options.kernel = GetParam();
  Blocks const blocks(scene, options);
  kernels::drizzle_onto_blocks(scene.input(0), blocks.pointers);
  auto const sci = blocks.gather(scene, &kernels::DrizzledBlock::sci),
             wht = blocks.gather(scene, &kernels::DrizzledBlock::wht);
  int covered = 0;
  for (std::size_t k = 0; k < sci.size(); ++k)
    if (std::abs(wht[k]) > 1e-3f) {
      ASSERT_NEAR(sci[k], 2.5f, 1e-6);
      ++covered;
    }
  EXPECT_GT(covered, 20000);
}

INSTANTIATE_TEST_SUITE_P(All, DrizzleKernels,
                         testing::Values(kernels::DrizzleKernel::Square, kernels::DrizzleKernel::Turbo,
                                         kernels::DrizzleKernel::Point, kernels::DrizzleKernel::Gaussian,
                                         kernels::DrizzleKernel::Lanczos2, kernels::DrizzleKernel::Lanczos3));

TEST(Drizzle, SharesOfADropSumToOneAwayFromTheBorders) {
  auto const scene = make_scene(200, 180, 400, 400, 1.0, 30, false, 1e-5, 5);
  for (auto const kernel :
       {kernels::DrizzleKernel::Square, kernels::DrizzleKernel::Turbo, kernels::DrizzleKernel::Point}) {
    kernels::DrizzleOptions options;
    options.kernel = kernel;
    options.variances = false;
    Blocks const blocks(scene, options);
    kernels::drizzle_onto_blocks(scene.input(0), blocks.pointers);
    double found = 0, given = 0;
    for (float const w : blocks.gather(scene, &kernels::DrizzledBlock::wht)) found += static_cast<double>(w);
    for (float const w : scene.weight) given += static_cast<double>(w);
    EXPECT_NEAR(found / given, 1.0, 1e-7);
  }
}

TEST(Drizzle, SeveralExposuresAtOnceAreTheSameAsOneByOne) {
  auto const scene = make_scene(200, 180, 400, 400, 1.0, 30, false, 1e-5, 5);
  Blocks const together(scene, {}), apart(scene, {});
  kernels::drizzle_onto_blocks({scene.input(2), scene.input(9)}, together.pointers);
  for (int const number : {2, 9}) kernels::drizzle_onto_blocks(scene.input(number), apart.pointers);
  for (std::size_t block = 0; block < apart.pointers.size(); ++block) {
    auto const a = together.pointers[block]->finish(0), b = apart.pointers[block]->finish(0);
    EXPECT_EQ(a.sci, b.sci);
    EXPECT_EQ(a.wht, b.wht);
    EXPECT_EQ(a.inputs, (std::vector<int>{2, 9}));
    EXPECT_EQ(a.context, b.context);
  }
  EXPECT_THROW(kernels::drizzle_onto_blocks(scene.input(9), apart.pointers), ContractViolation);
}

TEST(Drizzle, AHoleInTheMapTakesItsNeighboursAlong) {
  auto scene = make_scene(40, 40, 60, 60, 1.0, 0, false, 0, 5);
  scene.map = test::make_quadratic_map(40, 40, {10, 1}, {10, 0, 1});
  std::fill(scene.weight.begin(), scene.weight.end(), 1.0f);
  kernels::DrizzleOptions options;
  options.variances = false;
  std::vector<std::int64_t> const holes{20 * 40 + 15};
  auto input = scene.input(0);
  input.holes = &holes;
  Blocks const blocks(scene, options);
  blocks.pointers[0]->add(input);
  auto const wht = blocks.gather(scene, &kernels::DrizzledBlock::wht);
  for (std::int64_t y = 0; y < 40; ++y)
    for (std::int64_t x = 0; x < 40; ++x) {
      bool const near = std::abs(x - 15) <= 1 && std::abs(y - 20) <= 1;
      EXPECT_EQ(wht[static_cast<std::size_t>((y + 10) * 60 + x + 10)], near ? 0.0f : 1.0f) << x << ' ' << y;
    }
}

TEST(Drizzle, PixelsOutsideTheBoundingBoxAndPatchesWithoutAMapAreLeftOut) {
  auto scene = make_scene(300, 300, 310, 310, 1.0, 0, false, 0, 5);
  scene.map = test::make_quadratic_map(300, 300, {5, 1}, {5, 0, 1});
  scene.map.valid = {10, 0, 300, 290};
  scene.map.patches[8].finite = false;  // the last of 3 x 3
  std::fill(scene.weight.begin(), scene.weight.end(), 1.0f);
  kernels::DrizzleOptions options;
  options.variances = false;
  Blocks const blocks(scene, options);
  kernels::drizzle_onto_blocks(scene.input(0), blocks.pointers);
  auto const wht = blocks.gather(scene, &kernels::DrizzledBlock::wht);
  auto const at = [&](std::int64_t x, std::int64_t y) { return wht[static_cast<std::size_t>((y + 5) * 310 + x + 5)]; };
  EXPECT_EQ(at(10, 50), 0.0f) << "one pixel is lost along an edge of the box inside the array";
  EXPECT_EQ(at(11, 50), 1.0f);
  EXPECT_EQ(at(100, 0), 1.0f) << "none along an edge of the array";
  EXPECT_EQ(at(299, 100), 1.0f);
  EXPECT_EQ(at(100, 288), 1.0f);
  EXPECT_EQ(at(100, 289), 0.0f);
  EXPECT_EQ(at(255, 255), 0.0f);
  EXPECT_EQ(at(254, 254), 1.0f);
  EXPECT_EQ(at(270, 270), 0.0f);
}

TEST(Drizzle, VerySmallDropsArePoints) {
  auto const scene = make_scene(60, 60, 80, 80, 1.0, 30, false, 0, 5);
  kernels::DrizzleOptions small, point;
  small.pixfrac = 0.001;
  point.kernel = kernels::DrizzleKernel::Point;
  Blocks const a(scene, small), b(scene, point);
  a.pointers[0]->add(scene.input(0));
  b.pointers[0]->add(scene.input(0));
  auto const wa = a.gather(scene, &kernels::DrizzledBlock::wht), wb = b.gather(scene, &kernels::DrizzledBlock::wht);
  EXPECT_EQ(wa, wb);
  EXPECT_GT(*std::max_element(wa.begin(), wa.end()), 0.5f);
}

TEST(Drizzle, CombinesVariancesByTheInverseReadNoiseOfEachExposure) {
  // Two exposures on the same pixels, one without VAR_FLAT. By hand: q = 1/v, VAR = sum(v q^2) / sum(q)^2.
  auto const map = test::make_quadratic_map(20, 20, {5, 1}, {5, 0, 1});
  std::vector<float> const data(400, 1.0f), read_a(400, 2.0f), read_b(400, 1.0f), flat(400, 3.0f), poisson(400, 0.5f);
  kernels::DrizzleOptions options;
  options.pixel_scale_ratio = 2;
  kernels::BlockAccumulator block({0, 0, 30, 30}, 30, 30, options);
  kernels::DrizzleInput input{.number = 3,
                              .map = &map,
                              .y0 = 0,
                              .y1 = 20,
                              .data = data.data(),
                              .weight = nullptr,
                              .root_variance = {read_a.data(), flat.data(), poisson.data()},
                              .exposure_time = 1,
                              .holes = nullptr};
  block.add(input);
  input.number = 40;
  input.root_variance = {read_b.data(), nullptr, poisson.data()};
  block.add(input);
  auto const done = block.finish(NaN);
  std::size_t const inside = 15 * 30 + 15;
  double const qa = 0.25, qb = 1, total = qa + qb;
  double const read = (4 * qa * qa + 1 * qb * qb) / (total * total) / 4,
               noise = 0.25 * (qa * qa + qb * qb) / (total * total) / 4;
  EXPECT_NEAR(done.var_rnoise[inside], read, 1e-7);
  EXPECT_NEAR(done.var_flat[inside], 9.0 / 4, 1e-6) << "one exposure only, with its own sum of weights";
  EXPECT_NEAR(done.var_poisson[inside], noise, 1e-8);
  EXPECT_NEAR(done.err[inside], std::sqrt(read + 9.0 / 4 + noise), 1e-6);
  EXPECT_TRUE(std::isnan(done.err[0]) && std::isnan(done.var_flat[0]) && std::isnan(done.sci[0]));
  EXPECT_EQ(done.inputs, (std::vector<int>{3, 40}));
  EXPECT_EQ(done.context.at(0)[inside], 3u);
  EXPECT_EQ(done.context.at(0)[0], 0u);
}

TEST(Drizzle, RefusesExposuresOutOfOrder) {
  auto const map = test::make_quadratic_map(20, 20, {5, 1}, {5, 0, 1});
  std::vector<float> const data(400, 1.0f);
  kernels::BlockAccumulator block({0, 0, 30, 30}, 30, 30, {});
  kernels::DrizzleInput const input{.number = 3,
                                    .map = &map,
                                    .y0 = 0,
                                    .y1 = 20,
                                    .data = data.data(),
                                    .weight = nullptr,
                                    .root_variance = {},
                                    .exposure_time = 1,
                                    .holes = nullptr};
  block.add(input);
  EXPECT_THROW(block.add(input), ContractViolation);
}

TEST(ParseDrizzleKernel, NamesTheKernelsThereAre) {
  EXPECT_EQ(kernels::parse_drizzle_kernel("lanczos2"), kernels::DrizzleKernel::Lanczos2);
  try {
    kernels::parse_drizzle_kernel("sqare");
    FAIL() << "an unknown kernel was accepted";
  } catch (ConfigError const& error) {
    EXPECT_NE(error.problem().expected.find("turbo"), std::string::npos);
    EXPECT_EQ(error.problem().found, "sqare");
  }
}

}  // namespace
}  // namespace tessera
