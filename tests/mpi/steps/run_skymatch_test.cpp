// The skymatch step on several ranks: the reference's results, the same bits, and what bad input leads to.
#include <gtest/gtest.h>

#include <fstream>

#include "sky_survey.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

using nlohmann::json;

/// Six exposures in two groups of F300M (levels 1 to 1.5) in a row, each overlapping the next, and three of F1000W.
void fill(SkySurvey& survey) {
  for (int k = 0; k < 6; ++k) {
    SkyImage const image(k, 1 + 0.1 * k, 2.5 * k, 0.3 * k);
    survey.add("F300M", fmt::format("jw02107041001_02105_{:05d}_nrcalong", k + 1),
               fmt::format("jw02107041001_02105_{}", k + 1), image.nx, image.ny, image.header, image.sci, image.dq);
  }
  for (int k = 6; k < 9; ++k) {
    SkyImage const image(k, 20 + k, 2 * (k - 6), 0, 0.1);
    survey.add("F1000W", fmt::format("jw02107041001_04101_{:05d}_mirimage", k - 5),
               fmt::format("jw02107041001_04101_{}", k - 5), image.nx, image.ny, image.header, image.sci, image.dq);
  }
}

model::Header vector_header(json const& image) {
  model::Header header;
  header.set("CTYPE1", "RA---TAN");
  header.set("CTYPE2", "DEC--TAN");
  for (int axis = 0; axis < 2; ++axis) {
    auto const a = static_cast<std::size_t>(axis);
    header.set(fmt::format("CRVAL{}", axis + 1), image.at("crval").at(a).get<double>());
    header.set(fmt::format("CRPIX{}", axis + 1), image.at("crpix_1based").at(a).get<double>());
    for (std::size_t b = 0; b < 2; ++b)
      header.set(fmt::format("CD{}_{}", axis + 1, b + 1), image.at("cd_deg").at(a).at(b).get<double>());
  }
  return header;
}

/// The four images of skymatch_cases.json; `grouped` as the file says: 0 and 3 together.
void fill_from_vector(SkySurvey& survey, json const& full, bool grouped) {
  for (std::size_t k = 0; k < 4; ++k) {
    auto const& image = full.at("images").at(k);
    std::vector<float> sci;
    std::vector<std::uint32_t> dq;
    for (auto const& row : image.at("data"))
      for (auto const& value : row) sci.push_back(value.is_null() ? NAN : value.get<float>());
    for (auto const& row : image.at("good_mask"))
      for (auto const& good : row) dq.push_back(good.get<int>() != 0 ? 0 : 513);
    auto const side = static_cast<std::int64_t>(image.at("data").size());
    survey.add("F300M", fmt::format("image{}", k), fmt::format("group{}", grouped && k == 3 ? 0 : k), side, side,
               vector_header(image), sci, dq);
  }
}

TEST(RunSkymatch, AgreesWithTheReferenceOnWholeImages) {
  auto const full = test::read_vector("skymatch_cases.json").at("full_images");
  for (bool const grouped : {false, true}) {
    SkySurvey survey("skymatch-vector");
    fill_from_vector(survey, full, grouped);
    for (char const* method : {"local", "global", "match", "global+match"})
      for (bool const down : {true, false}) {
        auto const name = fmt::format("{}:{}:{}", grouped ? "grouped" : "single", method, down ? "down" : "up");
        if (!full.at("expected").contains(name)) continue;
        SCOPED_TRACE(name);
        survey.label = fmt::format("{}{}", method, down);
        auto const outcome = survey.run({{"skymethod", method}, {"match_down", down}});
        EXPECT_TRUE(outcome.failures.empty());
        auto const& expected = full.at("expected").at(name);
        for (std::size_t k = 0; k < 4; ++k) {
          auto const found = survey.correction(k);
          ASSERT_EQ(found.has_value(), expected.at("valid").at(k).get<bool>()) << "image " << k;
          if (!found) continue;
          EXPECT_NEAR(found->level, expected.at("sky").at(k).get<double>(), 5e-3) << "image " << k;
          EXPECT_EQ(found->method, method);
          EXPECT_FALSE(found->subtract);
        }
      }
  }
}

