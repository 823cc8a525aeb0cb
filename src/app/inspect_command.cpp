// inspect: what a FITS file holds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "commands.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/store/exposure_reader.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::app {

namespace {

char const* kind_name(io::Hdu const& hdu) {
  switch (hdu.kind) {
    case io::Hdu::Kind::Image:
      return "image";
    case io::Hdu::Kind::TileCompressedImage:
      return "compressed image";
    case io::Hdu::Kind::BinaryTable:
      return "table";
    case io::Hdu::Kind::AsciiTable:
      return "ascii table";
    case io::Hdu::Kind::None:
      return "-";
    case io::Hdu::Kind::Other:
      return "other";
  }
  return "other";
}

std::string shape_text(io::Hdu const& hdu) {
  std::string text;
  for (auto const axis : hdu.axes) text += (text.empty() ? "" : " x ") + std::to_string(axis);
  return text.empty() ? "-" : text;
}

/// SHA-256 of an image plane as float32 or uint32 values, read in strips of rows.
std::string plane_hash(io::FitsFile const& file, io::Hdu const& hdu) {
  io::Sha256 hash;
  std::int64_t planes = 1;
  for (std::size_t axis = 2; axis < hdu.axes.size(); ++axis) planes *= hdu.axes[axis];
  bool const integers = hdu.bitpix > 0;
  std::vector<float> floats;
  std::vector<std::uint32_t> words;
  for (std::int64_t plane = 0; plane < planes; ++plane)
    for (std::int64_t y = 0; y < hdu.ny(); y += 256) {
      std::int64_t const y1 = std::min(y + 256, hdu.ny());
      auto const count = static_cast<std::size_t>((y1 - y) * hdu.nx());
      if (integers) {
        words.resize(count);
        file.read_rows(hdu, y, y1, words.data(), plane);
        hash.update(std::as_bytes(std::span(words)));
      } else {
        floats.resize(count);
        file.read_rows(hdu, y, y1, floats.data(), plane);
        hash.update(std::as_bytes(std::span(floats)));
      }
    }
  return hash.hex();
}

/// Finite pixels and their range, of one two-dimensional plane.
std::string statistics(io::FitsFile const& file, io::Hdu const& hdu) {
  if (hdu.bitpix > 0 && (hdu.extname == "DQ" || hdu.extname == "CON")) return "";
  std::vector<float> row(static_cast<std::size_t>(hdu.nx()));
  std::int64_t finite = 0;
  double least = INFINITY, most = -INFINITY, sum = 0;
  for (std::int64_t y = 0; y < hdu.ny(); ++y) {
    file.read_rows(hdu, y, y + 1, row.data());
    for (float const value : row) {
      if (!std::isfinite(value)) continue;
      ++finite;
      least = std::min<double>(least, value);
      most = std::max<double>(most, value);
      sum += value;
    }
  }
  double const share =
      100.0 * static_cast<double>(finite) / static_cast<double>(std::max<std::int64_t>(1, hdu.nx() * hdu.ny()));
  if (finite == 0) return "no finite pixel";
  return fmt::format("{:.1f} % finite, {:.6g} .. {:.6g}, mean {:.6g}", share, least, most,
                     sum / static_cast<double>(finite));
}

void inspect_file(std::string const& path, InspectOptions const& options) {
  auto const file = io::FitsFile::open(path);
  std::printf("%s%s\n", path.c_str(), file.readable_path() == file.path() ? "" : " (gzip)");
  for (auto const& hdu : file.hdus()) {
    bool const flat = hdu.is_image() && hdu.axes.size() >= 2;
    std::printf("  %2d %-12s %-17s %-16s %4d  %s\n", hdu.index, hdu.extname.c_str(), kind_name(hdu),
                shape_text(hdu).c_str(), hdu.bitpix, flat ? statistics(file, hdu).c_str() : "");
    if (options.sha256 && flat) std::printf("     sha256 %s %s\n", hdu.extname.c_str(), plane_hash(file, hdu).c_str());
    if (options.header)
      for (auto const& card : hdu.header.cards()) std::printf("     %s\n", card.text.c_str());
  }
  std::vector<store::InputNote> notes;
  std::optional<store::ExposureRecord> record;
  try {
    record = store::examine_exposure({"inspect", "", path, "", ""}, notes);
  } catch (InputError const& error) {  // a table or a kernel may be looked at too
    std::printf("  no exposure: %s\n", error.what());
    return;
  }
  for (auto const& note : notes) std::printf("  note: %s\n", note.text.c_str());
  if (!record) return;
  auto const wcs =
      store::read_file_wcs(file, file.hdus()[static_cast<std::size_t>(record->image_hdu)], record->has_gwcs);
  std::printf("  WCS: %s, %.5f\" a pixel, centre (%.7f, %.7f)\n", wcs->description().c_str(),
              record->native_scale_deg * 3600, record->ra_ref, record->dec_ref);
  if (auto const region = sky::format_s_region(record->footprint)) std::printf("  %s\n", region->c_str());
}

}  // namespace

ExitStatus inspect_files(parallel::Communicator const& world, InspectOptions const& options) {
  std::int64_t status = 0;
  for (auto const& path : options.files) {
    if (!world.is_root()) break;
    try {
      inspect_file(path, options);
    } catch (Error const& error) {
      log::error("{}", error.what());
      status = static_cast<std::int64_t>(error.status());
    }
  }
  return static_cast<ExitStatus>(world.max(status));
}

}  // namespace tessera::app
