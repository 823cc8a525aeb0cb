// The plane in which a mosaic is aligned: tangent at its reference point, in its pixels.
#pragma once
#include "../mosaic_image.hpp"
#include "align_lists.hpp"
#include "tessera/sky/correct_wcs.hpp"

namespace tessera::steps {

/// A linear map of the tangent plane, radians: corrected = matrix p + shift.
struct PlaneMove {
  kernels::Matrix2 matrix{{{1, 0}, {0, 1}}};
  std::array<double, 2> shift{0, 0};
};

/// Pixels are counted from the reference pixel (CRPIX), straight in the tangent plane: for a TAN mosaic they are its
/// pixels.
class MosaicPlane {
 public:
  explicit MosaicPlane(MosaicImage const& image);

  sky::CorrectionPlane const& plane() const { return plane_; }
  double pixel_scale() const { return pixel_scale_; }  ///< arcsec
  Field const& field() const { return field_; }        ///< outer edges of the mosaic
  model::SkyPolygon corners() const;                   ///< outer edges, in the order of S_REGION

  /// NaN for positions 90 degrees or more away.
  PlanePosition from_sky(model::SkyPoint const& sky) const;
  PlanePosition from_pixel(double x, double y) const;  ///< of the array, 0-based

  /// A fit in pixels as a correction of the tangent plane, and back.
  PlaneMove to_plane(kernels::Matrix2 const& matrix, std::array<double, 2> const& shift) const;
  PlaneMove to_pixels(PlaneMove const& correction) const;
  /// Positions moved by a correction.
  model::SkyPoint move(PlaneMove const& correction, model::SkyPoint const& sky) const;
  /// The WCS of the mosaic with a correction.
  sky::WcsPointer corrected(PlaneMove const& correction) const;

 private:
  sky::WcsPointer wcs_;
  sky::CorrectionPlane plane_;
  kernels::Matrix2 to_plane_{}, to_pixels_{};  ///< radians a pixel and its inverse, at the reference pixel
  double pixel_scale_ = 0;
  Field field_;
  std::int64_t nx_ = 0, ny_ = 0;
};

kernels::Matrix2 multiply(kernels::Matrix2 const& a, kernels::Matrix2 const& b);
std::array<double, 2> multiply(kernels::Matrix2 const& a, std::array<double, 2> const& p);

}  // namespace tessera::steps
