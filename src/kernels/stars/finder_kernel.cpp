#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/find_stars.hpp"

namespace tessera::kernels {

FinderKernel make_finder_kernel(double fwhm, double sigma_radius) {
  TESSERA_EXPECT(fwhm > 0 && sigma_radius > 0);
  FinderKernel kernel;
  kernel.sigma = fwhm / (2 * std::sqrt(2 * std::log(2.0)));
  kernel.radius = static_cast<int>(std::max(2.0, sigma_radius * kernel.sigma));
  double const two_sigma2 = 2 * kernel.sigma * kernel.sigma, largest_exponent = sigma_radius * sigma_radius / 2;
  double pixels = 0, sum = 0, squares = 0;
  for (int y = -kernel.radius; y <= kernel.radius; ++y)
    for (int x = -kernel.radius; x <= kernel.radius; ++x) {
      double const r2 = x * x + y * y, value = std::exp(-r2 / two_sigma2);
      bool const inside = r2 / two_sigma2 <= largest_exponent || r2 <= 4;
      kernel.gaussian.push_back(value);
      kernel.footprint.push_back(inside ? 1 : 0);
      if (!inside) continue;
      ++pixels;
      sum += value;
      squares += value * value;
    }
  double const scatter = squares - sum * sum / pixels;
  for (std::size_t k = 0; k < kernel.gaussian.size(); ++k)
    kernel.weights.push_back(kernel.footprint[k] ? (kernel.gaussian[k] - sum / pixels) / scatter : 0);
  kernel.relative_error = 1 / std::sqrt(scatter);
  return kernel;
}

}  // namespace tessera::kernels
