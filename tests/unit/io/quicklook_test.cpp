#include "tessera/io/quicklook.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// A PNG as libpng reads it.
struct Picture {
  std::int64_t width = 0, height = 0;
  std::vector<std::uint8_t> bytes;
  Colour at(std::int64_t x, std::int64_t y) const {
    auto const* pixel = &bytes.at(static_cast<std::size_t>(3 * (y * width + x)));
    return {pixel[0], pixel[1], pixel[2]};
  }
};

Picture read_png(std::filesystem::path const& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path.c_str())) throw std::runtime_error(image.message);
  image.format = PNG_FORMAT_RGB;
  Picture picture{image.width, image.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  if (!png_image_finish_read(&image, nullptr, picture.bytes.data(), 0, nullptr))
    throw std::runtime_error(image.message);
  return picture;
}

/// Perceived brightness, 0 to 255.
double brightness(Colour const& colour) { return 0.30 * colour.red + 0.59 * colour.green + 0.11 * colour.blue; }

class Quicklook : public testing::Test {
 protected:
  Picture draw(std::vector<float> const& values, std::int64_t nx, std::int64_t ny,
               QuicklookOptions const& options = {}) {
    auto const path = folder_.path() / "picture.png";
    write_quicklook(path, values, nx, ny, options);
    auto picture = read_png(path);
    auto const layout = quicklook_layout(nx, ny, options);
    EXPECT_EQ(picture.width, layout.width);
    EXPECT_EQ(picture.height, layout.height);
    return picture;
  }
  test::ScratchFolder folder_{"quicklook"};
};

TEST_F(Quicklook, ShowsRowZeroAtTheBottomAndNaNInItsOwnColour) {
  std::int64_t const nx = 300, ny = 280;
  std::vector<float> values(static_cast<std::size_t>(nx * ny));
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) values[static_cast<std::size_t>(y * nx + x)] = static_cast<float>(y);
  values[7] = NaN;  // x 7, y 0
  auto const layout = quicklook_layout(nx, ny, {});
  EXPECT_EQ(layout.image_width, nx);
  EXPECT_EQ(layout.image_height, ny);
  auto const picture = draw(values, nx, ny);
  EXPECT_EQ(picture.at(layout.image_x + 7, layout.image_y + ny - 1), NoDataColour);
  EXPECT_EQ(picture.at(layout.image_x + 8, layout.image_y + ny - 1), (Colour{0, 0, 0}));
  EXPECT_EQ(picture.at(layout.image_x + 7, layout.image_y), (Colour{255, 255, 255}));
  double last = -1;
  for (std::int64_t y = ny - 1; y >= 0; --y) {
    auto const now = brightness(picture.at(layout.image_x + 100, layout.image_y + y));
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST_F(Quicklook, HasAColourBarThatBrightensUpward) {
  auto const picture = draw(std::vector<float>(300 * 400, 1.0f), 400, 300, {.unit = "MJy/sr"});
  auto const layout = quicklook_layout(400, 300, {.unit = "MJy/sr"});
  double last = -1;
  for (auto y = layout.bar_y + layout.bar_height - 1; y >= layout.bar_y; --y) {
    auto const now = brightness(picture.at(layout.bar_x + layout.bar_width / 2, y));
    EXPECT_GE(now, last - 0.6);  // rounding of the three colours
    last = now;
  }
  EXPECT_EQ(picture.at(layout.bar_x, layout.bar_y), (Colour{255, 255, 255}));
  EXPECT_EQ(picture.at(layout.bar_x, layout.bar_y + layout.bar_height - 1), (Colour{0, 0, 0}));
}

TEST_F(Quicklook, WritesUnitAndValuesBesideTheBar) {
  std::vector<float> values(300 * 300, 1.0f);
  auto const inked = [](Picture const& picture, std::int64_t x0, std::int64_t y0, std::int64_t x1, std::int64_t y1) {
    std::int64_t count = 0;
    for (auto y = y0; y < y1; ++y)
      for (auto x = x0; x < x1; ++x) count += brightness(picture.at(x, y)) > 200;
    return count;
  };
  auto const plain = draw(values, 300, 300);
  auto const labelled = draw(values, 300, 300, {.unit = "MJy/sr", .title = "NGC 628"});
  auto const layout = quicklook_layout(300, 300, {});
  EXPECT_EQ(inked(plain, layout.image_x, 0, layout.width, layout.image_y), 0);
  EXPECT_GT(inked(labelled, layout.image_x, 0, layout.bar_x, layout.image_y), 60);  // the title
  EXPECT_GT(inked(labelled, layout.bar_x, 0, layout.width, layout.bar_y), 50);      // the unit
  EXPECT_GT(inked(plain, layout.bar_x + layout.bar_width + 4, layout.bar_y, layout.width, layout.height), 5 * 10);
}

TEST_F(Quicklook, DrawsAnImageWithoutDataInTheColourOfNoData) {
  auto const picture = draw(std::vector<float>(50 * 60, NaN), 50, 60);
  auto const layout = quicklook_layout(50, 60, {});
  for (std::int64_t y = 0; y < layout.image_height; ++y)
    for (std::int64_t x = 0; x < layout.image_width; ++x)
      ASSERT_EQ(picture.at(layout.image_x + x, layout.image_y + y), NoDataColour);
}

TEST_F(Quicklook, EnlargesASinglePixel) {
  auto const layout = quicklook_layout(1, 1, {});
  EXPECT_EQ(layout.image_width, 256);
  auto const picture = draw({3.0f}, 1, 1);
  EXPECT_NE(picture.at(layout.image_x, layout.image_y), NoDataColour);
  EXPECT_EQ(picture.at(layout.image_x, layout.image_y), picture.at(layout.image_x + 255, layout.image_y + 255));
}

TEST_F(Quicklook, AveragesLargeImagesDownAndLeavesNaNOut) {
  std::int64_t const nx = 1000, ny = 401;
  QuicklookOptions const options{
      .stretch = QuicklookOptions::Stretch::Linear, .low_percentile = 0, .high_percentile = 100, .largest_side = 250};
  std::vector<float> values(static_cast<std::size_t>(nx * ny));
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x)
      values[static_cast<std::size_t>(y * nx + x)] =
          x < 500 ? ((x + y) % 2 == 0 ? 1.0f : NaN) : ((x + y) % 2 == 0 ? 0.0f : 4.0f);
  for (std::int64_t y = 0; y < 4; ++y)
    for (std::int64_t x = 0; x < 4; ++x) values[static_cast<std::size_t>(y * nx + x)] = NaN;
  auto const layout = quicklook_layout(nx, ny, options);
  EXPECT_EQ(layout.average, 4);
  EXPECT_EQ(layout.image_width, 250);
  EXPECT_EQ(layout.image_height, 101);
  auto const picture = draw(values, nx, ny, options);
  EXPECT_EQ(picture.at(layout.image_x, layout.image_y + 100), NoDataColour);
  EXPECT_EQ(picture.at(layout.image_x + 1, layout.image_y + 100), map_colour(0));   // mean 1, the least
  EXPECT_EQ(picture.at(layout.image_x + 200, layout.image_y + 50), map_colour(1));  // mean 2, the largest
}

