#include "tessera/sky/unite_footprints.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/sky/footprint.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {
namespace {

/// 1000 x 800 pixels of 0.1 arcsec, north up.
model::SkyGrid small_grid() {
  model::SkyGrid grid;
  grid.nx = 1000;
  grid.ny = 800;
  grid.crpix = {500, 400};
  grid.crval = {359.999, 40};
  grid.cdelt = {0.1 / 3600, 0.1 / 3600};
  grid.bounding_box = {{{-0.5, 999.5}, {-0.5, 799.5}}};
  return grid;
}

model::SkyPolygon box_on_sky(model::SkyGrid const& grid, double x0, double y0, double x1, double y1) {
  auto const wcs = make_grid_wcs(grid);
  return {wcs->pixel_to_sky(PixelPoint{x0, y0}), wcs->pixel_to_sky(PixelPoint{x1, y0}),
          wcs->pixel_to_sky(PixelPoint{x1, y1}), wcs->pixel_to_sky(PixelPoint{x0, y1})};
}

/// Area of a polygon in pixels of the grid, by the shoelace formula.
double pixel_area(model::SkyGrid const& grid, model::SkyPolygon const& polygon) {
  auto const wcs = make_grid_wcs(grid);
  double twice = 0;
  for (std::size_t k = 0; k < polygon.size(); ++k) {
    auto const a = wcs->sky_to_pixel(polygon[k]), b = wcs->sky_to_pixel(polygon[(k + 1) % polygon.size()]);
    twice += a.x * b.y - b.x * a.y;
  }
  return std::abs(twice) / 2;
}

TEST(UniteFootprints, JoinsOverlappingBoxesWhicheverWayTheyTurn) {
  auto const grid = small_grid();
  auto reversed = box_on_sky(grid, 200, 150, 400, 350);
  std::reverse(reversed.begin(), reversed.end());
  auto const united = unite_footprints(grid, {box_on_sky(grid, 100, 100, 300, 300), reversed});
  ASSERT_EQ(united.size(), 1u);
  EXPECT_EQ(united[0].size(), 8u);  // an L-shaped union of two squares has eight corners
  EXPECT_NEAR(pixel_area(grid, united[0]), 2 * 200.0 * 200.0 - 100.0 * 150.0, 0.1);
}

TEST(UniteFootprints, KeepsIslandsApartLargestFirst) {
  auto const grid = small_grid();
  auto const united = unite_footprints(grid, {box_on_sky(grid, 10, 10, 60, 60), box_on_sky(grid, 500, 400, 800, 700)});
  ASSERT_EQ(united.size(), 2u);
  EXPECT_NEAR(pixel_area(grid, united[0]), 90000, 0.1);
  EXPECT_NEAR(pixel_area(grid, united[1]), 2500, 0.1);
  EXPECT_EQ(parse_s_region(format_s_regions(united)).size(), 2u);
}

TEST(UniteFootprints, ClipsToTheFrame) {
  auto const grid = small_grid();
  auto const united = unite_footprints(grid, {box_on_sky(grid, -100, -100, 99.5, 99.5)});
  ASSERT_EQ(united.size(), 1u);
  EXPECT_NEAR(pixel_area(grid, united[0]), 100.0 * 100.0, 0.1);
  EXPECT_TRUE(unite_footprints(grid, {box_on_sky(grid, -300, -300, -200, -200)}).empty());
}

}  // namespace
}  // namespace tessera::sky
