// Stripes taken off count rates in memory: measured through the flat, subtracted before it (spec 40, 1.5 and section 4,
// 3 and 4).
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rate_scene.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::steps {
namespace {

using test::RateScene;
using test::tried_parameters;

DestripedTile destripe(RateScene& scene, test::TileSettings const& settings = {}) {
  return destripe_exposure(scene.image, &scene.flat, nullptr, 1, tried_parameters(settings));
}

TEST(DestripeExposure, FindsNothingWhereNothingIs) {
  RateScene scene(1024, 0);
  auto const tile = destripe(scene);
  RecordProperty("rms_in_floors", std::to_string(test::rms_of(tile.model) / scene.median_floor()));
  RecordProperty("correlation", std::to_string(test::correlation(tile.model, scene.galaxy)));
  EXPECT_LT(test::rms_of(tile.model), 2 * scene.median_floor());
  EXPECT_LT(std::abs(test::correlation(tile.model, scene.galaxy)), 0.05);
  EXPECT_EQ(tile.amplifiers, 4u);
}

TEST(DestripeExposure, FindsTheScalesBelow64Rows) {
  RateScene scene(1024);
  auto const tile = destripe(scene);
  for (std::int64_t rows = 1; rows < 64; rows *= 2)
    EXPECT_LT(scene.left_at_scale(tile.model, rows), 1.5 * scene.median_floor()) << rows;
  EXPECT_GT(scene.left_at_scale({}, 1), 2 * scene.median_floor()) << "what there was";
  EXPECT_GT(tile.row_rms_before, 0.7 * RateScene::Stripes);
  EXPECT_LT(tile.row_rms_after, 1.4 * scene.median_floor()) << "of clipped medians outside sources";
}

TEST(DestripeExposure, TakesTheFlatForStripesIfItIsNotGiven) {
  RateScene scene(512, 0), same(512, 0);
  auto const with = destripe(scene);
  auto const without = destripe_exposure(same.image, nullptr, nullptr, 1, tried_parameters());
  EXPECT_LT(test::rms_of(with.model), 2 * scene.median_floor());
  EXPECT_GT(test::rms_of(without.model), 3 * scene.median_floor());
}

TEST(DestripeExposure, SubtractsTheModelAndNothingElse) {
  RateScene scene(256);
  auto& planes = scene.image.planes;
  planes.sci[scene.at(50, 60)] = 0;
  planes.sci[scene.at(51, 60)] = NAN;
  scene.flat.sci[scene.at(52, 60)] = NAN;
  scene.flat.dq[scene.at(53, 60)] = 1;
  auto const before = scene.image;
  auto const tile = destripe(scene);
  for (std::int64_t y = 0; y < 256; ++y)
    for (std::int64_t x = 0; x < 256; ++x) {
      auto const k = scene.at(x, y);
      ASSERT_TRUE(std::isfinite(tile.model[k]));
      if (x < 4 || y < 4 || x >= 252 || y >= 252) {
        ASSERT_EQ(tile.model[k], 0.f) << "reference pixel " << x << " " << y;
      }
      if (!std::isfinite(before.planes.sci[k])) continue;
      float const expected = before.planes.sci[k] == 0 ? 0 : before.planes.sci[k] - tile.model[k];
      ASSERT_FLOAT_EQ(planes.sci[k], expected) << x << " " << y;
    }
  EXPECT_EQ(planes.sci[scene.at(50, 60)], 0.f);
  EXPECT_TRUE(std::isnan(planes.sci[scene.at(51, 60)]));
  EXPECT_NE(planes.sci[scene.at(52, 60)], before.planes.sci[scene.at(52, 60)]) << "without a flat it has stripes too";
  EXPECT_EQ(planes.err, before.planes.err);
  EXPECT_EQ(planes.dq, before.planes.dq);
}

TEST(DestripeExposure, LevelsAmplifiersWhereColumnsAreNotMeasured) {
  RateScene scene(1024);
  double const offsets[] = {0, 0.4, -0.2, 0.7};
  for (std::size_t k = 0; k < scene.image.planes.sci.size(); ++k)
    scene.image.planes.sci[k] += static_cast<float>(offsets[k % 1024 / 256]);
  auto const tile = destripe(scene, {{"vertical_subtraction", false}});
  auto const level_of = [&](std::size_t a) {  // stripes have a level too
    double sum = offsets[a];
    for (double const row : scene.truth[a]) sum += row / 1024;
    return sum;
  };
  constexpr double Tolerance = 0.02;
  for (std::size_t a = 0; a < 4; ++a) {
    double mean = 0;
    for (std::int64_t y = 10; y < 1014; ++y)
      mean += static_cast<double>(tile.model[scene.at(static_cast<std::int64_t>(a) * 256 + 128, y)]) / 1004;
    EXPECT_NEAR(mean, level_of(a) - level_of(0), Tolerance) << a;
  }
  EXPECT_NEAR(tile.model[scene.at(1023, 0)], level_of(3) - level_of(0), Tolerance)
      << "reference pixels are levelled with their amplifier";
}

TEST(DestripeExposure, FollowsAFastAxisAlongY) {
  RateScene scene(256);
  RateScene turned(256);
  auto const transposed = [&](std::vector<float> const& plane) {
    std::vector<float> made(plane.size());
    for (std::int64_t y = 0; y < 256; ++y)
      for (std::int64_t x = 0; x < 256; ++x) made[turned.at(x, y)] = plane[turned.at(y, x)];
    return made;
  };
  turned.image.planes.sci = transposed(scene.image.planes.sci);
  turned.flat.sci = transposed(scene.flat.sci);
  turned.image.primary.set("INSTRUME", "NIRISS");
  turned.image.primary.set("FASTAXIS", -2);
  turned.image.primary.set("SLOWAXIS", -1);
  auto const expected = destripe(scene).model;
  EXPECT_EQ(destripe(turned).model, transposed(expected));
}

TEST(DestripeExposure, RefusesWhatItCannotMeasure) {
  RateScene scene(256);
  std::fill(scene.image.planes.dq.begin(), scene.image.planes.dq.end(), 1u);
  EXPECT_THROW(destripe(scene), InputError);
  RateScene other(256);
  EXPECT_THROW(destripe(other, {{"filter_scales", config::Value(config::Value::List{3, -7})}}), ConfigError);
}

TEST(DestripeExposure, WritesItsModelAndAPicture) {
  RateScene scene(256);
  auto const tile = destripe(scene);
  auto const folder = std::filesystem::temp_directory_path() / "tessera-destriped";
  std::filesystem::remove_all(folder);
  write_stripe_model(folder / "jw01_nrc_stripes.fits", scene.image, tile);
  auto const fits = io::FitsFile::open(folder / "jw01_nrc_stripes.fits");
  auto const& plane = fits.require("MODEL");
  EXPECT_EQ(plane.header.text("BUNIT"), "DN/s");
  EXPECT_EQ(fits.hdus().front().header.text("DETECTOR"), "NRCA3");
  std::vector<float> model(tile.model.size());
  fits.read_rows(plane, 0, 256, model.data());
  EXPECT_EQ(model, tile.model);
  draw_destriped(folder / "plots" / "jw01_nrc.png", scene.image, tile);
  EXPECT_GT(std::filesystem::file_size(folder / "plots" / "jw01_nrc.png"), 10000u);
  auto const count = [](std::string const& line) { return std::count(line.begin(), line.end(), ','); };
  EXPECT_EQ(count(destriped_table_head()), count(destriped_table_line(scene.image, tile)));
  EXPECT_TRUE(destriped_table_line(scene.image, tile).starts_with("jw01_nrc,4,"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tessera::steps
