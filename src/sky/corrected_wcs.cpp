#include "corrected_wcs.hpp"

#include <vector>

#include "tessera/sky/transforms.hpp"

namespace tessera::sky {

namespace {

constexpr double ArcsecPerDegree = 3600;

void move_sky(Transform const& correction, std::span<double> ra, std::span<double> dec) {
  std::vector<double> moved(2 * ra.size());
  for (double& angle : ra) angle *= ArcsecPerDegree;
  for (double& angle : dec) angle *= ArcsecPerDegree;
  double const* const in[] = {ra.data(), dec.data()};
  double* const out[] = {moved.data(), moved.data() + ra.size()};
  correction.evaluate(ra.size(), in, out);
  for (std::size_t k = 0; k < ra.size(); ++k) {
    double const longitude = out[0][k] / ArcsecPerDegree;
    double const wrapped = longitude < 0 ? longitude + 360 : longitude;
    ra[k] = wrapped >= 360 ? wrapped - 360 : wrapped;
    dec[k] = out[1][k] / ArcsecPerDegree;
  }
}

}  // namespace

CorrectedWcs::CorrectedWcs(WcsPointer original, model::WcsCorrection const& correction)
    : original_(std::move(original)),
      correction_(correction),
      plane_{{correction.v2_ref / ArcsecPerDegree, correction.v3_ref / ArcsecPerDegree},
             correction.v2_ref,
             correction.v3_ref,
             correction.roll_ref},
      forward_(make_correction_transform(correction)),
      backward_(forward_->inverse()) {}

void CorrectedWcs::pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                                std::span<double> dec) const {
  original_->pixel_to_sky(x, y, ra, dec);
  move_sky(*forward_, ra, dec);
}

void CorrectedWcs::sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                                std::span<double> y) const {
  std::vector<double> moved_ra(ra.begin(), ra.end()), moved_dec(dec.begin(), dec.end());
  move_sky(*backward_, moved_ra, moved_dec);
  original_->sky_to_pixel(moved_ra, moved_dec, x, y);
}

}  // namespace tessera::sky
