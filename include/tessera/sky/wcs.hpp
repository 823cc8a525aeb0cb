// Pixel to sky and back, whatever the file gave: gwcs, FITS WCS with SIP or TPV or ZPN, or an output grid.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tessera/model/sky_grid.hpp"

namespace tessera::sky {

using model::PixelPoint;
using model::SkyPoint;

/// Closed intervals of pixel coordinates (0-based) in which a WCS is defined.
struct BoundingBox {
  double x_low = 0, x_high = 0, y_low = 0, y_high = 0;
  bool contains(double x, double y) const { return x >= x_low && x <= x_high && y >= y_low && y <= y_high; }
};

/// A celestial WCS. Pixels are 0-based, sky is ICRS degrees, ra in [0, 360). Immutable; safe to use from many threads.
class Wcs {
 public:
  virtual ~Wcs() = default;

  /// Raw evaluation (the bounding box is not applied). NaN where there is no value. All spans have one length.
  virtual void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                            std::span<double> dec) const = 0;
  virtual void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                            std::span<double> y) const = 0;

  /// Domain in pixels; nullopt when the WCS is valid everywhere.
  virtual std::optional<BoundingBox> bounding_box() const = 0;

  /// Short description for reports: "gwcs detector>v2v3>v2v3vacorr>world", "FITS TAN-SIP", "FITS ZPN".
  virtual std::string description() const = 0;

  SkyPoint pixel_to_sky(PixelPoint pixel) const {
    SkyPoint sky;
    pixel_to_sky({&pixel.x, 1}, {&pixel.y, 1}, {&sky.ra, 1}, {&sky.dec, 1});
    return sky;
  }
  PixelPoint sky_to_pixel(SkyPoint sky) const {
    PixelPoint pixel;
    sky_to_pixel({&sky.ra, 1}, {&sky.dec, 1}, {&pixel.x, 1}, {&pixel.y, 1});
    return pixel;
  }
};

using WcsPointer = std::shared_ptr<Wcs const>;

/// The box of `wcs`, or the edges of an nx x ny array ([-0.5, nx - 0.5]) where it has none.
BoundingBox bounding_box_or_array(Wcs const& wcs, std::int64_t nx, std::int64_t ny);

/// WCS of an output grid: TAN, evaluated in closed form with unit vectors.
WcsPointer make_grid_wcs(model::SkyGrid const& grid);

}  // namespace tessera::sky
