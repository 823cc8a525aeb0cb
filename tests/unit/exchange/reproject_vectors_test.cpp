// Reprojection and common grids against the reproject package.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/test_files.hpp"
#include "tessera/kernels/reproject.hpp"
#include "tessera/sky/comparison_grid.hpp"
#include "tessera/sky/grid_to_exposure.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::exchange {
namespace {

model::SkyGrid tan_of(nlohmann::json const& json) {
  model::SkyGrid grid;
  double const angle = json.at("angle").get<double>() * 0.017453292519943295, scale = json.at("scale");
  grid.nx = json.at("nx");
  grid.ny = json.at("ny");
  grid.crval = {json.at("ra"), json.at("dec")};
  grid.crpix = {0.5 * static_cast<double>(grid.nx - 1), 0.5 * static_cast<double>(grid.ny - 1)};
  grid.cdelt = {-scale, scale};
  grid.pc = {{{std::cos(angle), -std::sin(angle)}, {std::sin(angle), std::cos(angle)}}};
  return grid;
}

double value_of(nlohmann::json const& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

/// How our values on the whole grid differ from the package's.
struct Comparison {
  double largest = 0;
  int both = 0, ours_alone = 0, theirs_alone = 0;
};

Comparison compare(nlohmann::json const& test, kernels::Reprojection method, char const* name) {
  auto const image_grid = tan_of(test.at("image")), grid = tan_of(test.at("grid"));
  std::vector<float> image;
  for (auto const& value : test.at("image").at("values")) image.push_back(static_cast<float>(value_of(value)));
  auto const to = sky::map_grid_to_exposure(sky::GridWcs(image_grid), image_grid.nx, image_grid.ny, grid);
  std::vector<float> out(static_cast<std::size_t>(to.map.nx * to.map.ny));
  kernels::reproject(method, {image.data(), {0, 0, image_grid.nx, image_grid.ny}, image_grid.nx, image_grid.ny}, to.map,
                     {0, 0, to.map.nx, to.map.ny}, out.data());
  Comparison result;
  for (std::int64_t y = 0; y < grid.ny; ++y)
    for (std::int64_t x = 0; x < grid.nx; ++x) {
      bool const is_inside = x >= to.box.x0 && x < to.box.x1 && y >= to.box.y0 && y < to.box.y1;
      double const ours =
          is_inside ? static_cast<double>(out[static_cast<std::size_t>((y - to.box.y0) * to.map.nx + x - to.box.x0)])
                    : std::numeric_limits<double>::quiet_NaN();
      double const theirs = value_of(test.at(name).at(static_cast<std::size_t>(y * grid.nx + x)));
      result.ours_alone += !std::isnan(ours) && std::isnan(theirs);
      result.theirs_alone += std::isnan(ours) && !std::isnan(theirs);
      if (std::isnan(ours) || std::isnan(theirs)) continue;
      ++result.both;
      result.largest = std::max(result.largest, std::abs(ours - theirs));
    }
  return result;
}

TEST(ReprojectVectors, InterpIsThatOfThePackage) {
  for (auto const& test : test::read_vector("reproject_cases.json").at("cases")) {
    auto const found = compare(test, kernels::Reprojection::Interp, "interp");
    EXPECT_GT(found.both, 100);
    EXPECT_EQ(found.ours_alone, 0);
    EXPECT_EQ(found.theirs_alone, 0);
    EXPECT_LT(found.largest, 1e-6);
  }
}

TEST(ReprojectVectors, ExactIsThatOfThePackage) {
  for (auto const& test : test::read_vector("reproject_cases.json").at("cases")) {
    auto const found = compare(test, kernels::Reprojection::Exact, "exact");
    EXPECT_GT(found.both, 100);
    EXPECT_EQ(found.ours_alone, 0);
    EXPECT_EQ(found.theirs_alone, 0);
    EXPECT_LT(found.largest, 1e-5);
  }
}

TEST(ReprojectVectors, AdaptiveIsThatOfThePackage) {
  for (auto const& test : test::read_vector("reproject_cases.json").at("cases")) {
    auto const found = compare(test, kernels::Reprojection::Adaptive, "adaptive");
    EXPECT_GT(found.both, 50);
    EXPECT_EQ(found.ours_alone, 0);
    EXPECT_EQ(found.theirs_alone, 0);
    EXPECT_LT(found.largest, 1e-5);
  }
}

TEST(ReprojectVectors, CommonGridIsThatOfThePackage) {
  for (auto const& test : test::read_vector("reproject_cases.json").at("grids")) {
    std::vector<sky::CommonGridMember> members;
    for (auto const& member : test.at("members")) {
      auto const plane = tan_of(member);
      members.push_back(sky::make_common_grid_member(sky::GridWcs(plane), plane.nx, plane.ny, plane.crpix));
    }
    auto const grid = sky::make_common_grid(members, test.at("auto_rotate"));
    EXPECT_EQ(grid.nx, test.at("nx").get<std::int64_t>());
    EXPECT_EQ(grid.ny, test.at("ny").get<std::int64_t>());
    EXPECT_NEAR(grid.crpix.x + 1, test.at("crpix").at(0).get<double>(), 1e-4);
    EXPECT_NEAR(grid.crpix.y + 1, test.at("crpix").at(1).get<double>(), 1e-4);
    EXPECT_NEAR(grid.crval.ra, test.at("crval").at(0).get<double>(), 1e-10);
    EXPECT_NEAR(grid.crval.dec, test.at("crval").at(1).get<double>(), 1e-10);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(grid.cdelt[i], test.at("cdelt").at(i).get<double>(), 1e-12);
      for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(grid.pc[i][j], test.at("pc").at(i).at(j).get<double>(), 1e-7);
    }
  }
}

}  // namespace
}  // namespace tessera::exchange
