#include "tessera/io/quicklook.hpp"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numbers>
#include <string_view>
#include <vector>

#include "../posix_file.hpp"
#include "pixel_font.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::io {

namespace {

/// An image whose largest side is below this is enlarged by a whole factor up to it.
constexpr std::int64_t smallest_side = 256;
constexpr Colour paper{16, 16, 20}, ink{230, 230, 230};
/// Longest text beside the colour bar in letters: "-1.234e-12".
constexpr std::int64_t label_letters = 10;
constexpr std::array tick_fractions{0.0, 0.25, 0.5, 0.75, 1.0};

/// Larger letters for larger pictures, so that they can be read when the picture is shrunk to a page.
std::int64_t font_scale(std::int64_t longest_side) { return std::clamp<std::int64_t>(longest_side / 500 + 1, 1, 4); }

double stretch(double fraction, QuicklookOptions const& options) {
  constexpr double softening = 0.1;  // linear below a tenth of the range, logarithmic above
  if (options.stretch == QuicklookOptions::Stretch::Linear) return fraction;
  return std::asinh(fraction / softening) / std::asinh(1 / softening);
}

double unstretch(double shown, QuicklookOptions const& options) {
  constexpr double softening = 0.1;
  if (options.stretch == QuicklookOptions::Stretch::Linear) return shown;
  return softening * std::sinh(shown * std::asinh(1 / softening));
}

/// Means of squares of `factor` x `factor` pixels, NaN left out; squares at the high edges are cut off.
std::vector<float> average_down(std::span<float const> values, std::int64_t nx, std::int64_t ny, std::int64_t factor) {
  if (factor == 1) return {values.begin(), values.end()};
  std::int64_t const columns = (nx + factor - 1) / factor, rows = (ny + factor - 1) / factor;
  std::vector<float> means(static_cast<std::size_t>(columns * rows));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      double sum = 0;
      std::int64_t count = 0;
      for (auto y = row * factor; y < std::min(ny, (row + 1) * factor); ++y)
        for (auto x = column * factor; x < std::min(nx, (column + 1) * factor); ++x)
          if (auto const value = values[static_cast<std::size_t>(y * nx + x)]; std::isfinite(value)) {
            sum += value;
            ++count;
          }
      means[static_cast<std::size_t>(row * columns + column)] =
          count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : std::numeric_limits<float>::quiet_NaN();
    }
  return means;
}

class Canvas {
 public:
  Canvas(std::int64_t width, std::int64_t height)
      : width_(width), height_(height), pixels_(static_cast<std::size_t>(width * height), paper) {}

  void set(std::int64_t x, std::int64_t y, Colour colour) {
    if (x >= 0 && x < width_ && y >= 0 && y < height_) pixels_[static_cast<std::size_t>(y * width_ + x)] = colour;
  }
  void fill(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Colour colour) {
    for (auto row = y; row < y + height; ++row)
      for (auto column = x; column < x + width; ++column) set(column, row, colour);
  }
  void write(std::string_view text, std::int64_t x, std::int64_t y, std::int64_t scale) {
    for (char const letter : text) {
      for (int row = 0; row < GlyphHeight; ++row)
        for (int column = 0; column < GlyphWidth; ++column)
          if (glyph_pixel(letter, row, column)) fill(x + column * scale, y + row * scale, scale, scale, ink);
      x += GlyphAdvance * scale;
    }
  }
  Colour const* data() const { return pixels_.data(); }

 private:
  std::int64_t width_, height_;
  std::vector<Colour> pixels_;
};
static_assert(sizeof(Colour) == 3, "the canvas is handed to libpng as RGB bytes");

void draw_image(Canvas& canvas, QuicklookLayout const& layout, std::span<float const> values, DisplayRange range,
                QuicklookOptions const& options) {
  auto const columns = layout.image_width / layout.enlarge, rows = layout.image_height / layout.enlarge;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      double const value = values[static_cast<std::size_t>(row * columns + column)];
      auto const colour =
          std::isfinite(value)
              ? map_colour(stretch(std::clamp((value - range.low) / (range.high - range.low), 0.0, 1.0), options))
              : NoDataColour;
      canvas.fill(layout.image_x + column * layout.enlarge, layout.image_y + (rows - 1 - row) * layout.enlarge,
                  layout.enlarge, layout.enlarge, colour);
    }
}

void draw_bar(Canvas& canvas, QuicklookLayout const& layout, DisplayRange range, QuicklookOptions const& options,
              std::int64_t scale) {
  auto const last = layout.bar_height - 1;
  for (std::int64_t step = 0; step <= last; ++step)
    canvas.fill(layout.bar_x, layout.bar_y + last - step, layout.bar_width, 1,
                map_colour(static_cast<double>(step) / static_cast<double>(last)));
  auto const label_x = layout.bar_x + layout.bar_width + 5 * scale;
  std::int64_t const line = (GlyphHeight + 2) * scale;
  for (double const shown : tick_fractions) {
    bool const is_end = shown == 0 || shown == 1;
    if (!is_end && layout.bar_height < 6 * line) continue;  // short bars have no room for more
    auto const y = layout.bar_y + last - static_cast<std::int64_t>(std::llround(shown * static_cast<double>(last)));
    canvas.fill(layout.bar_x + layout.bar_width, y, 3 * scale, 1, ink);
    auto const text_y =
        std::clamp(y - GlyphHeight * scale / 2, layout.bar_y, layout.bar_y + layout.bar_height - GlyphHeight * scale);
    auto const value = range.low + unstretch(shown, options) * (range.high - range.low);
    canvas.write(fmt::format("{:.4g}", value), label_x, text_y, scale);
  }
  canvas.write(options.unit, layout.bar_x, layout.bar_y - line, scale);
}

