// Properties of the star finders, and bad input.
#include "tessera/kernels/find_stars.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "starfind_vector.hpp"
#include "support/vector_noise.hpp"

namespace tessera {
namespace {

using kernels::StarFinder;
using kernels::StarFinderOptions;

constexpr double Infinity = std::numeric_limits<double>::infinity();

StarFinderOptions options_of(StarFinder finder) {
  StarFinderOptions options;
  options.finder = finder;
  options.threshold = 10;
  if (finder == StarFinder::Dao) {
    options.min_separation = 0;
    options.sharplo = 0.2, options.sharphi = 1, options.roundlo = -1, options.roundhi = 1;
  }
  return options;
}

struct Field {
  std::int64_t nx, ny;
  std::vector<float> image;
  std::vector<std::uint8_t> mask;
};

/// Stars on noise, with holes and a masked corner.
Field make_field(std::int64_t nx, std::int64_t ny, std::uint32_t seed) {
  test::VectorNoise random(seed);
  Field field{nx, ny, std::vector<float>(static_cast<std::size_t>(nx * ny)), {}};
  field.mask.assign(field.image.size(), 0);
  for (auto& value : field.image) value = static_cast<float>(random.deviate());
  std::vector<test::Spot> spots;
  for (std::int64_t k = 0; k < nx * ny / 150; ++k) {
    double const x = random.uniform() * static_cast<double>(nx), y = random.uniform() * static_cast<double>(ny);
    spots.push_back({x, y, 20 / (0.02 + random.uniform())});
  }
  test::add_spots(field.image, nx, spots, 2.5);
  for (int k = 0; k < 20; ++k)
    field.image[static_cast<std::size_t>(random.uniform() * static_cast<double>(nx * ny))] = NAN;
  for (std::int64_t y = 0; y < ny / 4; ++y)
    for (std::int64_t x = 0; x < nx / 4; ++x) field.mask[static_cast<std::size_t>(y * nx + x)] = 1;
  return field;
}

std::vector<model::Star> find(Field const& field, StarFinderOptions const& options) {
  return kernels::find_stars(field.image.data(), field.mask.data(), field.nx, field.ny, options);
}

bool same_bits(model::Star const& a, model::Star const& b) {
  return a.x == b.x && a.y == b.y && a.flux == b.flux && a.peak == b.peak && a.sharpness == b.sharpness &&
         a.roundness == b.roundness && a.fwhm == b.fwhm;
}

class FindStars : public testing::TestWithParam<StarFinder> {};

TEST_P(FindStars, GivesTheSameBitsForAnyCutIntoRows) {
  auto const field = make_field(90, 200, 5);
  for (double const separation : {0.0, 2.0, 7.3}) {
    auto options = options_of(GetParam());
    options.min_separation = separation;
    auto const whole = find(field, options);
    ASSERT_GT(whole.size(), 20u);
    std::int64_t const reach = kernels::finder_reach(options);
    for (std::int64_t const height : {1, 7, 64, 199}) {
      std::vector<model::Star> joined;
      for (std::int64_t y0 = 0; y0 < field.ny; y0 += height) {
        std::int64_t const y1 = std::min(field.ny, y0 + height), first = std::max<std::int64_t>(0, y0 - reach),
                           last = std::min(field.ny, y1 + reach);
        // copies of just these rows: whatever else were read would be caught
        std::vector<float> const rows(field.image.begin() + first * field.nx, field.image.begin() + last * field.nx);
        auto const part = kernels::find_stars(
            {rows.data(), field.mask.data() + first * field.nx, field.nx, field.ny, first, last}, y0, y1, options);
        joined.insert(joined.end(), part.begin(), part.end());
      }
      EXPECT_TRUE(std::equal(whole.begin(), whole.end(), joined.begin(), joined.end(), same_bits))
          << "rows " << height << ", separation " << separation;
    }
  }
}

TEST_P(FindStars, MovesWithTheImage) {
  auto field = make_field(100, 100, 6);
  std::fill(field.mask.begin(), field.mask.end(), 0);
  Field moved{130, 140, std::vector<float>(130 * 140, 0.0f), std::vector<std::uint8_t>(130 * 140, 0)};
  for (std::int64_t y = 0; y < 100; ++y)
    for (std::int64_t x = 0; x < 100; ++x)
      moved.image[static_cast<std::size_t>((y + 23) * 130 + x + 16)] =
          field.image[static_cast<std::size_t>(y * 100 + x)];
  auto const options = options_of(GetParam());
  auto const here = find(field, options), there = find(moved, options);
  // the image is zero outside as it is about the moved one: the same stars, those at the edges too
  ASSERT_EQ(here.size(), there.size());
  for (std::size_t k = 0; k < here.size(); ++k) {
    EXPECT_NEAR(there[k].x, here[k].x + 16, 1e-12 * 130);
    EXPECT_NEAR(there[k].y, here[k].y + 23, 1e-12 * 140);
    EXPECT_EQ(there[k].flux, here[k].flux);
    EXPECT_EQ(there[k].sharpness, here[k].sharpness);
  }
}

TEST_P(FindStars, MirrorsWithTheImage) {
  auto field = make_field(80, 80, 16);
  std::fill(field.mask.begin(), field.mask.end(), 0);
  auto mirrored = field;
  for (std::int64_t y = 0; y < 80; ++y)
    std::reverse(mirrored.image.begin() + y * 80, mirrored.image.begin() + (y + 1) * 80);
  auto options = options_of(GetParam());
  options.brightest = 1000;  // by flux: the order does not depend on the side
  auto const here = find(field, options), there = find(mirrored, options);
  ASSERT_EQ(here.size(), there.size());
  for (std::size_t k = 0; k < here.size(); ++k) {
    EXPECT_NEAR(there[k].x, 79 - here[k].x, 1e-7);
    EXPECT_NEAR(there[k].y, here[k].y, 1e-7);
    EXPECT_NEAR(there[k].flux, here[k].flux, 1e-9 * here[k].flux);
  }
}

TEST_P(FindStars, ScalesWithTheImage) {
  auto const field = make_field(100, 100, 7);
  auto scaled = field;
  for (auto& value : scaled.image) value *= 1024;
  auto options = options_of(GetParam());
  auto const one = find(field, options);
  options.threshold *= 1024;
  auto const many = find(scaled, options);
  ASSERT_EQ(one.size(), many.size());
  for (std::size_t k = 0; k < one.size(); ++k) {
    EXPECT_EQ(many[k].x, one[k].x);
    EXPECT_EQ(many[k].y, one[k].y);
    EXPECT_EQ(many[k].flux, 1024 * one[k].flux);
    EXPECT_EQ(many[k].roundness, one[k].roundness);
  }
}

TEST_P(FindStars, FindsWhatIsOutsideOfAFloodOfNan) {
  auto field = make_field(120, 120, 8);
  auto const options = options_of(GetParam());
  auto const before = find(field, options);
  for (std::int64_t y = 0; y < 120; ++y)
    for (std::int64_t x = 60; x < 120; ++x) field.image[static_cast<std::size_t>(y * 120 + x)] = NAN;
  auto const after = find(field, options);
  std::int64_t const reach = kernels::finder_reach(options);
  auto const far_from_flood = [&](model::Star const& star) { return star.x < 60 - 2 - static_cast<double>(reach); };
  std::size_t kept = 0;
  for (auto const& star : before)
    if (far_from_flood(star)) {
      ++kept;
      EXPECT_TRUE(std::any_of(after.begin(), after.end(), [&](auto const& other) { return same_bits(star, other); }));
    }
  EXPECT_GT(kept, 10u);
  for (auto const& star : after) EXPECT_LT(star.x, 60);
  std::fill(field.image.begin(), field.image.end(), NAN);
  EXPECT_TRUE(find(field, options).empty());
  std::fill(field.image.begin(), field.image.end(), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(find(field, options).empty());
}

TEST_P(FindStars, FindsNothingUnderAMaskOrOnNoise) {
  auto field = make_field(60, 60, 9);
  auto const options = options_of(GetParam());
  EXPECT_FALSE(find(field, options).empty());
  std::fill(field.mask.begin(), field.mask.end(), 1);
  EXPECT_TRUE(find(field, options).empty());
  std::fill(field.mask.begin(), field.mask.end(), 0);
  test::VectorNoise random(4);
  for (auto& value : field.image) value = static_cast<float>(random.deviate());
  EXPECT_TRUE(find(field, options).empty());
  std::fill(field.image.begin(), field.image.end(), 0.0f);
  EXPECT_TRUE(find(field, options).empty());
}

TEST_P(FindStars, HasAStarOnlyOnceButTiedPeaksEach) {
  // between two pixels the convolved image has two equal peaks when nothing forbids it
  std::vector<float> image(41 * 21, 0.0f);
  test::add_spots(image, 41, {{10, 10, 100}, {30.5, 10, 100}}, 2.5);
  image[10 * 41 + 31] = image[10 * 41 + 30];
  for (int y = 0; y < 21; ++y)
    for (int d = 1; d < 9; ++d)
      image[static_cast<std::size_t>(y * 41 + 31 + d)] = image[static_cast<std::size_t>(y * 41 + 30 - d)];
  auto const stars = kernels::find_stars(image.data(), nullptr, 41, 21, options_of(GetParam()));
  ASSERT_EQ(stars.size(), 3u);
  EXPECT_NEAR(stars[0].x, 10, 1e-9);
  EXPECT_NEAR(stars[0].y, 10, 1e-9);
  EXPECT_NEAR(stars[1].x + stars[2].x, 61, 1e-9);
}

TEST_P(FindStars, SurvivesASaturatedPlateau) {
  auto field = make_field(80, 80, 10);
  for (std::int64_t y = 30; y < 50; ++y)
    for (std::int64_t x = 30; x < 50; ++x)
      if ((x - 40) * (x - 40) + (y - 40) * (y - 40) < 64) field.image[static_cast<std::size_t>(y * 80 + x)] = 60000;
  auto options = options_of(GetParam());
  for (auto const& star : find(field, options)) {
    EXPECT_TRUE(std::isfinite(star.x) && std::isfinite(star.y) && std::isfinite(star.flux));
    EXPECT_GT(star.flux, 0);
  }
  options.peakmax = 5000;
  for (auto const& star : find(field, options)) EXPECT_LE(star.peak, 5000);
  // a core without data, as level 1 leaves it: nothing is found that touches it
  options.peakmax.reset();
  for (auto& value : field.image)
    if (value > 50000) value = NAN;
  for (auto const& star : find(field, options)) EXPECT_GT(std::hypot(star.x - 40, star.y - 40), 8);
}

TEST_P(FindStars, TreatsATinyImageAsOneInAFieldOfZeros) {
  test::VectorNoise random(11);
  auto options = options_of(GetParam());
  options.sharplo = options.roundlo = -Infinity;
  options.sharphi = options.roundhi = Infinity;
  std::size_t found = 0;
  for (auto const& [nx, ny] :
       std::vector<std::array<std::int64_t, 2>>{{1, 1}, {2, 1}, {1, 3}, {3, 2}, {4, 4}, {5, 2}, {7, 7}})
    for (double const fwhm : {2.5, 9.0}) {
      options.fwhm = fwhm;
      std::vector<float> tiny(static_cast<std::size_t>(nx * ny)), large(80 * 80, 0.0f);
      std::vector<std::uint8_t> outside(large.size(), 1);
      for (auto& value : tiny) value = static_cast<float>(2000 * random.uniform());
      for (std::int64_t y = 0; y < ny; ++y)
        for (std::int64_t x = 0; x < nx; ++x) {
          large[static_cast<std::size_t>((y + 36) * 80 + x + 36)] = tiny[static_cast<std::size_t>(y * nx + x)];
          outside[static_cast<std::size_t>((y + 36) * 80 + x + 36)] = 0;
        }
      auto const alone = kernels::find_stars(tiny.data(), nullptr, nx, ny, options);
      for (auto const& star : alone) {
        EXPECT_TRUE(std::isfinite(star.x) && std::isfinite(star.y));
        // its peak is a peak of the large image too, unless what the kernel makes of the zeros about it is greater
        auto const same = kernels::find_stars(large.data(), outside.data(), 80, 80, options);
        for (auto const& other : same)
          if (std::abs(other.x - 36 - star.x) < 1e-9 && std::abs(other.y - 36 - star.y) < 1e-9) {
            EXPECT_NEAR(other.flux, star.flux, 1e-9 * star.flux);
            ++found;
          }
      }
    }
  EXPECT_GT(found, 5u);
  EXPECT_TRUE(kernels::find_stars(static_cast<float const*>(nullptr), nullptr, 0, 0, options).empty());
}

TEST_P(FindStars, HasItsSkyWhereTheFootprintFillsItsSquare) {
  // at FWHM 4.44 to 4.7 no pixel of the 5 x 5 is outside of the footprint
  std::vector<float> image(61 * 61, 0.0f);
  test::add_spots(image, 61, {{30.3, 29.6, 500}}, 4.6);
  for (double const fwhm : {4.40, 4.45, 4.60, 4.70, 4.75}) {
    auto options = options_of(GetParam());
    options.fwhm = fwhm;
    options.sharplo = 0.2;
    auto const stars = kernels::find_stars(image.data(), nullptr, 61, 61, options);
    ASSERT_EQ(stars.size(), 1u) << fwhm;
    EXPECT_NEAR(stars[0].x, 30.3, 0.15) << fwhm;
    EXPECT_NEAR(stars[0].y, 29.6, 0.15) << fwhm;
  }
}

TEST_P(FindStars, TakesAFullFrameInWellUnderASecond) {
  auto const field = make_field(512, 512, 12);
  std::vector<float> frame;
  for (std::int64_t y = 0; y < 2048; ++y)
    for (int copy = 0; copy < 4; ++copy)
      frame.insert(frame.end(), field.image.begin() + (y % 512) * 512, field.image.begin() + (y % 512 + 1) * 512);
  auto const start = std::chrono::steady_clock::now();
  auto const stars = kernels::find_stars(frame.data(), nullptr, 2048, 2048, options_of(GetParam()));
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("milliseconds", static_cast<int>(1000 * seconds));
  EXPECT_GT(stars.size(), 1000u);
  EXPECT_LT(seconds, 3.0) << "a tenth of this is usual; the machine may be busy";
}

TEST(KeepBrightest, SortsByFluxAndLeavesTiesInOrder) {
  std::vector<model::Star> stars(4);
  double const fluxes[] = {2, 5, 2, 7};
  for (std::size_t k = 0; k < 4; ++k) stars[k].flux = fluxes[k], stars[k].x = static_cast<double>(k);
  auto kept = stars;
  kernels::keep_brightest(kept, {});
  EXPECT_EQ(kept.size(), 4u);
  EXPECT_EQ(kept[0].x, 0);
  kernels::keep_brightest(kept, 3);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].x, 3);
  EXPECT_EQ(kept[1].x, 1);
  EXPECT_EQ(kept[2].x, 0);
  kernels::keep_brightest(kept, 0);
  EXPECT_TRUE(kept.empty());
}

INSTANTIATE_TEST_SUITE_P(Finders, FindStars, testing::Values(StarFinder::Iraf, StarFinder::Dao),
                         [](auto const& given) { return given.param == StarFinder::Iraf ? "Iraf" : "Dao"; });

}  // namespace
}  // namespace tessera
