#include "tessera/sky/grid_wcs.hpp"

#include <random>
#include <vector>

#include "support/header_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::sky {
namespace {

model::SkyGrid grid_at(double ra, double dec) {
  model::SkyGrid grid;
  grid.nx = 3000;
  grid.ny = 2000;
  grid.crpix = {1500.25, 999.5};
  grid.crval = {ra, dec};
  grid.cdelt = {8.5e-6, 8.5e-6};
  double const rho = 0.7;
  grid.pc = {{{-std::cos(rho), std::sin(rho)}, {std::sin(rho), std::cos(rho)}}};
  return grid;
}

/// Independent of the code under test: the TAN equations of Calabretta and Greisen (2002) by way of WCSLIB.
WcsPointer by_wcslib(model::SkyGrid const& grid) {
  auto const real = [](char const* name, double value) { return fmt::format("{:<8}= {:.17e}", name, value); };
  return make_fits_wcs(
      test::header_of({"CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'", "RADESYS = 'ICRS'", "LONPOLE = 180.0",
                       real("CRPIX1", grid.crpix.x + 1), real("CRPIX2", grid.crpix.y + 1),
                       real("CRVAL1", grid.crval.ra), real("CRVAL2", grid.crval.dec), real("CDELT1", grid.cdelt[0]),
                       real("CDELT2", grid.cdelt[1]), real("PC1_1", grid.pc[0][0]), real("PC1_2", grid.pc[0][1]),
                       real("PC2_1", grid.pc[1][0]), real("PC2_2", grid.pc[1][1])}),
      grid.nx, grid.ny);
}

TEST(GridWcs, AgreesWithWcslibBothWaysAndEverywhere) {
  for (auto const& [ra, dec] :
       {std::pair{24.17, 15.78}, {0.0001, -45.0}, {359.9999, 60.0}, {120.0, 89.999}, {10.0, -90.0}}) {
    auto const grid = grid_at(ra, dec);
    auto const ours = make_grid_wcs(grid), reference = by_wcslib(grid);
    for (double x = -200; x < 3200; x += 331.7)
      for (double y = -200; y < 2300; y += 417.3) {
        auto const sky = ours->pixel_to_sky(PixelPoint{x, y}), expected = reference->pixel_to_sky(PixelPoint{x, y});
        double const turn = std::remainder(sky.ra - expected.ra, 360.0) * std::cos(sky.dec * RadiansPerDegree);
        EXPECT_NEAR(turn, 0, 1e-12) << ra << " " << dec << " pixel " << x << " " << y;
        EXPECT_NEAR(sky.dec, expected.dec, 1e-12);
        auto const back = ours->sky_to_pixel(expected);
        EXPECT_NEAR(back.x, x, 1e-7);
        EXPECT_NEAR(back.y, y, 1e-7);
      }
  }
}

TEST(GridWcs, ReturnsWhereItCameFrom) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int trial = 0; trial < 200; ++trial) {
    auto const wcs = make_grid_wcs(grid_at(360 * uniform(random), 179 * uniform(random) - 89.5));
    PixelPoint const p{3000 * uniform(random), 2000 * uniform(random)};
    auto const sky = wcs->pixel_to_sky(p);
    EXPECT_GE(sky.ra, 0);
    EXPECT_LT(sky.ra, 360);
    auto const back = wcs->sky_to_pixel(sky);
    EXPECT_NEAR(back.x, p.x, 5e-8);
    EXPECT_NEAR(back.y, p.y, 5e-8);
  }
}

TEST(GridWcs, HasNoPixelBehindTheTangentPoint) {
  auto const wcs = make_grid_wcs(grid_at(10, 20));
  EXPECT_TRUE(std::isnan(wcs->sky_to_pixel(SkyPoint{190, -20}).x));
  EXPECT_TRUE(std::isnan(wcs->sky_to_pixel(SkyPoint{10, -75}).y));
  EXPECT_TRUE(std::isnan(wcs->sky_to_pixel(SkyPoint{std::nan(""), 20}).x));
}

TEST(GridWcs, RefusesASingularScaleAndAPositionOffTheSky) {
  auto grid = grid_at(10, 20);
  grid.pc = {{{1, 2}, {2, 4}}};
  EXPECT_THROW(make_grid_wcs(grid), InputError);
  EXPECT_THROW(make_grid_wcs(grid_at(10, 91)), InputError);
}

TEST(BoundingBoxOrArray, IsTheArrayWhereTheWcsHasNone) {
  auto grid = grid_at(10, 20);
  auto const array = bounding_box_or_array(*make_grid_wcs(grid), 30, 20);
  EXPECT_EQ(array.x_low, -0.5);
  EXPECT_EQ(array.x_high, 29.5);
  EXPECT_EQ(array.y_low, -0.5);
  EXPECT_EQ(array.y_high, 19.5);
  grid.bounding_box = {{{3.5, 17.5}, {-0.5, 9.5}}};
  auto const own = bounding_box_or_array(*make_grid_wcs(grid), 30, 20);
  EXPECT_EQ(own.x_low, 3.5);
  EXPECT_EQ(own.y_high, 9.5);
}

}  // namespace
}  // namespace tessera::sky