void write_png(std::filesystem::path const& path, Canvas const& canvas, QuicklookLayout const& layout) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(layout.width);
  image.height = static_cast<png_uint_32>(layout.height);
  image.format = PNG_FORMAT_RGB;
  auto const unfinished = unfinished_path(path);
  if (!png_image_write_to_file(&image, unfinished.c_str(), 0, canvas.data(), 0, nullptr))
    throw IoError({.what = "cannot write a picture", .where = path.string(), .found = image.message});
  commit_file(unfinished, path);
}

}  // namespace

Colour map_colour(double fraction) {
  fraction = std::clamp(fraction, 0.0, 1.0);
  double const angle = 2 * std::numbers::pi * (0.5 / 3 + 1 - 1.5 * fraction);
  double const amplitude = fraction * (1 - fraction) / 2;
  double const c = std::cos(angle), s = std::sin(angle);
  auto const level = [&](double from_cos, double from_sin) {
    double const value = fraction + amplitude * (from_cos * c + from_sin * s);
    return static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
  };
  return {level(-0.14861, 1.78277), level(-0.29227, -0.90649), level(1.97294, 0)};
}

QuicklookLayout quicklook_layout(std::int64_t nx, std::int64_t ny, QuicklookOptions const& options) {
  TESSERA_EXPECT(nx > 0 && ny > 0 && options.largest_side > 0);
  QuicklookLayout layout;
  auto const longest = std::max(nx, ny);
  layout.average = (longest + options.largest_side - 1) / options.largest_side;
  if (longest < smallest_side)
    layout.enlarge = std::max<std::int64_t>(1, std::min(smallest_side, options.largest_side) / longest);
  layout.image_width = (nx + layout.average - 1) / layout.average * layout.enlarge;
  layout.image_height = (ny + layout.average - 1) / layout.average * layout.enlarge;
  auto const scale = font_scale(std::max(layout.image_width, layout.image_height));
  auto const margin = 8 * scale, line = (GlyphHeight + 2) * scale;
  // Above the bar stands the unit, above the image the title: one line is kept for either.
  layout.image_x = margin;
  layout.image_y = margin + line;
  layout.bar_x = layout.image_x + layout.image_width + margin;
  layout.bar_y = layout.image_y;
  layout.bar_width = 12 * scale;
  layout.bar_height = std::max(layout.image_height, 4 * line);
  auto const label_width = 5 * scale + label_letters * GlyphAdvance * scale;
  auto const unit_width = text_width(options.unit) * scale;
  layout.width = layout.bar_x + std::max<std::int64_t>(layout.bar_width + label_width, unit_width) + margin;
  layout.height = layout.bar_y + layout.bar_height + margin;
  return layout;
}

DisplayRange display_range(std::span<float const> values, QuicklookOptions const& options) {
  std::vector<float> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](float value) { return std::isfinite(value); });
  if (finite.empty()) return {};
  auto const percentile = [&](double percent) -> double {
    auto const rank = std::llround(std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(finite.size() - 1));
    auto const nth = finite.begin() + rank;
    std::nth_element(finite.begin(), nth, finite.end());
    return *nth;
  };
  double const low = percentile(options.low_percentile), high = percentile(options.high_percentile);
  return {low, high > low ? high : low + std::max(1e-6, 1e-3 * std::abs(low))};
}

void write_quicklook(std::filesystem::path const& path, std::span<float const> values, std::int64_t nx, std::int64_t ny,
                     QuicklookOptions const& options) {
  TESSERA_EXPECT(static_cast<std::int64_t>(values.size()) == nx * ny);
  auto const layout = quicklook_layout(nx, ny, options);
  auto const scale = font_scale(std::max(layout.image_width, layout.image_height));
  auto const shown = average_down(values, nx, ny, layout.average);
  auto const range = display_range(shown, options);
  Canvas canvas(layout.width, layout.height);
  draw_image(canvas, layout, shown, range, options);
  draw_bar(canvas, layout, range, options, scale);
  // The title ends before the unit, which stands above the bar.
  auto const letters =
      static_cast<std::size_t>(std::max<std::int64_t>(0, (layout.bar_x - layout.image_x) / (GlyphAdvance * scale)));
  canvas.write(std::string_view(options.title).substr(0, letters), layout.image_x,
               layout.image_y - (GlyphHeight + 2) * scale, scale);
  write_png(path, canvas, layout);
}

}  // namespace tessera::io
