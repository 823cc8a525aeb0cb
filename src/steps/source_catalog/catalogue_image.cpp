#include "catalogue_image.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"

namespace tessera::steps {

namespace {

/// Full-width rows read at a time.
constexpr std::int64_t RowsTogether = 64;

}  // namespace

CatalogueImage::CatalogueImage(std::filesystem::path const& path) : file_(io::FitsFile::open(path)) {
  auto const& found = file_.require("SCI");
  nx_ = found.nx();
  ny_ = found.ny();
  for (char const* name : {"SCI", "ERR", "WHT"}) {
    auto const& hdu = file_.require(name);
    if (!hdu.is_image() || hdu.nx() != nx_ || hdu.ny() != ny_ || nx_ < 1 || ny_ < 1)
      throw InputError({fmt::format("extension {} is not an image of the mosaic's shape", name), path.string(),
                        fmt::format("{} x {} pixels", nx_, ny_), fmt::format("{} x {}", hdu.nx(), hdu.ny()),
                        "make the mosaic again, with errors"});
  }
  wcs_ = sky::make_fits_wcs(found.header, nx_, ny_);
  auto const area = found.header.real("PIXAR_SR");
  if (!area || !(*area > 0) || !std::isfinite(*area))
    throw InputError({"the area of a pixel is not known", path.string() + "[SCI] PIXAR_SR", "steradians above 0",
                      area ? fmt::format("{}", *area) : "no such keyword", "make the mosaic again"});
  jansky_ = 1e6 * *area;
  pixel_ratio_ = primary().real("PXSCLRT").value_or(found.header.real("PXSCLRT").value_or(1));
  if (!(pixel_ratio_ > 0)) pixel_ratio_ = 1;
}

MosaicPixels CatalogueImage::read(model::PixelBox const& asked, kernels::BackgroundMesh const* background) const {
  MosaicPixels pixels;
  pixels.box = model::intersect(asked, {0, 0, nx_, ny_});
  auto const width = pixels.box.width();
  auto const count = static_cast<std::size_t>(width * pixels.box.height());
  pixels.data.resize(count);
  pixels.errors.resize(count);
  pixels.mask.resize(count);
  if (background) {
    pixels.rms.resize(count);
    pixels.raw.resize(count);
  }
  auto const& sci = file_.require("SCI");
  auto const& err = file_.require("ERR");
  auto const& wht = file_.require("WHT");
  auto const scale = static_cast<float>(jansky_);
  std::vector<float> data, errors, weights, level, rms;
  std::vector<std::uint8_t> mask;
  for (auto begin = pixels.box.y0; begin < pixels.box.y1; begin += RowsTogether) {
    auto const end = std::min(pixels.box.y1, begin + RowsTogether);
    auto const rows = static_cast<std::size_t>((end - begin) * nx_);
    for (auto* values : {&data, &errors, &weights}) values->resize(rows);
    mask.resize(rows);
    file_.read_rows(sci, begin, end, data.data());
    file_.read_rows(err, begin, end, errors.data());
    file_.read_rows(wht, begin, end, weights.data());
    for (std::size_t k = 0; k < rows; ++k) {
      mask[k] = std::isnan(errors[k]) || !(weights[k] != 0);
      data[k] *= scale;
      errors[k] *= scale;
    }
    if (background) {
      level.resize(rows);
      rms.resize(rows);
      background->rows(begin, end, mask.data(), level.data(), rms.data());
    }
    for (auto y = begin; y < end; ++y) {
      auto const from = (y - begin) * nx_ + pixels.box.x0, to = (y - pixels.box.y0) * width;
      std::copy_n(data.begin() + from, width, (background ? pixels.raw : pixels.data).begin() + to);
      std::copy_n(errors.begin() + from, width, pixels.errors.begin() + to);
      std::copy_n(mask.begin() + from, width, pixels.mask.begin() + to);
      if (!background) continue;
      std::copy_n(rms.begin() + from, width, pixels.rms.begin() + to);
      for (std::int64_t x = 0; x < width; ++x)
        pixels.data[static_cast<std::size_t>(to + x)] =
            data[static_cast<std::size_t>(from + x)] - level[static_cast<std::size_t>(from + x)];
    }
  }
  return pixels;
}

std::int64_t CatalogueImage::read_bytes(std::int64_t pixels) const {
  return pixels * 17 + std::min(RowsTogether, ny_) * nx_ * 21;
}

}  // namespace tessera::steps
