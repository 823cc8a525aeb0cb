#include "picture_shelf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "html.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/thumbnail.hpp"

namespace tessera::pipeline {

namespace {

/// Pure noise of 64 colours takes six bits a pixel and a palette, and is written with four letters for three bytes.
constexpr double BytesPerPixel = 1.05;
constexpr int SmallestSide = 64, LargestSide = 480;

int side_of(std::int64_t limit_bytes, double pictures) {
  double const side = std::sqrt(static_cast<double>(limit_bytes) / std::max(1.0, pictures) / BytesPerPixel);
  return static_cast<int>(std::clamp(side, double{SmallestSide}, double{LargestSide}));
}

}  // namespace

PictureShelf::PictureShelf(std::filesystem::path page, std::int64_t limit_bytes, double pictures)
    : page_(std::move(page)), left_(limit_bytes), side_(side_of(limit_bytes, pictures)) {}

std::string PictureShelf::figure(std::filesystem::path const& picture, std::string const& caption, double share) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(picture, error)) return "";
  auto const text = escape_html(caption);
  auto const instead = [&](char const* why) {
    return fmt::format("<figure><figcaption><a href=\"{}\">{}</a> ({})</figcaption></figure>\n",
                       link_target(page_, picture), text, why);
  };
  try {
    auto const small = io::make_thumbnail(picture, std::max(16, static_cast<int>(std::lround(share * side_))));
    auto const bytes = static_cast<std::int64_t>((small.png.size() + 2) / 3 * 4);
    if (bytes > left_) return instead("not shown: the page would be too large");
    left_ -= bytes;
    return fmt::format(
        "<figure><a href=\"{}\"><img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\"></a>"
        "<figcaption>{}</figcaption></figure>\n",
        link_target(page_, picture), base64(small.png), small.width, small.height, text, text);
  } catch (Error const&) {
    return instead("cannot be read");
  }
}

}  // namespace tessera::pipeline
