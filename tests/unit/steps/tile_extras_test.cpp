// What a person may add to single_tile_destripe: regions that are not measured, a picture of the sky, wisps, pca.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "../../../src/steps/single_tile_destripe/source_model.hpp"
#include "../../../src/steps/single_tile_destripe/tile_regions.hpp"
#include "rate_scene.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"

namespace tessera::steps {
namespace {

using test::RateScene;
using test::tried_parameters;

class TileExtras : public ::testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "tessera-tile-extras";
  void SetUp() override {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string write_text(std::string const& name, std::string const& text) const {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  }
  std::string write_image(std::string const& name, std::vector<float> const& values, std::int64_t nx,
                          model::Header header = {}) const {
    io::HduPlan plan;
    plan.bitpix = -32;
    plan.axes = {nx, static_cast<std::int64_t>(values.size()) / nx};
    plan.header = std::move(header);
    std::vector<std::byte> bytes(values.size() * sizeof(float));
    io::to_big_endian(values, bytes.data());
    io::write_fits(folder / name, {plan}, {bytes});
    return (folder / name).string();
  }
};

/// A tangent plane of 0.1 arcsec pixels about one place, turned by `degrees`.
model::SkyGrid make_grid(std::int64_t side, double degrees = 0, double scale = 0.1 / 3600) {
  model::SkyGrid grid;
  grid.nx = grid.ny = side;
  grid.crval = {24.17, 15.78};
  grid.crpix = {static_cast<double>(side - 1) / 2, static_cast<double>(side - 1) / 2};
  grid.cdelt = {scale, scale};
  double const c = std::cos(degrees * sky::RadiansPerDegree), s = std::sin(degrees * sky::RadiansPerDegree);
  grid.pc = {{{-c, s}, {s, c}}};
  return grid;
}

model::Header cards_of(model::SkyGrid const& grid) {
  model::Header header;
  header.set("CTYPE1", "RA---TAN");
  header.set("CTYPE2", "DEC--TAN");
  header.set("CRVAL1", grid.crval.ra);
  header.set("CRVAL2", grid.crval.dec);
  header.set("CRPIX1", grid.crpix.x + 1);
  header.set("CRPIX2", grid.crpix.y + 1);
  header.set("CDELT1", grid.cdelt[0]);
  header.set("CDELT2", grid.cdelt[1]);
  header.set("PC1_1", grid.pc[0][0]);
  header.set("PC1_2", grid.pc[0][1]);
  header.set("PC2_1", grid.pc[1][0]);
  header.set("PC2_2", grid.pc[1][1]);
  header.set("BUNIT", "MJy/sr");
  return header;
}

std::vector<std::uint8_t> mask_of(std::filesystem::path const& file, sky::Wcs const* wcs, std::int64_t side) {
  std::vector<std::uint8_t> bad(static_cast<std::size_t>(side * side), 0);
  auto const count = leave_out_regions(file, wcs, side, side, bad);
  EXPECT_EQ(count, std::count(bad.begin(), bad.end(), 1));
  return bad;
}

TEST_F(TileExtras, RegionsOnTheSkyAreThoseOfThePixelsWhereverTheWcsPutsThem) {
  constexpr std::int64_t Side = 101;
  for (double const degrees : {0.0, 35.0}) {
    auto const grid = make_grid(Side, degrees);
    auto const wcs = sky::make_grid_wcs(grid);
    auto const centre = wcs->pixel_to_sky({40, 60});
    // North of this grid points `degrees` to the right of y.
    auto const text = [&](char const* shape, double angle) {
      return fmt::format("icrs\n{}({:.10f},{:.10f},2.05\",0.95\",{})\n", shape, centre.ra, centre.dec, angle);
    };
    for (char const* shape : {"ellipse", "box"}) {
      auto const sky_mask = mask_of(write_text("sky.reg", text(shape, 25)), wcs.get(), Side);
      auto const pixels = fmt::format("image\n{}(41,61,20.5,9.5,{})\n", shape, 25 - degrees);
      auto const pixel_mask = mask_of(write_text("pixels.reg", pixels), nullptr, Side);
      std::int64_t different = 0;
      for (std::size_t k = 0; k < sky_mask.size(); ++k) different += sky_mask[k] != pixel_mask[k];
      EXPECT_LE(different, 2) << shape << " turned by " << degrees;
      EXPECT_GT(std::count(sky_mask.begin(), sky_mask.end(), 1), 100);
    }
  }
}

TEST_F(TileExtras, ASkyPolygonHasThePixelsBetweenItsCorners) {
  auto const wcs = sky::make_grid_wcs(make_grid(101, 20));
  std::string text = "fk5\npolygon(";
  for (auto const& corner : {sky::PixelPoint{10.3, 10.3}, {80.3, 20.3}, {50.3, 70.3}}) {
    auto const at = wcs->pixel_to_sky(corner);
    text += fmt::format("{:.10f},{:.10f},", at.ra, at.dec);
  }
  auto const sky_mask = mask_of(write_text("sky.reg", text + ")"), wcs.get(), 101);
  auto const pixel_mask =
      mask_of(write_text("pixels.reg", "image\npolygon(11.3,11.3,81.3,21.3,51.3,71.3)"), nullptr, 101);
  EXPECT_EQ(sky_mask, pixel_mask);
  EXPECT_NEAR(static_cast<double>(std::count(sky_mask.begin(), sky_mask.end(), 1)), 1900, 40) << "half the determinant";
}

TEST_F(TileExtras, ExclusionsComeLastAndAloneLeaveOutTheRest) {
  auto const both = mask_of(write_text("a.reg", "image\n-circle(51,51,10)\ncircle(51,51,20)"), nullptr, 101);
  EXPECT_EQ(both[50 * 101 + 50], 0);
  EXPECT_EQ(both[50 * 101 + 65], 1);
  EXPECT_EQ(both[0], 0);
  auto const alone = mask_of(write_text("b.reg", "image\n-circle(51,51,10)"), nullptr, 101);
  EXPECT_EQ(alone[50 * 101 + 50], 0);
  EXPECT_EQ(alone[0], 1);
  std::vector<std::uint8_t> bad(101 * 101, 0);
  EXPECT_THROW(leave_out_regions(write_text("c.reg", "icrs\ncircle(1,1,1)"), nullptr, 101, 101, bad), InputError);
  auto const far = mask_of(write_text("d.reg", "icrs\ncircle(200,-60,1)\nimage;circle(1,1,2)"),
                           sky::make_grid_wcs(make_grid(101)).get(), 101);
  EXPECT_EQ(std::count(far.begin(), far.end(), 1), 6) << "a quarter of a circle of radius 2, and nothing on the sky";
}

/// Light that no mask sees: broad, weak, as wide as an amplifier.
void add_bar(RateScene& scene) {
  for (std::int64_t y = 0; y < 512; ++y)
    for (std::int64_t x = 140; x < 250; ++x)
      scene.image.planes.sci[scene.at(x, y)] +=
          static_cast<float>(0.08 * std::exp(-std::pow((static_cast<double>(y) - 300) / 2.5, 2)));
}

double model_near_bar(RateScene const& scene, DestripedTile const& tile) {
  double sum = 0;
  for (std::int64_t y = 298; y <= 302; ++y) sum += static_cast<double>(tile.model[scene.at(200, y)]) / 5;
  return sum;
}

TEST_F(TileExtras, RegionsAreNotMeasured) {
  RateScene plain(512, 0), masked(512, 0);
  add_bar(plain);
  add_bar(masked);
  auto const destripe = [](RateScene& scene, test::TileSettings const& settings) {
    return destripe_exposure(scene.image, &scene.flat, nullptr, 1, tried_parameters(settings));
  };
  EXPECT_GT(model_near_bar(plain, destripe(plain, {})), 0.03) << "taken for a stripe";
  auto const file = write_text("bar.reg", "image\nbox(196,301,114,16,0)");
  auto const tile = destripe(masked, {{"region_mask", file}});
  EXPECT_LT(std::abs(model_near_bar(masked, tile)), 0.02);
  EXPECT_EQ(tile.masked_by_regions, 115 * 17);
}

TEST_F(TileExtras, ASourceModelIsTakenOffBeforeMeasuringOnly) {
  auto const grid = make_grid(512, 30), model_grid = make_grid(900, 0, 0.08 / 3600);
  auto const wcs = sky::make_grid_wcs(grid), model_wcs = sky::make_grid_wcs(model_grid);
  constexpr double Conversion = 2;  // MJy/sr per DN/s
  // The bar in a picture of finer pixels; from 0.1 to 0.08 arcsec and turned by 30 degrees.
  std::vector<float> picture;
  for (std::int64_t y = 0; y < 900; ++y)
    for (std::int64_t x = 0; x < 900; ++x) {
      auto const at = wcs->sky_to_pixel(model_wcs->pixel_to_sky({static_cast<double>(x), static_cast<double>(y)}));
      bool const is_bar = at.x >= 139.5 && at.x < 249.5;
      picture.push_back(is_bar ? static_cast<float>(Conversion * 0.08 * std::exp(-std::pow((at.y - 300) / 2.5, 2)))
                               : 0);
    }
  picture[450 * 900 + 450] = NAN;
  RateScene scene(512, 0);
  add_bar(scene);
  auto const before = scene.image.planes.sci;
  auto const file = write_image("sky.fits", picture, 900, cards_of(model_grid));
  auto const tile =
      destripe_exposure(scene.image, &scene.flat, wcs.get(), Conversion, tried_parameters({{"source_model", file}}));
  EXPECT_LT(std::abs(model_near_bar(scene, tile)), 0.02);
  ASSERT_TRUE(tile.source_model_coverage.has_value());
  EXPECT_GT(*tile.source_model_coverage, 0.95);
  EXPECT_LT(*tile.source_model_coverage, 1);
  auto const k = scene.at(200, 300);
  EXPECT_FLOAT_EQ(scene.image.planes.sci[k], before[k] - tile.model[k]) << "the light itself stays";
}

TEST_F(TileExtras, ASourceModelIsSampledBilinearly) {
  auto const grid = make_grid(64), shifted = [&] {
    auto made = make_grid(64);
    made.crpix = {grid.crpix.x + 0.25, grid.crpix.y + 2.5};
    return made;
  }();
  std::vector<float> picture;
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) picture.push_back(static_cast<float>(3 * x + 7 * y + 1));
  auto const file = write_image("plane.fits", picture, 64, cards_of(shifted));
  std::vector<float> sci(64 * 64, 0.f);
  std::vector<std::uint8_t> bad(sci.size(), 0);
  auto const wcs = sky::make_grid_wcs(grid);
  EXPECT_NEAR(subtract_source_model(file, wcs.get(), 4, 64, 64, sci, bad), 63 * 61 / 4096.0, 1e-9);
  EXPECT_NEAR(sci[20 * 64 + 10], -(3 * 10.25 + 7 * 22.5 + 1) / 4, 0.005);
  EXPECT_EQ(bad[20 * 64 + 10], 0);
  EXPECT_EQ(bad[62 * 64 + 10], 1) << "outside the model";
}

TEST_F(TileExtras, ASourceModelElsewhereIsNotUsed) {
  auto elsewhere = make_grid(64);
  elsewhere.crval.dec += 1;
  auto const file = write_image("far.fits", std::vector<float>(64 * 64, 5.f), 64, cards_of(elsewhere));
  std::vector<float> sci(64 * 64, 1.f);
  std::vector<std::uint8_t> bad(sci.size(), 0);
  auto const wcs = sky::make_grid_wcs(make_grid(64));
  EXPECT_EQ(subtract_source_model(file, wcs.get(), 1, 64, 64, sci, bad), 0);
  EXPECT_EQ(sci, std::vector<float>(64 * 64, 1.f));
  EXPECT_EQ(std::count(bad.begin(), bad.end(), 1), 0);
  EXPECT_THROW(subtract_source_model(file, nullptr, 1, 64, 64, sci, bad), InputError);
  EXPECT_THROW(subtract_source_model(file, wcs.get(), 0, 64, 64, sci, bad), InputError);
  auto cards = cards_of(elsewhere);
  cards.set("BUNIT", "DN/s");
  auto const unit = write_image("unit.fits", std::vector<float>(64 * 64, 5.f), 64, cards);
  EXPECT_THROW(subtract_source_model(unit, wcs.get(), 1, 64, 64, sci, bad), InputError);
  auto const bare = write_image("bare.fits", std::vector<float>(64 * 64, 5.f), 64);
  EXPECT_THROW(subtract_source_model(bare, wcs.get(), 1, 64, 64, sci, bad), InputError);
}

TEST_F(TileExtras, FilesAreCheckedBeforehand) {
  SingleTileDestripeOptions options;
  EXPECT_NO_THROW(check_single_tile_files(options));
  options.region_mask = write_text("a.reg", "image\ncircle(1,2,3)");
  options.source_model = write_image("sky.fits", std::vector<float>(64, 1.f), 8, cards_of(make_grid(8)));
  options.wisp_template = (folder / "w_{detector}.fits").string();
  EXPECT_THROW(check_single_tile_files(options), InputError) << "no template";
  write_image("w_nrcb3.fits", std::vector<float>(64, 1.f), 8);
  EXPECT_NO_THROW(check_single_tile_files(options));
  options.region_mask = write_text("b.reg", "circle(1,2,3)");
  EXPECT_THROW(check_single_tile_files(options), InputError);
  options.region_mask.reset();
  options.source_model = write_image("bare.fits", std::vector<float>(64, 1.f), 8);
  EXPECT_THROW(check_single_tile_files(options), InputError);
  options.source_model = folder / "missing.fits";
  EXPECT_THROW(check_single_tile_files(options), InputError);
}

TEST_F(TileExtras, PcaFindsStripesOnRatesAndIsRefusedInTheLedger) {
  RateScene scene(512), clean(512, 0);
  test::TileSettings const settings{{"destriping_method", "pca"}, {"pca_components", std::int64_t{20}}};
  auto const tile = destripe_exposure(scene.image, &scene.flat, nullptr, 1, tried_parameters(settings));
  for (std::int64_t rows = 1; rows < 32; rows *= 2)
    EXPECT_LT(scene.left_at_scale(tile.model, rows), 1.5 * scene.median_floor()) << rows;
  auto const nothing = destripe_exposure(clean.image, &clean.flat, nullptr, 1, tried_parameters(settings));
  EXPECT_LT(test::rms_of(nothing.model), 2 * clean.median_floor());
  // Structure of the sky leaks into it, which is why pjpipe's authors advise against it.
  EXPECT_LT(std::abs(test::correlation(nothing.model, clean.galaxy)), 0.1);
  EXPECT_THROW(single_tile_options(tried_parameters(settings)), ConfigError);
  EXPECT_THROW(single_tile_options(tried_parameters({{"wisp_template", "w.fits"}})), ConfigError);
}

}  // namespace
}  // namespace tessera::steps
