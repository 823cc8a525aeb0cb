#include "tessera/kernels/image_shift.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "support/test_files.hpp"

using namespace tessera;
using namespace tessera::kernels;

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// Gaussian stars and clouds, known everywhere: the same sky sampled with any shift.
class Sky {
 public:
  Sky(std::uint32_t seed, double width, double height, int stars, int clouds, double star_sigma) {
    std::mt19937 engine(seed);
    auto const uniform = [&](double low, double high) {
      return low + (high - low) * static_cast<double>(engine()) / 4294967296.0;
    };
    for (int k = 0; k < stars; ++k)
      spots_.push_back(
          {uniform(-20, width + 20), uniform(-20, height + 20), std::pow(10, uniform(0, 1.5)), star_sigma});
    for (int k = 0; k < clouds; ++k)
      spots_.push_back({uniform(-20, width + 20), uniform(-20, height + 20), uniform(0.3, 2), uniform(4, 15)});
  }

  /// The sky seen by an image whose pixel p lies at p - (dx, dy).
  std::vector<float> image(std::int64_t ny, std::int64_t nx, double dx, double dy) const {
    std::vector<double> values(static_cast<std::size_t>(ny * nx), 0);
    for (auto const& spot : spots_) {
      double const cx = spot.x + dx, cy = spot.y + dy, reach = 6 * spot.sigma;
      for (auto y = std::max<std::int64_t>(0, static_cast<std::int64_t>(cy - reach));
           y < std::min<std::int64_t>(ny, static_cast<std::int64_t>(cy + reach) + 1); ++y)
        for (auto x = std::max<std::int64_t>(0, static_cast<std::int64_t>(cx - reach));
             x < std::min<std::int64_t>(nx, static_cast<std::int64_t>(cx + reach) + 1); ++x) {
          double const u = static_cast<double>(x) - cx, v = static_cast<double>(y) - cy;
          values[static_cast<std::size_t>(y * nx + x)] +=
              spot.peak * std::exp(-0.5 * (u * u + v * v) / (spot.sigma * spot.sigma));
        }
    }
    return {values.begin(), values.end()};
  }

 private:
  struct Spot {
    double x, y, peak, sigma;
  };
  std::vector<Spot> spots_;
};

void add_noise(std::vector<float>& image, double sigma, std::uint32_t seed) {
  std::mt19937 engine(seed);
  for (auto& value : image) {
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += static_cast<double>(engine()) / 4294967296.0;
    value += static_cast<float>(sigma * sum);
  }
}

constexpr std::int64_t Ny = 240, Nx = 300;

ImageShift measure(std::vector<float> const& first, std::vector<float> const& second, ImageShiftOptions options = {}) {
  return measure_image_shift(first.data(), second.data(), Ny, Nx, options);
}

}  // namespace

TEST(MeasureImageShift, RecoversSubPixelShiftsOfABandLimitedImage) {
  Sky const sky(1, Nx, Ny, 150, 20, 1.1);
  auto const first = sky.image(Ny, Nx, 0, 0);
  for (auto const& [dx, dy] : {std::array{0.0, 0.0}, std::array{0.37, -0.21}, std::array{-0.5, 0.5},
                               std::array{3.13, 7.77}, std::array{-18.49, 11.02}}) {
    auto const shift = measure(first, sky.image(Ny, Nx, dx, dy));
    EXPECT_EQ(shift.verdict, ImageShiftVerdict::Found);
    EXPECT_NEAR(shift.x, dx, 0.01);
    EXPECT_NEAR(shift.y, dy, 0.01);
  }
}

TEST(MeasureImageShift, IsAsPreciseAsItsErrorsSayWithNoise) {
  Sky const sky(2, Nx, Ny, 150, 20, 1.1);
  double squares = 0;
  int count = 0;
  for (std::uint32_t k = 0; k < 12; ++k) {
    double const dx = -2.3 + 0.41 * k, dy = 1.9 - 0.37 * k;
    auto first = sky.image(Ny, Nx, 0, 0), second = sky.image(Ny, Nx, dx, dy);
    add_noise(first, 0.5, 100 + k);
    add_noise(second, 0.5, 200 + k);
    auto const shift = measure(first, second);
    ASSERT_EQ(shift.verdict, ImageShiftVerdict::Found);
    EXPECT_NEAR(shift.x, dx, 5 * shift.error[0]);
    EXPECT_NEAR(shift.y, dy, 5 * shift.error[1]);
    EXPECT_LT(shift.error[0], 0.02);
    squares += std::pow((shift.x - dx) / shift.error[0], 2) + std::pow((shift.y - dy) / shift.error[1], 2);
    count += 2;
  }
  double const pull = std::sqrt(squares / count);
  EXPECT_GT(pull, 0.4);
  EXPECT_LT(pull, 1.7);
}

