// Reading FITS: headers and plane offsets by our own reader, pixels by pread; CFITSIO for what is compressed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/model/header.hpp"

namespace tessera::io {

/// One HDU: its header and where its data lie.
struct Hdu {
  int index = 0;        ///< 0 = primary
  std::string extname;  ///< upper case as written, blanks trimmed; "PRIMARY" for index 0 without one
  int extver = 1;
  enum class Kind { None, Image, TileCompressedImage, BinaryTable, AsciiTable, Other } kind = Kind::None;
  int bitpix = 0;                  ///< of the image (ZBITPIX for a tile-compressed one)
  std::vector<std::int64_t> axes;  ///< NAXIS1 first (ZNAXISn for a tile-compressed one)
  double bscale = 1, bzero = 0;
  std::optional<long long> blank;                                   ///< BLANK of an integer image: read as NaN
  std::int64_t header_offset = 0, data_offset = 0, data_bytes = 0;  ///< in the (unpacked) file, data without padding
  model::Header header;

  std::int64_t nx() const { return axes.empty() ? 0 : axes[0]; }
  std::int64_t ny() const { return axes.size() < 2 ? 0 : axes[1]; }
  bool is_image() const { return kind == Kind::Image || kind == Kind::TileCompressedImage; }
};

/// A FITS file opened for reading. Independent (no MPI). Not for use by two threads at once.
///
/// A gzip-compressed file (by its magic bytes, whatever its name) is unpacked once to `scratch` under a name made from
/// the content's hash, and shared by all who open it. Throws InputError: missing file, no FITS, truncated (naming the
/// HDU, the bytes promised and found), broken header card.
class FitsFile {
 public:
  static FitsFile open(std::filesystem::path const& path, std::filesystem::path const& scratch = default_scratch());
  FitsFile(FitsFile&&) noexcept;
  FitsFile& operator=(FitsFile&&) noexcept;
  ~FitsFile();

  std::filesystem::path const& path() const;           ///< as asked for
  std::filesystem::path const& readable_path() const;  ///< where the plain bytes lie (the same unless it was gzip)
  std::vector<Hdu> const& hdus() const;

  /// HDU by name (letter case ignored) and version; null when there is none.
  Hdu const* find(std::string const& extname, int extver = 1) const;
  /// The same, throwing InputError that names the extensions there are.
  Hdu const& require(std::string const& extname, int extver = 1) const;

  /// Rows y0 <= y < y1 of an image plane as float32 (BSCALE, BZERO and BLANK applied in double, rounded once), full
  /// width; `plane` is the index along the third and higher axes, flattened. `out` holds (y1 - y0) * nx values.
  void read_rows(Hdu const& hdu, std::int64_t y0, std::int64_t y1, float* out, std::int64_t plane = 0) const;
  /// The same as 32-bit unsigned integers (DQ, CON); negative int32 without BZERO keep their bits.
  void read_rows(Hdu const& hdu, std::int64_t y0, std::int64_t y1, std::uint32_t* out, std::int64_t plane = 0) const;

  /// Raw data bytes of an HDU (the ASDF extension's table cell, see spec 25 1.4).
  std::vector<std::byte> read_data(Hdu const& hdu) const;

  static std::filesystem::path default_scratch();  ///< $TESSERA_SCRATCH, $TMPDIR or /tmp, plus "tessera-<uid>"

 private:
  struct State;
  explicit FitsFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// First and last HDU cost one read: headers only, for the inventory. As FitsFile::open, but pixels are never touched.
std::vector<Hdu> read_headers(std::filesystem::path const& path);

}  // namespace tessera::io
