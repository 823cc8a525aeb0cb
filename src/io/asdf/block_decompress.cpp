#include "block_decompress.hpp"

#include <bzlib.h>
#include <fmt/format.h>
#include <lz4.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "asdf_error.hpp"

namespace tessera::io {

namespace {

constexpr std::size_t FirstOutput = std::size_t{1} << 16;

/// Output that doubles up to the size it should have.
class GrowingOutput {
 public:
  explicit GrowingOutput(std::uint64_t limit) : limit_(limit) {}
  /// Room for more; false when the size announced is reached.
  bool grow() {
    if (bytes_.size() >= limit_) return false;
    bytes_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(limit_, std::max(FirstOutput, 2 * bytes_.size()))));
    return true;
  }
  std::byte* free_bytes() { return bytes_.data() + used_; }
  std::size_t free_size() const { return bytes_.size() - used_; }
  void use(std::size_t count) { used_ += count; }
  std::size_t used() const { return used_; }
  std::vector<std::byte> take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::uint64_t limit_;
  std::size_t used_ = 0;
  std::vector<std::byte> bytes_;
};

struct Broken {
  std::string reason;
};

constexpr std::size_t MaxChunk = std::numeric_limits<unsigned int>::max();

std::vector<std::byte> inflate_zlib(std::span<std::byte const> stored, std::uint64_t data_size) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw Broken{"zlib cannot start"};
  struct Guard {
    z_stream& stream;
    ~Guard() { inflateEnd(&stream); }
  } const guard{stream};
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<Bytef const*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  GrowingOutput output(data_size);
  for (;;) {
    if (output.free_size() == 0 && !output.grow()) {
      // The end mark may still be unread when the output is just full.
      Bytef extra;
      stream.next_out = &extra;
      stream.avail_out = 1;
      if (inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 1) return output.take();
      throw Broken{"more data than the block header says"};
    }
    std::size_t const room = std::min(output.free_size(), MaxChunk);
    stream.next_out = reinterpret_cast<Bytef*>(output.free_bytes());
    stream.avail_out = static_cast<uInt>(room);
    int const status = inflate(&stream, Z_NO_FLUSH);
    output.use(room - stream.avail_out);
    if (status == Z_STREAM_END) return output.take();
    if (status != Z_OK) throw Broken{stream.msg ? stream.msg : "the zlib stream ends early"};
  }
}

std::vector<std::byte> inflate_bzip2(std::span<std::byte const> stored, std::uint64_t data_size) {
  bz_stream stream{};
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw Broken{"bzip2 cannot start"};
  struct Guard {
    bz_stream& stream;
    ~Guard() { BZ2_bzDecompressEnd(&stream); }
  } const guard{stream};
  stream.next_in = const_cast<char*>(reinterpret_cast<char const*>(stored.data()));
  stream.avail_in = static_cast<unsigned int>(stored.size());
  GrowingOutput output(data_size);
  for (;;) {
    char extra;
    bool const is_full = output.free_size() == 0 && !output.grow();
    std::size_t const room = is_full ? 1 : std::min(output.free_size(), MaxChunk);
    stream.next_out = is_full ? &extra : reinterpret_cast<char*>(output.free_bytes());
    stream.avail_out = static_cast<unsigned int>(room);
    unsigned int const before = stream.avail_in;
    int const status = BZ2_bzDecompress(&stream);
    std::size_t const made = room - stream.avail_out;
    if (is_full && made) throw Broken{"more data than the block header says"};
    if (!is_full) output.use(made);
    if (status == BZ_STREAM_END) return output.take();
    if (status != BZ_OK) throw Broken{"the bzip2 stream is broken"};
    if (made == 0 && before == stream.avail_in) throw Broken{"the bzip2 stream ends early"};
  }
}

std::uint32_t byte_at(std::span<std::byte const> bytes, std::size_t index) {
  return std::to_integer<std::uint32_t>(bytes[index]);
}

std::vector<std::byte> inflate_lz4(std::span<std::byte const> stored, std::uint64_t data_size) {
  // Chunks: big-endian count of the bytes that follow, little-endian size after decompression, raw LZ4 block.
  constexpr std::uint64_t MostExpansion = 255;
  std::vector<std::byte> output;
  while (!stored.empty()) {
    if (stored.size() < 8) throw Broken{"an lz4 chunk header is cut off"};
    std::uint32_t const length =
        byte_at(stored, 0) << 24 | byte_at(stored, 1) << 16 | byte_at(stored, 2) << 8 | byte_at(stored, 3);
    std::uint32_t const size =
        byte_at(stored, 7) << 24 | byte_at(stored, 6) << 16 | byte_at(stored, 5) << 8 | byte_at(stored, 4);
    if (length < 4 || length > stored.size() - 4) throw Broken{"an lz4 chunk reaches beyond its block"};
    std::uint32_t const packed = length - 4;
    if (size > data_size - output.size()) throw Broken{"more data than the block header says"};
    if (size > (packed + std::uint64_t{1}) * MostExpansion || size > LZ4_MAX_INPUT_SIZE ||
        packed > static_cast<std::uint32_t>(std::numeric_limits<int>::max()))
      throw Broken{"an lz4 chunk claims an impossible size"};
    std::size_t const start = output.size();
    output.resize(start + size);
    int const made = LZ4_decompress_safe(reinterpret_cast<char const*>(stored.data() + 8),
                                         reinterpret_cast<char*>(output.data() + start), static_cast<int>(packed),
                                         static_cast<int>(size));
    if (made < 0 || static_cast<std::uint32_t>(made) != size) throw Broken{"an lz4 chunk is broken"};
    stored = stored.subspan(std::size_t{4} + length);
  }
  return output;
}

}  // namespace

std::vector<std::byte> decompress_block(std::string const& compression, std::span<std::byte const> stored,
                                        std::uint64_t data_size, std::string const& file, std::string const& path) {
  try {
    if (stored.size() > MaxChunk || data_size > MaxChunk)
      throw Broken{"compressed blocks above 4 GiB are not supported"};
    std::vector<std::byte> bytes;
    if (compression == "zlib")
      bytes = inflate_zlib(stored, data_size);
    else if (compression == "bzp2")
      bytes = inflate_bzip2(stored, data_size);
    else if (compression == "lz4")
      bytes = inflate_lz4(stored, data_size);
    else
      fail_asdf(file, path, "unknown compression of a block", "zlib, bzp2 or lz4", "'" + compression + "'");
    if (bytes.size() != data_size)
      throw Broken{fmt::format("{} bytes came out, the block header says {}", bytes.size(), data_size)};
    return bytes;
  } catch (Broken const& broken) {
    fail_asdf(file, path, fmt::format("a {} block cannot be decompressed", compression), {}, broken.reason);
  }
}

}  // namespace tessera::io