TEST(MeasureImageShift, DoesNotFollowLevelsAndGradientsOfTheBackground) {
  Sky const sky(3, Nx, Ny, 150, 20, 1.1);
  auto const first = sky.image(Ny, Nx, 0, 0);
  auto second = sky.image(Ny, Nx, 1.29, -0.83);
  for (std::int64_t y = 0; y < Ny; ++y)
    for (std::int64_t x = 0; x < Nx; ++x)
      second[static_cast<std::size_t>(y * Nx + x)] +=
          static_cast<float>(7 + 0.02 * static_cast<double>(x) - 0.03 * static_cast<double>(y));
  auto const shift = measure(first, second);
  EXPECT_EQ(shift.verdict, ImageShiftVerdict::Found);
  EXPECT_NEAR(shift.x, 1.29, 0.01);
  EXPECT_NEAR(shift.y, -0.83, 0.01);
}

TEST(MeasureImageShift, WorksWithHolesAndAnOutline) {
  Sky const sky(4, Nx, Ny, 200, 20, 1.1);
  auto first = sky.image(Ny, Nx, 0, 0), second = sky.image(Ny, Nx, -4.62, 2.34);
  std::mt19937 engine(5);
  for (int k = 0; k < 300; ++k) {
    first[engine() % first.size()] = NaN;
    second[engine() % second.size()] = NaN;
  }
  for (std::int64_t y = 0; y < Ny; ++y)
    for (std::int64_t x = 0; x < Nx; ++x)
      if (x < 30 + y / 4 || y > 200) first[static_cast<std::size_t>(y * Nx + x)] = NaN;
  auto const shift = measure(first, second);
  EXPECT_EQ(shift.verdict, ImageShiftVerdict::Found);
  EXPECT_NEAR(shift.x, -4.62, 0.01);
  EXPECT_NEAR(shift.y, 2.34, 0.01);
}

TEST(MeasureImageShift, IsNotHeldByHolesAndEdgesThatBothHave) {
  Sky const sky(15, Nx, Ny, 40, 40, 1.4);
  auto first = sky.image(Ny, Nx, 0, 0), second = sky.image(Ny, Nx, 5.7, -4.4);
  add_noise(first, 0.2, 16);
  add_noise(second, 0.2, 17);
  for (std::int64_t y = 0; y < Ny; ++y)
    for (std::int64_t x = 0; x < Nx; ++x) {
      bool const is_bar = y % 60 < 4 || x % 75 < 3 || (x < 90 && y > 150);
      auto const k = static_cast<std::size_t>(y * Nx + x);
      if (is_bar) first[k] = second[k] = NaN;
      first[k] += static_cast<float>(3 * std::sin(0.02 * static_cast<double>(x)));
      second[k] += static_cast<float>(3 * std::sin(0.02 * static_cast<double>(x)));
    }
  auto const shift = measure(first, second);
  EXPECT_EQ(shift.verdict, ImageShiftVerdict::Found);
  EXPECT_NEAR(shift.guess[0], 5.7, 0.7);
  EXPECT_NEAR(shift.guess[1], -4.4, 0.7);
}

TEST(MeasureImageShift, FollowsEmissionWithoutStars) {
  Sky const sky(6, Nx, Ny, 0, 120, 1);
  auto first = sky.image(Ny, Nx, 0, 0), second = sky.image(Ny, Nx, 2.45, -1.15);
  add_noise(first, 0.1, 7);
  add_noise(second, 0.1, 8);
  auto const shift = measure(first, second);
  EXPECT_EQ(shift.verdict, ImageShiftVerdict::Found);
  EXPECT_NEAR(shift.x, 2.45, 0.05);
  EXPECT_NEAR(shift.y, -1.15, 0.05);
}

TEST(MeasureImageShift, IsTheOppositeWhenTheImagesChangePlaces) {
  Sky const sky(9, Nx, Ny, 100, 10, 1.3);
  auto const first = sky.image(Ny, Nx, 0, 0), second = sky.image(Ny, Nx, 5.4, 6.6);
  auto const there = measure(first, second), back = measure(second, first);
  EXPECT_NEAR(there.x, -back.x, 1e-3);
  EXPECT_NEAR(there.y, -back.y, 1e-3);
}

TEST(MeasureImageShift, SaysWhenThereIsNothingToFollow) {
  std::vector<float> const empty(static_cast<std::size_t>(Ny * Nx), NaN);
  EXPECT_EQ(measure(empty, empty).verdict, ImageShiftVerdict::TooFewPixels);
  std::vector<float> first(empty.size(), 1), second(empty.size(), 1);
  add_noise(first, 1, 10);
  add_noise(second, 1, 11);
  auto const noise = measure(first, second);
  EXPECT_NE(noise.verdict, ImageShiftVerdict::Found);
  EXPECT_EQ(noise.x, 0);
  Sky const sky(12, Nx, Ny, 150, 20, 1.1), other(13, Nx, Ny, 150, 20, 1.1);
  EXPECT_NE(measure(sky.image(Ny, Nx, 0, 0), other.image(Ny, Nx, 0, 0)).verdict, ImageShiftVerdict::Found);
}

TEST(MeasureImageShift, RefusesShiftsBeyondTheSearch) {
  Sky const sky(14, Nx, Ny, 150, 20, 1.1);
  EXPECT_NE(measure(sky.image(Ny, Nx, 0, 0), sky.image(Ny, Nx, 12, 0), {.search = 5}).verdict,
            ImageShiftVerdict::Found);
}
