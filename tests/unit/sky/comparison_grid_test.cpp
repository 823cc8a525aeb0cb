#include "tessera/sky/comparison_grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tessera/core/error.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::sky {
namespace {

constexpr double Arcsec = 1.0 / 3600;

/// A north-up plane of square pixels about `centre`, turned by `angle` degrees.
model::SkyGrid plane_at(SkyPoint centre, double scale, double angle, std::int64_t nx, std::int64_t ny) {
  model::SkyGrid grid;
  double const a = angle * RadiansPerDegree;
  grid.nx = nx;
  grid.ny = ny;
  grid.crpix = {0.5 * static_cast<double>(nx - 1), 0.5 * static_cast<double>(ny - 1)};
  grid.crval = centre;
  grid.cdelt = {-scale, scale};
  grid.pc = {{{std::cos(a), -std::sin(a)}, {std::sin(a), std::cos(a)}}};
  return grid;
}

CommonGridMember member_at(SkyPoint centre, double scale, double angle, std::int64_t nx, std::int64_t ny) {
  auto const plane = plane_at(centre, scale, angle, nx, ny);
  return make_common_grid_member(GridWcs(plane), nx, ny, plane.crpix);
}

/// Smallest area over a fine scan of angles: no cleverness.
double smallest_area(std::vector<CommonGridMember> const& members, model::SkyGrid grid) {
  double smallest = std::numeric_limits<double>::infinity();
  for (double angle = -45; angle < 45; angle += 0.01) {
    double const a = angle * RadiansPerDegree;
    grid.pc = {{{std::cos(a), -std::sin(a)}, {std::sin(a), std::cos(a)}}};
    GridWcs const wcs(grid);
    double x0 = 1e300, x1 = -1e300, y0 = 1e300, y1 = -1e300;
    for (auto const& member : members)
      for (auto const& corner : member.corners) {
        auto const p = static_cast<Wcs const&>(wcs).sky_to_pixel(corner);
        x0 = std::min(x0, p.x);
        x1 = std::max(x1, p.x);
        y0 = std::min(y0, p.y);
        y1 = std::max(y1, p.y);
      }
    smallest = std::min(smallest, (x1 - x0) * (y1 - y0));
  }
  return smallest;
}

/// Extent of all corners on the grid: lowest edge, highest edge.
void expect_filled(model::SkyGrid const& grid, std::vector<CommonGridMember> const& members) {
  double x0 = 1e300, x1 = -1e300, y0 = 1e300, y1 = -1e300;
  auto const wcs = make_grid_wcs(grid);
  for (auto const& member : members)
    for (auto const& corner : member.corners) {
      auto const p = wcs->sky_to_pixel(corner);
      x0 = std::min(x0, p.x);
      x1 = std::max(x1, p.x);
      y0 = std::min(y0, p.y);
      y1 = std::max(y1, p.y);
    }
  EXPECT_NEAR(x0, -0.5, 1e-6);
  EXPECT_NEAR(y0, -0.5, 1e-6);
  EXPECT_NEAR(x1, static_cast<double>(grid.nx) - 0.5, 0.500001);
  EXPECT_NEAR(y1, static_cast<double>(grid.ny) - 0.5, 0.500001);
}

TEST(MakeCommonGrid, EnclosesTurnedExposuresInTheSmallestRectangle) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<CommonGridMember> members;
    double const angle = 180 * uniform(random);
    int const count = 1 + trial % 7;
    for (int k = 0; k < count; ++k)
      members.push_back(member_at({30 + 0.02 * uniform(random), 12 + 0.02 * uniform(random)}, 0.06 * Arcsec,
                                  angle + 20 * uniform(random), 2048, 1000));
    auto const grid = make_common_grid(members, true);
    expect_filled(grid, members);
    double const scan = smallest_area(members, grid),
                 ours = static_cast<double>(grid.nx) * static_cast<double>(grid.ny);
    // rounding of the sides: half a pixel of each; the scan can only find larger ones
    double const rounding = 0.5 * static_cast<double>(grid.nx + grid.ny) + 1;
    EXPECT_LE(ours - rounding, scan) << trial;
    EXPECT_GE(ours + rounding, 0.9995 * scan) << trial;
    double const turned = std::atan2(grid.pc[1][0], grid.pc[0][0]) * DegreesPerRadian;
    EXPECT_LE(std::abs(turned), 45.0000001);
  }
}