TEST(RunSkymatch, MeasuresOverlapsAsTheReferenceDoes) {
  auto const full = test::read_vector("skymatch_cases.json").at("full_images");
  SkySurvey survey("skymatch-pairs");
  fill_from_vector(survey, full, false);
  survey.run({});
  auto const& overlap = full.at("expected").at("overlap");
  std::istringstream lines(survey.text("F300M", "skymatch_pairs.csv"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "group_1,group_2,pixels_1,pixels_2,level_1,level_2,difference,residual");
  int pairs = 0;
  for (; std::getline(lines, line); ++pairs) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream words(line);
    std::string first, second;
    double pixels[2], levels[2];
    words >> first >> second >> pixels[0] >> pixels[1] >> levels[0] >> levels[1];
    std::size_t const i = std::stoul(first.substr(5)), j = std::stoul(second.substr(5));
    // [i][j] of the file is image j in its overlap with image i
    double const wanted[2] = {overlap.at("N").at(j).at(i), overlap.at("N").at(i).at(j)};
    double const wanted_level[2] = {overlap.at("S").at(j).at(i), overlap.at("S").at(i).at(j)};
    for (int k = 0; k < 2; ++k) {
      EXPECT_NEAR(pixels[k], wanted[k], 0.1 * wanted[k]) << line;
      EXPECT_NEAR(levels[k], wanted_level[k], 5e-3) << line;
    }
  }
  EXPECT_EQ(pairs, 3);
}

TEST(RunSkymatch, MatchTakesOffWhatTheLevelsDiffer) {
  SkySurvey survey("skymatch-levels");
  fill(survey);
  auto const outcome = survey.run({{"skystat", "median"}});
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_FALSE(outcome.stopped);
  for (std::size_t k = 0; k < 6; ++k)
    EXPECT_NEAR(survey.correction(k).value().level, 0.1 * static_cast<double>(k), 3e-3);
  for (std::size_t k = 6; k < 9; ++k) EXPECT_NEAR(survey.correction(k).value().level, static_cast<double>(k) - 6, 3e-2);
}

TEST(RunSkymatch, OneConstantABandIsTakenOffByTheReader) {
  SkySurvey survey("skymatch-global");
  fill(survey);
  survey.run({{"skymethod", "global"},
              {"subtract", true},
              {"skystat", "median"},
              {"nclip", 20},
              {"lsigma", 3.0},
              {"usigma", 3.0}});
  double const level = survey.correction(0).value().level;
  EXPECT_NEAR(level, 1.0, 2e-3);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(survey.correction(k).value().level, level);
    EXPECT_TRUE(survey.correction(k).value().subtract);
    store::ExposureReader const before(survey.records[k], {}), after(survey.records[k], survey.ledger("F300M"));
    model::RowBand raw, matched;
    before.read_rows(10, 11, {model::Plane::Sci}, raw);
    after.read_rows(10, 11, {model::Plane::Sci}, matched);
    for (std::size_t x = 0; x < raw.sci.size(); ++x)
      if (!std::isnan(raw.sci[x])) {
        ASSERT_EQ(matched.sci[x], static_cast<float>(raw.sci[x] - level));
      }
    EXPECT_EQ(after.sky_level(), 0);
  }
}

TEST(RunSkymatch, ALevelThatIsNotSubtractedIsLeftToThoseWhoRead) {
  SkySurvey survey("skymatch-noted");
  fill(survey);
  survey.run({{"skymethod", "local"}, {"skystat", "mean"}});
  store::ExposureReader const reader(survey.records[3], survey.ledger("F300M"));
  EXPECT_EQ(reader.sky_level(), survey.correction(3).value().level);
  EXPECT_NEAR(reader.sky_level(), 1.3, 2e-3);
}

