// Differences of pairs against pj_level_match and pj_plane_match, and what must hold for any pair.
#include "tessera/kernels/pair_difference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/test_files.hpp"
#include "support/vector_noise.hpp"

namespace tessera::kernels {
namespace {

/// An image of the grid with storage of its own.
template <class T>
struct StoredImage {
  model::PixelBox box;
  std::vector<T> value, error;
  GridImage<T> view() const { return {value.data(), error.empty() ? nullptr : error.data(), box}; }
};

template <class T>
PairDifference measure(StoredImage<T> const& first, StoredImage<T> const& second, PairOptions const& options = {}) {
  PairPixels<T> pixels(options);
  pixels.add(first.view(), second.view());
  return pixels.measure();
}

/// The four overlapping images of pj_level_match.
std::vector<StoredImage<double>> make_level_scene(double noise) {
  std::vector<StoredImage<double>> images;
  auto const vector = test::read_vector("pj_level_match.json");
  auto const boxes = vector["scene"]["boxes_y0y1x0x1"];
  auto const offsets = vector["scene"]["offsets"];
  for (std::size_t k = 0; k < boxes.size(); ++k) {
    StoredImage<double> image;
    image.box = {boxes[k][2], boxes[k][0], boxes[k][3], boxes[k][1]};
    test::VectorNoise random(100 + static_cast<std::uint32_t>(k));
    for (auto y = image.box.y0; y < image.box.y1; ++y)
      for (auto x = image.box.x0; x < image.box.x1; ++x) {
        auto const X = static_cast<double>(x), Y = static_cast<double>(y);
        double const sky =
            2 + std::sin(X / 7) * std::cos(Y / 9) + 3 * std::exp(-((X - 30) * (X - 30) + (Y - 30) * (Y - 30)) / 50);
        double value = sky + offsets[k].get<double>();
        double const deviate = random.deviate();
        if (noise > 0) value += noise * deviate;
        if (noise > 0 && k == 0 && y >= 27 && y <= 28 && x >= 30 && x <= 32) value += 40;
        image.value.push_back(value);
      }
    images.push_back(std::move(image));
  }
  return images;
}

void expect_pairs_of(nlohmann::json const& pairs, double noise) {
  auto const images = make_level_scene(noise);
  for (auto const& expected : pairs) {
    auto const i = expected["i"].get<std::size_t>(), j = expected["j"].get<std::size_t>();
    auto const found = measure(images[i], images[j]);
    EXPECT_EQ(found.n_pix, expected["npix"]) << i << " " << j;
    EXPECT_NEAR(found.median, expected["median_j_minus_i"].get<double>(), 1e-9) << i << " " << j;
    if (noise > 0)
      EXPECT_NEAR(found.rms, expected["rms"].get<double>(), 1e-9) << i << " " << j;
    else
      EXPECT_LT(found.rms, 1e-14);
    EXPECT_EQ(found.extent.length_y(), expected["extent_yx"][0]);
    EXPECT_EQ(found.extent.length_x(), expected["extent_yx"][1]);
    EXPECT_EQ(
        passes_linear_test(found.extent, find_data_extent(images[i].view()), find_data_extent(images[j].view()), 0.2),
        expected["lin_ok"] == 1);
  }
}

TEST(PairPixels, MeasuresTheNoiseFreePairsOfPjpipe) {
  expect_pairs_of(test::read_vector("pj_level_match.json")["noisefree"]["pairs"], 0);
}

TEST(PairPixels, MeasuresTheNoisyPairsOfPjpipe) {
  expect_pairs_of(test::read_vector("pj_level_match.json")["noisy"]["pairs"], 0.1);
}

/// The pair of pj_plane_match: the first image is flat, the second has the plane.
struct PlanePair {
  StoredImage<double> first, second;
  PairOptions options;
};

PlanePair make_plane_pair(bool noisy) {
  auto const input = test::read_vector("pj_plane_match.json")["pair_input"];
  PlanePair pair;
  pair.options = {.with_slope = true, .sigma = 3, .reference = {input["ref_x_y"][0], input["ref_x_y"][1]}};
  auto const x0 = static_cast<std::int64_t>(input["origin_x_y"][0].get<double>()),
             y0 = static_cast<std::int64_t>(input["origin_x_y"][1].get<double>());
  auto const ny = input["box_ny_nx"][0].get<std::int64_t>(), nx = input["box_ny_nx"][1].get<std::int64_t>();
  auto const truth = input["truth_ABC"].get<std::vector<double>>();
  pair.first.box = pair.second.box = {x0, y0, x0 + nx, y0 + ny};
  test::VectorNoise random(31);
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) {
      double const error = x <= 20 ? 0.05 : 0.075, deviate = random.deviate();
      double value = truth[0] * (static_cast<double>(x + x0) - pair.options.reference.x) +
                     truth[1] * (static_cast<double>(y + y0) - pair.options.reference.y) + truth[2];
      if (noisy) value += error * deviate;
      if (noisy && y >= 3 && y <= 5 && x >= 3 && x <= 8) value += 5;
      if (noisy && y == 20 && x == 30) value = -9;
      pair.first.value.push_back(1000);
      pair.first.error.push_back(1e-200);
      pair.second.value.push_back(1000 + value);
      pair.second.error.push_back(error);
    }
  return pair;
}

TEST(PairPixels, FindsAnExactPlane) {
  auto pair = make_plane_pair(false);
  auto const truth = test::read_vector("pj_plane_match.json")["pair_noisefree"]["ABC"].get<std::vector<double>>();
  auto const found = measure(pair.first, pair.second, pair.options);
  ASSERT_TRUE(found.has_plane);
  EXPECT_NEAR(found.plane.slope_x, truth[0], 1e-12);
  EXPECT_NEAR(found.plane.slope_y, truth[1], 1e-12);
  EXPECT_NEAR(found.plane.level, truth[2], 1e-10);
}

TEST(PairPixels, FindsTheNoisyPlaneOfPjpipe) {
  auto pair = make_plane_pair(true);
  auto const expected = test::read_vector("pj_plane_match.json")["pair_noisy"];
  auto const found = measure(pair.first, pair.second, pair.options);
  ASSERT_TRUE(found.has_plane);
  EXPECT_NEAR(found.plane.slope_x, expected["ABC"][0].get<double>(), 1e-9);
  EXPECT_NEAR(found.plane.slope_y, expected["ABC"][1].get<double>(), 1e-9);
  EXPECT_NEAR(found.plane.level, expected["ABC"][2].get<double>(), 1e-9);
  EXPECT_NEAR(found.rms, expected["rms"].get<double>(), 1e-9);
  EXPECT_EQ(found.rounds, expected["iterations"]);
  EXPECT_EQ(found.kept, expected["kept_last"]);
}

TEST(PairPixels, PlaneTakesOffWhatTheVectorsSay) {
  auto const apply = test::read_vector("pj_plane_match.json")["apply"];
  GridPlane const plane{apply["ABC"][0], apply["ABC"][1], apply["ABC"][2]};
  for (std::size_t k = 0; k < apply["points_xy"].size(); ++k)
    EXPECT_NEAR(plane.at(apply["points_xy"][k][0].get<double>() - apply["ref_x_y"][0].get<double>(),
                         apply["points_xy"][k][1].get<double>() - apply["ref_x_y"][1].get<double>()),
                apply["subtract"][k].get<double>(), 1e-12);
}

/// A noisy image of a box, with holes and outliers.
StoredImage<float> make_image(model::PixelBox box, float level, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 0.1f);
  StoredImage<float> image{box, {}, {}};
  for (std::int64_t k = 0; k < box.width() * box.height(); ++k) {
    float value = level + noise(random);
    if (random() % 50 == 0) value = std::numeric_limits<float>::quiet_NaN();
    if (random() % 80 == 0) value += 10;
    image.value.push_back(value);
    image.error.push_back(0.05f + 0.0001f * static_cast<float>(random() % 100));
  }
  return image;
}

