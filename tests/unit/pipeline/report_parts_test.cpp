// Pieces of the report: HTML, tables, drawings, pictures, comparison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "../../../src/pipeline/report/compare_mosaics.hpp"
#include "../../../src/pipeline/report/csv_table.hpp"
#include "../../../src/pipeline/report/html.hpp"
#include "../../../src/pipeline/report/picture_shelf.hpp"
#include "../../../src/pipeline/report/svg.hpp"
#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

std::size_t count(std::string const& text, std::string const& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(escape_html("\xc3\xa9 \xe2\x80\xb3 \xf0\x9f\x8c\x8c"), "\xc3\xa9 \xe2\x80\xb3 \xf0\x9f\x8c\x8c");
}

TEST(EscapeHtml, ReplacesWhatIsNoText) {
  std::string const sign = "\xef\xbf\xbd";
  EXPECT_EQ(escape_html(std::string("a\0b\x1b", 4)), "a" + sign + "b" + sign);
  EXPECT_EQ(escape_html("\xff"), sign);
  EXPECT_EQ(escape_html("\xc0\xbc"), sign + sign);             // '<' in two bytes
  EXPECT_EQ(escape_html("\xe2\x80"), sign + sign);             // cut off
  EXPECT_EQ(escape_html("\xed\xa0\x80"), sign + sign + sign);  // half of a pair
  EXPECT_EQ(escape_html("\n\t"), "\n\t");
}

TEST(LinkTarget, IsARelativeUrl) {
  EXPECT_EQ(link_target("/d/report/index.html", "/d/ngc/F300M/a.fits"), "../ngc/F300M/a.fits");
  EXPECT_EQ(link_target("/d/report/index.html", "/d/report/a b#1?%\".png"), "./a%20b%231%3F%25%22.png");
  EXPECT_EQ(link_target("/d/report/index.html", "/d/report/javascript:x"), "./javascript%3Ax");
}

TEST(Base64, MatchesTheStandard) {  // RFC 4648, section 10
  auto const of = [](std::string const& text) { return base64(std::as_bytes(std::span(text))); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(of("\xff\xfe\xfd"), "//79");
}

TEST(HtmlTables, SayWhatTheyLeaveOut) {
  HtmlTable table({"a", "<b>"});
  EXPECT_EQ(table.html(), "");
  for (int k = 0; k < 5; ++k) table.add({std::to_string(k), "x"});
  EXPECT_EQ(count(table.html(), "<tr>"), 6u);
  EXPECT_THAT(table.html(), HasSubstr("&lt;b&gt;"));
  EXPECT_EQ(count(table.html(3), "<tr>"), 4u);
  EXPECT_THAT(table.html(3), HasSubstr("2 more rows"));
}

TEST(ReportLists, AreFoldedUpWhereTheyAreLong) {
  EXPECT_EQ(list_section("Notes", {}), "");
  EXPECT_THAT(list_section("Notes", {"<x>"}), HasSubstr("<li>&lt;x&gt;</li>"));
  EXPECT_THAT(list_section("Notes", std::vector<std::string>(26, "x")), HasSubstr("<details><summary>26 lines"));
  EXPECT_THAT(list_section("Notes", std::vector<std::string>(25, "x")), Not(HasSubstr("<details>")));
}

class CsvFile : public testing::Test {
 protected:
  std::filesystem::path write(std::string const& text) {
    std::ofstream(folder_.path() / "table") << text;
    return folder_.path() / "table";
  }
  test::ScratchFolder folder_{"csv_table"};
};

TEST_F(CsvFile, HasQuotedFieldsMissingFieldsAndNumbers) {
  auto const table = read_csv(write("group,x,reason\n\"a,b\",1.5e-3,\"he said \"\"no\"\"\"\r\nc,,\nd\n")).value();
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.text(0, "group"), "a,b");
  EXPECT_EQ(table.number(0, "x"), 1.5e-3);
  EXPECT_EQ(table.text(0, "reason"), "he said \"no\"");
  EXPECT_EQ(table.number(1, "x"), std::nullopt);
  EXPECT_EQ(table.text(2, "reason"), "");
  EXPECT_EQ(table.text(0, "nothing"), "");
  EXPECT_THAT(table.numbers("x"), ElementsAre(1.5e-3));
}

TEST_F(CsvFile, MayBeSeparatedByTabs) {
  auto const table = read_csv(write("# east 1\t|left|\n1.5\t\"2\n"), '\t').value();
  EXPECT_EQ(table.number(0, "east 1"), 1.5);
  EXPECT_EQ(table.text(0, "|left|"), "\"2");
}

TEST_F(CsvFile, IsNothingWhereThereIsNone) {
  EXPECT_FALSE(read_csv(folder_.path() / "missing"));
  EXPECT_FALSE(read_csv(write("")));
  EXPECT_FALSE(read_csv(folder_.path()));
}