TEST_F(Quicklook, SaysWhereItCannotWrite) {
  try {
    write_quicklook(folder_.path() / "absent" / "picture.png", std::vector<float>{1}, 1, 1, {});
    FAIL();
  } catch (IoError const& error) {
    EXPECT_NE(std::string(error.what()).find("absent/picture.png"), std::string::npos);
  }
}

TEST(MapColour, RisesFromBlackToWhiteInBrightness) {
  EXPECT_EQ(map_colour(0), (Colour{0, 0, 0}));
  EXPECT_EQ(map_colour(1), (Colour{255, 255, 255}));
  EXPECT_EQ(map_colour(-3), map_colour(0));
  EXPECT_EQ(map_colour(7), map_colour(1));
  for (int step = 0; step <= 1000; ++step) {
    auto const colour = map_colour(step / 1000.0);
    EXPECT_NEAR(brightness(colour), 255 * step / 1000.0, 4) << step;  // Green 2011: brightness is the parameter
    EXPECT_NE(colour, NoDataColour);
  }
}

TEST(DisplayRange, IsThePercentilesOfFiniteValues) {
  std::vector<float> values(1001);
  for (int i = 0; i <= 1000; ++i)
    values[static_cast<std::size_t>(i)] = static_cast<float>((i * 8) % 1001);  // 0..1000, shuffled
  values.push_back(NaN);
  values.push_back(std::numeric_limits<float>::infinity());
  auto const range = display_range(values, {.low_percentile = 1, .high_percentile = 99.7});
  EXPECT_EQ(range.low, 10);
  EXPECT_EQ(range.high, 997);
}

TEST(DisplayRange, IsNeverEmpty) {
  for (auto const& values :
       {std::vector<float>{}, std::vector<float>{NaN}, std::vector<float>{5, 5}, std::vector<float>{0}}) {
    auto const range = display_range(values, {});
    EXPECT_LT(range.low, range.high);
  }
}

}  // namespace
}  // namespace tessera::io
