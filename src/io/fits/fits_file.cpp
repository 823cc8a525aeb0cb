#include "tessera/io/fits_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>

#include "../posix_file.hpp"
#include "gzip.hpp"
#include "pixel_values.hpp"
#include "scan_hdus.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tile_compressed.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t ChunkBytes = 256 * 1024;  // stays in the second-level cache between reading and decoding

std::string upper_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// As people write it: "SCI", and "SCI,2" from the second version on.
std::string with_version(std::string const& extname, int extver) {
  return extver == 1 ? extname : fmt::format("{},{}", extname, extver);
}

/// A run of pixels in a file.
struct PixelRun {
  PosixFile const& file;
  PixelFormat format;
  std::int64_t offset;  ///< bytes
  std::int64_t count;   ///< pixels
};

/// Reads a run piecewise and hands each piece to `decode(stored bytes, first pixel, pixels)`.
template <class Decode>
void for_each_piece(PixelRun const& run, Decode decode) {
  auto const size = static_cast<std::int64_t>(run.format.bytes());
  auto const piece = ChunkBytes / size;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(piece, run.count) * size));
  for (std::int64_t first = 0; first < run.count; first += piece) {
    auto const count = std::min(piece, run.count - first);
    auto const stored = std::span(buffer).first(static_cast<std::size_t>(count * size));
    run.file.read_exactly(run.offset + first * size, stored);
    decode(stored.data(), first, static_cast<std::size_t>(count));
  }
}

/// Reads 32-bit words straight to where they are wanted and turns them there.
template <class Value>
void read_words(PixelRun const& run, Value* out, std::uint32_t flip) {
  static_assert(sizeof(Value) == 4);
  for (std::int64_t first = 0; first < run.count; first += ChunkBytes / 4) {
    std::span const values(out + first, static_cast<std::size_t>(std::min(ChunkBytes / 4, run.count - first)));
    run.file.read_exactly(run.offset + first * 4, std::as_writable_bytes(values));
    swap_words(std::as_writable_bytes(values), flip);
  }
}

}  // namespace

struct FitsFile::State {
  std::filesystem::path path, scratch;
  PosixFile file;
  std::vector<Hdu> hdus;
  std::map<int, PosixFile> unpacked;  ///< raw pixels of tile-compressed images, by HDU index

  std::string where(Hdu const& hdu) const { return path.string() + "[" + hdu.extname + "]"; }

  PixelRun run(Hdu const& hdu, std::int64_t y0, std::int64_t y1, std::int64_t plane) {
    TESSERA_EXPECT(hdu.is_image() && y0 >= 0 && y0 <= y1 && y1 <= hdu.ny() && plane >= 0);
    std::int64_t planes = 1;
    for (std::size_t i = 2; i < hdu.axes.size(); ++i) planes *= hdu.axes[i];
    TESSERA_EXPECT(plane < planes || y0 == y1);
    std::int64_t const first = (plane * hdu.ny() + y0) * hdu.nx(), count = (y1 - y0) * hdu.nx();
    if (hdu.kind == Hdu::Kind::Image) {
      PixelFormat const format{hdu.bitpix, hdu.bscale, hdu.bzero, hdu.blank};
      return {file, format, hdu.data_offset + first * static_cast<std::int64_t>(format.bytes()), count};
    }
    auto found = unpacked.find(hdu.index);
    if (found == unpacked.end())
      found = unpacked.emplace(hdu.index, PosixFile::open_for_reading(unpack_tiles(file, hdu, scratch))).first;
    auto const format = unpacked_format(hdu);
    return {found->second, format, first * static_cast<std::int64_t>(format.bytes()), count};
  }
};

FitsFile::FitsFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
FitsFile::FitsFile(FitsFile&&) noexcept = default;
FitsFile& FitsFile::operator=(FitsFile&&) noexcept = default;
FitsFile::~FitsFile() = default;

FitsFile FitsFile::open(std::filesystem::path const& path, std::filesystem::path const& scratch) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->scratch = scratch;
  state->file = PosixFile::open_for_reading(path);
  if (is_gzip(state->file)) state->file = PosixFile::open_for_reading(unpack_gzip(state->file, scratch));
  state->hdus = scan_hdus(state->file, path.string());
  return FitsFile(std::move(state));
}

std::filesystem::path const& FitsFile::path() const { return state_->path; }
std::filesystem::path const& FitsFile::readable_path() const { return state_->file.path(); }
std::vector<Hdu> const& FitsFile::hdus() const { return state_->hdus; }

Hdu const* FitsFile::find(std::string const& extname, int extver) const {
  auto const wanted = upper_case(extname);
  for (auto const& hdu : state_->hdus)
    if (hdu.extname == wanted && hdu.extver == extver) return &hdu;
  return nullptr;
}

Hdu const& FitsFile::require(std::string const& extname, int extver) const {
  if (auto const* hdu = find(extname, extver)) return *hdu;
  std::vector<std::string> names;
  std::string listed;
  for (auto const& hdu : state_->hdus) {
    auto const name = hdu.extname.empty() ? "(no name)" : hdu.extname;
    names.push_back(name);
    listed += fmt::format("{}{}", listed.empty() ? "" : ", ", with_version(name, hdu.extver));
  }
  throw InputError({"extension is missing", state_->path.string(), with_version(upper_case(extname), extver), listed,
                    suggest_name(extname, names)});
}

void FitsFile::read_rows(Hdu const& hdu, std::int64_t y0, std::int64_t y1, float* out, std::int64_t plane) const {
  auto const run = state_->run(hdu, y0, y1, plane);
  if (run.format.is_float32()) return read_words(run, out, 0);
  for_each_piece(run, [&](std::byte const* stored, std::int64_t first, std::size_t count) {
    decode_pixels(run.format, stored, std::span(out + first, count));
  });
}

void FitsFile::read_rows(Hdu const& hdu, std::int64_t y0, std::int64_t y1, std::uint32_t* out,
                         std::int64_t plane) const {
  auto const run = state_->run(hdu, y0, y1, plane);
  if (!run.format.is_whole())
    throw InputError({"pixels are no whole numbers", state_->where(hdu), "an integer image without fractional scaling",
                      "BITPIX " + std::to_string(hdu.bitpix), "flags must be stored as integers"});
  if (run.format.is_plain_uint32()) return read_words(run, out, run.format.bzero == 0 ? 0 : 0x80000000u);
  bool fits = true;
  for_each_piece(run, [&](std::byte const* stored, std::int64_t first, std::size_t count) {
    fits &= decode_pixels(run.format, stored, std::span(out + first, count));
  });
  if (!fits)
    throw InputError({"a pixel does not fit 32 bits", state_->where(hdu), "whole numbers below 2^32", "larger ones",
                      "store flags as 32-bit integers"});
}

std::vector<std::byte> FitsFile::read_data(Hdu const& hdu) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(hdu.data_bytes));
  state_->file.read_exactly(hdu.data_offset, bytes);
  return bytes;
}

std::filesystem::path FitsFile::default_scratch() {
  auto const own = fmt::format("tessera-{}", ::getuid());
  for (char const* name : {"TESSERA_SCRATCH", "TMPDIR"})
    if (char const* value = std::getenv(name); value && *value) return std::filesystem::path(value) / own;
  return std::filesystem::path("/tmp") / own;
}

std::vector<Hdu> read_headers(std::filesystem::path const& path) { return FitsFile::open(path).hdus(); }

}  // namespace tessera::io
