// Stripes (spec 40, 1.10): the vector of four aligned exposures, and properties.
#include "tessera/kernels/stripes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "multi_tile_vector.hpp"
#include "support/test_files.hpp"
#include "tessera/kernels/pixel_stack.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/smooth_stack.hpp"

namespace tessera {
namespace {

constexpr int N = test::MultiTileSide;
using Image = std::vector<double>;

std::size_t at(int y, int x) { return static_cast<std::size_t>(y * N + x); }
std::size_t at(nlohmann::json const& point) { return at(point[0].get<int>(), point[1].get<int>()); }

Image blank_zeros(Image image) {
  std::replace(image.begin(), image.end(), 0.0, std::numeric_limits<double>::quiet_NaN());
  return image;
}

Image make_stack(kernels::StackMethod method) {
  kernels::PixelStack<double> stack(N * N, method);
  for (int k = 0; k < test::MultiTileCount; ++k)
    stack.add(blank_zeros(test::make_multi_tile_exposure(k)), Image(N * N, 1 / test::multi_tile_variance(k)));
  return stack.finish(3, {});
}

Image draw(kernels::StripeModel const& model, std::vector<std::int64_t> const& bounds) {
  Image image;
  for (int y = 0; y < N; ++y)
    for (std::size_t a = 0; a < model.rows.size(); ++a)
      for (auto x = bounds[a]; x < bounds[a + 1]; ++x)
        image.push_back(model.rows[a][static_cast<std::size_t>(y)] +
                        (model.columns.empty() ? 0 : model.columns[static_cast<std::size_t>(x)]));
  return image;
}

void expect_statistics(Image const& image, nlohmann::json const& stats) {
  double const sum = std::accumulate(image.begin(), image.end(), 0.0);
  double const mean = sum / static_cast<double>(image.size());
  double squares = 0;
  for (double const v : image) squares += (v - mean) * (v - mean);
  EXPECT_NEAR(mean, stats["mean"].get<double>(), 1e-9);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(image.size())), stats["std"].get<double>(), 1e-9);
  EXPECT_NEAR(*std::min_element(image.begin(), image.end()), stats["min"].get<double>(), 1e-9);
  EXPECT_NEAR(*std::max_element(image.begin(), image.end()), stats["max"].get<double>(), 1e-9);
}

double median_of(Image image) { return kernels::median_in_place(std::span(image)); }

Image subtract(Image a, Image const& b) {
  for (std::size_t k = 0; k < a.size(); ++k) a[k] -= b[k];
  return a;
}

TEST(PixelStack, GivesTheStacksOfTheVector) {
  auto const expected = test::read_vector("pj_multi_tile.json")["stack"];
  auto const mean = make_stack(kernels::StackMethod::Mean), clipped = make_stack(kernels::StackMethod::ClipMedian);
  for (auto const& point : expected["ivm_mean"]) EXPECT_NEAR(mean[at(point)], point[2].get<double>(), 1e-9);
  for (auto const& point : expected["sigma_clip_median"]) EXPECT_NEAR(clipped[at(point)], point[2].get<double>(), 1e-9);
}

TEST(PixelStack, LeavesOutWhatHasNoDataOrNoWeight) {
  kernels::PixelStack<float> mean(4, kernels::StackMethod::Mean), median(4, kernels::StackMethod::Median);
  std::vector<std::vector<float>> const images{{1, NAN, 1, 1}, {3, NAN, 3, -1}, {8, NAN, NAN, NAN}};
  std::vector<std::vector<float>> const weights{{1, 1, 1, 1}, {1, 1, 0, 1}, {-2, 1, 1, 1}};
  for (std::size_t k = 0; k < 3; ++k) {
    mean.add(images[k], weights[k]);
    median.add(images[k], {});
  }
  auto const a = mean.finish(3, {}), b = median.finish(3, {});
  EXPECT_EQ(a[0], 2.0f);
  EXPECT_TRUE(std::isnan(a[1]));
  EXPECT_EQ(a[2], 1.0f);
  EXPECT_TRUE(std::isnan(a[3])) << "exactly 0 is no data";
  EXPECT_EQ(b[0], 3.0f);
  EXPECT_TRUE(std::isnan(b[1]));
  EXPECT_EQ(b[2], 2.0f);
}

