#include "tessera/kernels/reproject.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::kernels {
namespace {

using model::PixelBox;
using model::PixelMap;

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// X = x0 + a x + b y, Y = y0 + c x + d y of target pixel (x, y): exact as patches of degree 1.
struct Affine {
  double x0 = 0, a = 1, b = 0, y0 = 0, c = 0, d = 1;
  double X(double x, double y) const { return x0 + a * x + b * y; }
  double Y(double x, double y) const { return y0 + c * x + d * y; }

  PixelMap map(std::int64_t nx, std::int64_t ny) const {
    PixelMap made;
    made.nx = nx;
    made.ny = ny;
    made.valid = {0, 0, nx, ny};
    constexpr double Half = PixelMap::PatchSize / 2.0;
    for (std::int64_t row = 0; row < made.patch_rows(); ++row)
      for (std::int64_t column = 0; column < made.patch_columns(); ++column) {
        double const cx = static_cast<double>(column * PixelMap::PatchSize) + Half - 0.5,
                     cy = static_cast<double>(row * PixelMap::PatchSize) + Half - 0.5;
        made.patches.push_back({.degree = 1,
                                .finite = true,
                                .x = {X(cx, cy), a * Half, b * Half, 0},
                                .y = {Y(cx, cy), c * Half, d * Half, 0}});
      }
    return made;
  }
};

Affine turned(double degrees, double scale, double x0, double y0) {
  double const angle = degrees * 0.017453292519943295, c = scale * std::cos(angle), s = scale * std::sin(angle);
  return {x0, c, -s, y0, s, c};
}

struct Image {
  std::int64_t nx, ny;
  std::vector<float> values;
  float& at(std::int64_t x, std::int64_t y) { return values[static_cast<std::size_t>(y * nx + x)]; }
  ImagePart whole() const { return {values.data(), {0, 0, nx, ny}, nx, ny}; }
};

template <class Function>
Image make_image(std::int64_t nx, std::int64_t ny, Function&& value) {
  Image image{nx, ny, {}};
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x)
      image.values.push_back(static_cast<float>(value(static_cast<double>(x), static_cast<double>(y))));
  return image;
}

std::vector<float> run(Reprojection method, Image const& image, PixelMap const& map, PixelBox const& target) {
  std::vector<float> out(static_cast<std::size_t>(target.width() * target.height()), -1);
  reproject(method, image.whole(), map, target, out.data());
  return out;
}
std::vector<float> run(Reprojection method, Image const& image, PixelMap const& map) {
  return run(method, image, map, {0, 0, map.nx, map.ny});
}

double plane(double x, double y) { return 3 + 0.25 * x - 0.5 * y; }

TEST(ReprojectInterp, GivesPlanesExactlyWithinTheCentresAndNothingBeyondHalfAPixel) {
  auto const image = make_image(60, 50, plane);
  for (double const angle : {0.0, 33.0, 120.0, -77.0}) {
    auto const way = turned(angle, 0.9, 25.7, 20.7);
    Affine centred = way;  // target pixel (150, 140) is the middle of the image
    centred.x0 -= way.a * 150 + way.b * 140;
    centred.y0 -= way.c * 150 + way.d * 140;
    auto const map = centred.map(300, 280);
    auto const out = run(Reprojection::Interp, image, map);
    int inside = 0, repeated = 0;
    for (std::int64_t y = 0; y < 280; ++y)
      for (std::int64_t x = 0; x < 300; ++x) {
        double const X = centred.X(static_cast<double>(x), static_cast<double>(y)),
                     Y = centred.Y(static_cast<double>(x), static_cast<double>(y));
        float const value = out[static_cast<std::size_t>(y * 300 + x)];
        if (X < -0.5 - 1e-9 || X > 59.5 + 1e-9 || Y < -0.5 - 1e-9 || Y > 49.5 + 1e-9) {
          ASSERT_TRUE(std::isnan(value)) << X << " " << Y;
        } else if (X > -0.5 + 1e-9 && X < 59.5 - 1e-9 && Y > -0.5 + 1e-9 && Y < 49.5 - 1e-9) {
          // beyond the outermost centres the value at the nearest of them is repeated
          double const cx = std::clamp(X, 0.0, 59.0), cy = std::clamp(Y, 0.0, 49.0);
          ASSERT_NEAR(value, plane(cx, cy), 1e-5);
          ++inside;
          repeated += cx != X || cy != Y;
        }
      }
    EXPECT_GT(inside, 3000);
    EXPECT_GT(repeated, 100);
  }
}

TEST(ReprojectInterp, ANanAmongTheFourNeighboursIsANan) {
  auto image = make_image(9, 9, plane);
  image.at(4, 3) = NaN;
  auto const map = Affine{0, 0.25, 0, 0, 0, 0.25}.map(32, 32);
  auto const out = run(Reprojection::Interp, image, map);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x) {
      int const left = x / 4, low = y / 4;  // neighbours left, left + 1
      bool const touches = (left == 4 || left + 1 == 4) && (low == 3 || low + 1 == 3);
      EXPECT_EQ(std::isnan(out[static_cast<std::size_t>(y * 32 + x)]), touches) << x << " " << y;
    }
}

