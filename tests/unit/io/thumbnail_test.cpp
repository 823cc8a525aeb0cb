#include "tessera/io/thumbnail.hpp"

#include <png.h>

#include <cstdint>
#include <fstream>
#include <set>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/quicklook.hpp"

namespace tessera::io {
namespace {

struct Picture {
  int width = 0, height = 0;
  std::vector<Colour> pixels;
  Colour at(int x, int y) const { return pixels.at(static_cast<std::size_t>(y * width + x)); }
};

png_image begin(Picture const& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  return image;
}

class Thumbnails : public testing::Test {
 protected:
  std::filesystem::path write(Picture const& picture) {
    auto image = begin(picture);
    auto const path = folder_.path() / "picture.png";
    if (!png_image_write_to_file(&image, path.c_str(), 0, picture.pixels.data(), 0, nullptr))
      throw std::runtime_error(image.message);
    return path;
  }
  static Picture decode(Thumbnail const& small) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, small.png.data(), small.png.size()))
      throw std::runtime_error(image.message);
    image.format = PNG_FORMAT_RGB;
    Picture picture{static_cast<int>(image.width), static_cast<int>(image.height), {}};
    picture.pixels.resize(static_cast<std::size_t>(image.width * image.height));
    if (!png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr))
      throw std::runtime_error(image.message);
    EXPECT_EQ(picture.width, small.width);
    EXPECT_EQ(picture.height, small.height);
    return picture;
  }
  static Picture halves(int width, int height, Colour left, Colour right) {
    Picture picture{width, height, {}};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) picture.pixels.push_back(x < width / 2 ? left : right);
    return picture;
  }
  static Picture noise(int width, int height) {
    Picture picture{width, height, {}};
    std::uint32_t state = 1;
    auto const next = [&] {
      state = state * 1664525u + 1013904223u;
      return static_cast<std::uint8_t>(state >> 24);
    };
    for (int k = 0; k < width * height; ++k) picture.pixels.push_back({next(), next(), next()});
    return picture;
  }
  test::ScratchFolder folder_{"thumbnail"};
};

constexpr Colour Red{200, 30, 10}, Blue{5, 60, 250};

TEST_F(Thumbnails, AreAveragedDownToTheLargestSide) {
  auto const small = make_thumbnail(write(halves(600, 300, Red, Blue)), 100);
  EXPECT_EQ(small.full_width, 600);
  EXPECT_EQ(small.full_height, 300);
  auto const picture = decode(small);
  ASSERT_EQ(picture.width, 100);
  ASSERT_EQ(picture.height, 50);
  EXPECT_EQ(picture.at(49, 25), Red);
  EXPECT_EQ(picture.at(50, 0), Blue);
  EXPECT_EQ(picture.at(99, 49), Blue);
}

TEST_F(Thumbnails, MixColoursThatFallOnOnePixel) {
  auto const picture = decode(make_thumbnail(write(halves(2, 2, {0, 0, 0}, {100, 200, 50})), 1));
  ASSERT_EQ(picture.width, 1);
  EXPECT_EQ(picture.at(0, 0), (Colour{50, 100, 25}));
}

TEST_F(Thumbnails, KeepTheSizeOfSmallPicturesAndFewColours) {
  auto const picture = halves(31, 17, Red, Blue);
  EXPECT_EQ(decode(make_thumbnail(write(picture), 100)).pixels, picture.pixels);
}

TEST_F(Thumbnails, KeepThinPicturesOnePixelWide) {
  auto const small = make_thumbnail(write(halves(1000, 2, Red, Blue)), 50);
  EXPECT_EQ(small.width, 50);
  EXPECT_EQ(small.height, 1);
}

TEST_F(Thumbnails, HaveNoMoreThanSoManyColoursNearTheTrueOnes) {
  auto const picture = noise(200, 200);
  auto const path = write(picture);
  for (int const colours : {2, 16, 256}) {
    auto const shown = decode(make_thumbnail(path, 200, colours));
    std::set<std::array<int, 3>> distinct;
    double squares = 0, sum = 0, true_sum = 0;
    for (std::size_t k = 0; k < shown.pixels.size(); ++k) {
      auto const &a = shown.pixels[k], &b = picture.pixels[k];
      distinct.insert({a.red, a.green, a.blue});
      squares += (a.red - b.red) * (a.red - b.red) + (a.green - b.green) * (a.green - b.green) +
                 (a.blue - b.blue) * (a.blue - b.blue);
      sum += a.red + a.green + a.blue;
      true_sum += b.red + b.green + b.blue;
    }
    EXPECT_LE(distinct.size(), static_cast<std::size_t>(colours));
    EXPECT_GT(distinct.size(), static_cast<std::size_t>(colours / 2));
    double const count = static_cast<double>(3 * shown.pixels.size());
    EXPECT_NEAR(sum / count, true_sum / count, 1.0);  // the mean is kept but for rounding
    // Colours spread evenly over a cube that is cut in n boxes: 255 / sqrt(12) / n^(1/3) a channel.
    EXPECT_LT(std::sqrt(squares / count), 1.3 * 255 / std::sqrt(12) / std::cbrt(colours)) << colours;
  }
}

TEST_F(Thumbnails, AreTheSameBytesEachTime) {
  auto const path = write(noise(300, 200));
  EXPECT_EQ(make_thumbnail(path, 77).png, make_thumbnail(path, 77).png);
}

TEST_F(Thumbnails, RefuseWhatIsNoPicture) {
  EXPECT_THROW(make_thumbnail(folder_.path() / "missing.png", 10), InputError);
  auto const path = write(noise(100, 100));
  std::filesystem::resize_file(path, 5000);
  EXPECT_THROW(make_thumbnail(path, 10), InputError);
  std::ofstream(path) << "<html>";
  EXPECT_THROW(make_thumbnail(path, 10), InputError);
}

}  // namespace
}  // namespace tessera::io
