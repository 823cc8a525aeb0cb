// What the parameters of tweakreg come to, how exposures are grouped, and which files of the user are asked for.
#include "tessera/steps/tweakreg/tweakreg_options.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "../../../src/steps/custom_catalogues.hpp"
#include "support/lv3_parameters.hpp"
#include "support/test_files.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

using Settings = std::map<std::string, config::Value>;

config::ResolvedParameters lv3_with(Settings const& settings) { return test::lv3_parameters("tweakreg", settings); }

TweakregStepOptions options_of(Settings const& settings, std::string const& band = "F300M") {
  return tweakreg_options(lv3_with(settings), config::parse_band(band));
}

TEST(TweakregOptions, HaveTheOfficialDefaults) {
  auto const options = options_of({});
  EXPECT_EQ(options.method, TweakregStepOptions::Method::Sequential);
  EXPECT_EQ(options.align.relative.minobj, 15);
  EXPECT_EQ(options.align.relative.searchrad, 2.0);
  EXPECT_EQ(options.align.absolute.searchrad, 6.0);
  EXPECT_EQ(options.align.relative.separation, 1.0);
  EXPECT_EQ(options.align.relative.tolerance, 0.7);
  EXPECT_EQ(options.align.absolute.fitgeometry, kernels::FitGeometry::Rshift);
  EXPECT_EQ(options.align.relative.nclip, 3);
  EXPECT_FALSE(options.align.expand_refcat);
  auto const& finder = options.stars.finder;
  EXPECT_EQ(finder.starfinder, exchange::StarFinderName::Iraf);
  EXPECT_EQ(finder.snr_threshold, 10);
  EXPECT_EQ(finder.bkg_boxsize, 400);
  EXPECT_EQ(finder.finder.brightest, 200);
  EXPECT_EQ(finder.finder.sharplo, 0.5);
  EXPECT_EQ(finder.finder.roundhi, 0.2);
  EXPECT_FALSE(finder.finder.peakmax);
  EXPECT_DOUBLE_EQ(finder.finder.fwhm, 1.585);  // of F300M
  EXPECT_EQ(finder.segmentation.npixels, 10);
  EXPECT_TRUE(options.abs_refcat.empty());
  EXPECT_EQ(options.global.tolerances, (std::vector<double>{0.3, 0.1, 0.05, 1.0}));
  EXPECT_EQ(options.global.minobj, exchange::GlobalAlignmentOptions{}.minobj);
}

TEST(TweakregOptions, TakeWhatTheConfigurationSays) {
  auto const options = options_of({{"method", "global"},
                                   {"fitgeometry", "shift"},
                                   {"minobj", 3},
                                   {"starfinder", "segmentation"},
                                   {"kernel_fwhm", 3.5},
                                   {"peakmax", 20.0},
                                   {"multithresh_mode", "sinh"},
                                   {"centroid", "epsf"},
                                   {"abs_by_group", true},
                                   {"abs_error", 0.02},
                                   {"xoffset", 0.25}});
  EXPECT_TRUE(options.align.absolute_by_group);
  EXPECT_FALSE(options_of({}).align.absolute_by_group);  // as the official step
  EXPECT_EQ(options.align.catalogue_error, 0.02);
  EXPECT_EQ(options.method, TweakregStepOptions::Method::Global);
  EXPECT_FALSE(options.global.with_rotation);
  EXPECT_EQ(options.global.minobj, 3);
  EXPECT_EQ(options.align.relative.minobj, 3);
  EXPECT_EQ(options.align.relative.xoffset, 0.25);
  EXPECT_EQ(options.align.absolute.xoffset, 0);
  EXPECT_TRUE(options.stars.epsf);
  EXPECT_EQ(options.stars.finder.starfinder, exchange::StarFinderName::Segmentation);
  EXPECT_EQ(options.stars.finder.segmentation.kernel_fwhm, 3.5);
  EXPECT_EQ(options.stars.finder.segmentation.multithresh_mode, kernels::LevelSpacing::Sinh);
  EXPECT_EQ(options.stars.finder.finder.peakmax, 20);
}

TEST(TweakregOptions, WhatCannotWorkIsRefusedByItsKey) {
  for (auto const& [key, value] : Settings{{"searchrad", 0.0},
                                           {"tolerance", -1.0},
                                           {"kernel_fwhm", 0.0},
                                           {"sharplo", 3.0},
                                           {"connectivity", 6},
                                           {"abs_tolerance", 0.0},
                                           {"abs_error", 0.0},
                                           {"global_tolerances", config::Value(config::Value::List{})}}) {
    try {
      options_of({{key, value}});
      FAIL() << key;
    } catch (ConfigError const& error) {
      EXPECT_EQ(error.problem().where, "parameters.lv3.jwst_parameters.tweakreg." + key);
    }
  }
}

store::ExposureRecord record_of(std::string const& exposure, std::string const& detector,
                                model::Half half = model::Half::Whole) {
  store::ExposureRecord record;
  record.identity.exposure = exposure;
  record.identity.half = half;
  record.group_id = exposure.substr(0, exposure.rfind('_'));
  record.detector = detector;
  return record;
}

std::size_t count_groups(AlignGrouping const& grouping, std::vector<store::ExposureRecord> const& records) {
  std::set<std::string> names;
  for (auto const& record : records) names.insert(grouping.group_of(record));
  return names.size();
}