TEST(ReprojectInterp, APartOfTheImageGivesTheSameWhereItReaches) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  auto const image = make_image(300, 200, [&](double, double) { return normal(random); });
  auto const map = turned(20, 1.1, 30.0, -40.0).map(260, 240);
  PixelBox const target{40, 50, 200, 170};
  auto const box = reach_of(map, target, 300, 200);
  EXPECT_FALSE(box.empty());
  EXPECT_LT(box.width() * box.height(), 300 * 200);
  std::vector<float> part;
  for (std::int64_t y = box.y0; y < box.y1; ++y)
    for (std::int64_t x = box.x0; x < box.x1; ++x) part.push_back(image.values[static_cast<std::size_t>(y * 300 + x)]);
  std::vector<float> out(static_cast<std::size_t>(target.width() * target.height()));
  reproject_interp({part.data(), box, 300, 200}, map, target, out.data());
  auto const expected = run(Reprojection::Interp, image, map, target);
  auto const all = run(Reprojection::Interp, image, map);
  int values = 0;
  for (std::size_t k = 0; k < out.size(); ++k) {
    auto const in_all = static_cast<std::size_t>((50 + static_cast<std::int64_t>(k) / 160) * 260 + 40 +
                                                 static_cast<std::int64_t>(k) % 160);
    ASSERT_TRUE(out[k] == expected[k] || (std::isnan(out[k]) && std::isnan(expected[k])));
    ASSERT_TRUE(out[k] == all[in_all] || (std::isnan(out[k]) && std::isnan(all[in_all])));
    values += !std::isnan(out[k]);
  }
  EXPECT_GT(values, 5000);

  // one row less, and what needs it is missing
  PixelBox const less{box.x0, box.y0, box.x1, box.y1 - 1};
  reproject_interp({part.data(), less, 300, 200}, map, target, out.data());
  int missing = 0;
  for (std::size_t k = 0; k < out.size(); ++k) missing += std::isnan(out[k]) && !std::isnan(expected[k]);
  EXPECT_GT(missing, 0);
  EXPECT_LT(missing, 500);
}

TEST(ReprojectInterp, GivesNothingWhereTheMapHasNoPosition) {
  auto const image = make_image(10, 10, plane);
  auto map = Affine{}.map(10, 10);
  map.patches[0].finite = false;
  for (auto const method : {Reprojection::Interp, Reprojection::Exact, Reprojection::Adaptive})
    for (float const value : run(method, image, map)) EXPECT_TRUE(std::isnan(value));
  std::vector<std::uint8_t> const mask(100, 1);
  std::vector<std::uint8_t> out(100, 7);
  reproject_nearest(mask.data(), 10, 10, map, {0, 0, 10, 10}, out.data());
  EXPECT_EQ(std::accumulate(out.begin(), out.end(), 0), 0);
  EXPECT_TRUE(reach_of(map, {0, 0, 10, 10}, 10, 10).empty());
}

TEST(ReprojectNearest, TakesTheNearestPixelAndNothingFurtherThanHalfAPixelOutside) {
  std::vector<std::uint8_t> mask(12, 0);
  mask[0] = 1;   // (0, 0)
  mask[11] = 1;  // (3, 2) of 4 x 3
  // quarters of a pixel from -1 up
  auto const map = Affine{-1, 0.25, 0, -1, 0, 0.25}.map(24, 20);
  std::vector<std::uint8_t> out(24 * 20);
  reproject_nearest(mask.data(), 4, 3, map, {0, 0, 24, 20}, out.data());
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 24; ++x) {
      double const X = -1 + 0.25 * x, Y = -1 + 0.25 * y;
      bool const first = X >= -0.5 && X < 0.5 && Y >= -0.5 && Y < 0.5;
      bool const last = X >= 2.5 && X <= 3.5 && Y >= 1.5 && Y <= 2.5;
      EXPECT_EQ(out[static_cast<std::size_t>(y * 24 + x)], first || last ? 1 : 0) << X << " " << Y;
    }
}

TEST(ReprojectExact, IsTheMeanOverTheTargetPixel) {
  auto const image = make_image(40, 40, [](double x, double y) { return x * x + 2 * y; });
  // target pixels of 2 x 2 image pixels, edges on edges
  auto const map = Affine{0.5, 2, 0, 0.5, 0, 2}.map(20, 20);
  auto const out = run(Reprojection::Exact, image, map);
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 20; ++x) {
      double const expected = (4.0 * x * x + (2.0 * x + 1) * (2.0 * x + 1)) / 2 + 2 * (2.0 * y + 0.5);
      EXPECT_NEAR(out[static_cast<std::size_t>(y * 20 + x)], expected, 1e-4 * (1 + expected));
    }
}

