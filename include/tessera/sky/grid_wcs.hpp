// The tangent-plane WCS of an output grid in closed form.
#pragma once
#include <array>

#include "tessera/sky/unit_vector.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// A TAN grid is a linear map of unit vectors: (X w, Y w, w) = matrix * n. That makes it cheap to compose.
class GridWcs : public Wcs {
 public:
  /// Throws InputError when the scale matrix is singular or not finite, or crval is off the sky.
  explicit GridWcs(model::SkyGrid const& grid);

  using Wcs::pixel_to_sky;
  using Wcs::sky_to_pixel;
  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override;
  /// NaN for positions 90 degrees or more from crval.
  void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const override;
  /// The grid's own box; nullopt when the grid has none (all zero).
  std::optional<BoundingBox> bounding_box() const override;
  std::string description() const override;

  /// Rows of the projection: pixel = (row 0 . n, row 1 . n) / (row 2 . n) where row 2 . n > 0 (0-based pixels).
  std::array<Vector3, 3> const& projection() const { return projection_; }

 private:
  model::SkyGrid grid_;
  TangentAxes axes_;
  std::array<std::array<double, 2>, 2> radians_per_pixel_{};  ///< cdelt * pc
  std::array<Vector3, 3> projection_;
};

}  // namespace tessera::sky
