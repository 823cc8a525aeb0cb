// A WCS without V2V3 frames with a tangent-plane correction on its sky side.
#pragma once
#include "tessera/sky/correct_wcs.hpp"

namespace tessera::sky {

class CorrectedWcs final : public Wcs {
 public:
  CorrectedWcs(WcsPointer original, model::WcsCorrection const& correction);

  using Wcs::pixel_to_sky;
  using Wcs::sky_to_pixel;
  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override;
  void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const override;
  std::optional<BoundingBox> bounding_box() const override { return original_->bounding_box(); }
  std::string description() const override { return original_->description() + ", corrected"; }

  WcsPointer const& original() const { return original_; }
  model::WcsCorrection const& correction() const { return correction_; }
  CorrectionPlane const& plane() const { return plane_; }

 private:
  WcsPointer original_;
  model::WcsCorrection correction_;
  CorrectionPlane plane_;
  TransformPointer forward_, backward_;  ///< the sky in place of V2V3, arcsec
};

}  // namespace tessera::sky
