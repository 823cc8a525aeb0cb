#include "tile_compressed.hpp"

#include <fitsio.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

#include "scratch_file.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t PixelsAtOnce = std::int64_t{1} << 22;

/// A CFITSIO handle at one HDU; every call is checked.
class CfitsioImage {
 public:
  CfitsioImage(std::filesystem::path const& path, Hdu const& hdu) : where_(path.string() + "[" + hdu.extname + "]") {
    int status = 0;
    check(fits_open_diskfile(&handle_, path.c_str(), READONLY, &status), "open");
    int kind = 0;
    check(fits_movabs_hdu(handle_, hdu.index + 1, &kind, &status), "find the extension");
    // Stored integers are wanted as they are: BSCALE, BZERO and BLANK are applied by our own code, in one place.
    if (hdu.bitpix > 0) check(fits_set_bscale(handle_, 1, 0, &status), "switch scaling off");
  }
  ~CfitsioImage() {
    int status = 0;
    if (handle_) fits_close_file(handle_, &status);
  }
  CfitsioImage(CfitsioImage const&) = delete;
  CfitsioImage& operator=(CfitsioImage const&) = delete;

  /// Pixels from `first` (0-based, flattened) on.
  template <class Value>
  void read(int type, std::int64_t first, std::vector<Value>& values) {
    Value null_value{};
    Value* null_pointer = nullptr;
    if constexpr (std::is_floating_point_v<Value>) {
      null_value = std::numeric_limits<Value>::quiet_NaN();
      null_pointer = &null_value;
    }
    int any_null = 0, status = 0;
    check(fits_read_img(handle_, type, first + 1, static_cast<LONGLONG>(values.size()), null_pointer, values.data(),
                        &any_null, &status),
          "unpack pixels");
  }

 private:
  void check(int status, char const* action) const {
    if (status == 0) return;
    char text[FLEN_STATUS] = {};
    fits_get_errstatus(status, text);
    std::string detail = text;
    char message[FLEN_ERRMSG] = {};
    if (fits_read_errmsg(message)) detail += std::string(" (") + message + ")";
    fits_clear_errmsg();
    throw InputError({std::string("CFITSIO could not ") + action, where_, "a tile-compressed image", detail,
                      "get the file again, or unpack it with funpack"});
  }

  fitsfile* handle_ = nullptr;
  std::string where_;
};

template <class Value>
void unpack(CfitsioImage& image, int type, std::int64_t pixel_count, std::int64_t at_once, PosixFile& raw) {
  std::vector<Value> values;
  std::vector<std::byte> bytes;
  for (std::int64_t first = 0; first < pixel_count; first += at_once) {
    values.resize(static_cast<std::size_t>(std::min(at_once, pixel_count - first)));
    image.read(type, first, values);
    auto const native = std::as_bytes(std::span(values));
    bytes.resize(native.size());
    for (std::size_t i = 0; i < native.size(); i += sizeof(Value))
      for (std::size_t k = 0; k < sizeof(Value); ++k) bytes[i + k] = native[i + sizeof(Value) - 1 - k];
    raw.write_at(first * static_cast<std::int64_t>(sizeof(Value)), bytes);
  }
}

}  // namespace

PixelFormat unpacked_format(Hdu const& hdu) {
  if (hdu.bitpix < 0) return {hdu.bitpix, 1, 0, {}};
  return {hdu.bitpix, hdu.bscale, hdu.bzero, hdu.blank};
}

std::filesystem::path unpack_tiles(PosixFile const& file, Hdu const& hdu, std::filesystem::path const& scratch) {
  std::error_code ignored;
  auto const time = std::filesystem::last_write_time(file.path(), ignored).time_since_epoch().count();
  std::string salt = "tiles " + std::filesystem::absolute(file.path()).string() + " " + std::to_string(time);
  for (auto const& card : hdu.header.cards()) salt += card.text;
  auto const name = content_name(file, hdu.data_offset, hdu.data_bytes, salt) + ".pixels";
  return shared_scratch_file(scratch, name, [&](PosixFile& raw) {
    CfitsioImage image(file.path(), hdu);
    auto const pixel_count = std::accumulate(hdu.axes.begin(), hdu.axes.end(), std::int64_t{1}, std::multiplies<>());
    // Whole rows of tiles at once, so that no tile is unpacked twice.
    auto const row_of_tiles = std::max<std::int64_t>(1, hdu.nx() * hdu.header.integer("ZTILE2").value_or(1));
    auto const at_once = (PixelsAtOnce + row_of_tiles - 1) / row_of_tiles * row_of_tiles;
    switch (hdu.bitpix) {
      case 8:
        return unpack<std::uint8_t>(image, TBYTE, pixel_count, at_once, raw);
      case 16:
        return unpack<std::int16_t>(image, TSHORT, pixel_count, at_once, raw);
      case 32:
        return unpack<std::int32_t>(image, TINT, pixel_count, at_once, raw);
      case 64:
        return unpack<long long>(image, TLONGLONG, pixel_count, at_once, raw);
      case -32:
        return unpack<float>(image, TFLOAT, pixel_count, at_once, raw);
      default:
        return unpack<double>(image, TDOUBLE, pixel_count, at_once, raw);
    }
  });
}

}  // namespace tessera::io
