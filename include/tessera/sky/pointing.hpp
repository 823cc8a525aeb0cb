// The JWST pointing transforms: velocity aberration, V2V3 to sky, and whole imaging WCS objects (spec 20, section 3).
#pragma once
#include <memory>
#include <optional>

#include "tessera/sky/gwcs.hpp"

namespace tessera::sky {

/// Keywords that place an exposure on the sky (SCI header).
struct Pointing {
  double v2_ref = 0, v3_ref = 0;                 ///< arcsec
  double roll_ref = 0, ra_ref = 0, dec_ref = 0;  ///< degrees
  std::optional<double> va_scale;                ///< VA_SCALE; unset: none
};

/// Differential velocity aberration about (v2_ref, v3_ref): identity when VA_SCALE is missing or 1; InputError if <= 0.
TransformPointer make_velocity_aberration(Pointing const& pointing);
/// V2V3 (arcsec) to ra, dec (spec 20, 3.5).
TransformPointer make_v2v3_to_sky(Pointing const& pointing);
/// Roll at another position (new_v2, new_v3), degrees (spec 20, 3.5).
double roll_at(Pointing const& pointing, double new_v2, double new_v3);

/// What the detector adds: the subarray, the filter offset, the distortion and its domain.
struct DetectorGeometry {
  long substrt1 = 1, substrt2 = 1;          ///< 1-based origin of the subarray
  long subsize1 = 0, subsize2 = 0;          ///< pixels
  std::optional<PixelPoint> filter_offset;  ///< column_offset, row_offset; pixels
  TransformPointer distortion;              ///< pixels to V2V3 arcsec, with its bounding box if it has one
};

/// The full imaging gwcs: detector, v2v3, v2v3vacorr, world (spec 20, 3.2 and 3.6).
std::shared_ptr<Gwcs const> make_imaging_wcs(DetectorGeometry const& detector, Pointing const& pointing);

}  // namespace tessera::sky
