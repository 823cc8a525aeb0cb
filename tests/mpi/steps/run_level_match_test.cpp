// The level_match step on several ranks: known levels and planes, the same bits, stops and restarts.
#include <gtest/gtest.h>

#include "level_survey.hpp"
#include "tessera/steps/lyot_separate/lyot_separate_step.hpp"
#include "tessera/store/coronagraph.hpp"

namespace tessera::steps {
namespace {

int count_lines(std::string const& text, std::string const& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// n_pix of the line of the table of pairs that names this pair.
std::int64_t count_pixels(LevelSurvey const& survey, std::string const& pair) {
  auto const text = survey.text("level_match_pairs.csv");
  auto const at = text.find(pair);
  EXPECT_NE(at, std::string::npos) << pair;
  return at == std::string::npos ? 0 : std::stoll(text.substr(text.find(',', text.find(',', at) + 1) + 1));
}

TEST(RunLevelMatch, RecoversTheLevelsOfAMosaicUpToOneConstant) {
  LevelSurvey survey("level-mosaic", make_mosaic());
  auto const outcome = survey.run();
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_FALSE(outcome.stopped);
  for (std::size_t k = 0; k < survey.size(); ++k) {
    ASSERT_EQ(survey.entries(k).size(), 2u) << "dithers and tiles";
    EXPECT_NEAR(survey.left(k), survey.left(0), 2e-4);
  }
  auto const pairs = survey.text("level_match_pairs.csv");
  EXPECT_EQ(count_lines(pairs, "\ndithers,"), 4 * 3);
  EXPECT_EQ(count_lines(pairs, "\nmosaic_tiles,ngc0628 F300M,jw02107001001_01101_XXXXX_nrcalong,"), 3);
  EXPECT_EQ(count_lines(survey.text("level_match_corrections.csv"), "\njw"), 24);
  EXPECT_FALSE(std::filesystem::exists(survey.tasks()[0].scratch));
  EXPECT_FALSE(survey.text("plots/level_match_mosaic_tiles_graph.gp").empty());
}

TEST(RunLevelMatch, GivesTheSameBitsForAnyRanksAndBudget) {
  LevelExposure base;
  base.noise = 0.05;
  auto exposures = make_mosaic(base);
  base.band = "F335M";
  for (auto exposure : make_mosaic(base)) {
    exposure.name.replace(0, 10, "jw02107002");
    exposures.push_back(exposure);
  }
  LevelSurvey survey("level-bits", exposures);
  survey.settings["weight_method"] = config::Value("rms");
  survey.run();
  std::vector<double> levels;
  for (std::size_t k = 0; k < survey.size(); ++k) levels.push_back(survey.level(k));
  auto const pairs = survey.text("level_match_pairs.csv");

  survey.label = "alone";
  auto const alone = survey.world.split(survey.world.is_root() ? 0 : -1);
  // Room for two cutouts and no more.
  if (survey.world.is_root()) survey.run(alone, 500 << 10);
  survey.world.barrier();
  for (std::size_t k = 0; k < survey.size(); ++k) EXPECT_EQ(survey.level(k), levels[k]);
  EXPECT_EQ(survey.text("level_match_pairs.csv"), pairs);
  for (std::size_t k = 0; k < 24; ++k) EXPECT_NEAR(survey.left(k), survey.left(k < 12 ? 0 : 12), 0.01);
}

TEST(RunLevelMatch, RecoversPlanes) {
  auto exposures = make_mosaic();
  std::mt19937 random(3);
  for (auto& exposure : exposures) {
    // Whole pixels apart: what interpolation does to the sky is the same for all.
    exposure.east = std::round(10 * exposure.east) / 10;
    exposure.north = std::round(10 * exposure.north) / 10;
    exposure.slope_x = 1e-4 * (static_cast<double>(random() % 201) - 100);
    exposure.slope_y = 1e-4 * (static_cast<double>(random() % 201) - 100);
  }
  LevelSurvey survey("level-planes", exposures);
  survey.settings["fit_type_dithers"] = survey.settings["fit_type_mosaic_tiles"] = config::Value("level+slope");
  auto const outcome = survey.run();
  EXPECT_TRUE(outcome.failures.empty());
  // All exposures have the same orientation here: what is left of each is one plane on the sky, common to all.
  std::vector<std::array<double, 3>> left;
  for (std::size_t k = 0; k < survey.size(); ++k) {
    auto const& exposure = survey.exposure(k);
    std::array<double, 3> rest{exposure.slope_x, exposure.slope_y, exposure.level};
    auto const wcs = store::ExposureReader(survey.records[k], {}).wcs();
    for (auto const& entry : survey.entries(k)) {
      auto const& plane = std::get<model::SkyPlaneCorrection>(entry.correction);
      auto const grid = sky::make_grid_wcs(plane.grid);
      auto const value = [&](double x, double y) {
        auto const at = grid->sky_to_pixel(wcs->pixel_to_sky({x, y}));
        return plane.level + plane.slope_x * (at.x - plane.x_ref) + plane.slope_y * (at.y - plane.y_ref);
      };
      rest[0] -= value(32.5, 23.5) - value(31.5, 23.5);
      rest[1] -= value(31.5, 24.5) - value(31.5, 23.5);
      rest[2] -= value(31.5, 23.5);
    }
    left.push_back(rest);
  }
  for (std::size_t k = 0; k < survey.size(); ++k) {
    EXPECT_NEAR(left[k][0], left[0][0], 1e-6);
    EXPECT_NEAR(left[k][1], left[0][1], 1e-6);
    // x grows to the west, by 0.1 arcsec a pixel.
    double const dx = -(survey.exposure(k).east - survey.exposure(0).east) / 0.1,
                 dy = (survey.exposure(k).north - survey.exposure(0).north) / 0.1;
    EXPECT_NEAR(left[k][2], left[0][2] + left[0][0] * dx + left[0][1] * dy, 2e-5);
  }
}

TEST(RunLevelMatch, CombinesTheChipsOfAModule) {
  std::vector<LevelExposure> exposures;
  LevelExposure base;
  base.band = "F200W";
  for (int tile = 0; tile < 2; ++tile)
    for (int chip = 0; chip < 4; ++chip)
      add_tile(exposures, tile + 1, 9.0 * tile + (chip % 2 ? 2.3 : -2.3), chip / 2 ? 1.8 : -1.8, base,
               fmt::format("nrcb{}", chip + 1));
  LevelSurvey survey("level-chips", exposures);
  survey.settings["combine_nircam_short"] = config::Value(true);
  EXPECT_TRUE(survey.run().failures.empty());
  for (std::size_t k = 0; k < survey.size(); ++k) {
    EXPECT_EQ(survey.entries(k).size(), 3u);
    EXPECT_NEAR(survey.left(k), survey.left(0), 3e-4);
  }
  auto const pairs = survey.text("level_match_pairs.csv", "F200W");
  EXPECT_EQ(count_lines(pairs, "\nmosaic_tiles,"), 1) << "the two modules";
  EXPECT_NE(pairs.find("jw02107001001_01101_XXXXX_nrcbX,jw02107001001_02101_XXXXX_nrcbX"), std::string::npos) << pairs;
}

TEST(RunLevelMatch, TakesUpWhereAnEarlierRunWasLeft) {
  LevelSurvey survey("level-restart", make_mosaic());
  survey.run();
  std::vector<double> levels;
  for (std::size_t k = 0; k < survey.size(); ++k) levels.push_back(survey.level(k));

  survey.label = "again";
  // A folder in the place of the ledger file: the last thing of the run fails, and its journal stays.
  auto const in_the_way = survey.ledger_file("F300M");
  if (survey.world.is_root()) std::filesystem::create_directories(in_the_way / "full");
  survey.world.barrier();
  auto const failed = survey.run();
  ASSERT_FALSE(failed.failures.empty());
  auto journal = in_the_way;
  journal.replace_extension(".journal");
  if (survey.world.is_root()) {
    std::filesystem::remove_all(in_the_way);
    // What one rank was doing is lost in part.
    for (auto const& file : std::filesystem::directory_iterator(journal)) {
      std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
      break;
    }
  }
  survey.world.barrier();
  auto const outcome = survey.run();
  EXPECT_TRUE(outcome.failures.empty());
  auto const items = survey.world.sum(outcome.counts.items), before = survey.world.sum(failed.counts.items);
  EXPECT_LT(items, before);
  for (std::size_t k = 0; k < survey.size(); ++k) EXPECT_EQ(survey.level(k), levels[k]);
}

TEST(RunLevelMatch, StopsWhenAskedAndGoesOnLater) {
  LevelSurvey survey("level-stop", make_mosaic());
  auto const stopped = survey.run(survey.world, std::int64_t{1} << 30, true);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_FALSE(std::filesystem::exists(survey.ledger_file("F300M")));
  survey.world.barrier();
  EXPECT_FALSE(survey.run().stopped);
  for (std::size_t k = 0; k < survey.size(); ++k) EXPECT_NEAR(survey.left(k), survey.left(0), 2e-4);
}

TEST(RunLevelMatch, MasksSourcesWhereAskedTo) {
  auto exposures = make_mosaic();
  // A source that is only in one exposure of a tile: as a moving one.
  exposures[2].spoil = [](std::vector<float>& sci, auto&, auto&) {
    for (std::size_t y = 10; y < 30; ++y)
      for (std::size_t x = 10; x < 40; ++x) sci[64 * y + x] += 30;
  };
  LevelSurvey survey("level-sources", exposures);
  survey.settings["do_sigma_clip"] = config::Value(true);
  survey.run();
  for (std::size_t k = 0; k < survey.size(); ++k) EXPECT_NEAR(survey.left(k), survey.left(0), 1e-3);
  EXPECT_LT(count_pixels(survey, "00001_nrcalong,jw02107001001_01101_00003"),
            count_pixels(survey, "00001_nrcalong,jw02107001001_01101_00002") - 500);
}

TEST(RunLevelMatch, JoinsTheCoronagraphToTheImager) {
  std::vector<LevelExposure> exposures;
  for (int dither = 0; dither < 2; ++dither) {
    LevelExposure exposure;
    exposure.name = fmt::format("jw02107001001_01101_{:05d}_mirimage", dither + 1);
    exposure.band = "F770W";
    exposure.nx = store::MiriColumns;
    exposure.ny = store::MiriRows;
    exposure.east = 6.0 * dither;
    exposure.north = 7.0 * dither;
    exposure.level = 0.3 * dither;
    exposure.spoil = [](std::vector<float>& sci, auto&, auto&) {
      auto const& box = store::CoronagraphBox;
      for (auto y = box.y0; y < box.y1; ++y)
        for (auto x = box.x0; x < box.x1; ++x) sci[static_cast<std::size_t>(y * store::MiriColumns + x)] += 4;
    };
    exposures.push_back(exposure);
  }
  LevelSurvey survey("level-lyot", exposures);
  auto const whole = survey.records;
  survey.records.clear();
  for (auto const& record : whole)
    for (auto const half : {model::Half::Imager, model::Half::Lyot}) {
      survey.records.push_back(record);
      survey.records.back().identity.half = half;
    }
  // The ledger of lyot_separate, as its own step writes it.
  auto separate = survey.tasks();
  separate[0].step = "lyot_separate";
  separate[0].order = 4;
  separate[0].ledger_file = survey.folder() / "04_lyot_separate.h5";
  {
    parallel::ControlChannel control(survey.world);
    parallel::MemoryBudget budget(std::int64_t{1} << 30);
    StepContext context{survey.world, control, budget, survey.records, 0, {}};
    ASSERT_TRUE(run_lyot_separate(context, separate).failures.empty());
  }
  survey.before = store::Ledger::of({{"lyot_separate", separate[0].ledger_file}});
  survey.settings["recombine_lyot"] = config::Value(true);
  ASSERT_TRUE(survey.run().failures.empty());

  auto const ledger =
      store::Ledger::of({{"lyot_separate", separate[0].ledger_file}, {"level_match", survey.ledger_file("F770W")}});
  std::vector<double> left;  // of imager and coronagraph of both exposures
  for (std::size_t k = 0; k < 2; ++k) {
    store::ExposureReader const reader(whole[k], ledger), plain(whole[k], {});
    model::RowBand corrected, raw;
    reader.read_rows(800, 801, {model::Plane::Sci}, corrected);
    plain.read_rows(800, 801, {model::Plane::Sci}, raw);
    left.push_back(exposures[k].level - (raw.sci[600] - corrected.sci[600]));
    left.push_back(exposures[k].level + 4 - (raw.sci[100] - corrected.sci[100]));
  }
  for (double const level : left) EXPECT_NEAR(level, left[0], 1e-3);
  EXPECT_EQ(count_lines(survey.text("level_match_pairs.csv", "F770W"), "\nrecombine_lyot,"), 1);
  EXPECT_EQ(count_lines(survey.text("level_match_pairs.csv", "F770W"), "\nmosaic_tiles,"), 0) << "one tile";
}

}  // namespace
}  // namespace tessera::steps