TEST(RunSkymatch, GroupsDithersOrTakesDetectorsApart) {
  SkySurvey survey("skymatch-grouping");
  fill(survey);
  config::Value const nircam_long{config::Value::List{"nircam_long"}}, miri{config::Value::List{"miri"}};
  survey.run({{"skymethod", "local"},
              {"skystat", "median"},
              {"skymatch_group_dithers", nircam_long},
              {"skymatch_degroup_dithers", miri}});
  for (std::size_t k = 0; k < 6; ++k) EXPECT_EQ(survey.correction(k).value().level, survey.correction(0).value().level);
  EXPECT_NEAR(survey.correction(0).value().level, 1.0, 2e-3) << "the lowest of the group";
  for (std::size_t k = 6; k < 9; ++k)
    EXPECT_NEAR(survey.correction(k).value().level, 20 + static_cast<double>(k), 0.02);

  for (auto& record : survey.records) record.group_id = "jw02107041001_02105_1";  // one exposure of many detectors
  survey.label = "apart";
  survey.run({{"skymethod", "local"}, {"skystat", "median"}, {"skymatch_degroup_dithers", nircam_long}});
  EXPECT_NEAR(survey.correction(5).value().level, 1.5, 2e-3) << "by itself";
  EXPECT_NEAR(survey.correction(8).value().level, 26, 0.02) << "with the rest of its group";
}

TEST(RunSkymatch, GivesTheSameBitsOnAnyNumberOfRanksAndForAnyBudget) {
  SkySurvey survey("skymatch-bits");
  fill(survey);
  SkySettings const settings{{"skymethod", "global+match"}};
  survey.label = "world";
  survey.run(settings);
  if (survey.world.is_root()) {
    std::map<std::string, std::string> hashes, tables;
    for (std::string const band : {"F300M", "F1000W"}) {
      hashes[band] = survey.ledger(band).hash();
      tables[band] = survey.text(band, "skymatch.csv") + survey.text(band, "skymatch_pairs.csv");
      EXPECT_GT(tables[band].size(), 100u);
    }
    for (std::int64_t const budget : {std::int64_t{1} << 20, std::int64_t{1} << 34}) {
      survey.label = fmt::format("alone{}", budget);
      survey.run(settings, parallel::Communicator(), budget);
      for (std::string const band : {"F300M", "F1000W"}) {
        EXPECT_EQ(survey.ledger(band).hash(), hashes[band]);
        EXPECT_EQ(survey.text(band, "skymatch.csv") + survey.text(band, "skymatch_pairs.csv"), tables[band]);
      }
    }
  }
  survey.world.barrier();
}

TEST(RunSkymatch, GoesOnWhereARunWasCutOff) {
  SkySurvey survey("skymatch-restart");
  fill(survey);
  SkyImage const large(9, 25, 0, 0, 0.1, 300, 300);
  survey.add("F1000W", "jw02107041001_04101_00004_mirimage", "jw02107041001_04101_4", large.nx, large.ny, large.header,
             large.sci, large.dq);
  survey.label = "whole";
  auto const complete = survey.run({});
  auto const whole = survey.ledger("F1000W").hash();
  // One that does not fit in memory ends the run with --on-error stop: what was measured before stays.
  survey.label = "cut";
  auto const cut = survey.run({}, survey.world, 500000, true);
  EXPECT_TRUE(cut.stopped);
  ASSERT_EQ(cut.failures.size(), 1u);
  EXPECT_NE(cut.failures[0].message.find("_00004_mirimage"), std::string::npos);
  survey.world.barrier();
  EXPECT_FALSE(std::filesystem::exists(survey.folder() / "cut" / "F1000W" / "05_skymatch.h5"));
  auto const resumed = survey.run({});
  EXPECT_FALSE(resumed.stopped);
  EXPECT_TRUE(resumed.failures.empty());
  EXPECT_EQ(survey.ledger("F1000W").hash(), whole);
  if (survey.world.size() == 1) {  // exposures in order: only the last, large one was left
    EXPECT_EQ(complete.counts.bytes_read, 8 * (9 * 64 * 48 + 300 * 300));
    EXPECT_EQ(resumed.counts.bytes_read, 8 * 300 * 300);
  }
}

TEST(RunSkymatch, AnExposureThatFailsLeavesTheOthersDone) {
  SkySurvey survey("skymatch-lost");
  fill(survey);
  auto const lost = survey.file("jw02107041001_02105_00002_nrcalong");
  if (survey.world.is_root()) std::filesystem::resize_file(lost, 7000);
  survey.world.barrier();
  auto const outcome = survey.run({{"skymethod", "local"}});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, "ngc0628/F300M/jw02107041001_02105_00002_nrcalong");
  EXPECT_NE(outcome.failures[0].message.find(lost.string()), std::string::npos) << outcome.failures[0].message;
  EXPECT_FALSE(outcome.stopped);
  EXPECT_FALSE(survey.correction(1));
  EXPECT_TRUE(survey.correction(2));
  EXPECT_NE(survey.text("F300M", "skymatch.csv").find("_00002_nrcalong,jw02107041001_02105_2,,0,,,FAILED"),
            std::string::npos)
      << survey.text("F300M", "skymatch.csv");
}