TEST(BarChart, DrawsBarsInProportionAndEscapesNames) {
  std::vector<Bar> const bars{{"<slow>", 4, "4 s"}, {"fast", 1, "1 s"}, {"broken", std::nan(""), "?"}};
  auto const svg = bar_chart_svg("times", bars);
  EXPECT_THAT(svg, HasSubstr("&lt;slow&gt;"));
  std::vector<double> widths;
  for (auto at = svg.find("class=\"bar\""); at != std::string::npos; at = svg.find("class=\"bar\"", at + 1))
    widths.push_back(std::stod(svg.substr(svg.find("width=\"", at) + 7)));
  ASSERT_EQ(widths.size(), 3u);
  EXPECT_GT(widths[0], 100);
  EXPECT_NEAR(widths[1], widths[0] / 4, 0.1);
  EXPECT_EQ(widths[2], 0);
  EXPECT_EQ(bar_chart_svg("times", {}), "");
}

TEST(SkyGraphs, PutEastLeftAndNorthUpAndShadeByWhatIsLeft) {
  SkyGraph graph;
  graph.nodes = {{0, 0}, {10, 0}, {0, 20}};
  graph.edges = {{{0, 0}, {10, 0}, 0.01, true}, {{0, 0}, {0, 20}, 1.0, true}, {{10, 0}, {0, 20}, 9.0, false}};
  auto const svg = sky_graph_svg("graph", graph);
  EXPECT_EQ(count(svg, "class=\"unused\""), 1u);
  EXPECT_EQ(count(svg, "class=\"edge shade0\""), 1u);
  EXPECT_EQ(count(svg, "class=\"edge shade4\""), 1u);
  std::istringstream nodes(svg.substr(svg.find("class=\"node\" d=\"M") + 17));
  double x[3], y[3];
  for (int k = 0; k < 3; ++k) {
    nodes >> x[k] >> y[k];
    nodes.ignore(3);  // "h0M"
  }
  EXPECT_LT(x[1], x[0]);
  EXPECT_EQ(y[1], y[0]);
  EXPECT_EQ(x[2], x[0]);
  EXPECT_LT(y[2], y[0]);
  EXPECT_NEAR(y[0] - y[2], 2 * (x[0] - x[1]), 0.3);
  EXPECT_EQ(sky_graph_svg("graph", {}), "");
  EXPECT_THAT(sky_graph_svg("one", {{{3, 4}}, {}}), Not(HasSubstr("nan")));
}

TEST(Drawings, TakeNothingAndWhatIsNotFinite) {
  std::vector<double> const none, some{NaN, 1, std::numeric_limits<double>::infinity()};
  EXPECT_EQ(before_after_svg("d", none, none, ""), "");
  auto const dots = before_after_svg("d", some, some, "");
  EXPECT_THAT(dots, Not(HasSubstr("nan")));
  EXPECT_THAT(dots, Not(HasSubstr("inf")));
  EXPECT_EQ(histogram_svg("h", std::vector<std::int64_t>{0, 0}, -1, 1, ""), "");
  EXPECT_EQ(curves_svg("c", std::vector<std::vector<float>>{{NaN}, {}}, "", ""), "");
  auto const curves =
      curves_svg("c", std::vector<std::vector<float>>{{1, NaN, 3}, {}, std::vector<float>(5000, 2)}, "", "");
  EXPECT_THAT(curves, Not(HasSubstr("nan")));
  EXPECT_LT(curves.size(), 6000u) << "long curves are shortened";
}

class Shelf : public testing::Test {
 protected:
  /// Noise: what compresses worst.
  std::filesystem::path write_noise(std::string const& name, int side) {
    std::vector<std::uint8_t> pixels;
    std::uint32_t state = 5;
    for (int k = 0; k < 3 * side * side; ++k) {
      state = state * 1664525u + 1013904223u;
      pixels.push_back(static_cast<std::uint8_t>(state >> 24));
    }
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = image.height = static_cast<png_uint_32>(side);
    image.format = PNG_FORMAT_RGB;
    auto const path = folder_.path() / name;
    EXPECT_TRUE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr));
    return path;
  }
  std::filesystem::path page() const { return folder_.path() / "report" / "index.html"; }
  test::ScratchFolder folder_{"shelf"};
};

TEST_F(Shelf, NeverHoldsMoreThanItsLimit) {
  auto const path = write_noise("noise.png", 600);
  for (double const expected : {1.0, 40.0}) {  // as many as were said, and far more
    constexpr std::int64_t Limit = 400000;
    PictureShelf shelf(page(), Limit, expected);
    std::string html;
    for (int k = 0; k < 40; ++k) html += shelf.figure(path, "noise");
    EXPECT_EQ(count(html, "<figure>"), 40u);
    EXPECT_EQ(count(html, "href=\"../noise.png\""), 40u) << "each is linked";
    auto const shown = count(html, "<img ");
    EXPECT_EQ(shown, expected == 40 ? 40u : 1u);
    EXPECT_EQ(count(html, "page would be too large"), 40 - shown);
    EXPECT_LT(html.size(), static_cast<std::size_t>(Limit) + 40 * 250);
  }
}

