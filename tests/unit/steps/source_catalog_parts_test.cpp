// Parts of source_catalog that a whole run shows too little of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "../../../src/steps/source_catalog/band_segments.hpp"
#include "../../../src/steps/source_catalog/catalogue_row.hpp"
#include "../../../src/steps/source_catalog/label_numbers.hpp"
#include "../../../src/steps/source_catalog/label_runs.hpp"
#include "support/test_files.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;

kernels::Segments find(std::vector<bool> const& detected, std::int64_t nx, std::int64_t y0, std::int64_t y1,
                       int connectivity) {
  kernels::SegmentFinder finder(connectivity);
  for (auto y = y0; y < y1; ++y)
    finder.add_row(y, 0, nx, [&](std::int64_t x) { return bool(detected[static_cast<std::size_t>(y * nx + x)]); });
  return finder.finish();
}

TEST(JoinSegments, OfBandsAreThoseOfTheWholeImage) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    std::int64_t const nx = 40, height = 1 + static_cast<std::int64_t>(random() % 9), bands = 1 + round % 7;
    auto const ny = height * bands;
    int const connectivity = round % 2 ? 8 : 4, npixels = 1 + round % 12;
    std::vector<bool> detected(static_cast<std::size_t>(nx * ny));
    for (std::size_t k = 0; k < detected.size(); ++k) detected[k] = random() % 100 < 30u + 10u * (round % 4);
    std::vector<BandSegments> sorted;
    for (std::int64_t band = 0; band < bands; ++band)
      sorted.push_back(sort_segments(band, find(detected, nx, band * height, (band + 1) * height, connectivity),
                                     band * height, (band + 1) * height, ny, npixels));
    auto const joined = join_segments({}, sorted, bands, connectivity, npixels);
    std::vector<kernels::Segment> expected;
    for (auto const& one : find(detected, nx, 0, ny, connectivity).segments)
      if (one.pixels >= npixels) expected.push_back(one);
    ASSERT_EQ(joined.count, static_cast<std::int64_t>(expected.size()));
    std::size_t next = 0;
    for (std::int64_t band = 0; band < bands; ++band)
      for (auto const& one : joined.bands[static_cast<std::size_t>(band)]) {
        auto const& wanted = expected.at(next++);
        ASSERT_EQ(one.label, static_cast<std::int32_t>(next));
        ASSERT_EQ(one.segment.first_y / height, band);
        for (auto member : {&kernels::Segment::first_x, &kernels::Segment::first_y, &kernels::Segment::x0,
                            &kernels::Segment::y0, &kernels::Segment::x1, &kernels::Segment::y1})
          ASSERT_EQ(one.segment.*member, wanted.*member);
        ASSERT_EQ(one.segment.pixels, wanted.pixels);
      }
    ASSERT_EQ(next, expected.size());
    for (auto const& one : joined.crossing)
      EXPECT_EQ(one.segment.first_x, expected.at(static_cast<std::size_t>(one.label) - 1).first_x);
  }
}

