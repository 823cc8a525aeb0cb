// A person's template of NIRCam wisps, scaled to an exposure.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "rate_scene.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"

namespace tessera::steps {
namespace {

using test::RateScene;
using test::tried_parameters;

class Wisps : public ::testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "tessera-wisps";
  void SetUp() override {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// An arc of peak 1, written with a hole.
  static std::vector<float> arc(std::int64_t side) {
    std::vector<float> values;
    auto const length = static_cast<double>(side);
    for (std::int64_t y = 0; y < side; ++y)
      for (std::int64_t x = 0; x < side; ++x) {
        double const u = static_cast<double>(x) / length, v = static_cast<double>(y) / length;
        double const across = std::hypot(u - 1.1, v + 0.2) - 0.75;
        values.push_back(
            static_cast<float>(std::exp(-std::pow(across / 0.05, 2)) * std::exp(-std::pow(v - 0.4, 2) / 0.1)));
      }
    return values;
  }
  std::string write(std::string const& name, std::vector<float> values, std::int64_t nx,
                    std::string const& detector = "") const {
    io::HduPlan plan;
    plan.bitpix = -32;
    plan.axes = {nx, static_cast<std::int64_t>(values.size()) / nx};
    if (!detector.empty()) plan.header.set("DETECTOR", detector);
    values[5] = NAN;
    std::vector<std::byte> bytes(values.size() * sizeof(float));
    io::to_big_endian(values, bytes.data());
    io::write_fits(folder / name, {plan}, {bytes});
    return (folder / name).string();
  }
  static DestripedTile destripe(RateScene& scene, std::string const& wisp_template) {
    return destripe_exposure(scene.image, &scene.flat, nullptr, 1,
                             tried_parameters({{"wisp_template", wisp_template}}));
  }
  static void add(RateScene& scene, std::vector<float> const& pattern, double scale) {
    for (std::size_t k = 0; k < pattern.size(); ++k)
      scene.image.planes.sci[k] += static_cast<float>(scale) * pattern[k] * scene.flat.sci[k];
  }
};

TEST_F(Wisps, AreFoundWithTheirScaleAndSubtracted) {
  auto const pattern = arc(512);
  for (double const scale : {0.1, 0.6}) {
    RateScene with(512), without(512);
    add(with, pattern, scale);
    auto const tile = destripe(with, write("wisps.fits", pattern, 512));
    ASSERT_TRUE(tile.wisps.has_value());
    EXPECT_TRUE(tile.wisps->subtracted);
    EXPECT_NEAR(tile.wisps->scale, scale, std::max(0.05 * scale, 4 * tile.wisps->error));
    EXPECT_LT(tile.wisps->error, scale / 3);
    EXPECT_NEAR(with.image.primary.real("TSWISP").value_or(0), tile.wisps->scale, 1e-12);
    destripe_exposure(without.image, &without.flat, nullptr, 1, tried_parameters());
    double squares = 0;
    for (std::size_t k = 0; k < pattern.size(); ++k)
      squares += std::pow(static_cast<double>(with.image.planes.sci[k] - without.image.planes.sci[k]), 2);
    EXPECT_LT(std::sqrt(squares / (512 * 512)), 0.1 * scale * test::rms_of(pattern) + 0.2 * with.median_floor());
  }
}

TEST_F(Wisps, AreNotFoundWhereThereAreNone) {
  RateScene scene(512);
  auto const tile = destripe(scene, write("wisps.fits", arc(512), 512));
  ASSERT_TRUE(tile.wisps.has_value());
  EXPECT_LT(std::abs(tile.wisps->scale), 4 * tile.wisps->error);
  EXPECT_LT(std::abs(tile.wisps->scale), 0.03);
  EXPECT_FALSE(scene.image.primary.has("TSWISP"));
}

TEST_F(Wisps, AFullTemplateIsCutToTheWindow) {
  std::vector<float> full(2048 * 2048, 0.f);
  auto const pattern = arc(256);
  for (std::size_t y = 0; y < 256; ++y)
    std::copy_n(pattern.begin() + static_cast<std::ptrdiff_t>(y * 256), 256,
                full.begin() + static_cast<std::ptrdiff_t>((y + 300) * 2048 + 700));
  RateScene scene(256, 0);
  add(scene, pattern, 1);
  scene.image.primary.set("SUBARRAY", "SUB256");
  scene.image.window = {701, 301, 256, 256};
  auto const tile = destripe(scene, write("full.fits", full, 2048));
  EXPECT_NEAR(tile.wisps.value().scale, 1, 0.05);
}

TEST_F(Wisps, EachDetectorHasItsOwn) {
  auto const pattern = arc(256);
  auto const setting = (folder / "wisps_{detector}.fits").string();
  RateScene scene(256, 0);
  EXPECT_THROW(destripe(scene, setting), InputError) << "for no detector";
  write("wisps_nrcb4.fits", pattern, 256);
  EXPECT_FALSE(destripe(scene, setting).wisps.has_value()) << "NRCA3 has none";
  EXPECT_FALSE(destripe(scene, write("b4.fits", pattern, 256, "NRCB4")).wisps.has_value());
  EXPECT_TRUE(destripe(scene, write("a3.fits", pattern, 256, "NRCA3")).wisps.has_value());
  RateScene other(256, 0, "NRCB4");
  EXPECT_TRUE(destripe(other, setting).wisps.has_value());
  EXPECT_THROW(destripe(scene, (folder / "missing.fits").string()), InputError);
  EXPECT_THROW(destripe(scene, write("small.fits", arc(100), 100)), InputError);
}

}  // namespace
}  // namespace tessera::steps
