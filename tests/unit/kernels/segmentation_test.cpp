// What holds for any image: windows do not matter, nothing is lost, parts make the whole.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "tessera/kernels/deblend.hpp"
#include "tessera/kernels/source_shape.hpp"

namespace tessera::kernels {
namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

struct Scene {
  std::int64_t nx, ny;
  std::vector<float> image;
  float at(std::int64_t x, std::int64_t y) const { return image[static_cast<std::size_t>(y * nx + x)]; }
};

/// Gaussian sources of several widths on noise, all over the place.
Scene make_scene(unsigned seed, std::int64_t nx, std::int64_t ny, int sources) {
  std::mt19937 random(seed);
  auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
  Scene scene{nx, ny, std::vector<float>(static_cast<std::size_t>(nx * ny))};
  for (auto& value : scene.image) value = static_cast<float>(uniform() + uniform() + uniform() - 1.5);
  for (int k = 0; k < sources; ++k) {
    double const x0 = uniform() * static_cast<double>(nx), y0 = uniform() * static_cast<double>(ny),
                 height = std::exp(6 * uniform()), sigma = 0.8 + 3 * uniform();
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) {
        double const dx = static_cast<double>(x) - x0, dy = static_cast<double>(y) - y0;
        scene.image[static_cast<std::size_t>(y * nx + x)] +=
            static_cast<float>(height * std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)));
      }
  }
  return scene;
}

TEST(SmoothForDetection, DoesNotDependOnTheWindow) {
  auto scene = make_scene(1, 150, 180, 30);
  std::vector<std::uint8_t> mask(scene.image.size(), 0);
  for (std::size_t k = 0; k < mask.size(); k += 13) mask[k] = 1;
  for (std::size_t k = 5; k < mask.size(); k += 101) scene.image[k] = NaN;
  auto const whole = smooth_for_detection(scene.image.data(), mask.data(), scene.nx, scene.ny, 2.7);
  auto const reach = smoothing_reach(2.7);
  for (model::PixelBox const own : {model::PixelBox{40, 70, 95, 171}, {0, 0, 33, 65}, {120, 1, 150, 2}}) {
    auto const box =
        model::intersect({own.x0 - reach, own.y0 - reach, own.x1 + reach, own.y1 + reach}, {0, 0, scene.nx, scene.ny});
    std::vector<float> data;
    std::vector<std::uint8_t> cut_mask;
    for (auto y = box.y0; y < box.y1; ++y)
      for (auto x = box.x0; x < box.x1; ++x) {
        data.push_back(scene.at(x, y));
        cut_mask.push_back(mask[static_cast<std::size_t>(y * scene.nx + x)]);
      }
    std::vector<float> part(static_cast<std::size_t>(own.width() * own.height()));
    smooth_for_detection({data.data(), cut_mask.data(), box, scene.nx, scene.ny}, own, 2.7, part.data());
    std::size_t k = 0;
    for (auto y = own.y0; y < own.y1; ++y)
      for (auto x = own.x0; x < own.x1; ++x)
        ASSERT_EQ(part[k++], whole[static_cast<std::size_t>(y * scene.nx + x)]) << x << " " << y;
  }
}

TEST(SmoothForDetection, AConstantWithHolesStaysConstantAwayFromTheEdge) {
  std::vector<float> image(60 * 60, 3.5f);
  for (std::size_t k = 0; k < image.size(); k += 7) image[k] = NaN;
  auto const smoothed = smooth_for_detection(image.data(), nullptr, 60, 60, 3);
  auto const reach = smoothing_reach(3);
  for (std::int64_t y = reach; y < 60 - reach; ++y)
    for (std::int64_t x = reach; x < 60 - reach; ++x)
      EXPECT_FLOAT_EQ(smoothed[static_cast<std::size_t>(60 * y + x)], 3.5f);
  EXPECT_LT(smoothed[1], 3.0f) << "outside the image is 0";
}

TEST(SmoothForDetection, NoUsablePixelInReachGivesNaN) {
  std::vector<float> image(40 * 40, NaN);
  image[0] = 1;
  auto const smoothed = smooth_for_detection(image.data(), nullptr, 40, 40, 2);
  EXPECT_TRUE(std::isnan(smoothed[20 * 40 + 20]));
  EXPECT_TRUE(std::isfinite(smoothed[1]));
}