void expect_same(PairDifference const& a, PairDifference const& b) {
  EXPECT_EQ(a.n_pix, b.n_pix);
  EXPECT_EQ(a.median, b.median);
  EXPECT_EQ(a.rms, b.rms);
  EXPECT_EQ(a.plane.slope_x, b.plane.slope_x);
  EXPECT_EQ(a.plane.level, b.plane.level);
  EXPECT_EQ(a.extent.x_low, b.extent.x_low);
  EXPECT_EQ(a.extent.y_high, b.extent.y_high);
}

TEST(PairPixels, GivesTheSameBitsInStripsAsAtOnce) {
  auto const first = make_image({10, 20, 90, 80}, 1, 1), second = make_image({30, 5, 120, 60}, 2, 2);
  PairOptions const options{.with_slope = true, .sigma = 3, .reference = {60, 40}};
  auto const whole = measure(first, second, options);
  PairPixels<float> pixels(options);
  for (std::int64_t y0 = 0; y0 < 100; y0 += 7) {
    auto const strip = [&](StoredImage<float> const& image) {
      auto const box = model::intersect(image.box, {0, y0, 200, y0 + 7});
      auto const skip = std::max<std::int64_t>(0, box.y0 - image.box.y0) * image.box.width();
      return GridImage<float>{image.value.data() + skip, image.error.data() + skip,
                              box.empty() ? model::PixelBox{} : box};
    };
    pixels.add(strip(first), strip(second));
  }
  expect_same(pixels.measure(), whole);
  EXPECT_TRUE(whole.has_plane);
  EXPECT_NEAR(whole.median, 1, 0.02);
}

