// From stored big-endian pixels to the values they stand for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tessera::io {

/// How the pixels of an image are stored.
struct PixelFormat {
  int bitpix = -32;
  double bscale = 1, bzero = 0;
  std::optional<long long> blank;  ///< integer images: this stored value is no data

  std::size_t bytes() const { return static_cast<std::size_t>(bitpix < 0 ? -bitpix : bitpix) / 8; }
  bool is_float32() const { return bitpix == -32 && bscale == 1 && bzero == 0; }
  /// 32-bit integers that become unsigned ones by changing bits alone (BZERO 0 or 2^31).
  bool is_plain_uint32() const { return bitpix == 32 && bscale == 1 && (bzero == 0 || bzero == 2147483648.0); }
  /// Values are whole numbers: what a bit mask must be stored as.
  bool is_whole() const;
};

/// Turns the byte order of 32-bit words in place and flips the bits of `flip` in each.
void swap_words(std::span<std::byte> words, std::uint32_t flip = 0);

/// `stored` holds out.size() pixels. Scaled in double, rounded once; BLANK becomes NaN.
void decode_pixels(PixelFormat const& format, std::byte const* stored, std::span<float> out);

/// The same for whole numbers; negative ones keep their two's complement bits. False when one does not fit 32 bits.
bool decode_pixels(PixelFormat const& format, std::byte const* stored, std::span<std::uint32_t> out);

}  // namespace tessera::io
