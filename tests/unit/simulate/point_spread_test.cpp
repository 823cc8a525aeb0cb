#include "tessera/simulate/point_spread.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace tessera::simulate {
namespace {

struct Moments {
  double sum = 0, x = 0, y = 0;
};
Moments measure(std::vector<float> const& image, int nx) {
  Moments m;
  for (std::size_t k = 0; k < image.size(); ++k) {
    m.sum += image[k];
    m.x += image[k] * static_cast<double>(k % static_cast<std::size_t>(nx));
    m.y += image[k] * static_cast<double>(k / static_cast<std::size_t>(nx));
  }
  m.x /= m.sum;
  m.y /= m.sum;
  return m;
}

TEST(PointSpread, HoldsAllTheLightAndItsCentroidIsThePosition) {
  for (double const fwhm : {0.987, 1.585, 2.982, 7.3}) {
    constexpr int Side = 401;
    std::vector<float> image(Side * Side, 0.0f);
    PointSpread(fwhm).add(200.3, 199.8, 50, 190, Side, Side, nullptr, image.data());
    Moments const m = measure(image, Side);
    EXPECT_NEAR(m.sum, 50, 0.02 * 50) << fwhm;
    EXPECT_NEAR(m.x, 200.3, 0.01) << fwhm;
    EXPECT_NEAR(m.y, 199.8, 0.01) << fwhm;
  }
}

TEST(PointSpread, EndsWhereItFallsToTheLimit) {
  PointSpread const psf(2);
  double const radius = psf.radius_to(100, 1e-3);
  constexpr int Side = 401;
  std::vector<float> image(Side * Side, 0.0f);
  psf.add(200, 200, 100, 199, Side, Side, nullptr, image.data());
  // Along a spike and between two: below the sum of the two limits outside.
  EXPECT_LT(image[(200 + static_cast<std::size_t>(std::ceil(radius))) * Side + 200], 2.1e-3);
  EXPECT_GT(image[200 * Side + 200], 1);
}

TEST(PointSpread, DividesByThePixelsArea) {
  std::vector<float> plain(81 * 81, 0.0f), scaled(81 * 81, 0.0f), area(81 * 81, 1.25f);
  PointSpread const psf(2);
  psf.add(40, 40, 1, 30, 81, 81, nullptr, plain.data());
  psf.add(40, 40, 1, 30, 81, 81, area.data(), scaled.data());
  EXPECT_FLOAT_EQ(scaled[40 * 81 + 40] * 1.25f, plain[40 * 81 + 40]);
}

TEST(AddGaussian, HasTheLightAndTheCovarianceAskedFor) {
  constexpr int Side = 121;
  std::vector<float> image(Side * Side, 0.0f);
  add_gaussian(60.25, 59.5, 8, 9, 2, 4, Side, Side, nullptr, image.data());
  Moments const m = measure(image, Side);
  EXPECT_NEAR(m.sum, 8, 1e-3);
  EXPECT_NEAR(m.x, 60.25, 1e-3);
  double xy = 0;
  for (std::size_t k = 0; k < image.size(); ++k)
    xy += image[k] * (static_cast<double>(k % Side) - m.x) * (static_cast<double>(k / Side) - m.y) / m.sum;
  EXPECT_NEAR(xy, 2, 0.01);
}

}  // namespace
}  // namespace tessera::simulate