/// Labels by flooding, pixel by pixel.
std::vector<int> flood_labels(std::vector<bool> const& detected, int nx, int ny, int connectivity) {
  std::vector<int> labels(detected.size(), 0);
  int next = 0;
  for (int start = 0; start < nx * ny; ++start) {
    if (!detected[static_cast<std::size_t>(start)] || labels[static_cast<std::size_t>(start)]) continue;
    std::vector<int> stack{start};
    labels[static_cast<std::size_t>(start)] = ++next;
    while (!stack.empty()) {
      int const k = stack.back();
      stack.pop_back();
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          if (connectivity == 4 && dx != 0 && dy != 0) continue;
          int const x = k % nx + dx, y = k / nx + dy;
          if (x < 0 || y < 0 || x >= nx || y >= ny) continue;
          auto const n = static_cast<std::size_t>(y * nx + x);
          if (!detected[n] || labels[n]) continue;
          labels[n] = next;
          stack.push_back(y * nx + x);
        }
    }
  }
  return labels;
}

TEST(SegmentFinder, ConnectsWhatFloodingConnects) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    int const nx = 1 + static_cast<int>(random() % 40), ny = 1 + static_cast<int>(random() % 40);
    int const connectivity = round % 2 ? 4 : 8;
    std::vector<bool> detected(static_cast<std::size_t>(nx * ny));
    for (std::size_t k = 0; k < detected.size(); ++k) detected[k] = random() % 100 < 25u + 10u * (round % 5);
    auto const expected = flood_labels(detected, nx, ny, connectivity);
    SegmentFinder finder(connectivity);
    for (int y = 0; y < ny; ++y)
      finder.add_row(y, 0, nx, [&](std::int64_t x) { return bool(detected[static_cast<std::size_t>(y * nx + x)]); });
    auto found = finder.finish();
    auto const begin = found.sort_runs_by_segment();
    std::vector<int> labels(detected.size(), 0);
    for (std::size_t s = 0; s < found.segments.size(); ++s) {
      std::int64_t pixels = 0;
      for (auto k = begin[s]; k < begin[s + 1]; ++k) {
        auto const& run = found.runs[k];
        ASSERT_EQ(run.segment, static_cast<int>(s));
        for (auto x = run.x0; x < run.x1; ++x)
          labels[static_cast<std::size_t>(run.y * nx + x)] = static_cast<int>(s) + 1;
        pixels += run.x1 - run.x0;
      }
      ASSERT_EQ(pixels, found.segments[s].pixels);
      ASSERT_EQ(found.runs[begin[s]].x0, found.segments[s].first_x);
    }
    ASSERT_EQ(labels, expected) << round;
  }
}

TEST(Deblend, PartsCoverTheSegmentAndReachTheContrast) {
  int blended = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    auto const scene = make_scene(seed, 120, 100, 60);
    auto const smoothed = smooth_for_detection(scene.image.data(), nullptr, scene.nx, scene.ny, 2);
    SegmentationOptions options;
    options.npixels = 5;
    options.contrast = 0.01;
    options.multithresh_mode = static_cast<LevelSpacing>(seed % 3);
    SegmentFinder finder(8);
    for (std::int64_t y = 0; y < scene.ny; ++y)
      finder.add_row(y, 0, scene.nx,
                     [&](std::int64_t x) { return smoothed[static_cast<std::size_t>(y * scene.nx + x)] > 2; });
    auto found = finder.finish();
    auto const begin = found.sort_runs_by_segment();
    for (std::size_t s = 0; s < found.segments.size(); ++s) {
      auto cutout = cut_segment(found.segments[s], {found.runs.data() + begin[s], begin[s + 1] - begin[s]},
                                smoothed.data(), {0, 0, scene.nx, scene.ny});
      auto const before = cutout.labels;
      deblend(cutout, options);
      std::map<int, double> sums;
      double total = 0;
      for (std::size_t k = 0; k < before.size(); ++k) {
        ASSERT_EQ(cutout.labels[k] > 0, before[k] > 0);
        if (before[k] == 0) continue;
        sums[cutout.labels[k]] += cutout.values[k];
        total += cutout.values[k];
      }
      ASSERT_EQ(static_cast<int>(sums.size()), cutout.parts);
      ASSERT_EQ(sums.rbegin()->first, cutout.parts);
      if (cutout.parts == 1) continue;
      ++blended;
      for (auto const& [label, sum] : sums) EXPECT_GE(sum, 0.01 * total * (1 - 1e-9)) << label;
    }
  }
  EXPECT_GT(blended, 20);
}

