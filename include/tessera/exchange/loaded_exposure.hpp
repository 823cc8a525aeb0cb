// A whole exposure in memory as the steps that compare exposures take it, and its cutout of a common grid.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/kernels/reproject.hpp"
#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/grid_to_exposure.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::exchange {

/// All rows of an exposure with the ledger applied. Arrays are [ny][nx]; planes not asked for, or missing in the file,
/// are empty.
struct LoadedExposure {
  std::int64_t nx = 0, ny = 0;
  sky::WcsPointer wcs;
  std::vector<float> sci, err, var_rnoise;
  std::vector<std::uint32_t> dq;
  /// 1: bad. DQ & 513 (or 1 with pjpipe's own test), or SCI or ERR (where there) not finite, or SCI exactly 0
  /// (spec 40, P1 "dq mask"). A plain image also where its weight is not above 0.
  std::vector<std::uint8_t> bad;
};

/// Reads the exposure. SCI, ERR, DQ always; VAR_RNOISE with `read_noise`. Files without ERR get none.
LoadedExposure load_exposure(store::ExposureReader const& reader, bool read_noise, std::uint32_t bad_bits = 513);
/// Bytes that one takes while it is read.
std::int64_t loaded_exposure_bytes(store::ExposureRecord const& record);

/// An image on the part of a grid that it covers.
struct Cutout {
  model::PixelBox box;       ///< pixels of the grid; empty: no overlap
  std::vector<float> value;  ///< [box.height()][box.width()], NaN: no data
  std::vector<float> error;  ///< likewise; empty where the image has none
};

/// SCI and ERR of the exposure on the grid (spec 40, P8): bad pixels are NaN before, and pixels whose nearest exposure
/// pixel is bad are NaN after. Takes, besides the cutout, 4 bytes a pixel of the exposure and 1 a pixel of the cutout.
Cutout reproject_exposure(LoadedExposure const& exposure, model::SkyGrid const& grid, kernels::Reprojection method);

}  // namespace tessera::exchange
