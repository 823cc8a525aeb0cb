// A compact analytic point spread function in the manner of JWST: core, wings and six spikes.
#pragma once
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::simulate {

/// Fractions of the light: Gaussian core (integrated over the pixel exactly), Moffat wings, six spikes. Symmetric, so
/// that the centroid is the position.
class PointSpread {
 public:
  explicit PointSpread(double fwhm_pixels);

  /// Adds total * PSF(x - x0, y - y0) to the pixels of an nx x ny image that lie within `radius` of (x0, y0), 0-based.
  /// `scale`, if not null, divides each pixel (relative areas).
  void add(double x0, double y0, double total, double radius, int nx, int ny, float const* scale, float* image) const;

  /// Radius in pixels beyond which total * PSF is below `limit`.
  double radius_to(double total, double limit) const;
  double core_sigma() const { return sigma_; }

 private:
  double wings(double dx, double dy) const;
  double sigma_, wing_radius_, spike_width_, spike_length_;
};

/// Adds an elliptical Gaussian with the covariance {xx, xy, yy} in pixels^2.
void add_gaussian(double x0, double y0, double total, double xx, double xy, double yy, int nx, int ny,
                  float const* scale, float* image);

}  // namespace tessera::simulate