TEST(RunSkymatch, ABackgroundTreatedOtherwiseBeforeIsRefused) {
  SkySurvey survey("skymatch-bkgsub");
  fill(survey);
  SkyImage const image(20, 3, 7, 0);
  auto primary = test::nircam_primary();
  primary.set("BKGSUB", true);
  primary.set("BKGLEVEL", 0.25);
  survey.add("F300M", "subtracted", "subtracted", image.nx, image.ny, image.header, image.sci, image.dq, primary);
  std::swap(survey.records[6], survey.records[9]);
  std::swap(survey.records[7], survey.records[9]);
  std::swap(survey.records[8], survey.records[9]);  // F300M first, as tasks() wants it
  auto const outcome = survey.run({{"skymethod", "local"}});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_NE(outcome.failures[0].message.find("BKGSUB"), std::string::npos);
  EXPECT_NE(outcome.failures[0].message.find("skymatch.subtract = true"), std::string::npos);
  EXPECT_FALSE(survey.correction(6));
  EXPECT_TRUE(survey.correction(0));

  // With subtract the level is on top of what was taken off before, which the table adds.
  survey.label = "subtract";
  EXPECT_TRUE(survey.run({{"skymethod", "user"}, {"skylist", survey.folder().string() + "/none"}}).failures.size() > 0);
  EXPECT_TRUE(survey.run({{"skymethod", "local"}, {"skystat", "median"}, {"subtract", true}}).failures.empty());
  EXPECT_NEAR(survey.correction(6).value().level, 3, 2e-3);
  auto const table = survey.text("F300M", "skymatch.csv");
  auto const row = table.substr(table.find("\nsubtracted,"));
  EXPECT_EQ(row.find(",3.2"), row.rfind(",3.2")) << row;
  EXPECT_NE(row.find(",3.2"), std::string::npos) << row;
}

TEST(RunSkymatch, WithoutOverlapsMatchHasNothingToSay) {
  SkySurvey survey("skymatch-apart");
  for (int k = 0; k < 3; ++k) {
    SkyImage const image(k, 1 + k, 100.0 * k, 0);
    survey.add("F300M", fmt::format("apart{}", k), fmt::format("g{}", k), image.nx, image.ny, image.header, image.sci,
               image.dq);
  }
  EXPECT_TRUE(survey.run({}).failures.empty());
  for (std::size_t k = 0; k < 3; ++k) EXPECT_FALSE(survey.correction(k));
  EXPECT_NE(survey.text("F300M", "skymatch.csv").find("SKIPPED"), std::string::npos);
  survey.label = "global+match";
  survey.run({{"skymethod", "global+match"}});
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(survey.correction(k).value().level, 1, 0.01);
}

TEST(RunSkymatch, OneExposureHasALevelButNothingToMatch) {
  SkySurvey survey("skymatch-one");
  SkyImage const image(0, 2, 0, 0);
  survey.add("F300M", "one", "one", image.nx, image.ny, image.header, image.sci, image.dq);
  EXPECT_TRUE(survey.run({}).failures.empty());
  EXPECT_FALSE(survey.correction(0));
  survey.label = "local";
  survey.run({{"skymethod", "local"}});
  EXPECT_NEAR(survey.correction(0).value().level, 2, 0.01);
}

TEST(RunSkymatch, AnExposureAllFlaggedIsSkippedAndBlocksNoOther) {
  SkySurvey survey("skymatch-flagged");
  for (int k = 0; k < 3; ++k) {
    SkyImage image(k, 1 + k, 2.0 * k, 0);
    if (k == 1) image.dq.assign(image.dq.size(), 512);
    survey.add("F300M", fmt::format("e{}", k), fmt::format("g{}", k), image.nx, image.ny, image.header, image.sci,
               image.dq);
  }
  EXPECT_TRUE(survey.run({}).failures.empty());
  EXPECT_NEAR(survey.correction(0).value().level, 0, 1e-12);
  EXPECT_FALSE(survey.correction(1));
  EXPECT_NEAR(survey.correction(2).value().level, 2, 0.02);
}

