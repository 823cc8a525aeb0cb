#include "off_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::steps {

OffReader::OffReader(OffExposure const& off, model::DetectorWindow const& science)
    : own_(off.window),
      science_(science),
      file_(io::FitsFile::open(off.path)),
      sci_(&require_plane("SCI")),
      err_(&require_plane("ERR")),
      dq_(&require_plane("DQ")) {}

io::Hdu const& OffReader::require_plane(std::string const& name) const {
  auto const& hdu = file_.require(name);
  if (hdu.is_image() && hdu.axes.size() == 2 && hdu.nx() == own_.nx && hdu.ny() == own_.ny) return hdu;
  std::string shape;
  for (auto const length : hdu.axes) shape += fmt::format("{}{}", shape.empty() ? "" : " x ", length);
  throw InputError({.what = "a background exposure whose planes are not as its header says",
                    .where = fmt::format("{}[{}]", file_.path().string(), name),
                    .expected = fmt::format("an image of {} x {} pixels (SUBSIZE1, SUBSIZE2)", own_.nx, own_.ny),
                    .found = shape.empty() ? "no image" : shape,
                    .remedy = "take the exposure out of the backgrounds, or get its _rate file again"});
}

template <class T>
void OffReader::read(io::Hdu const& hdu, std::int64_t y0, std::int64_t y1, T absent, T* out) {
  // the part of both, in pixels of the science window
  auto const right = own_.x_start - science_.x_start, up = own_.y_start - science_.y_start;
  auto const x_begin = std::max<std::int64_t>(0, right), x_end = std::min(science_.nx, right + own_.nx);
  auto const y_begin = std::max(y0, up), y_end = std::min(y1, up + own_.ny);
  bool const is_whole = x_begin == 0 && x_end == science_.nx && y_begin == y0 && y_end == y1;
  if (!is_whole) std::fill(out, out + (y1 - y0) * science_.nx, absent);
  if (x_begin >= x_end || y_begin >= y_end) return;
  bytes_read_ += (y_end - y_begin) * own_.nx * static_cast<std::int64_t>(sizeof(T));
  if (right == 0 && own_.nx == science_.nx)
    return file_.read_rows(hdu, y_begin - up, y_end - up, out + (y_begin - y0) * science_.nx);
  std::vector<T> row(static_cast<std::size_t>(own_.nx));
  for (auto y = y_begin; y < y_end; ++y) {
    file_.read_rows(hdu, y - up, y - up + 1, row.data());
    std::copy(row.begin() + (x_begin - right), row.begin() + (x_end - right), out + (y - y0) * science_.nx + x_begin);
  }
}

void OffReader::read_sci(std::int64_t y0, std::int64_t y1, float* out) {
  read(*sci_, y0, y1, std::numeric_limits<float>::quiet_NaN(), out);
}
void OffReader::read_err(std::int64_t y0, std::int64_t y1, float* out) {
  read(*err_, y0, y1, std::numeric_limits<float>::quiet_NaN(), out);
}
void OffReader::read_dq(std::int64_t y0, std::int64_t y1, std::uint32_t* out) {
  read(*dq_, y0, y1, std::uint32_t{0}, out);
}

std::string OffReader::sci_unit() const { return sci_->header.text("BUNIT").value_or("DN/s"); }

}  // namespace tessera::steps
