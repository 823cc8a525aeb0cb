// A whole exposure in memory on its way from count rates to a calibrated exposure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/model/exposure.hpp"
#include "tessera/model/header.hpp"

namespace tessera::model {

/// The part of a detector that was read out.
struct DetectorWindow {
  std::int64_t x_start = 1, y_start = 1;  ///< SUBSTRT1, SUBSTRT2: 1-based, in the full frame
  std::int64_t nx = 0, ny = 0;            ///< SUBSIZE1, SUBSIZE2
  bool operator==(DetectorWindow const&) const = default;
};

/// Planes and headers of one exposure. Before photom the unit is DN/s, after it MJy/sr; variances are its square.
struct ExposureImage {
  ExposureIdentity identity;
  std::string path;                     ///< the file it was read from
  Header primary, sci_header;           ///< as read; steps add what the official steps write
  std::vector<std::string> extensions;  ///< names of the other extensions of the file, for messages
  DetectorWindow window;
  RowBand planes;           ///< all rows: y0 = 0, y1 = ny; sci, err, dq, var_poisson, var_rnoise, later var_flat
  std::vector<float> area;  ///< relative pixel area; empty until photom has an area reference
};

}  // namespace tessera::model
