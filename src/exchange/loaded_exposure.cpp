#include "tessera/exchange/loaded_exposure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/exchange/exposure_drizzler.hpp"

namespace tessera::exchange {

namespace {

using model::Plane;

/// Rows that are read at a time: the reader holds them once more, in double.
constexpr std::int64_t RowsAtATime = 256;

template <class T>
void append(std::vector<T>& all, std::vector<T> const& rows) {
  all.insert(all.end(), rows.begin(), rows.end());
}

/// Pixels of the image on the box of the grid, with those gone whose nearest pixel is bad.
std::vector<float> reproject_plane(std::vector<float> const& plane, LoadedExposure const& exposure,
                                   sky::GridToExposure const& to, std::vector<std::uint8_t> const& bad_there,
                                   kernels::Reprojection method) {
  constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
  model::PixelBox const target{0, 0, to.map.nx, to.map.ny};
  std::vector<float> blanked = plane, out(bad_there.size());
  for (std::size_t k = 0; k < blanked.size(); ++k)
    if (exposure.bad[k]) blanked[k] = NaN;
  kernels::reproject(method, {blanked.data(), {0, 0, exposure.nx, exposure.ny}, exposure.nx, exposure.ny}, to.map,
                     target, out.data());
  for (std::size_t k = 0; k < out.size(); ++k)
    if (bad_there[k]) out[k] = NaN;
  return out;
}

}  // namespace

LoadedExposure load_exposure(store::ExposureReader const& reader, bool read_noise, std::uint32_t bad_bits) {
  auto const& record = reader.record();
  LoadedExposure exposure;
  exposure.nx = record.nx;
  exposure.ny = record.ny;
  exposure.wcs = reader.wcs();
  auto const count = static_cast<std::size_t>(record.nx * record.ny);
  exposure.sci.reserve(count);
  exposure.bad.reserve(count);
  exposure.dq.reserve(count);
  if (record.planes.has(Plane::Err)) exposure.err.reserve(count);
  if (read_noise && record.planes.has(Plane::VarRnoise)) exposure.var_rnoise.reserve(count);

  model::PlaneSet planes{Plane::Sci, Plane::Err, Plane::Dq};
  if (read_noise) planes.add(Plane::VarRnoise);
  bool const is_plain = record.kind == store::ExposureKind::PlainImage;
  if (is_plain) planes.add(Plane::Wht);
  model::RowBand band;
  for (std::int64_t y0 = 0; y0 < record.ny; y0 += RowsAtATime) {
    read_with_one_more_try(reader, y0, std::min(y0 + RowsAtATime, record.ny), planes, band);
    for (std::size_t k = 0; k < band.sci.size(); ++k) {
      float const sci = band.sci[k];
      bool const is_bad = !std::isfinite(sci) || sci == 0 || (!band.err.empty() && !std::isfinite(band.err[k])) ||
                          (!band.dq.empty() && (band.dq[k] & bad_bits)) ||
                          (is_plain && !band.wht.empty() && !(band.wht[k] > 0));
      exposure.bad.push_back(is_bad ? 1 : 0);
    }
    append(exposure.sci, band.sci);
    append(exposure.err, band.err);
    append(exposure.var_rnoise, band.var_rnoise);
    append(exposure.dq, band.dq);
  }
  return exposure;
}

std::int64_t loaded_exposure_bytes(store::ExposureRecord const& record) {
  constexpr std::int64_t BytesAPixel = 4 * 4 + 1;      // SCI, ERR, VAR_RNOISE, DQ and `bad`
  constexpr std::int64_t BytesAPixelRead = 7 * 4 + 8;  // the planes of a band, and SCI in double
  std::int64_t const rows = std::min(RowsAtATime, record.ny);
  return record.nx * (record.ny * BytesAPixel + rows * BytesAPixelRead);
}

Cutout reproject_exposure(LoadedExposure const& exposure, model::SkyGrid const& grid, kernels::Reprojection method) {
  auto const to = sky::map_grid_to_exposure(*exposure.wcs, exposure.nx, exposure.ny, grid);
  Cutout cutout;
  cutout.box = to.box;
  if (to.box.empty()) return cutout;
  model::PixelBox const target{0, 0, to.map.nx, to.map.ny};
  std::vector<std::uint8_t> bad_there(static_cast<std::size_t>(to.map.nx * to.map.ny));
  kernels::reproject_nearest(exposure.bad.data(), exposure.nx, exposure.ny, to.map, target, bad_there.data());
  cutout.value = reproject_plane(exposure.sci, exposure, to, bad_there, method);
  if (!exposure.err.empty()) cutout.error = reproject_plane(exposure.err, exposure, to, bad_there, method);
  return cutout;
}

}  // namespace tessera::exchange
