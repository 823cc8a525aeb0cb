#include "tessera/refs/image_references.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/io/fits_table.hpp"

namespace tessera::refs {

namespace {

using model::DetectorWindow;

constexpr std::int64_t RowsAtOnce = 64;

std::string shape_text(std::int64_t nx, std::int64_t ny) { return fmt::format("{} x {} pixels", nx, ny); }

std::string extension_of(std::filesystem::path const& path, std::string const& extname) {
  return fmt::format("{}[{}]", path.string(), extname);
}

/// An image extension of two dimensions.
io::Hdu const& require_image(io::FitsFile const& file, std::string const& extname) {
  auto const& hdu = file.require(extname);
  bool const is_plane = hdu.is_image() && hdu.axes.size() >= 2 && hdu.nx() > 0 && hdu.ny() > 0 &&
                        std::all_of(hdu.axes.begin() + 2, hdu.axes.end(), [](std::int64_t size) { return size == 1; });
  if (is_plane) return hdu;
  std::string shape;
  for (auto const size : hdu.axes) shape += (shape.empty() ? "" : " x ") + std::to_string(size);
  throw InputError({"is no image of two dimensions", extension_of(file.path(), extname), "one plane of pixels",
                    hdu.is_image() ? "an array of " + (shape.empty() ? "no pixels" : shape) : "no image",
                    "give a reference file for imaging"});
}

/// An extension that goes with SCI; null where there is none.
io::Hdu const* find_companion(io::FitsFile const& file, std::string const& extname, io::Hdu const& sci) {
  if (!file.find(extname)) return nullptr;
  auto const& hdu = require_image(file, extname);
  if (hdu.nx() != sci.nx() || hdu.ny() != sci.ny())
    throw InputError({"has another shape than SCI", extension_of(file.path(), extname), shape_text(sci.nx(), sci.ny()),
                      shape_text(hdu.nx(), hdu.ny()), "the file is damaged: get it again"});
  return &hdu;
}

/// Where a window begins in an array, 0-based.
struct Corner {
  std::int64_t x = 0, y = 0;
};

/// Corner of `window` in an array that lies at `place` on the detector.
Corner find_corner(std::filesystem::path const& path, DetectorWindow const& place, DetectorWindow const& window) {
  Corner const corner{window.x_start - place.x_start, window.y_start - place.y_start};
  if (corner.x < 0 || corner.y < 0 || corner.x + window.nx > place.nx || corner.y + window.ny > place.ny) {
    auto const describe = [](DetectorWindow const& one) {
      return fmt::format("columns {} to {} and rows {} to {}", one.x_start, one.x_start + one.nx - 1, one.y_start,
                         one.y_start + one.ny - 1);
    };
    throw InputError({"does not hold the pixels of the exposure", path.string(), describe(window) + " of the detector",
                      describe(place), "choose a reference for this subarray, or for the full frame"});
  }
  return corner;
}

template <class T>
std::vector<T> read_window(io::FitsFile const& file, io::Hdu const& hdu, Corner const& corner,
                           DetectorWindow const& window) {
  std::vector<T> pixels(static_cast<std::size_t>(window.nx * window.ny));
  if (window.nx == hdu.nx()) {
    file.read_rows(hdu, corner.y, corner.y + window.ny, pixels.data());
    return pixels;
  }
  std::vector<T> rows(static_cast<std::size_t>(std::min(RowsAtOnce, window.ny) * hdu.nx()));
  for (std::int64_t y0 = 0; y0 < window.ny; y0 += RowsAtOnce) {
    auto const y1 = std::min(y0 + RowsAtOnce, window.ny);
    file.read_rows(hdu, corner.y + y0, corner.y + y1, rows.data());
    for (std::int64_t y = y0; y < y1; ++y)
      std::copy_n(rows.begin() + (y - y0) * hdu.nx() + corner.x, window.nx, pixels.begin() + y * window.nx);
  }
  return pixels;
}

/// Bits of a file and what they stand for.
using BitNames = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// Rows of DQ_DEF with a name that we know. Empty where there is no such table, or nothing in it: bits are standard.
std::optional<BitNames> read_bit_names(io::FitsFile const& file) {
  auto const* hdu = file.find("DQ_DEF");
  if (!hdu) return std::nullopt;
  auto const where = extension_of(file.path(), "DQ_DEF");
  auto const table = io::read_fits_table(file, *hdu);
  if (hdu->ny() == 0) return std::nullopt;
  auto const values = table.numbers("VALUE", where);
  auto const* column = table.find("NAME");
  auto const* names = column ? std::get_if<std::vector<std::string>>(&column->values) : nullptr;
  if (!names)
    throw InputError({"has no names of bits", where, "a column NAME of text", column ? "numbers" : "no such column",
                      "the file is damaged: get it again"});
  BitNames known;
  for (std::size_t row = 0; row < names->size(); ++row) {
    auto const bit = dq::find_bit((*names)[row]);
    if (!bit || *bit == 0) continue;
    // The value of bit 31 is negative where the column is signed.
    double const value = values[row] < 0 ? values[row] + 4294967296.0 : values[row];
    if (!(value >= 0 && value < 4294967296.0))
      throw InputError({"has a wrong value for " + (*names)[row], where, "a whole number below 2^32",
                        fmt::format("{}", values[row]), "the file is damaged: get it again"});
    known.emplace_back(static_cast<std::uint32_t>(value), *bit);
  }
  return known;
}

void translate_bits(BitNames const& names, std::vector<std::uint32_t>& flags) {
  for (auto& pixel : flags) {
    std::uint32_t const stored = pixel;
    pixel = 0;
    if (stored == 0) continue;
    for (auto const& [value, bit] : names)
      if ((stored & value) != 0) pixel |= bit;
  }
}

double find_usable_fraction(FlatReference const& flat) {
  std::size_t usable = 0;
  for (std::size_t k = 0; k < flat.sci.size(); ++k)
    usable += !std::isnan(flat.sci[k]) && flat.sci[k] != 0 && (flat.dq[k] & (dq::DoNotUse | dq::NoFlatField)) == 0;
  return flat.sci.empty() ? 0 : static_cast<double>(usable) / static_cast<double>(flat.sci.size());
}

}  // namespace

DetectorWindow detector_window(std::filesystem::path const& path, model::Header const& primary, std::int64_t nx,
                               std::int64_t ny) {
  std::string missing;
  for (char const* keyword : {"SUBSTRT1", "SUBSTRT2", "SUBSIZE1", "SUBSIZE2"})
    if (!primary.integer(keyword)) missing += (missing.empty() ? "" : ", ") + std::string(keyword);
  if (!missing.empty()) {
    auto const instrument = primary.text("INSTRUME").value_or("");
    bool const is_miri_frame = nx == 1032 && ny == 1024 && (instrument == "MIRI" || instrument.empty());
    bool const is_other_frame = nx == 2048 && ny == 2048 && instrument != "MIRI";
    if (is_miri_frame || is_other_frame) return {1, 1, nx, ny};
    throw InputError({"does not say which part of the detector it is", path.string(),
                      "SUBSTRT1, SUBSTRT2, SUBSIZE1 and SUBSIZE2 in the primary header, or a full frame",
                      fmt::format("no {}, and {}", missing, shape_text(nx, ny)),
                      "add the keywords, or give another file"});
  }
  for (char const* keyword : {"SUBSTRT1", "SUBSTRT2", "SUBSIZE1", "SUBSIZE2"})
    if (auto const value = *primary.integer(keyword); value < 1)
      throw InputError({fmt::format("keyword {} is wrong", keyword), path.string(), "1 or more", std::to_string(value),
                        "the file is damaged: get it again"});
  return {*primary.integer("SUBSTRT1"), *primary.integer("SUBSTRT2"), nx, ny};
}

std::optional<FlatReference> read_flat(std::filesystem::path const& path, DetectorWindow const& window) {
  auto const file = io::FitsFile::open(path);
  auto const& sci = require_image(file, "SCI");
  auto const* err = find_companion(file, "ERR", sci);
  auto const* flags = find_companion(file, "DQ", sci);
  if (sci.nx() < window.nx || sci.ny() < window.ny) return std::nullopt;
  auto const place = detector_window(path, file.hdus().front().header, sci.nx(), sci.ny());
  auto const corner = find_corner(path, place, window);
  FlatReference flat;
  flat.sci = read_window<float>(file, sci, corner, window);
  if (err)
    flat.err = read_window<float>(file, *err, corner, window);
  else
    flat.err.assign(flat.sci.size(), 0.0f);
  if (flags) {
    flat.dq = read_window<std::uint32_t>(file, *flags, corner, window);
    if (auto const names = read_bit_names(file)) translate_bits(*names, flat.dq);
  } else {
    flat.dq.assign(flat.sci.size(), 0u);
  }
  flat.usable_fraction = find_usable_fraction(flat);
  return flat;
}

AreaReference read_area(std::filesystem::path const& path, DetectorWindow const& window) {
  auto const file = io::FitsFile::open(path);
  auto const& sci = require_image(file, "SCI");
  auto const corner = find_corner(path, {1, 1, sci.nx(), sci.ny()}, window);
  auto const& primary = file.hdus().front().header;
  return {read_window<float>(file, sci, corner, window), primary.real("PIXAR_SR"), primary.real("PIXAR_A2")};
}

}  // namespace tessera::refs
