// Levels of amplifiers (spec 40, P4): the vector, and what is not comparable.
#include "tessera/kernels/level_amplifiers.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "support/vector_noise.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera {
namespace {

constexpr int Columns = 160, Rows = 32;
std::vector<std::int64_t> const bounds{0, 40, 80, 120, 160};

std::vector<double> make_image() {
  double const offsets[] = {0, 0.5, -0.3, 1.1};
  test::VectorNoise random(5);
  std::vector<double> image;
  for (int y = 0; y < Rows; ++y)
    for (int x = 0; x < Columns; ++x) image.push_back(0.02 * random.deviate() + offsets[x / 40]);
  for (std::size_t x = 45; x <= 49; ++x) image[3 * Columns + x] = 0;
  return image;
}
std::vector<std::uint8_t> make_bad(std::vector<double> const& image) {
  std::vector<std::uint8_t> bad;
  for (double const v : image) bad.push_back(v == 0 || !std::isfinite(v));
  return bad;
}

TEST(MeasureAmplifierLevels, GivesTheDeltasOfTheVector) {
  auto const expected = test::read_vector("pj_row_median.json")["level_data"];
  auto const image = make_image();
  auto const bad = make_bad(image);
  auto const added = kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds);
  ASSERT_EQ(added.size(), 4u);
  EXPECT_EQ(added[0], 0);
  for (std::size_t a = 1; a < 4; ++a)
    EXPECT_NEAR(added[a], expected["deltas_added_to_amp_1_2_3"][a - 1].get<double>(), 1e-9);
  for (std::size_t a = 0; a < 4; ++a) {
    std::vector<double> values;
    for (std::size_t y = 0; y < Rows; ++y)
      for (auto x = static_cast<std::size_t>(bounds[a]); x < static_cast<std::size_t>(bounds[a + 1]); ++x)
        values.push_back(image[y * Columns + x] + added[a]);  // bad pixels too: the vector has them
    EXPECT_NEAR(kernels::median_in_place(values), expected["amp_medians_after"][a].get<double>(), 1e-9);
  }
}

TEST(MeasureAmplifierLevels, TakesAMaskedAmplifierToLieLevelWithTheOneBefore) {
  auto image = make_image();
  for (std::size_t y = 0; y < Rows; ++y)
    for (std::size_t x = 80; x < 120; ++x) image[y * Columns + x] = NAN;
  auto const bad = make_bad(image);
  auto const added = kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds);
  EXPECT_NEAR(added[1], -0.5, 0.02);
  EXPECT_EQ(added[2], added[1]);
  EXPECT_EQ(added[3], added[1]) << "nothing beside it to compare with";
}

TEST(MeasureAmplifierLevels, AreNotMisledByASlopeWhereTheyAreExtrapolated) {
  test::VectorNoise random(6);
  std::vector<double> image;
  double const offsets[] = {0, 0.5, -0.3, 1.1};
  for (int y = 0; y < Rows; ++y)
    for (int x = 0; x < Columns; ++x) image.push_back(0.05 * x + offsets[x / 40] + 0.001 * random.deviate());
  auto const bad = make_bad(image);
  auto const misled = kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds);
  auto const added =
      kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds, {.extrapolate = true});
  for (std::size_t a = 1; a < 4; ++a) {
    EXPECT_NEAR(misled[a], -offsets[a] - static_cast<double>(a), 0.01) << "20 columns of slope a border";
    EXPECT_NEAR(added[a], -offsets[a], 0.002);
  }
}

TEST(MeasureAmplifierLevels, LeaveStepsThatMayBeSky) {
  test::VectorNoise random(7);
  std::vector<double> image;
  double row_level = 0;
  for (int y = 0; y < Rows; ++y) {
    if (y % 4 == 0) row_level = random.deviate();  // structure on the left of the second border, a few rows tall
    for (int x = 0; x < Columns; ++x)
      image.push_back((x / 40 == 1 ? row_level : 0) + (x / 40 == 3 ? 0.5 : 0) + 0.01 * random.deviate());
  }
  auto const bad = make_bad(image);
  auto const all = kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds);
  auto const sure = kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds,
                                                      {.extrapolate = false, .least_significance = 4});
  EXPECT_GT(std::abs(all[1]), 0.05);
  EXPECT_EQ(sure[1], 0);
  EXPECT_EQ(sure[2], 0);
  EXPECT_NEAR(sure[3], -0.5, 0.01);
}

TEST(MeasureAmplifierLevels, AreZeroForOneAmplifierOrNoData) {
  auto image = make_image();
  auto bad = make_bad(image);
  std::vector<std::int64_t> const whole{0, Columns};
  EXPECT_EQ(kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, whole), std::vector<double>{0});
  bad.assign(bad.size(), 1);
  EXPECT_EQ(kernels::measure_amplifier_levels(image.data(), bad.data(), Columns, Rows, bounds),
            (std::vector<double>(4, 0.0)));
}

}  // namespace
}  // namespace tessera