TEST(MakeCommonGrid, IsTheExposureItselfWhenItIsAlone) {
  for (double const angle : {0.0, 17.0, -38.0, 44.0}) {
    auto const plane = plane_at({200, -45}, 0.1 * Arcsec, angle, 700, 300);
    auto const grid =
        make_common_grid(std::vector{make_common_grid_member(GridWcs(plane), 700, 300, plane.crpix)}, true);
    EXPECT_EQ(grid.nx, 700);
    EXPECT_EQ(grid.ny, 300);
    EXPECT_NEAR(grid.crpix.x, plane.crpix.x, 1e-6);
    EXPECT_NEAR(grid.crpix.y, plane.crpix.y, 1e-6);
    EXPECT_NEAR(grid.cdelt[1], plane.cdelt[1], 1e-8 * plane.cdelt[1]);  // a pixel in degrees of ra 200: nine digits
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 2; ++j) EXPECT_NEAR(grid.pc[i][j], plane.pc[i][j], 1e-8);
    EXPECT_EQ(grid_reference_pixel(grid).x, 350);
    EXPECT_EQ(grid_reference_pixel(grid).y, 150);
  }
}

TEST(MakeCommonGrid, IsNorthUpWithoutRotation) {
  std::vector<CommonGridMember> const members{member_at({10, 60}, 0.03 * Arcsec, 30, 500, 500),
                                              member_at({10.01, 60}, 0.05 * Arcsec, 30, 500, 500)};
  auto const grid = make_common_grid(members, false);
  EXPECT_EQ(grid.pc, (std::array<std::array<double, 2>, 2>{{{1, 0}, {0, 1}}}));
  EXPECT_NEAR(grid.cdelt[1], 0.03 * Arcsec, 1e-12);  // the smaller of the two
  EXPECT_EQ(grid.cdelt[0], -grid.cdelt[1]);
  expect_filled(grid, members);
  // up is north, left is east
  auto const wcs = make_grid_wcs(grid);
  EXPECT_GT(wcs->pixel_to_sky(PixelPoint{100, 200}).dec, wcs->pixel_to_sky(PixelPoint{100, 100}).dec);
  EXPECT_GT(wcs->pixel_to_sky(PixelPoint{100, 100}).ra, wcs->pixel_to_sky(PixelPoint{200, 100}).ra);
}

TEST(MakeCommonGrid, HoldsTogetherAcrossRaZeroAndAtThePole) {
  std::vector<CommonGridMember> const wrapped{member_at({359.995, 3}, 0.06 * Arcsec, 0, 1000, 1000),
                                              member_at({0.005, 3}, 0.06 * Arcsec, 0, 1000, 1000)};
  auto const grid = make_common_grid(wrapped, true);
  expect_filled(grid, wrapped);
  EXPECT_NEAR(grid.nx, 1000 + 0.01 * std::cos(3 * RadiansPerDegree) / (0.06 * Arcsec), 1);
  EXPECT_NEAR(std::remainder(grid.crval.ra, 360), 0, 1e-9);

  std::vector<CommonGridMember> polar;
  for (double const ra : {0.0, 90.0, 180.0, 270.0}) polar.push_back(member_at({ra, 89.99}, 0.1 * Arcsec, 20, 800, 800));
  auto const at_pole = make_common_grid(polar, true);
  expect_filled(at_pole, polar);
  EXPECT_GT(at_pole.crval.dec, 89.9999);
  EXPECT_LT(at_pole.nx, 2000);
  EXPECT_LT(at_pole.ny, 2000);
}

TEST(MakeCommonGrid, TakesTheArrayCentreWithoutCrpixAndTheSmallerPixelSide) {
  auto plane = plane_at({10, 20}, 0.1 * Arcsec, 0, 100, 50);
  plane.cdelt = {-0.2 * Arcsec, 0.1 * Arcsec};
  auto const member = make_common_grid_member(GridWcs(plane), 100, 50, std::nullopt);
  EXPECT_NEAR(member.scale_deg, 0.1 * Arcsec, 1e-12);
  EXPECT_NEAR(member.reference.ra, 10, 1e-12);
  EXPECT_NEAR(member.reference.dec, 20, 1e-12);
}

TEST(MakeCommonGrid, SaysWhichExposureHasAWildWcs) {
  std::vector<CommonGridMember> members(3, member_at({10, 20}, 0.1 * Arcsec, 0, 100, 100));
  auto const message = [&] {
    try {
      make_common_grid(members, true);
    } catch (InputError const& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  members[1].corners[2].ra = std::nan("");
  EXPECT_NE(message().find("exposure 1 "), std::string::npos) << message();
  members[1] = member_at({190, -20}, 0.1 * Arcsec, 0, 100, 100);
  EXPECT_NE(message().find("80 degrees"), std::string::npos) << message();
  members[1] = members[0];
  members[2].scale_deg = 0;
  EXPECT_NE(message().find("exposure 2 "), std::string::npos) << message();
  EXPECT_THROW(make_common_grid({}, true), InputError);
}

}  // namespace
}  // namespace tessera::sky
