#include "gzip.hpp"

#include <zlib.h>

#include <array>
#include <vector>

#include "scratch_file.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

constexpr std::size_t BufferBytes = std::size_t{1} << 18;
constexpr int GzipWindow = 15 + 16;  // zlib: largest window, gzip wrapping only

class Inflater {
 public:
  Inflater() { TESSERA_EXPECT(inflateInit2(&stream, GzipWindow) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(Inflater const&) = delete;
  Inflater& operator=(Inflater const&) = delete;
  z_stream stream{};
};

void inflate_all(PosixFile const& packed, PosixFile& plain) {
  Inflater inflater;
  auto& stream = inflater.stream;
  std::vector<std::byte> input(BufferBytes), output(BufferBytes);
  std::int64_t read = 0, written = 0;
  bool at_member_end = false, output_was_full = false;
  while (true) {
    if (stream.avail_in == 0 && !output_was_full) {
      auto const count = packed.read_at(read, input);
      if (count == 0) break;
      read += static_cast<std::int64_t>(count);
      stream.next_in = reinterpret_cast<Bytef*>(input.data());
      stream.avail_in = static_cast<uInt>(count);
    }
    if (at_member_end) {  // gzip allows several members in a row; padding after the last one is left out
      if (*stream.next_in != 0x1f) return;
      inflateReset(&stream);
      at_member_end = false;
    }
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
    int const result = inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      throw InputError({"the gzip stream is damaged", packed.path().string(), "",
                        stream.msg ? stream.msg : "error " + std::to_string(result), "get the file again"});
    auto const count = output.size() - stream.avail_out;
    plain.write_at(written, std::span(output).first(count));
    written += static_cast<std::int64_t>(count);
    at_member_end = result == Z_STREAM_END;
    output_was_full = !at_member_end && stream.avail_out == 0;  // zlib may hold more that needs no further input
  }
  if (!at_member_end)
    throw InputError({"the gzip stream ends too early", packed.path().string(), "a complete stream",
                      std::to_string(read) + " bytes, unpacking to " + std::to_string(written),
                      "the file is truncated: get it again"});
}

}  // namespace

bool is_gzip(PosixFile const& file) {
  std::array<std::byte, 3> magic{};
  return file.read_at(0, magic) == magic.size() && magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b} &&
         magic[2] == std::byte{8};
}

std::filesystem::path unpack_gzip(PosixFile const& file, std::filesystem::path const& scratch) {
  auto const name = content_name(file, 0, file.size(), "gzip") + ".fits";
  return shared_scratch_file(scratch, name, [&](PosixFile& plain) { inflate_all(file, plain); });
}

}  // namespace tessera::io
