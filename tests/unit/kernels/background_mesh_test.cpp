// The background mesh (spec 30, 1.3): the vector, and properties.
#include "tessera/kernels/background_mesh.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "starfind_vector.hpp"
#include "support/vector_noise.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera {
namespace {

using Mask = std::vector<std::uint8_t>;

struct VectorCase {
  VectorCase() : vector(test::read_vector("starfind_cases.json")["background2d"]), image(vector["data"]) {
    mask = test::mask_rectangles(vector["coverage_mask_rectangles_y0y1x0x1"], image.nx, image.ny);
    for (auto const& yx : vector["nan_at_yx"])
      image.values[static_cast<std::size_t>(yx[0].get<std::int64_t>() * image.nx + yx[1].get<std::int64_t>())] = NAN;
    options.box_x = options.box_y = vector["box_size"];
  }
  kernels::BackgroundMesh mesh() const {
    return kernels::measure_background(image.values.data(), mask.data(), image.nx, image.ny, options);
  }
  nlohmann::json vector;
  test::VectorImage image;
  Mask mask;
  kernels::BackgroundMeshOptions options;
};

std::vector<float> noise_image(std::int64_t nx, std::int64_t ny, double level, double rms, std::uint32_t seed = 1) {
  test::VectorNoise random(seed);
  std::vector<float> image(static_cast<std::size_t>(nx * ny));
  for (auto& value : image) value = static_cast<float>(level + rms * random.deviate());
  return image;
}

struct Planes {
  std::vector<float> background, rms;
};
Planes evaluate(kernels::BackgroundMesh const& mesh, std::int64_t nx, std::int64_t y0, std::int64_t y1,
                std::uint8_t const* mask = nullptr) {
  auto const count = static_cast<std::size_t>(nx * (y1 - y0));
  Planes planes{std::vector<float>(count, -1.0f), std::vector<float>(count, -1.0f)};
  mesh.rows(y0, y1, mask, planes.background.data(), planes.rms.data());
  return planes;
}

TEST(BackgroundMesh, HasTheMeshesOfTheVector) {
  VectorCase const given;
  auto const mesh = given.mesh();
  auto const compare = [](nlohmann::json const& expected, std::vector<double> const& found) {
    ASSERT_EQ(expected.size() * expected[0].size(), found.size());
    for (std::size_t y = 0; y < expected.size(); ++y)
      for (std::size_t x = 0; x < expected[0].size(); ++x) {
        double const value = expected[y][x];
        EXPECT_NEAR(found[y * expected[0].size() + x], value, 1e-5 * value) << "cell " << x << ", " << y;
      }
  };
  compare(given.vector["expected"]["background_mesh"], mesh.background());
  compare(given.vector["expected"]["rms_mesh"], mesh.rms());
}

TEST(BackgroundMesh, HasTheImagesOfTheVector) {
  VectorCase const given;
  auto const planes = evaluate(given.mesh(), given.image.nx, 0, given.image.ny, given.mask.data());
  auto const compare = [&](char const* name, std::vector<float> const& found) {
    auto const& expected = given.vector["expected"][name];
    ASSERT_EQ(expected.size(), 15u);
    for (std::size_t j = 0; j < expected.size(); ++j)
      for (std::size_t i = 0; i < expected[j].size(); ++i) {
        double const value = expected[j][i];
        EXPECT_NEAR(found[7 * j * static_cast<std::size_t>(given.image.nx) + 9 * i], value, 1e-5 * value)
            << "row " << 7 * j << ", column " << 9 * i;
      }
  };
  compare("background_every_7th_row_9th_col", planes.background);
  compare("rms_every_7th_row_9th_col", planes.rms);
  auto rms = planes.rms;
  double const median = given.vector["expected"]["median_of_full_rms_image_including_masked_zeros"];
  EXPECT_NEAR(kernels::median_in_place(std::span(rms)), median, 1e-5 * median);
}

TEST(BackgroundMesh, GivesTheSameBitsForAnyCutIntoRows) {
  VectorCase const given;
  auto const mesh = given.mesh();
  std::int64_t const nx = given.image.nx;
  auto const whole = evaluate(mesh, nx, 0, given.image.ny, given.mask.data());
  for (std::int64_t y0 = 0; y0 < given.image.ny; y0 += 13) {
    std::int64_t const y1 = std::min(y0 + 13, given.image.ny);
    auto const part = evaluate(mesh, nx, y0, y1, given.mask.data() + y0 * nx);
    EXPECT_TRUE(std::equal(part.background.begin(), part.background.end(), whole.background.begin() + y0 * nx));
    EXPECT_TRUE(std::equal(part.rms.begin(), part.rms.end(), whole.rms.begin() + y0 * nx));
  }
}

TEST(BackgroundMesh, OfAFlatImageIsFlat) {
  std::vector<float> const image(70 * 50, 3.25f);
  auto const mesh = kernels::measure_background(image.data(), nullptr, 70, 50, {.box_y = 16, .box_x = 16});
  auto const planes = evaluate(mesh, 70, 0, 50);
  EXPECT_EQ(planes.background, image);
  EXPECT_EQ(planes.rms, std::vector<float>(image.size(), 0.0f));
}

TEST(BackgroundMesh, IsLinearInTheImage) {
  auto image = noise_image(120, 90, 5, 1);
  for (std::size_t k = 0; k < image.size(); ++k) image[k] += 0.01f * static_cast<float>(k % 120);
  auto scaled = image;
  for (auto& value : scaled) value *= 8;
  kernels::BackgroundMeshOptions const options{.box_y = 30, .box_x = 30};
  auto const one = evaluate(kernels::measure_background(image.data(), nullptr, 120, 90, options), 120, 0, 90);
  auto const eight = evaluate(kernels::measure_background(scaled.data(), nullptr, 120, 90, options), 120, 0, 90);
  for (std::size_t k = 0; k < image.size(); ++k) {
    EXPECT_EQ(eight.background[k], 8 * one.background[k]);
    EXPECT_EQ(eight.rms[k], 8 * one.rms[k]);
  }
}

TEST(BackgroundMesh, FollowsASlopeAndIgnoresStars) {
  constexpr std::int64_t nx = 400, ny = 300;
  auto image = noise_image(nx, ny, 0, 0.5, 7);
  for (std::size_t k = 0; k < image.size(); ++k) image[k] += 0.02f * static_cast<float>(k % nx);
  for (std::size_t k = 0; k < image.size(); k += 53) image[k] += 1000;  // two pixels in a hundred
  auto const mesh = kernels::measure_background(image.data(), nullptr, nx, ny, {.box_y = 50, .box_x = 50});
  auto const planes = evaluate(mesh, nx, 0, ny);
  // away from the ends the median of a box is that of the slope at its centre: noise 1.25 x 0.55 / sqrt(2500), and the
  // clipped 2 % are gone; the slope within a box adds 50 x 0.02 / sqrt(12) to the scatter
  for (std::int64_t y = 60; y < ny - 60; y += 7)
    for (std::int64_t x = 90; x < nx - 90; x += 7)
      EXPECT_NEAR(planes.background[static_cast<std::size_t>(y * nx + x)], 0.02 * static_cast<double>(x), 0.08);
  EXPECT_NEAR(mesh.median_rms(), std::hypot(0.5, 50 * 0.02 / std::sqrt(12.0)), 0.03);
}

TEST(BackgroundMesh, TakesOneBoxWhereNoneIsValid) {
  // nine pixels in ten are masked: every box is invalid
  auto image = noise_image(64, 64, 10, 1, 3);
  Mask mask(image.size(), 1);
  for (std::size_t k = 0; k < mask.size(); k += 10) mask[k] = 0;
  std::vector<float> good;
  for (std::size_t k = 0; k < mask.size(); k += 10) good.push_back(image[k]);
  auto const mesh = kernels::measure_background(image.data(), mask.data(), 64, 64, {.box_y = 16, .box_x = 16});
  ASSERT_EQ(mesh.background().size(), 1u);
  auto const expected = kernels::sigma_clip(good, 3, 5);
  EXPECT_EQ(mesh.median_background(), expected.median);
  EXPECT_EQ(mesh.median_rms(), expected.std);
}

TEST(BackgroundMesh, RefusesAnImageWithoutAGoodPixel) {
  auto const image = noise_image(20, 10, 1, 1);
  Mask const all(image.size(), 1);
  EXPECT_THROW(kernels::measure_background(image.data(), all.data(), 20, 10, {}), InputError);
  std::vector<float> const nothing(200, NAN);
  EXPECT_THROW(kernels::measure_background(nothing.data(), nullptr, 20, 10, {}), InputError);
}

TEST(BackgroundMesh, LeavesOutNanButGivesItABackground) {
  auto image = noise_image(60, 60, 10, 1, 4);
  for (std::size_t k = 0; k < image.size(); k += 20) image[k] = NAN;
  auto const planes =
      evaluate(kernels::measure_background(image.data(), nullptr, 60, 60, {.box_y = 30, .box_x = 30}), 60, 0, 60);
  for (float const value : planes.background) EXPECT_NEAR(value, 10, 0.2);
}

TEST(BackgroundMesh, TakesImagesSmallerThanABox) {
  for (auto const& [nx, ny] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 1}, {1, 7}, {5, 4}}) {
    std::vector<float> image(static_cast<std::size_t>(nx * ny));
    for (std::size_t k = 0; k < image.size(); ++k) image[k] = static_cast<float>(k);
    auto const mesh = kernels::measure_background(image.data(), nullptr, nx, ny, {});
    EXPECT_EQ(mesh.median_background(), static_cast<double>(image.size() - 1) / 2);
    EXPECT_EQ(evaluate(mesh, nx, 0, ny).background.front(), static_cast<float>(mesh.median_background()));
  }
}

TEST(BackgroundMesh, FillsInvalidCellsFromTheNearest) {
  // a row of cells with the values 1, ?, 4: the gap is as far from one as from the other
  kernels::BackgroundMeshOptions options{.box_y = 10, .box_x = 10};
  options.filter_size = 1;
  std::vector<kernels::MeshCell> const cells{{1, 2, 100}, {900, 900, 90}, {4, 6, 91}};
  kernels::BackgroundMesh const mesh(cells, 30, 10, options);
  EXPECT_EQ(mesh.background(), (std::vector<double>{1, 2.5, 4}));
  EXPECT_EQ(mesh.rms(), (std::vector<double>{2, 4, 6}));
  EXPECT_THROW(kernels::BackgroundMesh(std::vector<kernels::MeshCell>(3), 30, 10, options), InputError);
}

}  // namespace
}  // namespace tessera