TEST(Deblend, TwoEqualSourcesPartInTheMiddle) {
  std::int64_t const nx = 41, ny = 21;
  std::vector<float> values(static_cast<std::size_t>(nx * ny));
  std::vector<std::int32_t> labels(values.size());
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) {
      double sum = 0;
      for (double const centre : {12.0, 28.0}) {
        double const dx = static_cast<double>(x) - centre, dy = static_cast<double>(y) - 10;
        sum += 100 * std::exp(-(dx * dx + dy * dy) / 32);
      }
      auto const k = static_cast<std::size_t>(y * nx + x);
      values[k] = static_cast<float>(sum);
      labels[k] = sum > 5;
    }
  auto const before = labels;
  SegmentationOptions options;
  ASSERT_EQ(deblend(values.data(), labels.data(), nx, ny, options), 2);
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) {
      auto const k = static_cast<std::size_t>(y * nx + x);
      if (before[k] && x != 20) {
        EXPECT_EQ(labels[k], x < 20 ? 1 : 2) << x << " " << y;
      }
    }
}

TEST(Deblend, AFlatSegmentAndASmallOneStayWhole) {
  std::vector<float> values(400, 2.0f);
  std::vector<std::int32_t> labels(400, 1);
  SegmentationOptions options;
  EXPECT_EQ(deblend(values.data(), labels.data(), 20, 20, options), 1);
  EXPECT_EQ(labels, std::vector<std::int32_t>(400, 1));
  options.npixels = 300;
  values[50] = 9;
  EXPECT_EQ(deblend(values.data(), labels.data(), 20, 20, options), 1);
  EXPECT_EQ(labels, std::vector<std::int32_t>(400, 1));
}

TEST(SourceShape, OfAnEllipseAreItsAxesAndItsAngle) {
  double const major = 4, minor = 2, angle = 0.6;
  SegmentCutout cutout{{100, 200, 181, 281}, {}, {}, 1};
  for (int y = 0; y < 81; ++y)
    for (int x = 0; x < 81; ++x) {
      double const dx = x - 40.25, dy = y - 39.5, u = dx * std::cos(angle) + dy * std::sin(angle),
                   v = -dx * std::sin(angle) + dy * std::cos(angle);
      cutout.values.push_back(static_cast<float>(std::exp(-u * u / (2 * major * major) - v * v / (2 * minor * minor))));
      cutout.labels.push_back(1);
    }
  auto const shape = measure_shapes(cutout).front();
  EXPECT_NEAR(shape.x, 140.25, 1e-5);
  EXPECT_NEAR(shape.y, 239.5, 1e-5);
  EXPECT_NEAR(shape.semimajor, major, 1e-4);
  EXPECT_NEAR(shape.semiminor, minor, 1e-4);
  EXPECT_NEAR(shape.orientation, angle * 57.29577951, 1e-3);
  EXPECT_NEAR(shape.ellipticity, 0.5, 1e-4);
}

TEST(SourceShape, OnePixelIsAsWideAsAPixel) {
  SegmentCutout const cutout{{3, 4, 4, 5}, {2.0f}, {1}, 1};
  auto const shape = measure_shapes(cutout).front();
  EXPECT_EQ(shape.x, 3);
  EXPECT_EQ(shape.y, 4);
  EXPECT_NEAR(shape.semimajor, std::sqrt(1 / 12.0), 1e-12);
  EXPECT_NEAR(shape.ellipticity, 0, 1e-12);
}

}  // namespace
}  // namespace tessera::kernels
