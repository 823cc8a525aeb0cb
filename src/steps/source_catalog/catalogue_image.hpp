// SCI, ERR and WHT of a finished mosaic in Jy a pixel, by windows.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "tessera/io/fits_file.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/kernels/segmentation.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::steps {

/// Part of a mosaic: [y - box.y0][x - box.x0].
struct MosaicPixels {
  model::PixelBox box;
  std::vector<float> data;         ///< Jy, background taken off where one was given
  std::vector<float> raw;          ///< Jy, as in the mosaic; empty unless a background was given
  std::vector<float> errors;       ///< Jy
  std::vector<float> rms;          ///< of the background, Jy; empty without one
  std::vector<std::uint8_t> mask;  ///< no coverage: ERR is NaN, or WHT is 0
};

class CatalogueImage {
 public:
  /// Throws InputError: an extension missing or of another shape, no celestial WCS, no PIXAR_SR.
  explicit CatalogueImage(std::filesystem::path const& path);

  std::int64_t nx() const { return nx_; }
  std::int64_t ny() const { return ny_; }
  sky::Wcs const& wcs() const { return *wcs_; }
  model::Header const& primary() const { return file_.hdus().front().header; }
  model::Header const& sci() const { return file_.require("SCI").header; }
  double pixel_ratio() const { return pixel_ratio_; }  ///< PXSCLRT: pixel of the mosaic over pixel of the detector

  /// The pixels of `box`, cut to the image.
  MosaicPixels read(model::PixelBox const& box, kernels::BackgroundMesh const* background) const;

  /// Bytes that read takes for so many pixels, and while it works.
  std::int64_t read_bytes(std::int64_t pixels) const;

 private:
  io::FitsFile file_;
  std::int64_t nx_ = 0, ny_ = 0;
  sky::WcsPointer wcs_;
  double jansky_ = 1, pixel_ratio_ = 1;
};

/// With the background taken off.
inline kernels::ImageWindow window_of(MosaicPixels const& pixels, CatalogueImage const& image) {
  return {pixels.data.data(), pixels.mask.data(), pixels.box, image.nx(), image.ny()};
}

/// With its background.
inline kernels::ImageWindow raw_window_of(MosaicPixels const& pixels, CatalogueImage const& image) {
  return {pixels.raw.data(), pixels.mask.data(), pixels.box, image.nx(), image.ny()};
}

}  // namespace tessera::steps