TEST(RunSkymatch, AWildPointingIsSkippedAndMovesNoOther) {
  SkySurvey survey("skymatch-wild");
  for (int k = 0; k < 4; ++k) {
    SkyImage image(k, 1 + k, 2.0 * k, 0);
    if (k == 0) test::set_tan(image.header, image.nx, image.ny, 211, -88, 30, 33);  // elsewhere, and coarse
    survey.add("F300M", fmt::format("e{}", k), fmt::format("g{}", k), image.nx, image.ny, image.header, image.sci,
               image.dq);
  }
  EXPECT_TRUE(survey.run({{"skystat", "median"}}).failures.empty());
  EXPECT_FALSE(survey.correction(0));
  for (std::size_t k = 1; k < 4; ++k) EXPECT_NEAR(survey.correction(k).value().level, static_cast<double>(k) - 1, 3e-3);
}

TEST(RunSkymatch, IslandsAreMatchedEachByItself) {
  SkySurvey survey("skymatch-islands");
  for (int k = 0; k < 4; ++k) {  // two pairs far apart, of levels 1, 2 and 3, 6
    SkyImage const image(k, k < 2 ? 1 + k : 3 * (k - 1), (k < 2 ? 0.0 : 100.0) + 2 * (k % 2), 0);
    survey.add("F300M", fmt::format("e{}", k), fmt::format("g{}", k), image.nx, image.ny, image.header, image.sci,
               image.dq);
  }
  survey.run({{"skystat", "median"}});
  double const wanted[] = {1, 2, 0, 3};  // means of zero, then the least of all is zero
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(survey.correction(k).value().level, wanted[k], 5e-3);
}

TEST(RunSkymatch, LimitsThatLeaveNothingSkipEveryExposure) {
  SkySurvey survey("skymatch-limits");
  fill(survey);
  for (char const* method : {"local", "global", "match"}) {
    survey.label = method;
    EXPECT_TRUE(survey.run({{"skymethod", method}, {"lower", 500.0}, {"upper", 501.0}}).failures.empty());
    for (std::size_t k = 0; k < 9; ++k) EXPECT_FALSE(survey.correction(k));
  }
}

TEST(RunSkymatch, TakesTheLevelsOfAList) {
  SkySurvey survey("skymatch-user");
  fill(survey);
  auto const path = survey.folder() / "skies.txt";
  auto const write = [&](int count) {
    if (survey.world.is_root()) {
      std::ofstream list(path);
      list << "# image level\n\n";
      for (int k = 0; k < count; ++k) {
        auto const& record = survey.records[static_cast<std::size_t>(k)];
        list << (k % 2 == 0 ? record.path : record.identity.exposure) << " " << 0.5 * k << "  # as measured\n";
      }
    }
    survey.world.barrier();
  };
  SkySettings const settings{{"skymethod", "user"}, {"skylist", path.string()}};
  write(9);
  EXPECT_TRUE(survey.run(settings).failures.empty());
  for (std::size_t k = 0; k < 9; ++k) EXPECT_EQ(survey.correction(k).value().level, 0.5 * static_cast<double>(k));

  survey.label = "missing";
  write(8);  // of the second band one is missing: it fails, the first is done
  auto const outcome = survey.run(settings);
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, "ngc0628 F1000W");
  EXPECT_NE(outcome.failures[0].message.find("_00003_mirimage"), std::string::npos) << outcome.failures[0].message;
  EXPECT_TRUE(survey.correction(0));
  EXPECT_FALSE(survey.correction(6));
}

TEST(RunSkymatch, WithTooLittleMemoryAnExposureFailsAndSaysSo) {
  SkySurvey survey("skymatch-memory");
  fill(survey);
  auto const outcome = survey.run({}, survey.world, 10000);
  EXPECT_EQ(outcome.failures.size(), 9u);
  EXPECT_NE(outcome.failures[0].message.find("sky of ngc0628"), std::string::npos) << outcome.failures[0].message;
  survey.world.barrier();
}

}  // namespace
}  // namespace tessera::steps
