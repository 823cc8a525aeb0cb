#include "plain_image_planes.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::store {

namespace {

bool is_flat_image(io::Hdu const& hdu) {
  if (!hdu.is_image() || hdu.axes.size() < 2 || hdu.nx() < 1 || hdu.ny() < 1) return false;
  for (std::size_t axis = 2; axis < hdu.axes.size(); ++axis)
    if (hdu.axes[axis] != 1) return false;
  return true;
}

std::optional<int> find_plane(io::FitsFile const& file, std::initializer_list<char const*> names,
                              ExposureRecord const& record) {
  for (char const* name : names) {
    io::Hdu const* hdu = file.find(name);
    if (hdu && is_flat_image(*hdu) && hdu->nx() == record.nx && hdu->ny() == record.ny) return hdu->index;
  }
  return std::nullopt;
}

int require_image_of_shape(std::string const& path, ExposureRecord const& record, char const* what) {
  auto const file = io::FitsFile::open(path);
  for (auto const& hdu : file.hdus())
    if (is_flat_image(hdu) && hdu.nx() == record.nx && hdu.ny() == record.ny) return hdu.index;
  throw InputError({fmt::format("no usable {} plane", what), path,
                    fmt::format("an image of {} x {}", record.nx, record.ny), "none of that shape",
                    fmt::format("give the {} file that belongs to {}", what, record.path)});
}

}  // namespace

int find_image_hdu(io::FitsFile const& file) {
  if (io::Hdu const* sci = file.find("SCI"); sci && is_flat_image(*sci)) return sci->index;
  std::optional<int> first;
  for (auto const& hdu : file.hdus()) {
    if (!is_flat_image(hdu)) continue;
    if (sky::has_celestial_wcs(hdu.header)) return hdu.index;
    if (!first) first = hdu.index;
  }
  if (first) return *first;
  throw InputError({"no image", file.path().string(), "an extension with a two-dimensional image",
                    fmt::format("{} HDUs without one", file.hdus().size()), "leave this file out"});
}

void find_weight_and_mask(io::FitsFile const& file, ExposureSource const& source, ExposureRecord& record) {
  if (!source.weight_path.empty()) {
    record.weight_path = source.weight_path;
    record.weight_hdu = require_image_of_shape(source.weight_path, record, "weight");
  } else if (auto const hdu = find_plane(file, {"WHT", "WEIGHT", "IVM"}, record)) {
    record.weight_path = record.path;
    record.weight_hdu = *hdu;
  } else {
    std::filesystem::path const beside = std::filesystem::path(record.path).replace_extension(".weight.fits");
    if (std::filesystem::exists(beside)) {
      record.weight_path = beside.string();
      record.weight_hdu = require_image_of_shape(beside.string(), record, "weight");
    }
  }
  if (!source.mask_path.empty()) {
    record.mask_path = source.mask_path;
    record.mask_hdu = require_image_of_shape(source.mask_path, record, "mask");
  } else if (auto const hdu = find_plane(file, {"MASK", "DQ"}, record)) {
    record.mask_path = record.path;
    record.mask_hdu = *hdu;
  }
  if (record.mask_hdu >= 0) {
    std::optional<io::FitsFile> other;
    if (record.mask_path != record.path) other = io::FitsFile::open(record.mask_path);
    auto const& hdu = (other ? *other : file).hdus()[static_cast<std::size_t>(record.mask_hdu)];
    if (hdu.bitpix < 0)
      throw InputError({"a mask must hold integers", fmt::format("{}[{}]", record.mask_path, hdu.extname),
                        "BITPIX 8, 16 or 32", fmt::format("BITPIX {}", hdu.bitpix),
                        "convert the mask: 0 is good, anything else is bad"});
  }
  if (record.weight_hdu >= 0) record.planes.add(model::Plane::Wht);
  if (record.mask_hdu >= 0) record.planes.add(model::Plane::Dq);
}

}  // namespace tessera::store