TEST(MeasureStripes, GivesTheFirstPassOfTheVector) {
  auto const vector = test::read_vector("pj_multi_tile.json");
  auto const average = make_stack(kernels::StackMethod::Mean);
  for (bool const quadrants : {true, false}) {
    auto const& expected = vector[quadrants ? "pass1_exposure0" : "pass1_exposure0_noquad"];
    kernels::StripeOptions options;
    options.bounds = quadrants ? std::vector<std::int64_t>{0, 24, 48, 72, 96} : std::vector<std::int64_t>{0, 96};
    auto difference = subtract(blank_zeros(test::make_multi_tile_exposure(0)), average);
    auto const model = kernels::measure_stripes(std::span(difference), N, N, options);
    if (quadrants) {
      EXPECT_EQ(model.masked, expected["mask_count"].get<std::int64_t>());
    }
    auto const image = draw(model, options.bounds);
    expect_statistics(image, expected["stats"]);
    for (auto const& point : expected["samples"]) EXPECT_NEAR(image[at(point)], point[2].get<double>(), 1e-9);
  }
}

TEST(MeasureStripes, GivesTheSecondPassOfTheVector) {
  auto const vector = test::read_vector("pj_multi_tile.json");
  auto const& expected = vector["large_scale"];
  kernels::StripeOptions options;
  options.bounds = {0, N};
  auto const average = make_stack(kernels::StackMethod::Mean);
  auto smooth = average;
  kernels::filter_columns(std::span(smooth), N, N, kernels::LineFilter::Median, expected["scale"],
                          kernels::ExtendMode::Reflect);
  auto const structure = subtract(average, smooth);
  auto const mask = kernels::make_two_sided_mask(std::span<double const>(structure), N, N, options);
  EXPECT_EQ(std::accumulate(mask.begin(), mask.end(), std::int64_t{0}), expected["mask_count"].get<std::int64_t>());
  auto const rho = kernels::measure_residual_rows(std::span<double const>(structure), mask, N, N, options);
  std::size_t const rows[] = {0, 10, 48, 95};
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(rho[rows[k]], expected["residual_rows_of_average"][k].get<double>(), 1e-9) << rows[k];
  auto difference = subtract(blank_zeros(test::make_multi_tile_exposure(0)), average);
  for (int y = 0; y < N; ++y)
    for (int x = 0; x < N; ++x) difference[at(y, x)] += rho[static_cast<std::size_t>(y)];
  auto const image = draw(kernels::measure_stripes(std::span(difference), N, N, options), options.bounds);
  expect_statistics(image, expected["stats"]);
  for (auto const& point : expected["stripes_exposure0"]) EXPECT_NEAR(image[at(point)], point[2].get<double>(), 1e-9);
}

TEST(FilterColumns, SmoothsAsTheUniformFilterOfTheVector) {
  auto const expected = test::read_vector("pj_multi_tile.json")["large_scale_no_direction"];
  auto image = make_stack(kernels::StackMethod::Mean);
  kernels::filter_columns(std::span(image), N, N, kernels::LineFilter::Mean, 9, kernels::ExtendMode::Reflect);
  kernels::filter_rows(std::span(image), N, N, kernels::LineFilter::Mean, 9, kernels::ExtendMode::Reflect);
  for (auto const& point : expected["uniform_filter"]) EXPECT_NEAR(image[at(point)], point[2].get<double>(), 1e-9);
}

TEST(FilterColumns, LeavesAColumnOfNoValuesToTheRows) {
  std::vector<float> image{1, NAN, 3, 1, NAN, 5, 1, NAN, 3};
  kernels::filter_columns(std::span(image), 3, 3, kernels::LineFilter::Median, 3, kernels::ExtendMode::Nearest);
  EXPECT_EQ(image[2], 3.0f);
  EXPECT_TRUE(std::isnan(image[1]));
  kernels::filter_rows(std::span(image), 3, 3, kernels::LineFilter::Mean, 1, kernels::ExtendMode::Nearest);
  EXPECT_EQ(image, (std::vector<float>{1, 2, 3, 1, 2, 3, 1, 2, 3}));
}

TEST(FindStripeCourse, GivesTheClassesOfTheVector) {
  for (auto const& rule : test::read_vector("pj_multi_tile.json")["rotation_classes"]["cases"]) {
    double const angles[] = {rule[1].get<double>() - rule[0].get<double>()};
    auto const name = rule[2].get<std::string>();
    auto const expected = name == "horizontal" ? kernels::StripeCourse::Horizontal
                          : name == "none"     ? kernels::StripeCourse::None
                                               : kernels::StripeCourse::Vertical;
    EXPECT_EQ(kernels::find_stripe_course(angles), expected) << rule;
  }
  EXPECT_EQ(kernels::find_stripe_course(std::vector<double>{1, 179, -9.5}), kernels::StripeCourse::None);
  EXPECT_EQ(kernels::find_stripe_course(std::vector<double>{1, 179}), kernels::StripeCourse::Horizontal);
  EXPECT_EQ(kernels::find_stripe_course(std::vector<double>{0, 90}), kernels::StripeCourse::None);
  EXPECT_EQ(kernels::find_stripe_course(std::vector<double>{0, 9, -9}), kernels::StripeCourse::None)
      << "whichever comes first";
  EXPECT_EQ(kernels::find_stripe_course({}), kernels::StripeCourse::None);
}

