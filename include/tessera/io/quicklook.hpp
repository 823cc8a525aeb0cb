// Quick-look pictures: PNG of an image with a stretch, NaN in a colour of its own, and a colour bar.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace tessera::io {

struct QuicklookOptions {
  enum class Stretch { Linear, Asinh } stretch = Stretch::Asinh;
  double low_percentile = 1, high_percentile = 99.7;  ///< of the finite pixels, give black and white points
  std::int64_t largest_side = 1600;                   ///< larger images are averaged down by whole factors, NaN ignored
  std::string unit = {};                              ///< beside the colour bar, e.g. "MJy/sr"
  std::string title = {};
};

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(Colour const&) const = default;
};

/// The colour of pixels without data: a grey-blue that the colour map does not have.
inline constexpr Colour NoDataColour{96, 104, 120};

/// Colour map: black at 0, white at 1, brightness rising evenly between them ("cubehelix", Green 2011, BASI 39, 289:
/// start 0.5, -1.5 rotations, hue 1.0). `fraction` is cut to 0..1.
Colour map_colour(double fraction);

/// Where things are in a picture, in pixels; row 0 is at the top.
struct QuicklookLayout {
  std::int64_t width = 0, height = 0;              ///< of the whole picture
  std::int64_t image_x = 0, image_y = 0;           ///< corner of the image
  std::int64_t image_width = 0, image_height = 0;  ///< after averaging down or enlarging
  std::int64_t bar_x = 0, bar_y = 0, bar_width = 0, bar_height = 0;
  std::int64_t average = 1;  ///< image pixels a picture pixel along an axis, or ...
  std::int64_t enlarge = 1;  ///< ... picture pixels an image pixel (images under 256 pixels)
};
QuicklookLayout quicklook_layout(std::int64_t nx, std::int64_t ny, QuicklookOptions const& options);

/// Black and white points: the percentiles of the finite values. A white point not above the black point (a constant
/// image) is put just above it. Without finite values 0 and 1.
struct DisplayRange {
  double low = 0, high = 1;
};
DisplayRange display_range(std::span<float const> values, QuicklookOptions const& options);

/// Writes a PNG: north of the array up (row 0 at the bottom), NaN in NoDataColour, colour bar with its values and unit
/// at the right (drawn with a small built-in font). `values` is [ny][nx]. An image without a finite pixel is all
/// NoDataColour. Written beside its name and renamed. Throws IoError.
void write_quicklook(std::filesystem::path const& path, std::span<float const> values, std::int64_t nx, std::int64_t ny,
                     QuicklookOptions const& options);

}  // namespace tessera::io
