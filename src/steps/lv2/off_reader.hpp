// Reading an exposure of an empty field into the window of the science exposures (spec 20, 2.3).
#pragma once
#include <cstdint>
#include <string>

#include "tessera/io/fits_file.hpp"
#include "tessera/steps/lv2/off_backgrounds.hpp"

namespace tessera::steps {

/// One open file; bytes read are added up. Rows are those of the science window; pixels of it that the off does not
/// have are NaN, in DQ 0.
class OffReader {
 public:
  /// Throws InputError naming the file: missing, truncated, without SCI, ERR or DQ, not two-dimensional, or of another
  /// shape than its window.
  OffReader(OffExposure const& off, model::DetectorWindow const& science);

  /// Rows y0 <= y < y1, [y - y0][x].
  void read_sci(std::int64_t y0, std::int64_t y1, float* out);
  void read_err(std::int64_t y0, std::int64_t y1, float* out);
  void read_dq(std::int64_t y0, std::int64_t y1, std::uint32_t* out);

  model::Header const& primary() const { return file_.hdus().front().header; }
  std::string sci_unit() const;
  std::int64_t bytes_read() const { return bytes_read_; }

 private:
  io::Hdu const& require_plane(std::string const& name) const;
  template <class T>
  void read(io::Hdu const& hdu, std::int64_t y0, std::int64_t y1, T absent, T* out);

  model::DetectorWindow own_, science_;
  io::FitsFile file_;
  io::Hdu const *sci_, *err_, *dq_;
  std::int64_t bytes_read_ = 0;
};

}  // namespace tessera::steps
