// Small copies of PNG pictures, to stand inside a page.
#pragma once
#include <cstddef>
#include <filesystem>
#include <vector>

namespace tessera::io {

/// A picture as the bytes of a PNG file.
struct Thumbnail {
  std::vector<std::byte> png;
  int width = 0, height = 0;            ///< of the copy
  int full_width = 0, full_height = 0;  ///< of the picture it was made of
};

/// A copy of a PNG picture of at most `largest_side` pixels a side and `colours` colours (2 to 256): averaged down (a
/// smaller picture keeps its size), its colours gathered by median cut. The same bytes for the same picture. Reads the
/// whole picture: 3 bytes a pixel. Throws InputError for what is no PNG, is cut off, or has more than 2^26 pixels.
Thumbnail make_thumbnail(std::filesystem::path const& path, int largest_side, int colours = 64);

}  // namespace tessera::io
