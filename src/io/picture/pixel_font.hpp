// Letters of 5 x 7 pixels for pictures: no font library on compute nodes.
#pragma once
#include <cstdint>
#include <string_view>

namespace tessera::io {

inline constexpr int GlyphWidth = 5, GlyphHeight = 7;
inline constexpr int GlyphAdvance = GlyphWidth + 1;

/// True where the glyph of `letter` is inked; row 0 at the top, column 0 at the left. Digits, letters of both cases and
/// ". , : - + / * = % ( ) _ < >"; a hollow box stands for any other.
bool glyph_pixel(char letter, int row, int column);

/// Pixels a text is wide, without space after its last letter.
inline int text_width(std::string_view text) {
  return text.empty() ? 0 : static_cast<int>(text.size()) * GlyphAdvance - 1;
}

}  // namespace tessera::io
