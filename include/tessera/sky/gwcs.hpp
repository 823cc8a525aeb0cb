// A gwcs: frames joined by transforms, from detector pixels to the sky.
#pragma once
#include <string>
#include <vector>

#include "tessera/sky/transform.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// Frame of a gwcs: only what is needed to write it back.
struct GwcsFrame {
  std::string name;
  enum class Kind { Plain2D, Celestial } kind = Kind::Plain2D;
  std::vector<std::string> axes_names, units;  ///< e.g. {"x","y"}, {"pixel","pixel"}
};

struct GwcsStep {
  GwcsFrame frame;
  TransformPointer transform;  ///< to the frame of the next step; null in the last
};

/// The WCS object of `meta.wcs` (spec 25, 1.5). Steps are in forward order.
class Gwcs : public Wcs {
 public:
  /// Throws InputError (naming the frame) unless every transform but the last is two inputs to two outputs.
  Gwcs(std::string name, std::vector<GwcsStep> steps);

  using Wcs::pixel_to_sky;
  using Wcs::sky_to_pixel;
  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override;
  /// Stored or derived inverses; a step without one is inverted by Newton on the forward transform to 1e-8 pixel.
  void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const override;
  std::optional<BoundingBox> bounding_box() const override;
  std::string description() const override;

  std::string const& name() const { return name_; }
  std::vector<GwcsStep> const& steps() const { return steps_; }
  bool has_frame(std::string const& frame) const;
  /// Index of a frame by name; throws InputError naming the frames there are.
  std::size_t frame_index(std::string const& frame) const;

  /// Values at an intermediate frame: forward from pixels (e.g. to "v2v3", arcsec).
  void evaluate_to(std::string const& frame, std::span<double const> x, std::span<double const> y, std::span<double> a,
                   std::span<double> b) const;

 private:
  std::string name_;
  std::vector<GwcsStep> steps_;
  std::vector<TransformPointer> inverses_;  ///< of each step; null: by Newton
};

}  // namespace tessera::sky
