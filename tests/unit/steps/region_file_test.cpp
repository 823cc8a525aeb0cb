// DS9 region files.
#include "../../../src/steps/single_tile_destripe/region_file.hpp"

#include <gtest/gtest.h>

#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

Region parse_one(std::string const& text) {
  auto const regions = parse_regions(text, "mask.reg");
  EXPECT_EQ(regions.size(), 1u);
  return regions.front();
}

TEST(ParseRegions, ReadsWhatDs9Writes) {
  auto const regions = parse_regions(
      "# Region file format: DS9 version 4.1\n"
      "global color=green dashlist=8 3 width=1 font=\"helvetica 10\"\n"
      "fk5\n"
      "circle(24.1736,15.7836,12.5\")\n"
      "ellipse(1:36:41.7,+15:47:01,1.5',30\",40) # text={disc}\n"
      "-box(24.17,15.78,0.01,0.02,10)\r\n"
      "polygon(24.1,15.7,24.2,15.7,24.2,15.8)\n"
      "# text(24.1,15.7) text={note}\n"
      "point(24.1,15.7)\n",
      "mask.reg");
  ASSERT_EQ(regions.size(), 4u);
  EXPECT_TRUE(regions[0].is_sky);
  EXPECT_NEAR(regions[0].radius_x, 12.5 / 3600, 1e-12);
  EXPECT_NEAR(regions[1].points[0].x, 15 * (1 + 36 / 60.0 + 41.7 / 3600), 1e-10);
  EXPECT_NEAR(regions[1].points[0].y, 15 + 47 / 60.0 + 1 / 3600.0, 1e-10);
  EXPECT_NEAR(regions[1].radius_x, 1.5 / 60, 1e-12);
  EXPECT_NEAR(regions[1].radius_y, 30 / 3600.0, 1e-12);
  EXPECT_EQ(regions[1].angle, 40);
  EXPECT_TRUE(regions[2].excludes);
  EXPECT_EQ(regions[2].radius_y, 0.01) << "half of the side";
  EXPECT_EQ(regions[3].points.size(), 3u);
}

TEST(ParseRegions, CountsImagePixelsFromOne) {
  auto const circle = parse_one("image; circle 10 20 3");
  EXPECT_FALSE(circle.is_sky);
  EXPECT_EQ(circle.points[0].x, 9);
  EXPECT_EQ(circle.points[0].y, 19);
  EXPECT_TRUE(circle.contains({12, 19}));
  EXPECT_FALSE(circle.contains({12.1, 19}));
}

TEST(ParseRegions, UnderstandsSexagesimalOfBothForms) {
  auto const a = parse_one("icrs;circle(1h36m41.7s,-0d30m00s,2d)"),
             b = parse_one("icrs circle(01:36:41.7,-00:30:00,2)");
  EXPECT_NEAR(a.points[0].x, b.points[0].x, 1e-12);
  EXPECT_EQ(a.points[0].y, -0.5);
  EXPECT_EQ(b.points[0].y, -0.5);
  EXPECT_EQ(a.radius_x, 2);
  EXPECT_EQ(parse_one("fk5;circle(24d30m,1,1)").points[0].x, 24.5);
}

TEST(RegionContains, TurnsCounterclockwise) {
  auto const ellipse = parse_one("image;ellipse(101,101,40,10,30)");
  EXPECT_TRUE(ellipse.contains({100 + 38 * 0.8660254, 100 + 38 * 0.5}));
  EXPECT_FALSE(ellipse.contains({100 + 38 * 0.8660254, 100 - 38 * 0.5}));
  auto const box = parse_one("image;box(101,101,80,20,90)");
  EXPECT_TRUE(box.contains({100 + 9.9, 100 + 39.9}));
  EXPECT_FALSE(box.contains({100 + 39.9, 100 + 9.9}));
}

TEST(RegionContains, TakesPolygonsThatAreNotConvex) {
  auto const polygon = parse_one("image;polygon(1,1,11,1,11,11,6,3,1,11)");
  EXPECT_TRUE(polygon.contains({1, 5}));
  EXPECT_FALSE(polygon.contains({5, 5}));
  EXPECT_TRUE(polygon.contains({9, 5}));
}

TEST(ParseRegions, SaysTheLineThatIsWrong) {
  auto const problem = [](std::string const& text) {
    try {
      parse_regions(text, "mask.reg");
    } catch (InputError const& error) {
      return error.problem().where + ": " + error.problem().what;
    }
    return std::string("nothing");
  };
  EXPECT_EQ(problem("image\n\ncircle(1,2)"), "mask.reg, line 3: wrong number of arguments");
  EXPECT_EQ(problem("circle(1,2,3)"), "mask.reg, line 1: no system of coordinates before this region");
  EXPECT_EQ(problem("galactic;circle(1,2,3)"), "mask.reg, line 1: this system of coordinates is not known here");
  EXPECT_EQ(problem("image\nannulus(1,2,3,4)"), "mask.reg, line 2: this shape is not known here");
  EXPECT_EQ(problem("image\ncircle(1,2,-3)"), "mask.reg, line 2: not a length");
  EXPECT_EQ(problem("image\ncircle(1,x,3)"), "mask.reg, line 2: not a position");
  EXPECT_EQ(problem("fk5\ncircle(1,95,3)"), "mask.reg, line 2: not a declination");
  EXPECT_EQ(problem("fk5\ncircle(1:75:00,5,3)"), "mask.reg, line 2: not a position");
  EXPECT_EQ(problem("image\ncircle(1,2,3"), "mask.reg, line 2: a bracket is not closed");
  EXPECT_EQ(problem("image\npolygon(1,2,3,4)"), "mask.reg, line 2: wrong number of arguments");
  EXPECT_EQ(problem("# nothing\n"), "mask.reg, line 1: no region");
  EXPECT_THROW(read_region_file("/nowhere/mask.reg"), InputError);
}

}  // namespace
}  // namespace tessera::steps
