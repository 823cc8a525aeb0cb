#include "tessera/config/simulation_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::config {
namespace {

std::string message_of(std::string const& text) {
  try {
    parse_simulation_settings(text, "s.toml");
  } catch (ConfigError const& error) {
    return error.what();
  }
  return "no error";
}

std::string const Least = "bands = [\"F300M\"]\n[[targets]]\nname = \"a\"\nra = 24.0\ndec = 15.5\n";

TEST(SimulationSettings, ReadsRatesAndRefusesWhatCannotBe) {
  std::string const base = "bands = [\"F300M\"]\n[[targets]]\nname = \"a\"\n";
  auto const read = [&](std::string const& more) { return config::parse_simulation_settings(base + more, "x"); };
  EXPECT_FALSE(read("").rates.on);
  auto const settings = read(
      "[off]\nexposures = 3\nlate = 2\nlate_hours = 5\n[rates]\non = true\nflat.shape = 0.1\nflat.scatter = 0.02\n"
      "flat.dead = 0.01\nflat.error = 0.002\nbackground.shape = 0.2\nbackground.drift = 0.1\nbackground.hours = 3\n"
      "photom.scatter = 0.05\nphotom.loss = 0.2\n");
  EXPECT_TRUE(settings.rates.on);
  EXPECT_EQ(settings.off_late, 2);
  EXPECT_EQ(settings.off_late_hours, 5);
  EXPECT_EQ(settings.rates.flat.shape, 0.1);
  EXPECT_EQ(settings.rates.flat.scatter, 0.02);
  EXPECT_EQ(settings.rates.flat.dead, 0.01);
  EXPECT_EQ(settings.rates.flat.error, 0.002);
  EXPECT_EQ(settings.rates.background.shape, 0.2);
  EXPECT_EQ(settings.rates.background.drift, 0.1);
  EXPECT_EQ(settings.rates.background.hours, 3);
  EXPECT_EQ(settings.rates.photom.scatter, 0.05);
  EXPECT_EQ(settings.rates.photom.loss, 0.2);
  EXPECT_THROW(read("[rates]\nflats = 1\n"), ConfigError);
  EXPECT_THROW(read("[rates.flat]\ndead = 0.5\n"), ConfigError);
  EXPECT_THROW(read("[off]\nexposures = 1\nlate = 2\n"), ConfigError);
}

TEST(SimulationSettings, NeedOnlyBandsAndATarget) {
  auto const settings = parse_simulation_settings(Least, "s.toml");
  ASSERT_EQ(settings.targets.size(), 1u);
  EXPECT_EQ(settings.targets[0].name, "a");
  EXPECT_EQ(settings.targets[0].ra, 24.0);
  EXPECT_EQ(settings.detectors.nircam_size, 2048);
  EXPECT_TRUE(settings.levels.on);
}

TEST(SimulationSettings, ReadEveryTable) {
  auto const settings = parse_simulation_settings(Least + R"(
[tiles]
columns = 2
[dithers]
count = 3
[detectors]
nircam_size = 512
use = ["nrcalong"]
[band.F300M]
exposure_time = 200
[scene]
field_stars = 5
[off]
exposures = 2
[effects.stripes]
on = false
[effects.focal_plane]
miri_v3 = -0.04
[effects.levels]
per = "visit"
)",
                                                  "s.toml");
  EXPECT_EQ(settings.tiles.columns, 2);
  EXPECT_EQ(settings.dithers.count, 3);
  EXPECT_EQ(settings.detectors.nircam_size, 512);
  EXPECT_EQ(settings.detectors.use, std::vector<std::string>{"nrcalong"});
  EXPECT_EQ(settings.band.at("F300M").exposure_time, 200.0);
  EXPECT_EQ(settings.scene.field_stars, 5.0);
  EXPECT_EQ(settings.off_exposures, 2);
  EXPECT_FALSE(settings.stripes.on);
  EXPECT_EQ(settings.levels.per, "visit");
  EXPECT_EQ(settings.focal_plane.miri_v3, -0.04);
}

TEST(SimulationSettings, SuggestTheNearestNameForAnUnknownKey) {
  EXPECT_THAT(message_of(Least + "[effects.levels]\nrmss = 1\n"),
              testing::AllOf(testing::HasSubstr("effects.levels.rmss"), testing::HasSubstr("line 7"),
                             testing::HasSubstr("'rms'")));
  EXPECT_THAT(message_of("sed = 3\n" + Least), testing::HasSubstr("'seed'"));
}

TEST(SimulationSettings, LookForStarListsFromTheFolderOfTheFile) {
  test::ScratchFolder const scratch("star-list-settings");
  std::ofstream(scratch.path() / "s.toml") << Least << "star_list = \"stars.fits\"\n[[targets]]\nname = \"b\"\n"
                                           << "star_list = \"/elsewhere/b.fits\"\n[datum]\nstars = \"listed\"\n";
  auto const settings = read_simulation_settings(scratch.path() / "s.toml");
  EXPECT_EQ(settings.targets[0].star_list, scratch.path() / "stars.fits");
  EXPECT_EQ(settings.targets[1].star_list, "/elsewhere/b.fits");
  EXPECT_EQ(settings.datum.stars, "listed");
}

TEST(SimulationSettings, RefuseADatumOfListedStarsWithoutAList) {
  EXPECT_THAT(message_of(Least + "[datum]\nstars = \"listed\"\n"), testing::HasSubstr("targets.star_list"));
  EXPECT_THAT(message_of(Least + "[listed_stars]\nfaintest = 9\nbrightest = 8\n"),
              testing::HasSubstr("listed_stars.brightest"));
}

TEST(SimulationSettings, RefuseWrongTypesAndRanges) {
  EXPECT_THAT(message_of(Least + "[tiles]\ncolumns = \"two\"\n"), testing::HasSubstr("a whole number"));
  EXPECT_THAT(message_of(Least + "[tiles]\ncolumns = 0\n"), testing::HasSubstr("tiles.columns"));
  EXPECT_THAT(message_of(Least + "[effects.levels]\nper = \"exposur\"\n"), testing::HasSubstr("'exposure'"));
  EXPECT_THAT(message_of("bands = [\"F300M\"]\n"), testing::HasSubstr("targets"));
  EXPECT_THAT(message_of("bands = [\n"), testing::HasSubstr("s.toml"));
  EXPECT_THAT(message_of(Least + "[band.F335M]\nfwhm = 1.0\n"), testing::HasSubstr("known: F300M"));
}

}  // namespace
}  // namespace tessera::config
