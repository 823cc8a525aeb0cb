// SCI of a finished mosaic, read by rows, with its WCS.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "tessera/io/fits_file.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::steps {

class MosaicImage {
 public:
  /// Throws InputError: no FITS, no SCI image, no celestial WCS, a scale that is none.
  explicit MosaicImage(std::filesystem::path const& path);

  std::filesystem::path const& path() const { return file_.path(); }
  std::int64_t nx() const { return sci().nx(); }
  std::int64_t ny() const { return sci().ny(); }
  model::Header const& header() const { return sci().header; }
  model::Header const& primary() const { return file_.hdus().front().header; }
  sky::WcsPointer const& wcs() const { return wcs_; }
  double pixel_scale() const { return pixel_scale_; }  ///< arcsec: root of the area of the central pixel

  /// Rows y0 <= y < y1 as they are, cut to the image; what holds no data (0, NaN, infinite) is NaN.
  std::vector<float> rows(std::int64_t y0, std::int64_t y1) const;

 private:
  io::Hdu const& sci() const { return file_.hdus()[sci_]; }
  io::FitsFile file_;
  std::size_t sci_ = 0;
  sky::WcsPointer wcs_;
  double pixel_scale_ = 0;
};

}  // namespace tessera::steps