TEST(ReprojectExact, AgreesWithManySamplesOfTurnedPixels) {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  auto image = make_image(30, 30, [&](double, double) { return normal(random); });
  image.at(14, 15) = NaN;  // left out of the mean
  for (double const angle : {12.0, 45.0, 200.0}) {
    auto way = turned(angle, 1.4, 15, 15);
    way.x0 -= way.a * 5 + way.b * 5;
    way.y0 -= way.c * 5 + way.d * 5;
    auto const map = way.map(11, 11);
    auto const out = run(Reprojection::Exact, image, map);
    constexpr int Samples = 400;
    for (int y = 0; y < 11; ++y)
      for (int x = 0; x < 11; ++x) {
        double sum = 0;
        int count = 0;
        for (int v = 0; v < Samples; ++v)
          for (int u = 0; u < Samples; ++u) {
            double const tx = x - 0.5 + (u + 0.5) / Samples, ty = y - 0.5 + (v + 0.5) / Samples;
            auto const i = static_cast<std::int64_t>(std::floor(way.X(tx, ty) + 0.5)),
                       j = static_cast<std::int64_t>(std::floor(way.Y(tx, ty) + 0.5));
            if (i < 0 || j < 0 || i >= 30 || j >= 30 || std::isnan(image.at(i, j))) continue;
            sum += static_cast<double>(image.at(i, j));
            ++count;
          }
        float const value = out[static_cast<std::size_t>(y * 11 + x)];
        if (count > Samples) {
          EXPECT_NEAR(value, sum / count, 0.01) << x << " " << y;
        } else if (count == 0) {
          EXPECT_TRUE(std::isnan(value));
        }
      }
  }
}

TEST(ReprojectExact, KeepsTheSumOfASourceThatTheTargetHolds) {
  auto const image = make_image(40, 40, [](double x, double y) {
    return std::exp(-0.5 * ((x - 20.3) * (x - 20.3) + (y - 19.6) * (y - 19.6)) / 4);
  });
  auto way = turned(31, 0.7, 20, 20);
  way.x0 -= way.a * 25 + way.b * 25;
  way.y0 -= way.c * 25 + way.d * 25;
  auto const out = run(Reprojection::Exact, image, way.map(51, 51));
  double sum = 0, expected = 0;
  for (float const value : out) sum += std::isnan(value) ? 0 : static_cast<double>(value);
  for (float const value : image.values) expected += static_cast<double>(value);
  EXPECT_NEAR(sum * 0.49, expected, 1e-4 * expected);
}

TEST(ReprojectAdaptive, IsAGaussianMeanOfTheTargetPixelsWidth) {
  auto image = make_image(101, 101, [](double, double) { return 0; });
  image.at(50, 50) = 1;
  // target pixels three image pixels wide: the answer to a point is the Gaussian of 0.65 x 3 image pixels, normalised
  auto const map = Affine{50 - 16 * 3.0, 3, 0, 50 - 16 * 3.0, 0, 3}.map(33, 33);
  auto const out = run(Reprojection::Adaptive, image, map);
  double weights = 0;
  for (int v = -6; v <= 6; ++v)
    for (int u = -6; u <= 6; ++u) weights += std::exp(-0.5 * (u * u + v * v) / (1.95 * 1.95));
  EXPECT_NEAR(out[16 * 33 + 16], 1 / weights, 1e-7);
  EXPECT_NEAR(out[16 * 33 + 17], std::exp(-0.5 * 9 / (1.95 * 1.95)) / weights, 1e-7);
  EXPECT_EQ(out[16 * 33 + 19], 0.0f);  // nine image pixels away: outside the region
}

TEST(ReprojectAdaptive, GivesPlanesAndRefusesNanAndTheEdge) {
  auto image = make_image(50, 50, plane);
  for (double const scale : {0.4, 1.0, 2.5}) {
    auto way = turned(25, scale, 25, 25);
    way.x0 -= way.a * 20 + way.b * 20;
    way.y0 -= way.c * 20 + way.d * 20;
    auto const out = run(Reprojection::Adaptive, image, way.map(41, 41));
    // at the middle of the image the samples are symmetric about the position
    EXPECT_NEAR(out[20 * 41 + 20], plane(25, 25), 1e-5) << scale;
  }
  image.at(25, 25) = NaN;
  auto const map = Affine{}.map(50, 50);
  auto const out = run(Reprojection::Adaptive, image, map);
  EXPECT_TRUE(std::isnan(out[25 * 50 + 27]));
  EXPECT_FALSE(std::isnan(out[25 * 50 + 28]));
  EXPECT_TRUE(std::isnan(out[10 * 50 + 1]));
  EXPECT_FALSE(std::isnan(out[10 * 50 + 2]));
}

TEST(ParseReprojection, KnowsThreeNames) {
  EXPECT_EQ(parse_reprojection("interp"), Reprojection::Interp);
  EXPECT_EQ(parse_reprojection("exact"), Reprojection::Exact);
  EXPECT_EQ(parse_reprojection("adaptive"), Reprojection::Adaptive);
  EXPECT_THROW(parse_reprojection("bilinear"), ConfigError);
}

}  // namespace
}  // namespace tessera::kernels