TEST(AlignGrouping, IsThatOfTheOfficialStepAndOfPjpipe) {
  std::vector<store::ExposureRecord> records;
  for (char const* visit : {"jw02107041001", "jw02107042001"})
    for (char const* dither : {"00001", "00002"})
      for (char const* detector : {"nrca1", "nrca2", "nrcb1", "nrcb2"}) {
        std::string upper = detector;
        for (auto& letter : upper) letter = static_cast<char>(std::toupper(letter));
        records.push_back(record_of(std::string(visit) + "_02105_" + dither + "_" + detector, upper));
      }
  EXPECT_EQ(count_groups({}, records), 4u);
  EXPECT_EQ(count_groups({AlignGrouping::Dithers::Together}, records), 2u);
  EXPECT_EQ(count_groups({AlignGrouping::Dithers::Alone}, records), 16u);
  EXPECT_EQ(count_groups({AlignGrouping::Dithers::Apart, true}, records), 8u);
  EXPECT_EQ(count_groups({AlignGrouping::Dithers::Together, true}, records), 4u);
  EXPECT_EQ(count_groups({AlignGrouping::Dithers::Together, false, true}, records), 4u);
  EXPECT_EQ(count_groups({AlignGrouping::Dithers::Together, true, true}, records), 8u);
}

TEST(AlignGrouping, HalvesOfAMiriExposureMoveTogether) {
  auto const name = "jw02107041001_02105_00001_mirimage";
  std::vector<store::ExposureRecord> const halves{record_of(name, "MIRIMAGE", model::Half::Imager),
                                                  record_of(name, "MIRIMAGE", model::Half::Lyot)};
  for (auto const dithers :
       {AlignGrouping::Dithers::Apart, AlignGrouping::Dithers::Together, AlignGrouping::Dithers::Alone})
    EXPECT_EQ(count_groups({dithers, true, true}, halves), 1u);
}

TEST(AlignGrouping, GoesByTheClassOfTheBand) {
  Settings const both{{"tweakreg_group_dithers", config::Value(config::Value::List{"nircam_long"})},
                      {"tweakreg_degroup_dithers", config::Value(config::Value::List{"nircam_long", "miri"})},
                      {"tweakreg_degroup_nircam_modules", true},
                      {"tweakreg_degroup_nircam_short_chips", true}};
  auto const long_band = options_of(both, "F300M").grouping;
  EXPECT_EQ(long_band.dithers, AlignGrouping::Dithers::Together);  // asked for first
  EXPECT_TRUE(long_band.by_module);
  EXPECT_FALSE(long_band.by_chip);
  auto const short_band = options_of(both, "F200W").grouping;
  EXPECT_EQ(short_band.dithers, AlignGrouping::Dithers::Apart);
  EXPECT_TRUE(short_band.by_chip);
  auto const miri = options_of(both, "F770W").grouping;
  EXPECT_EQ(miri.dithers, AlignGrouping::Dithers::Alone);
  EXPECT_FALSE(miri.by_module);
}

TEST(AbsoluteCatalogue, IsAFileOrTheLocalCopyOfAService) {
  test::ScratchFolder const scratch("abs-catalogue");
  auto const folder = scratch.path();
  for (auto const* name : {"agb.fits", "Gaia_DR3_ngc0628.fits"}) std::ofstream(folder / name) << "x";
  auto options = options_of({});
  EXPECT_FALSE(absolute_catalogue(options, "ngc0628", folder));
  options.abs_refcat = "agb.fits";
  EXPECT_EQ(absolute_catalogue(options, "ngc0628", folder), folder / "agb.fits");
  options.abs_refcat = (folder / "agb.fits").string();
  EXPECT_EQ(absolute_catalogue(options, "ngc0628", ""), folder / "agb.fits");
  options.abs_refcat = "gaiadr3";
  EXPECT_EQ(absolute_catalogue(options, "ngc0628", folder), folder / "Gaia_DR3_ngc0628.fits");
  for (auto const& [name, expected] : {std::pair{"GAIAREFCAT", "goes to no network"}, {"other.fits", "not there"}}) {
    options.abs_refcat = name;
    try {
      absolute_catalogue(options, "ngc1365", folder);
      FAIL() << name;
    } catch (InputError const& error) {
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    }
  }
}

TEST(CustomCatalogues, AreReadFromAListOfImagesAndFiles) {
  test::ScratchFolder const scratch("catfile");
  auto const folder = scratch.path();
  std::ofstream(folder / "one.ecsv") << "x y\n1 2\n";
  auto const write = [&](char const* text) {
    std::ofstream(folder / "catfile.txt") << text;
    return folder / "catfile.txt";
  };
  auto const custom = read_catfile(write("# comment\n\n a_cal.fits one.ecsv # mine\nb_cal.fits\n"));
  ASSERT_EQ(custom.of_image.size(), 2u);
  auto record = record_of("jw02107041001_02105_00001_nrcalong", "NRCALONG");
  record.path = "/somewhere/a_cal.fits";
  EXPECT_EQ(custom.find(record), folder / "one.ecsv");
  record.path = "/somewhere/b_cal.fits";
  EXPECT_FALSE(custom.find(record));
  EXPECT_THROW(read_catfile(write("a b c\n")), InputError);
  EXPECT_THROW(read_catfile(write("a one.ecsv\na.fits one.ecsv\n")), InputError);
  EXPECT_THROW(read_catfile(write("a two.ecsv\n")), InputError);
  EXPECT_THROW(find_catfile("nothing.txt", folder), InputError);
  EXPECT_EQ(find_catfile("catfile.txt", folder), folder / "catfile.txt");

  auto options = options_of({{"use_custom_catalogs", true}, {"catfile", "catfile.txt"}});
  write("a_cal.fits one.ecsv\n");
  EXPECT_EQ(tweakreg_files(options, "ngc0628", folder),
            (std::vector<std::filesystem::path>{folder / "catfile.txt", folder / "one.ecsv"}));
}

}  // namespace
}  // namespace tessera::steps
