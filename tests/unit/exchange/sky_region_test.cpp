// Overlaps of exposures in pixels of one of them.
#include "tessera/exchange/sky_region.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/exposure_files.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::exchange {
namespace {

/// A tangent-plane WCS that bows: x' = x + bow (y/ny)^2-like terms by SIP, in pixels at the edges.
sky::WcsPointer bowed_wcs(std::int64_t nx, std::int64_t ny, double ra, double dec, double bow, double angle_deg = 0) {
  model::Header header;
  test::set_tan(header, nx, ny, ra, dec, 0.1, angle_deg);
  if (bow != 0) {
    double const half = static_cast<double>(ny) / 2;
    header.set("CTYPE1", "RA---TAN-SIP");
    header.set("CTYPE2", "DEC--TAN-SIP");
    header.set("A_ORDER", 2);
    header.set("B_ORDER", 2);
    header.set("A_0_2", bow / half / half);
    header.set("B_2_0", bow / half / half);
  }
  return sky::make_fits_wcs(header, nx, ny);
}

double centre_of(std::vector<kernels::PixelRun> const& runs) {
  double sum = 0;
  for (auto const& run : runs)
    sum += static_cast<double>(run.x1 - run.x0) * 0.5 * static_cast<double>(run.x0 + run.x1 - 1);
  return sum / static_cast<double>(kernels::count_pixels(runs));
}

TEST(SkyOutline, GoesRoundTheOuterEdgesOfTheImage) {
  auto const wcs = bowed_wcs(100, 60, 30, 10, 0);
  auto const corners = sky_outline(*wcs, 100, 60, std::nullopt);
  ASSERT_EQ(corners.size(), 4u);
  auto const first = wcs->sky_to_pixel(corners[0]), third = wcs->sky_to_pixel(corners[2]);
  EXPECT_NEAR(first.x, -0.5, 1e-7);
  EXPECT_NEAR(first.y, -0.5, 1e-7);
  EXPECT_NEAR(third.x, 99.5, 1e-7);
  EXPECT_NEAR(third.y, 59.5, 1e-7);
  // ceil(101 / 25) = 5 vertices along x and ceil(61 / 25) = 3 along y, corners shared
  auto const stepped = sky_outline(*wcs, 100, 60, 25.0);
  EXPECT_EQ(stepped.size(), 2u * (5 - 1) + 2u * (3 - 1));
  for (auto const& vertex : stepped) {
    auto const pixel = wcs->sky_to_pixel(vertex);
    double const edge = std::min(
        {std::abs(pixel.x + 0.5), std::abs(pixel.x - 99.5), std::abs(pixel.y + 0.5), std::abs(pixel.y - 59.5)});
    EXPECT_NEAR(edge, 0, 1e-7);
  }
}

TEST(OverlapPixels, OfAnImageWithItselfIsTheWholeImage) {
  for (double const bow : {0.0, 3.0, -3.0}) {
    auto const wcs = bowed_wcs(200, 200, 30, 10, bow, 25);
    for (auto const& step : {std::optional<double>(), std::optional(10.0)}) {
      auto const outline = sky_outline(*wcs, 200, 200, step);
      EXPECT_EQ(kernels::count_pixels(overlap_pixels(*wcs, 200, 200, outline, outline)), 200 * 200)
          << "bow " << bow << (step ? ", many vertices" : "");
    }
  }
}

TEST(OverlapPixels, CountsWhatTheImagesShare) {
  auto const left = bowed_wcs(200, 200, 30, 10, 0),
             right = bowed_wcs(200, 200, 30 - 5.0 / 3600 / std::cos(0.17453), 10, 0);
  for (auto const& step : {std::optional<double>(), std::optional(10.0)}) {
    auto const of_left = sky_outline(*left, 200, 200, step), of_right = sky_outline(*right, 200, 200, step);
    // north up, east left: the second lies 50 pixels to the right
    auto const runs = overlap_pixels(*left, 200, 200, of_left, of_right);
    EXPECT_NEAR(static_cast<double>(kernels::count_pixels(runs)), 150.0 * 200, 2 * 200);
    EXPECT_NEAR(centre_of(runs), 124.5, 1);
    EXPECT_NEAR(static_cast<double>(kernels::count_pixels(overlap_pixels(*right, 200, 200, of_right, of_left))),
                150.0 * 200, 2 * 200);
  }
}

/// Four corners miss what bows out between them; many vertices do not.
TEST(OverlapPixels, ManyVerticesFollowABowedOutline) {
  std::int64_t const n = 200;
  auto const bowed = bowed_wcs(n, n, 30, 10, 12);
  auto const wide = bowed_wcs(n, n, 30, 10, 0);
  auto const count = [&](std::optional<double> step) {
    auto const runs = overlap_pixels(*wide, n, n, sky_outline(*wide, n, n, step), sky_outline(*bowed, n, n, step));
    return static_cast<double>(kernels::count_pixels(runs));
  };
  // Pixels of the flat image that the bowed one covers, by asking it for each.
  double covered = 0;
  for (std::int64_t y = 0; y < n; ++y)
    for (std::int64_t x = 0; x < n; ++x) {
      auto const pixel = bowed->sky_to_pixel(wide->pixel_to_sky({static_cast<double>(x), static_cast<double>(y)}));
      covered += pixel.x >= -0.5 && pixel.x <= n - 0.5 && pixel.y >= -0.5 && pixel.y <= n - 0.5;
    }
  EXPECT_NEAR(count(5.0), covered, 2.0 * n) << "half a pixel all round";
  EXPECT_GT(std::abs(count(std::nullopt) - covered), 3.0 * n);
}

TEST(OverlapPixels, OfImagesApartIsEmpty) {
  auto const here = bowed_wcs(50, 50, 30, 10, 0), there = bowed_wcs(50, 50, 31, 10, 0);
  for (auto const& step : {std::optional<double>(), std::optional(10.0)})
    EXPECT_TRUE(
        overlap_pixels(*here, 50, 50, sky_outline(*here, 50, 50, step), sky_outline(*there, 50, 50, step)).empty());
}

}  // namespace
}  // namespace tessera::exchange
