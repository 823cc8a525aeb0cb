// Filled polygons against the reference library (skymatch_cases.json) and their properties.
#include "tessera/kernels/polygon_fill.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "support/test_files.hpp"

namespace tessera::kernels {
namespace {

using Polygon = std::vector<model::PixelPoint>;
using Mask = std::vector<std::vector<int>>;

Mask to_mask(std::vector<PixelRun> const& runs, std::int64_t nx, std::int64_t ny) {
  Mask mask(static_cast<std::size_t>(ny), std::vector<int>(static_cast<std::size_t>(nx), 0));
  for (auto const& run : runs)
    for (std::int64_t x = run.x0; x < run.x1; ++x)
      ++mask.at(static_cast<std::size_t>(run.y)).at(static_cast<std::size_t>(x));
  return mask;
}

Polygon rectangle(double x0, double y0, double x1, double y1) { return {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}; }

TEST(FillPolygon, AgreesWithTheReferenceLibrary) {
  for (auto const& one : test::read_vector("skymatch_cases.json").at("polygon_fill")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    auto const shape = one.at("shape_ny_nx").get<std::vector<std::int64_t>>();
    Polygon vertices;
    for (auto const& vertex : one.at("vertices_xy")) vertices.push_back({vertex.at(0), vertex.at(1)});
    EXPECT_EQ(to_mask(fill_polygon(vertices, shape[1], shape[0]), shape[1], shape[0]),
              one.at("expected_mask").get<Mask>());
  }
}

TEST(FillPolygon, TheOutlineOfAnImageIsTheWholeImageWhateverTheRoundingNoise) {
  std::mt19937 random(11);
  auto const noise = [&] { return (static_cast<double>(random()) / 4294967296.0 - 0.5) * 1e-8; };
  for (int trial = 0; trial < 100; ++trial) {
    Polygon outline = rectangle(-0.5, -0.5, 19.5, 11.5);
    for (auto& vertex : outline) {
      vertex.x += noise();
      vertex.y += noise();
    }
    EXPECT_EQ(count_pixels(fill_polygon(outline, 20, 12)), 20 * 12);
  }
}

TEST(FillPolygon, DoesNotDependOnTheFirstVertexNorOnTheDirection) {
  Polygon vertices{{6.5, 0.3}, {12.4, 6.1}, {7.2, 12.8}, {1.1, 7.0}};
  auto const runs = fill_polygon(vertices, 14, 14);
  EXPECT_FALSE(runs.empty());
  for (int turn = 0; turn < 4; ++turn) {
    std::rotate(vertices.begin(), vertices.begin() + 1, vertices.end());
    EXPECT_EQ(fill_polygon(vertices, 14, 14), runs);
    EXPECT_EQ(fill_polygon(Polygon(vertices.rbegin(), vertices.rend()), 14, 14), runs);
  }
}

TEST(FillPolygon, CountsAboutAsManyPixelsAsThePolygonHasArea) {
  std::mt19937 random(5);
  auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
  for (int trial = 0; trial < 50; ++trial) {
    double const cx = 150 + 20 * uniform(), cy = 150 + 20 * uniform(), r = 60 + 40 * uniform(), turn = uniform();
    Polygon vertices;
    for (int k = 0; k < 7; ++k)
      vertices.push_back({cx + r * std::cos(turn + k * 0.8975979), cy + r * std::sin(turn + k * 0.8975979)});
    double const area = 3.5 * r * r * std::sin(2 * 3.14159265358979 / 7);
    // half a pixel of rounding and both ends inclusive: one row of pixels along the outline, at most
    EXPECT_NEAR(static_cast<double>(count_pixels(fill_polygon(vertices, 400, 400))), area, 6.3 * r);
  }
}

TEST(FillPolygon, StaysInsideTheImageHoweverFarThePolygonReaches) {
  EXPECT_EQ(count_pixels(fill_polygon(rectangle(-1e300, -1e300, 1e300, 1e300), 30, 20)), 600);
  EXPECT_TRUE(fill_polygon(rectangle(50, 50, 60, 60), 30, 20).empty());
  EXPECT_TRUE(fill_polygon(rectangle(-60, -60, -50, -50), 30, 20).empty());
}

TEST(FillPolygon, ANarrowPolygonIsNoPixelOrALine) {
  EXPECT_TRUE(fill_polygon(rectangle(2, 3.1, 8, 3.2), 10, 10).empty());  // rounds to a line along x: no edge is left
  EXPECT_EQ(count_pixels(fill_polygon(rectangle(2.1, 3, 2.2, 6), 10, 10)), 4);  // x = 2, rows 3 to 6
}

TEST(FillPolygon, FillsBothArmsOfADentedPolygonOnce) {
  Polygon const notched{{0, 0}, {10, 0}, {10, 10}, {5, 4}, {0, 10}};
  auto const mask = to_mask(fill_polygon(notched, 12, 12), 12, 12);
  EXPECT_EQ(mask[2], (std::vector<int>{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(mask[9][0] + mask[9][10], 2);
  EXPECT_EQ(mask[9][5], 0);
  for (auto const& row : mask)
    for (int const count : row) EXPECT_LE(count, 1);
}

TEST(FillPolygon, HasNoPixelsWithoutThreeFiniteVertices) {
  EXPECT_TRUE(fill_polygon(Polygon{}, 10, 10).empty());
  EXPECT_TRUE(fill_polygon(Polygon{{0, 0}, {5, 5}}, 10, 10).empty());
  EXPECT_TRUE(fill_polygon(Polygon{{0, 0}, {5, 0}, {std::nan(""), 5}}, 10, 10).empty());
}

TEST(UniteRuns, JoinsRunsThatTouchOrOverlapAndSortsThem) {
  EXPECT_EQ(unite_runs({{2, 5, 7}, {1, 4, 6}, {1, 0, 4}, {2, 9, 10}, {1, 2, 5}}),
            (std::vector<PixelRun>{{1, 0, 6}, {2, 5, 7}, {2, 9, 10}}));
  EXPECT_TRUE(unite_runs({}).empty());
}

}  // namespace
}  // namespace tessera::kernels
