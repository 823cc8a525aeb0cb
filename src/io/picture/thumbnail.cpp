#include "tessera/io/thumbnail.hpp"

#include <png.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "median_cut.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t MostPixels = std::int64_t{1} << 26;

struct Picture {
  std::int64_t width = 0, height = 0;
  std::vector<Colour> pixels;  ///< from the top
};
static_assert(sizeof(Colour) == 3, "libpng reads RGB bytes into the pixels");

/// What libpng holds for a file that is being read, given back whatever happens.
class PngReading {
 public:
  PngReading() { image.version = PNG_IMAGE_VERSION; }
  ~PngReading() { png_image_free(&image); }
  PngReading(PngReading const&) = delete;
  PngReading& operator=(PngReading const&) = delete;

  png_image image{};
};

Picture read_png(std::filesystem::path const& path) {
  PngReading reading;
  auto& image = reading.image;
  if (!png_image_begin_read_from_file(&image, path.c_str()))
    throw InputError({.what = "cannot read a picture", .where = path.string(), .found = image.message});
  Picture picture{image.width, image.height, {}};
  if (picture.width * picture.height > MostPixels)
    throw InputError({.what = "the picture is too large", .where = path.string()});
  picture.pixels.resize(static_cast<std::size_t>(picture.width * picture.height));
  image.format = PNG_FORMAT_RGB;
  png_color const paper{255, 255, 255};  // where it is transparent
  if (!png_image_finish_read(&image, &paper, picture.pixels.data(), 0, nullptr))
    throw InputError({.what = "cannot read a picture", .where = path.string(), .found = image.message});
  return picture;
}

/// Means of the pixels that each pixel of the copy covers.
Picture shrink(Picture const& from, std::int64_t width, std::int64_t height) {
  Picture to{width, height, {}};
  to.pixels.reserve(static_cast<std::size_t>(width * height));
  for (std::int64_t row = 0; row < height; ++row) {
    auto const y0 = row * from.height / height, y1 = (row + 1) * from.height / height;
    for (std::int64_t column = 0; column < width; ++column) {
      auto const x0 = column * from.width / width, x1 = (column + 1) * from.width / width;
      std::array<std::int64_t, 3> sum{};
      for (auto y = y0; y < y1; ++y)
        for (auto x = x0; x < x1; ++x) {
          auto const& pixel = from.pixels[static_cast<std::size_t>(y * from.width + x)];
          sum[0] += pixel.red;
          sum[1] += pixel.green;
          sum[2] += pixel.blue;
        }
      auto const count = (y1 - y0) * (x1 - x0);
      auto const mean = [&](std::size_t k) { return static_cast<std::uint8_t>((sum[k] + count / 2) / count); };
      to.pixels.push_back({mean(0), mean(1), mean(2)});
    }
  }
  return to;
}

std::vector<std::byte> write_png(Picture const& picture, int colours, std::filesystem::path const& path) {
  auto const indexed = reduce_colours(picture.pixels, colours);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB_COLORMAP;
  image.colormap_entries = static_cast<png_uint_32>(indexed.palette.size());
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> bytes(size);
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, indexed.pixels.data(), 0, indexed.palette.data()))
    throw IoError({.what = "cannot make a small picture", .where = path.string(), .found = image.message});
  bytes.resize(size);
  return bytes;
}

}  // namespace

Thumbnail make_thumbnail(std::filesystem::path const& path, int largest_side, int colours) {
  TESSERA_EXPECT(largest_side > 0);
  auto const full = read_png(path);
  auto const longest = std::max(full.width, full.height);
  auto const side = [&](std::int64_t length) {
    return longest <= largest_side ? length
                                   : std::max<std::int64_t>(1, (length * largest_side + longest / 2) / longest);
  };
  auto const small = shrink(full, side(full.width), side(full.height));
  return {write_png(small, colours, path), static_cast<int>(small.width), static_cast<int>(small.height),
          static_cast<int>(full.width), static_cast<int>(full.height)};
}

}  // namespace tessera::io
