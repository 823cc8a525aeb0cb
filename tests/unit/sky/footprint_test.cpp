#include "tessera/sky/footprint.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numbers>
#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::sky {
namespace {

model::SkyGrid grid_at(SkyPoint crval, double scale = 1e-5) {
  model::SkyGrid grid;
  grid.nx = 1000;
  grid.ny = 600;
  grid.crpix = {499.5, 299.5};
  grid.crval = crval;
  grid.cdelt = {scale, scale};
  return grid;
}

TEST(Footprint, GoesRoundTheEdgesOfTheArrayInTheOrderOfTheReference) {
  auto const wcs = make_grid_wcs(grid_at({10, 20}));
  auto const polygon = footprint(*wcs, 1000, 600);
  ASSERT_EQ(polygon.size(), 4U);
  PixelPoint const corners[] = {{-0.5, -0.5}, {-0.5, 599.5}, {999.5, 599.5}, {999.5, -0.5}};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(polygon[k].ra, wcs->pixel_to_sky(corners[k]).ra);
    EXPECT_EQ(polygon[k].dec, wcs->pixel_to_sky(corners[k]).dec);
  }
}

TEST(FormatSRegion, WritesNineDecimalsAfterTwoBlanks) {
  EXPECT_EQ(format_s_region({{110.8301658791, -73.454059936}, {370, 1}, {-1, 2}}),
            "POLYGON ICRS  110.830165879 -73.454059936 10.000000000 1.000000000 359.000000000 2.000000000");
  EXPECT_EQ(format_s_region({{359.9999999999, 0}, {1, 1}, {2, 2}})->substr(0, 26), "POLYGON ICRS  0.000000000 ");
  EXPECT_EQ(format_s_region({{1, 2}, {std::nan(""), 1}, {2, 2}}), std::nullopt);
}

TEST(ParseSRegion, ReadsWhatIsWritten) {
  SkyPolygon const polygon{
      {110.830165879, -73.454059936}, {110.865652327, -73.468411218}, {110.915762664, -73.458475401}};
  auto const text = *format_s_region(polygon);
  auto const parsed = parse_s_region(text + "  polygon icrs " + text.substr(14));
  ASSERT_EQ(parsed.size(), 2U);
  for (auto const& p : parsed) {
    ASSERT_EQ(p.size(), 3U);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(p[k].ra, polygon[k].ra, 1e-12);
      EXPECT_NEAR(p[k].dec, polygon[k].dec, 1e-12);
    }
  }
}

TEST(ParseSRegion, DropsAFirstVertexThatIsRepeatedAtTheEnd) {
  EXPECT_EQ(parse_s_region("POLYGON 1 2 3 2 3 4 1 2").at(0).size(), 3U);
}

TEST(ParseSRegion, RefusesOtherShapesAndFrames) {
  for (char const* text :
       {"", "CIRCLE ICRS 1 2 3", "POLYGON FK5 1 2 3 4 5 6", "POLYGON ICRS 1 2 3 4", "POLYGON ICRS 1 2 3 4 5",
        "POLYGON ICRS 1 2 3 4 5 95", "POLYGON ICRS 1 2 3 4 5 6x", "POLYGON ICRS 1 2 3 4 5 nan"})
    EXPECT_THROW(parse_s_region(text), InputError) << text;
}

TEST(PolygonArea, IsAnEighthOfTheSphereForAnOctant) {
  EXPECT_NEAR(polygon_area({{0, 0}, {90, 0}, {0, 90}}), std::numbers::pi / 2, 1e-14);
  EXPECT_NEAR(polygon_area({{0, 90}, {90, 0}, {0, 0}}), std::numbers::pi / 2, 1e-14);
}

TEST(PolygonArea, KeepsItsDigitsForASinglePixel) {
  // a square in the tangent plane: area L^2 up to terms of relative order L^2
  double const scale = 8.6e-6, side = scale * RadiansPerDegree;
  for (double dec : {0.0, 45.0, -89.9}) {
    auto const wcs = make_grid_wcs(grid_at({359.99999, dec}, scale));
    SkyPolygon pixel;
    for (auto const& p : {PixelPoint{499, 299}, PixelPoint{500, 299}, PixelPoint{500, 300}, PixelPoint{499, 300}})
      pixel.push_back(wcs->pixel_to_sky(p));
    // positions in degrees near 360 are rounded to 6e-14 degrees, 7e-9 of the side
    EXPECT_NEAR(polygon_area(pixel) / (side * side), 1, 3e-8);
  }
}

TEST(Intersect, IsTheWholeOfAPolygonInsideAnother) {
  auto const large = footprint(*make_grid_wcs(grid_at({0.001, 80}, 2e-5)), 1000, 600);
  auto const small = footprint(*make_grid_wcs(grid_at({0.001, 80}, 1e-5)), 1000, 600);
  EXPECT_NEAR(polygon_area(intersect(large, small)) / polygon_area(small), 1, 1e-9);
  EXPECT_NEAR(polygon_area(intersect(small, large)) / polygon_area(small), 1, 1e-9);
}

TEST(Intersect, IsEmptyForPolygonsApartTouchingOrOppositeOnTheSky) {
  SkyPolygon const here{{10, 0}, {11, 0}, {11, 1}, {10, 1}};
  EXPECT_TRUE(intersect(here, {{12, 0}, {13, 0}, {13, 1}, {12, 1}}).empty());
  EXPECT_TRUE(intersect(here, {{190, -1}, {191, -1}, {191, 0}, {190, 0}}).empty());
  EXPECT_FALSE(overlaps(here, {{11, 0}, {12, 0}, {12, 1}, {11, 1}}));
  EXPECT_TRUE(overlaps(here, {{10.999, 0.5}, {12, 0.5}, {12, 0.6}}));
  EXPECT_TRUE(intersect({}, here).empty());
}

TEST(Intersect, HasTheAreaThatSamplingFinds) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 20; ++trial) {
    SkyPoint const centre{180 * (1 + uniform(random)), 80 * uniform(random)};
    auto grid = grid_at(centre);
    auto other = grid;
    double const rho = 3 * uniform(random);
    other.pc = {{{std::cos(rho), std::sin(rho)}, {-std::sin(rho), std::cos(rho)}}};
    other.crpix = {499.5 + 300 * uniform(random), 299.5 + 300 * uniform(random)};
    auto const first = make_grid_wcs(grid), second = make_grid_wcs(other);
    auto const overlap = intersect(footprint(*first, 1000, 600), footprint(*second, 1000, 600));
    int inside = 0;
    for (int y = 0; y < 600; y += 4)
      for (int x = 0; x < 1000; x += 4) {
        auto const p = second->sky_to_pixel(first->pixel_to_sky(PixelPoint{x + 1.5, y + 1.5}));
        inside += p.x > -0.5 && p.x < 999.5 && p.y > -0.5 && p.y < 599.5;
      }
    double const sampled = inside * 16 * std::pow(1e-5 * RadiansPerDegree, 2);
    EXPECT_NEAR(polygon_area(overlap), sampled, 0.01 * sampled + 2000 * std::pow(1e-5 * RadiansPerDegree, 2));
  }
}

}  // namespace
}  // namespace tessera::sky
