// Segmentation, shapes and apertures against the reference libraries' results (starfind_cases.json): labels exact,
// centroids 1e-4 px, sums 1e-5.
#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/kernels/apertures.hpp"
#include "tessera/kernels/source_shape.hpp"

namespace tessera::kernels {
namespace {

using nlohmann::json;

json const& vectors() {
  static json const all = test::read_vector("starfind_cases.json");
  return all;
}

/// The finders' image, its level taken off as the finders' input says, and the coverage mask.
struct FinderImage {
  test::Plane plane = test::read_plane(vectors().at("image"));
  std::vector<std::uint8_t> mask;

  FinderImage() {
    for (auto& value : plane.values) value -= 2.3f;
    mask.assign(plane.values.size(), 0);
    for (auto const& box : vectors().at("mask_rectangles_y0y1x0x1"))
      for (std::int64_t y = box[0]; y < box[1]; ++y)
        for (std::int64_t x = box[2]; x < box[3]; ++x) mask[static_cast<std::size_t>(y * plane.nx + x)] = 1;
  }
};

SegmentationOptions options_of(json const& given) {
  SegmentationOptions options;
  options.kernel_fwhm = given.at("kernel_fwhm");
  options.npixels = given.at("n_pixels");
  options.connectivity = given.at("connectivity");
  options.nlevels = given.at("n_levels");
  options.contrast = given.at("contrast");
  return options;
}

/// Everything about the labelled sources, as a step measures it.
struct Labelled {
  FinderImage image;
  SegmentationOptions options = options_of(vectors().at("segmentation"));
  std::vector<float> smoothed = smooth_for_detection(image.plane.values.data(), image.mask.data(), image.plane.nx,
                                                     image.plane.ny, options.kernel_fwhm);
  std::vector<std::int32_t> labels;

  Labelled() {
    std::vector<float> const threshold(smoothed.size(), vectors().at("segmentation").at("threshold").get<float>());
    labels = segment(smoothed.data(), threshold.data(), image.mask.data(), image.plane.nx, image.plane.ny, options);
  }
};

TEST(SegmentationVectors, SmoothedImageAgreesWithTheReference) {
  Labelled const found;
  auto const& expected = vectors().at("segmentation").at("convolved_every_5");
  for (std::size_t j = 0; j < expected.size(); ++j)
    for (std::size_t i = 0; i < expected[j].size(); ++i) {
      auto const at = 5 * j * static_cast<std::size_t>(found.image.plane.nx) + 5 * i;
      if (expected[j][i].is_null()) continue;
      EXPECT_NEAR(found.smoothed[at], expected[j][i].get<double>(), 2e-6 * (1 + std::abs(found.smoothed[at])))
          << 5 * j << " " << 5 * i;
    }
}

TEST(SegmentationVectors, LabelsAreThoseOfTheReference) {
  Labelled const found;
  auto const& rows = vectors().at("segmentation").at("expected").at("segmentation");
  ASSERT_EQ(static_cast<std::int64_t>(rows.size()), found.image.plane.ny);
  std::size_t k = 0, labelled = 0;
  for (auto const& row : rows)
    for (auto const& label : row) {
      ASSERT_EQ(found.labels[k], label.get<int>()) << k % 72 << " " << k / 72;
      labelled += found.labels[k++] > 0;
    }
  EXPECT_GT(labelled, 500u);
}

TEST(SegmentationVectors, ShapesAgreeWithTheReference) {
  Labelled const found;
  auto const& expected = vectors().at("segmentation").at("expected");
  auto const nx = found.image.plane.nx, ny = found.image.plane.ny;
  SegmentCutout all{{0, 0, nx, ny}, found.smoothed, found.labels, static_cast<int>(expected.at("label").size())};
  auto const shapes = measure_shapes(all);
  ASSERT_EQ(shapes.size(), 13u);
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    auto const& shape = shapes[k];
    EXPECT_NEAR(shape.x, expected.at("xcentroid")[k], 1e-5) << k;
    EXPECT_NEAR(shape.y, expected.at("ycentroid")[k], 1e-5) << k;
    EXPECT_EQ(static_cast<double>(shape.pixels), expected.at("area")[k].get<double>()) << k;
    EXPECT_NEAR(shape.semimajor, expected.at("semimajor")[k], 1e-5) << k;
    EXPECT_NEAR(shape.semiminor, expected.at("semiminor")[k], 1e-5) << k;
    EXPECT_NEAR(shape.ellipticity, expected.at("ellipticity")[k], 1e-5) << k;
    double const turn = std::remainder(shape.orientation - expected.at("orientation_deg")[k].get<double>(), 180.0);
    EXPECT_NEAR(turn, 0, 1e-3) << k;
    EXPECT_GT(shape.orientation, -90);
    EXPECT_LE(shape.orientation, 90);
  }
}

TEST(SegmentationVectors, SegmentSumsAgreeWithTheReference) {
  Labelled const found;
  auto const& expected = vectors().at("segmentation").at("expected");
  std::vector<double> sums(expected.at("label").size(), 0);
  for (std::size_t k = 0; k < found.labels.size(); ++k)
    if (found.labels[k] > 0 && std::isfinite(found.image.plane.values[k]))
      sums[static_cast<std::size_t>(found.labels[k] - 1)] += found.image.plane.values[k];
  for (std::size_t k = 0; k < sums.size(); ++k) {
    double const one = expected.at("segment_flux")[k];
    EXPECT_NEAR(sums[k], one, 1e-5 * std::abs(one)) << k;
  }
}

TEST(ApertureVectors, SumsErrorsAndRingsAgreeWithTheReference) {
  auto const& given = vectors().at("aperture");
  FinderImage image;
  for (auto& value : image.plane.values)
    if (std::isnan(value)) value = 0;
  std::vector<float> const errors(image.plane.values.size(), 0.5f);
  ImageWindow const window{
      image.plane.values.data(), nullptr, {0, 0, image.plane.nx, image.plane.ny}, image.plane.nx, image.plane.ny};
  for (std::size_t k = 0; k < given.at("positions_xy").size(); ++k) {
    double const x = given.at("positions_xy")[k][0], y = given.at("positions_xy")[k][1];
    for (std::size_t r = 0; r < given.at("radii").size(); ++r) {
      auto const found = aperture_sum(window, errors.data(), x, y, given.at("radii")[r]);
      double const sum = given.at("expected_sum")[r][k], error = given.at("expected_sum_err")[r][k];
      EXPECT_NEAR(found.sum, sum, 1e-6 * std::abs(sum)) << k << " " << r;
      EXPECT_NEAR(found.error, error, 1e-6 * error) << k << " " << r;
    }
    auto const level = annulus_level(window, x, y, given.at("annulus")[0], given.at("annulus")[1]);
    EXPECT_NEAR(level.median, given.at("expected_bkg_median")[k], 1e-6);
    EXPECT_NEAR(level.error, given.at("expected_bkg_median_err")[k], 1e-6);
    EXPECT_EQ(level.pixels, given.at("expected_n_after_clip")[k].get<std::int64_t>());
  }
}

}  // namespace
}  // namespace tessera::kernels
