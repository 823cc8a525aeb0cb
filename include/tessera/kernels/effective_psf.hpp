// The effective PSF: the share of a star's light that a pixel sees, as a function of where it lies from the star
// (Anderson & King 2000, PASP 112, 1360). It holds the response of the pixel: to be evaluated, not integrated.
#pragma once
#include <span>
#include <vector>

namespace tessera::kernels {

/// Samples every quarter of a pixel, and a cubic spline through them.
class EffectivePsf {
 public:
  static constexpr int Oversampling = 4;

  EffectivePsf() = default;
  /// `samples` are [y][x], (2 * 4 * radius + 1)^2, at offsets (k - 4 radius) / 4 pixels. Zero beyond.
  EffectivePsf(int radius, std::vector<double> samples);

  bool is_empty() const { return samples_.empty(); }
  int radius() const { return radius_; }  ///< pixels
  int side() const { return 2 * Oversampling * radius_ + 1; }
  std::vector<double> const& samples() const { return samples_; }

  /// What is called the centre lies here on the grid, pixels: at() and `value_at` measure from it. Set by centre().
  double centre_x() const { return centre_x_; }
  double centre_y() const { return centre_y_; }
  void set_centre(double x, double y) { centre_x_ = x, centre_y_ = y; }
  /// Makes the centre that point about which the first moments under a round Gaussian window of this FWHM [pixels]
  /// vanish. A convention: any would do for one PSF, this one is the same for every detector, changes with the core
  /// only, and is the centre of symmetry where there is one.
  void centre(double window_fwhm);

  struct Value {
    double value = 0, dx = 0, dy = 0;  ///< and its derivatives
  };
  /// At (dx, dy) pixels from the centre of the star to the centre of the pixel.
  Value at(double dx, double dy) const;

  /// Sum over the samples within `radius` pixels of the centre, over 16: the light of a star within it.
  double light_within(double radius) const;
  /// Width at half of the greatest value, mean of x and y, pixels. 0 where it does not fall to half.
  double fwhm() const;

 private:
  int radius_ = 0;
  double centre_x_ = 0, centre_y_ = 0;
  std::vector<double> samples_;
  std::vector<double> spline_;  ///< B-spline coefficients, with a border of one
};

/// A Gaussian of this standard deviation [pixels], integrated over the pixel.
EffectivePsf make_gaussian_psf(int radius, double sigma);

}  // namespace tessera::kernels