TEST_F(Shelf, LinksWhatCannotBeReadAndLeavesOutWhatIsNotThere) {
  std::ofstream(folder_.path() / "broken.png") << "no picture";
  PictureShelf shelf(page(), 1000000, 1);
  EXPECT_EQ(shelf.figure(folder_.path() / "missing.png", "x"), "");
  auto const html = shelf.figure(folder_.path() / "broken.png", "\"<x>");
  EXPECT_THAT(html, HasSubstr("cannot be read"));
  EXPECT_THAT(html, HasSubstr("&quot;&lt;x&gt;"));
  EXPECT_EQ(count(html, "<img"), 0u);
}

TEST_F(Shelf, GivesPicturesAnAlternativeText) {
  PictureShelf shelf(page(), 1000000, 1);
  EXPECT_THAT(shelf.figure(write_noise("small.png", 20), "ngc & co"), HasSubstr("alt=\"ngc &amp; co\""));
}

class Compare : public testing::Test {
 protected:
  std::filesystem::path write(std::string const& name, std::int64_t nx, std::int64_t ny, double ra,
                              std::vector<float> const& values) {
    model::Header image;
    test::set_tan(image, nx, ny, ra, 10);
    auto const path = folder_.path() / name;
    test::write_exposure(path, nx, ny, {}, image, {{"SCI", values}});
    return path;
  }
  test::ScratchFolder folder_{"compare"};
};

TEST_F(Compare, MosaicsOnTheSameGrid) {
  auto const now = write("now.fits", 3, 3, 20, {NaN, 2, 3, 4, 5, 6, 7, 8, 9});
  auto const before = write("before.fits", 3, 3, 20, {1, NaN, 2, 3, 4, 5, 6, 7, 4});
  auto const found = compare_mosaics(now, before);
  EXPECT_TRUE(found.same_grid);
  EXPECT_EQ(found.rows, 3);
  EXPECT_EQ(found.median, 5.5);
  EXPECT_EQ(found.previous_median, 4);
  EXPECT_EQ(found.pixels_in_both, 7);  // 3-2, 4-3, 5-4, 6-5, 7-6, 8-7: 1; 9-4: 5
  EXPECT_EQ(found.median_difference, 1);
  EXPECT_NEAR(found.rms_difference.value(), std::sqrt((6 + 25) / 7.0), 1e-12);
}

TEST_F(Compare, MosaicsOnOtherGridsByTheirLevelsAlone) {
  auto const now = write("now.fits", 3, 1, 20, {1, 2, 3});
  for (auto const& before :
       {write("shifted.fits", 3, 1, 20.001, {5, 6, 7}), write("larger.fits", 3, 2, 20, {6, 6, 6, 6, 6, 6})}) {
    auto const found = compare_mosaics(now, before);
    EXPECT_FALSE(found.same_grid);
    EXPECT_EQ(found.median, 2);
    EXPECT_EQ(found.previous_median, 6);
    EXPECT_EQ(found.pixels_in_both, 0);
    EXPECT_FALSE(found.rms_difference);
  }
}

TEST_F(Compare, MosaicsWithoutData) {
  auto const empty = write("empty.fits", 2, 2, 20, {NaN, NaN, NaN, NaN});
  auto const found = compare_mosaics(empty, empty);
  EXPECT_FALSE(found.median);
  EXPECT_FALSE(found.rms_difference);
}

TEST_F(Compare, LargeMosaicsByRowsSpreadOverThem) {
  // Rows hold their own number: the median of evenly spaced ones is that of the middle.
  std::int64_t const nx = 3000, ny = 1500;
  std::vector<float> values;
  for (std::int64_t y = 0; y < ny; ++y)
    values.insert(values.end(), static_cast<std::size_t>(nx), static_cast<float>(y));
  auto const large = write("large.fits", nx, ny, 20, values);
  auto const found = compare_mosaics(large, large);
  EXPECT_EQ(found.rows, (1 << 21) / nx);
  EXPECT_NEAR(found.median.value(), ny / 2.0, 2);
  EXPECT_EQ(found.pixels_in_both, found.rows * nx);
  EXPECT_EQ(found.rms_difference, 0);
}

TEST_F(Compare, RefusesBrokenFiles) {
  auto const now = write("now.fits", 3, 1, 20, {1, 2, 3});
  auto const cut = write("cut.fits", 3, 1, 20, {1, 2, 3});
  std::filesystem::resize_file(cut, 3000);
  EXPECT_THROW(compare_mosaics(now, cut), InputError);
  EXPECT_THROW(compare_mosaics(now, folder_.path() / "missing.fits"), InputError);
}

}  // namespace
}  // namespace tessera::pipeline