TEST(PairPixels, TurnsItsSignWithTheOrderOfThePair) {
  auto const first = make_image({0, 0, 60, 60}, 1, 3), second = make_image({20, 10, 80, 70}, 1.5f, 4);
  auto const forward = measure(first, second), backward = measure(second, first);
  EXPECT_EQ(forward.median, -backward.median);
  EXPECT_NEAR(forward.rms, backward.rms, 1e-14);
  EXPECT_EQ(forward.n_pix, backward.n_pix);
}

TEST(PairPixels, LeavesOutPixelsWithoutAUsableError) {
  float const inf = std::numeric_limits<float>::infinity();
  StoredImage<float> const first{{0, 0, 6, 1}, {1, 1, 1, 1, 1, 1}, {1, inf, -1, 0, 0, 1}},
      second{{0, 0, 6, 1}, {2, 50, 60, 70, 2, 2}, {1, 1, 1, 0, 1, 1}};
  auto const found = measure(first, second);
  EXPECT_EQ(found.n_pix, 3) << "infinite, negative, both zero; one zero alone is an error still";
  EXPECT_EQ(found.median, 1);
  EXPECT_EQ(found.extent.length_x(), 5) << "the extent is that of the data";
}

TEST(PairPixels, HasNoPlaneFromPixelsOnOneLine) {
  PairOptions const options{.with_slope = true, .sigma = 3, .reference = {1000, 1000}};
  for (auto const& step : {std::pair{1, 0}, std::pair{0, 1}, std::pair{1, 1}, std::pair{2, 1}}) {
    model::PixelBox const box{0, 0, 30, 30};
    std::vector<float> value(900, std::numeric_limits<float>::quiet_NaN());
    for (int k = 0; k < 10; ++k) value[static_cast<std::size_t>(30 * k * step.second + k * step.first)] = 2.5f;
    StoredImage<float> const first{box, std::vector<float>(900, 1), {}}, second{box, value, {}};
    auto const found = measure(first, second, options);
    EXPECT_FALSE(found.has_plane) << step.first << " " << step.second;
    EXPECT_EQ(found.n_pix, 10);
    EXPECT_EQ(found.median, 1.5);
    EXPECT_EQ(found.rms, 0);
  }
}

TEST(PairPixels, FindsAPlaneOfThreePixelsOffOneLine) {
  StoredImage<float> const first{{100, 100, 102, 102}, {1, 1, 1, NAN}, {}},
      second{{100, 100, 102, 102}, {2, 2.5f, 3, 7}, {}};
  auto const found = measure(first, second, {.with_slope = true, .sigma = 3, .reference = {100, 100}});
  ASSERT_TRUE(found.has_plane);
  EXPECT_NEAR(found.plane.slope_x, 0.5, 1e-12);
  EXPECT_NEAR(found.plane.slope_y, 1, 1e-12);
  EXPECT_NEAR(found.plane.level, 1, 1e-12);
}

TEST(PairPixels, OfImagesApartIsEmpty) {
  auto const first = make_image({0, 0, 10, 10}, 1, 5), second = make_image({10, 0, 20, 10}, 1, 6);
  auto const found = measure(first, second, {.with_slope = true, .sigma = 3, .reference = {}});
  EXPECT_EQ(found.n_pix, 0);
  EXPECT_TRUE(std::isnan(found.median));
  EXPECT_FALSE(found.has_plane);
  EXPECT_TRUE(found.extent.empty());
  EXPECT_FALSE(passes_linear_test(found.extent, find_data_extent(first.view()), find_data_extent(second.view()), 0.2));
}

TEST(FindDataExtent, SkipsWhatIsNotFinite) {
  StoredImage<float> image{{5, 7, 9, 10}, std::vector<float>(12, NAN), {}};
  EXPECT_TRUE(find_data_extent(image.view()).empty());
  image.value[1] = 1;  // (6, 7)
  image.value[7] = 0;  // (8, 8)
  image.value[8] = INFINITY;
  auto const extent = find_data_extent(image.view());
  EXPECT_EQ(extent.x_low, 6);
  EXPECT_EQ(extent.x_high, 8);
  EXPECT_EQ(extent.y_low, 7);
  EXPECT_EQ(extent.y_high, 8);
}

TEST(PassesLinearTest, AsksForOneLongAxisOfEitherImage) {
  DataExtent const narrow{0, 10, 0, 4}, large{0, 100, 0, 100}, small{0, 45, 0, 15};
  EXPECT_FALSE(passes_linear_test(narrow, large, large, 0.2));
  EXPECT_TRUE(passes_linear_test(narrow, large, small, 0.2));
  EXPECT_TRUE(passes_linear_test(narrow, small, large, 0.2));
  EXPECT_FALSE(passes_linear_test(narrow, large, large, 0.1)) << "exactly the limit does not pass";
}

}  // namespace
}  // namespace tessera::kernels
