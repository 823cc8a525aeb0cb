// One source as it was measured.
#pragma once
#include <array>
#include <cstdint>
#include <limits>

#include "tessera/kernels/source_shape.hpp"

namespace tessera::steps {

/// Sent between ranks as it is. Fluxes in Jy, positions 0-based pixels of the mosaic.
struct SourceRecord {
  std::int32_t segment = 0;  ///< number of its segment before deblending
  std::int32_t part = 1;     ///< of the segment
  double x = kernels::NoValue, y = kernels::NoValue;
  double background = kernels::NoValue, background_error = kernels::NoValue;  ///< a pixel
  std::array<double, 3> flux{kernels::NoValue, kernels::NoValue, kernels::NoValue};
  std::array<double, 3> flux_error = flux;
  double sharpness = kernels::NoValue, roundness = kernels::NoValue;
  double isophotal_flux = 0, isophotal_variance = 0;
  double semimajor = kernels::NoValue, semiminor = kernels::NoValue, ellipticity = kernels::NoValue,
         orientation = kernels::NoValue;
  std::int64_t isophotal_area = 0;
  std::array<std::int32_t, 4> box{};  ///< x0, y0, x1, y1 of its pixels, half open
};

/// A segment that fell into parts.
struct BlendRecord {
  std::int32_t segment = 0, parts = 1;
};

}  // namespace tessera::steps
