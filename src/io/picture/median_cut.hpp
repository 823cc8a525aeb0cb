// A few colours for a picture of many.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/io/quicklook.hpp"

namespace tessera::io {

struct IndexedPicture {
  std::vector<Colour> palette;
  std::vector<std::uint8_t> pixels;  ///< numbers in the palette
};

/// At most `colours` (2 to 256) colours by median cut (Heckbert 1982) of the pixels at five bits a channel: the box
/// with most pixels that can be cut is cut next, across its longest side. Each pixel takes the mean colour of its box.
IndexedPicture reduce_colours(std::span<Colour const> pixels, int colours);

}  // namespace tessera::io
