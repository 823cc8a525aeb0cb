// Drizzle against the reference library's results (drizzle_cases.json), at the tolerances of spec 30, section 10.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/quadratic_map.hpp"
#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/kernels/drizzle.hpp"
#include "tessera/kernels/resample_weight.hpp"

namespace tessera {
namespace {

using nlohmann::json;
using test::Plane;
using test::read_plane;

test::Quadratic read_quadratic(json const& c) {
  return {c.at("1"), c.at("x"), c.at("y"), c.at("xx"), c.at("xy"), c.at("yy")};
}

kernels::DrizzleOptions read_options(json const& one) {
  kernels::DrizzleOptions options;
  options.kernel = kernels::parse_drizzle_kernel(one.at("kernel").get<std::string>());
  options.pixfrac = one.at("pixfrac");
  options.pixel_scale_ratio = one.at("pixel_scale_ratio");
  options.iscale = one.value("iscale", 1.0);
  options.variances = false;
  return options;
}

/// Plane `plane` of the dense context array, from the block's sparse one.
std::uint32_t dense_context(kernels::DrizzledBlock const& block, std::size_t pixel, int plane) {
  std::uint32_t bits = 0;
  for (std::size_t k = 0; k < block.inputs.size(); ++k)
    if (block.inputs[k] / 32 == plane && ((block.context[k / 32][pixel] >> (k % 32)) & 1u))
      bits |= 1u << (block.inputs[k] % 32);
  return bits;
}

class DrizzleVectors : public testing::TestWithParam<int> {};

TEST_P(DrizzleVectors, AgreeWithTheReferenceLibrary) {
  auto const cases = test::read_vector("drizzle_cases.json").at("cases");
  ASSERT_EQ(cases.size(), 20u);
  auto const& one = cases.at(static_cast<std::size_t>(GetParam()));
  std::string const name = one.at("name");
  SCOPED_TRACE(name);
  auto const options = read_options(one);
  std::int64_t const ny = one.at("out_shape_ny_nx").at(0), nx = one.at("out_shape_ny_nx").at(1);
  kernels::BlockAccumulator block({0, 0, nx, ny}, nx, ny, options);
  int number = 0;
  for (auto const& image : one.at("images")) {
    auto const data = read_plane(image.at("data"));
    Plane weight{data.nx, data.ny, std::vector<float>(data.values.size(), 1.0f)};
    if (!image.at("weight").is_null()) weight = read_plane(image.at("weight"));
    if (image.contains("box")) {  // a sub-box is the same as no weight outside it
      auto const& box = image.at("box");
      for (std::int64_t y = 0; y < data.ny; ++y)
        for (std::int64_t x = 0; x < data.nx; ++x)
          if (x < box.at("xmin") || x > box.at("xmax") || y < box.at("ymin") || y > box.at("ymax"))
            weight.values[static_cast<std::size_t>(y * data.nx + x)] = 0;
    }
    auto const map = test::make_quadratic_map(data.nx, data.ny, read_quadratic(image.at("pixmap_x")),
                                              read_quadratic(image.at("pixmap_y")));
    std::vector<std::int64_t> holes;
    for (auto const& hole : image.at("pixmap_nan_yx"))
      holes.push_back(hole.at(0).get<std::int64_t>() * data.nx + hole.at(1).get<std::int64_t>());
    std::sort(holes.begin(), holes.end());
    block.add({.number = number++,
               .map = &map,
               .y0 = 0,
               .y1 = data.ny,
               .data = data.values.data(),
               .weight = weight.values.data(),
               .root_variance = {},
               .exposure_time = 1,
               .holes = &holes});
  }
  std::string const fill = one.at("fillval");
  auto const result = block.finish(fill == "NaN" ? std::numeric_limits<float>::quiet_NaN() : std::stof(fill));
  auto const sci = read_plane(one.at("expected").at("sci")), wht = read_plane(one.at("expected").at("wht"));
  float largest = 0;
  for (float const w : wht.values) largest = std::max(largest, std::abs(w));
  ASSERT_EQ(result.sci.size(), sci.values.size());
  // The reference's polygon of the frame decides at its border (spec 30, 4.6): one pixel is left out there.
  bool const clipped = name == "sq_clip";
  int compared = 0;
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) {
      if (clipped && (x == 0 || y == 0 || x == nx - 1 || y == ny - 1)) continue;
      auto const k = static_cast<std::size_t>(y * nx + x);
      SCOPED_TRACE(testing::Message() << "x " << x << " y " << y);
      EXPECT_NEAR(result.wht[k], wht.values[k], 1e-5 * largest);
      if (std::abs(wht.values[k]) <= 1e-3) {
        if (wht.values[k] == 0 && result.wht[k] == 0) {
          if (std::isnan(sci.values[k]))
            EXPECT_TRUE(std::isnan(result.sci[k]));
          else
            EXPECT_EQ(result.sci[k], sci.values[k]);
        }
        continue;
      }
      ++compared;
      if (std::isnan(sci.values[k]))
        EXPECT_TRUE(std::isnan(result.sci[k]));
      else
        EXPECT_NEAR(result.sci[k], sci.values[k], 2e-5 * std::abs(sci.values[k]));
      for (std::size_t plane = 0; plane < one.at("expected").at("con").size(); ++plane) {
        auto const expected = one.at("expected")
                                  .at("con")
                                  .at(plane)
                                  .at(static_cast<std::size_t>(y))
                                  .at(static_cast<std::size_t>(x))
                                  .get<std::int64_t>();
        EXPECT_EQ(dense_context(result, k, static_cast<int>(plane)), static_cast<std::uint32_t>(expected));
      }
    }
  EXPECT_GT(compared, 10);
}

INSTANTIATE_TEST_SUITE_P(All, DrizzleVectors, testing::Range(0, 20));

class ResampleVectors : public testing::TestWithParam<int> {};

TEST_P(ResampleVectors, VariancesAgreeWithTheReferencePipeline) {
  auto const cases = test::read_vector("drizzle_cases.json").at("resample_cases");
  ASSERT_EQ(cases.size(), 3u);
  auto const& one = cases.at(static_cast<std::size_t>(GetParam()));
  SCOPED_TRACE(one.at("name").get<std::string>());
  bool const by_time = one.at("weight_type") == "exptime";
  auto options = read_options(one);
  options.variances = true;
  options.variance_weight = by_time ? kernels::VarianceWeight::ExposureTime : kernels::VarianceWeight::InverseReadNoise;
  std::int64_t const ny = one.at("out_shape_ny_nx").at(0), nx = one.at("out_shape_ny_nx").at(1);
  kernels::BlockAccumulator block({0, 0, nx, ny}, nx, ny, options);
  int number = 0;
  for (auto const& image : one.at("images")) {
    auto const data = read_plane(image.at("data")), weight = read_plane(image.at("weight"));
    std::array<Plane, 3> roots{read_plane(image.at("var_rnoise")), read_plane(image.at("var_flat")),
                               read_plane(image.at("var_poisson"))};
    for (auto& plane : roots)
      for (float& value : plane.values) value = std::sqrt(value);
    auto const map = test::make_quadratic_map(data.nx, data.ny, read_quadratic(image.at("pixmap_x")),
                                              read_quadratic(image.at("pixmap_y")));
    block.add({.number = number++,
               .map = &map,
               .y0 = 0,
               .y1 = data.ny,
               .data = data.values.data(),
               .weight = weight.values.data(),
               .root_variance = {roots[0].values.data(), roots[1].values.data(), roots[2].values.data()},
               .exposure_time = image.at("measurement_time"),
               .holes = nullptr});
  }
  auto const result = block.finish(std::numeric_limits<float>::quiet_NaN());
  auto const& expected = one.at("expected");
  auto const wht = read_plane(expected.at("wht"));
  float largest = 0;
  for (float const w : wht.values) largest = std::max(largest, w);
  for (auto const& [name, plane] :
       std::vector<std::pair<std::string, std::vector<float> const*>>{{"sci", &result.sci},
                                                                      {"wht", &result.wht},
                                                                      {"var_rnoise", &result.var_rnoise},
                                                                      {"var_flat", &result.var_flat},
                                                                      {"var_poisson", &result.var_poisson},
                                                                      {"err", &result.err}}) {
    auto const want = read_plane(expected.at(name));
    int compared = 0;
    for (std::size_t k = 0; k < want.values.size(); ++k) {
      if (wht.values[k] <= 0.01f * largest) continue;
      ++compared;
      EXPECT_NEAR((*plane)[k], want.values[k], 1e-5 * std::abs(want.values[k])) << name << " pixel " << k;
    }
    EXPECT_GT(compared, 50) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ResampleVectors, testing::Range(0, 3));

}  // namespace
}  // namespace tessera