TEST(LabelNumbers, PartsComeAfterWhatIsNotBlended) {
  LabelNumbers const numbers(6, {{5, 2}, {2, 3}});
  EXPECT_EQ(numbers.count(), 9);
  EXPECT_EQ(numbers.blended(), 2);
  std::vector<std::int32_t> const whole{numbers.label(1, 1), numbers.label(3, 1), numbers.label(4, 1),
                                        numbers.label(6, 1)};
  EXPECT_EQ(whole, (std::vector<std::int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(numbers.label(2, 1), 5);
  EXPECT_EQ(numbers.label(2, 3), 7);
  EXPECT_EQ(numbers.label(5, 1), 8);
  EXPECT_EQ(numbers.label(5, 2), 9);
}

TEST(LabelRuns, OfABandComeBackAndAllFilesGo) {
  test::ScratchFolder const scratch("label-runs");
  auto const map = scratch.path() / "galaxy_segm.fits";
  LabelRunsWriter writer(map, 3);
  writer.append({{300, 1, 5, 7, 1}, {2, 0, 9, 7, 1}, {301, 2, 3, 7, 2}});
  writer.append({{256, 4, 6, 8, 1}});
  auto const chunks = writer.finish();
  std::vector<std::int32_t> rows;
  for (auto const& chunk : chunks) {
    EXPECT_EQ(chunk.rank, 3);
    if (chunk.band == 1)
      for (auto const& run : read_label_runs(map, chunk)) rows.push_back(run.y);
  }
  EXPECT_EQ(rows, (std::vector<std::int32_t>{300, 301, 256}));
  remove_label_runs(map);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  EXPECT_THROW(static_cast<void>(read_label_runs(map, chunks.front())), IoError);
}

TEST(DescribeSource, TurnsPositionsIntoAnglesFromNorth) {
  model::SkyGrid grid;
  grid.nx = grid.ny = 100;
  grid.crval = {30, 10};
  grid.crpix = {50, 50};
  grid.cdelt = {1e-5, 1e-5};
  for (double const angle : {0.0, 30.0, 200.0}) {
    double const c = std::cos(angle / 57.29577951308232), s = std::sin(angle / 57.29577951308232);
    grid.pc = {{{-c, s}, {s, c}}};
    auto const wcs = sky::make_grid_wcs(grid);
    CatalogueFacts facts;
    facts.north_degrees = find_north(*wcs, 51, 51);
    EXPECT_NEAR(std::remainder(facts.north_degrees - (90 - angle), 360), 0, 1e-3);
    SourceRecord source;
    source.x = source.y = 50;
    source.orientation = 90;  // along +y
    auto const along = describe_source(source, *wcs, facts).sky_orientation;
    auto const from = wcs->pixel_to_sky(model::PixelPoint{50, 50}), to = wcs->pixel_to_sky(model::PixelPoint{50, 60});
    double const east = (to.ra - from.ra) * std::cos(from.dec / 57.29577951308232), north = to.dec - from.dec;
    EXPECT_NEAR(std::remainder(along - std::atan2(east, north) * 57.29577951308232, 180), 0, 0.01) << angle;
  }
}

TEST(DescribeSource, NegativeFluxesHaveNoMagnitudes) {
  model::SkyGrid grid;
  grid.nx = grid.ny = 10;
  grid.cdelt = {1e-5, 1e-5};
  SourceRecord source;
  source.x = source.y = 5;
  source.flux = {1e-6, 2.5e-6, -1e-6};
  source.flux_error = {1e-8, 1e-8, 1e-8};
  CatalogueFacts facts;
  facts.reference.corrections[2] = 2;
  auto const row = describe_source(source, *sky::make_grid_wcs(grid), facts);
  EXPECT_NEAR(row.abmag[0], 23.9, 1e-9);
  EXPECT_NEAR(row.abmag_error[0], 2.5 * std::log10(1.01), 1e-12);
  EXPECT_TRUE(std::isnan(row.abmag[2]));
  EXPECT_TRUE(std::isnan(row.abmag_error[3]));
  EXPECT_EQ(row.flux[3], -2e-6);
  EXPECT_FALSE(row.is_extended) << "concentrated between the second and the third aperture";
}

SourceCatalogOptions options_with(std::string const& settings) {
  auto const survey = config::parse_survey(
      {"targets = ['ngc0628']\nversion = 'v'\nbands = ['F770W']\nsteps = ['lv3']\n"
       "[parameters.lv3.jwst_parameters.source_catalog]\n" +
           settings,
       "raw_dir = '/x'\nreprocess_dir = '/x'\nalignment_dir = '/x'\n", "config.toml", "local.toml"});
  return source_catalog_options(survey.resolve("lv3", "ngc0628", &survey.bands.front()), survey.bands.front());
}

TEST(SourceCatalogOptions, AreTheOfficialDefaultsWithTheKernelOfTheBand) {
  auto const options = options_with("");
  EXPECT_EQ(options.snr_threshold, 3);
  EXPECT_EQ(options.box, 1000);
  EXPECT_EQ(options.segmentation.npixels, 25);
  EXPECT_TRUE(options.segmentation.deblend);
  EXPECT_EQ(options.segmentation.kernel_fwhm, config::parse_band("F770W").fwhm_pixel);
  EXPECT_TRUE(options.apcorr.empty());
  EXPECT_EQ(options_with("override_apcorr = 'a.fits'").apcorr, "a.fits");
  EXPECT_EQ(options_with("override_apcorr = 'N/A'").apcorr, "");
}

TEST(SourceCatalogOptions, WhatCannotBeIsRefused) {
  for (auto const& [settings, text] :
       {std::pair{"starfinder = 'iraf'", "segmentation"}, std::pair{"connectivity = 6", "4 or 8"},
        std::pair{"aperture_ee1 = 50", "increase"}, std::pair{"snr_threshold = 0", "threshold"},
        std::pair{"kernel_fwhm = -1.0", "kernel_fwhm"}}) {
    try {
      options_with(settings);
      ADD_FAILURE() << settings;
    } catch (ConfigError const& error) {
      EXPECT_THAT(error.what(), HasSubstr(text));
      EXPECT_THAT(error.what(), HasSubstr("parameters.lv3.jwst_parameters.source_catalog."));
    }
  }
}

}  // namespace
}  // namespace tessera::steps