TEST(MeasureStripes, TakesTheWholeRowWhereAnAmplifierIsMasked) {
  test::VectorNoise random(8);
  Image difference;
  std::vector<double> rows;
  for (int y = 0; y < N; ++y) {
    rows.push_back(0.05 * random.deviate());
    for (int x = 0; x < N; ++x) difference.push_back(rows.back() + 0.001 * random.deviate());
  }
  for (int y = 0; y < N; ++y)
    for (int x = 24; x < 48; ++x) difference[at(y, x)] = std::numeric_limits<double>::quiet_NaN();
  for (int x = 0; x < N; ++x) difference[at(40, x)] = std::numeric_limits<double>::quiet_NaN();
  kernels::StripeOptions options;
  options.bounds = {0, 24, 48, 72, 96};
  auto const model = kernels::measure_stripes(std::span(difference), N, N, options);
  double const expected_40 = (rows[39] + rows[41]) / 2;
  auto const level = median_of(rows);
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t y = 0; y < N; ++y)
      EXPECT_NEAR(model.rows[a][y], (y == 40 ? expected_40 : rows[y]) - level, 0.004) << a << " " << y;
  }
}

TEST(MeasureStripes, SeparatesColumnsFromRows) {
  test::VectorNoise random(18);
  std::vector<double> rows = random.deviates(N), columns = random.deviates(N);
  Image difference;
  for (std::size_t y = 0; y < N; ++y)
    for (std::size_t x = 0; x < N; ++x) difference.push_back(7 + rows[y] + 0.3 * columns[x] + 0.001 * random.deviate());
  auto const before = difference;
  kernels::StripeOptions options;
  options.bounds = {0, 48, 96};
  options.vertical = true;
  auto const image = draw(kernels::measure_stripes(std::span(difference), N, N, options), options.bounds);
  auto rest = subtract(before, image);
  double const level = median_of(rest);
  for (double const value : rest) EXPECT_NEAR(value, level, 0.01);
  EXPECT_NEAR(median_of(image), 0, 1e-12);
}

TEST(MeasureStripes, KnowsNothingOfAnExposureWithoutData) {
  Image difference(N * N, std::numeric_limits<double>::quiet_NaN());
  kernels::StripeOptions options;
  options.bounds = {0, 48, 96};
  options.vertical = true;
  auto const model = kernels::measure_stripes(std::span(difference), N, N, options);
  EXPECT_EQ(model.used, 0);
  for (double const value : draw(model, options.bounds)) EXPECT_EQ(value, 0);
}

// Behavioural test 3 of spec 40, section 4: stripe-free data stays as it is to the floor of row medians.
TEST(MeasureStripes, FindsNothingWhereThereAreNoStripes) {
  constexpr int Side = 512, Width = Side / 4;
  constexpr double Sigma = 0.05;
  test::VectorNoise random(77);
  std::vector<float> difference;
  std::vector<double> galaxy;
  for (int y = 0; y < Side; ++y)
    for (int x = 0; x < Side; ++x) {
      galaxy.push_back(3 * std::exp(-std::hypot(x - 256, y - 256) / 80));
      difference.push_back(static_cast<float>(Sigma * random.deviate()));  // of two pictures of the galaxy
    }
  kernels::StripeOptions options;
  options.bounds = {0, Width, 2 * Width, 3 * Width, Side};
  auto const model = kernels::measure_stripes(std::span(difference), Side, Side, options);
  double squares = 0, cross = 0, galaxy_squares = 0;
  double const galaxy_mean = std::accumulate(galaxy.begin(), galaxy.end(), 0.0) / (Side * Side);
  for (std::size_t y = 0; y < Side; ++y)
    for (std::size_t x = 0; x < Side; ++x) {
      double const stripe = model.rows[x / Width][y], g = galaxy[y * Side + x] - galaxy_mean;
      squares += stripe * stripe;
      cross += stripe * g;
      galaxy_squares += g * g;
    }
  double const floor = 1.2533 * Sigma / std::sqrt(static_cast<double>(Width));
  EXPECT_LT(std::sqrt(squares / (Side * Side)), 2 * floor);
  EXPECT_LT(std::abs(cross / std::sqrt(squares * galaxy_squares)), 0.05);
}

}  // namespace
}  // namespace tessera
