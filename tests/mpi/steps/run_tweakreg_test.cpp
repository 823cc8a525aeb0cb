// tweakreg on several ranks: known pointing errors are taken off, the same bits, and what bad input leads to.
#include <gtest/gtest.h>

#include "star_survey.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/source_table.hpp"

namespace tessera::steps {
namespace {

using Pointing = StarSurvey::Pointing;

std::string exposure_name(int number, std::string const& detector = "nrcalong") {
  return fmt::format("jw02107041001_02105_{:05d}_{}", number + 1, detector);
}
std::string group_name(int number) { return fmt::format("jw02107041001_02105_{:05d}", number + 1); }

/// Four exposures that overlap, the first where it says; and two of another band.
std::vector<Pointing> const Pointings{
    {0, 0, 0, 0, 10, 0}, {4, 1, 0.42, -0.31, 12, 0.05}, {-3, 5, -0.8, 0.25, 9, -0.03}, {2, -4, 0.05, 0.9, 11, 0.02}};
std::vector<Pointing> const OtherPointings{{0, 0, 0, 0, 30, 0}, {3, 3, -0.3, -0.4, 31, 0}};

void fill(StarSurvey& survey, StarField const& field) {
  for (std::size_t k = 0; k < Pointings.size(); ++k)
    survey.add("F300M", exposure_name(static_cast<int>(k)), group_name(static_cast<int>(k)), field, Pointings[k]);
  for (std::size_t k = 0; k < OtherPointings.size(); ++k)
    survey.add("F335M", exposure_name(static_cast<int>(k) + 10), group_name(static_cast<int>(k) + 10), field,
               OtherPointings[k], false, test::nircam_primary("F335M"));
}

/// Corner pixels by which an exposure may be off, arcsec.
double largest_error(StarSurvey const& survey, std::size_t record, Pointing const& pointing) {
  double largest = 0;
  for (auto const& pixel : {model::PixelPoint{20, 20}, {200, 20}, {20, 200}, {200, 200}}) {
    auto const error = survey.error_of(record, pointing, pixel);
    largest = std::max(largest, std::hypot(error[0], error[1]));
  }
  return largest;
}

TEST(RunTweakreg, TakesKnownPointingErrorsOff) {
  StarSurvey survey("tweakreg");
  fill(survey, StarField(400));
  auto const outcome = survey.run(star_settings());
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  EXPECT_TRUE(survey.entries(0).empty());  // the reference
  EXPECT_TRUE(survey.entries(4).empty());
  for (std::size_t k = 1; k < 4; ++k) {
    ASSERT_EQ(survey.entries(k).size(), 1u);
    EXPECT_TRUE(std::holds_alternative<model::WcsCorrection>(survey.entries(k)[0].correction));
    EXPECT_EQ(survey.entries(k)[0].step, "tweakreg");
    EXPECT_LT(largest_error(survey, k, Pointings[k]), 0.01) << k;  // a tenth of a pixel
  }
  EXPECT_LT(largest_error(survey, 5, OtherPointings[1]), 0.01);
  auto const table = survey.text("F300M", "tweakreg_groups.csv");
  EXPECT_NE(table.find(group_name(0) + ",jw02107041001,1,REFERENCE"), std::string::npos) << table;
  EXPECT_NE(table.find(group_name(3) + ",jw02107041001,1,SUCCESS"), std::string::npos) << table;
  EXPECT_TRUE(std::filesystem::exists(survey.folder() / "run/F300M/tweakreg/tweakreg_residuals.png"));
  EXPECT_TRUE(store::read_manifest(survey.ledger_file("F300M")));
  EXPECT_FALSE(std::filesystem::exists(survey.folder() / "run/F300M/scratch"));
}

TEST(RunTweakreg, GivesTheSameBytesOnAnyNumberOfRanks) {
  StarSurvey survey("tweakreg-ranks");
  fill(survey, StarField(300));
  for (char const* method : {"sequential", "global"}) {
    auto const settings = star_settings({{"method", method}, {"expand_refcat", true}});
    survey.label = std::string("all_") + method;
    auto const outcome = survey.run(settings);
    EXPECT_TRUE(outcome.failures.empty());
    auto const all = survey.ledger_bytes("F300M"), other = survey.ledger_bytes("F335M");
    auto const table = survey.text("F300M", "tweakreg_groups.csv");
    ASSERT_GT(all.size(), 0u);
    survey.label = std::string("one_") + method;
    if (survey.world.is_root()) survey.run(settings, {});
    survey.world.barrier();
    EXPECT_EQ(survey.ledger_bytes("F300M"), all);
    EXPECT_EQ(survey.ledger_bytes("F335M"), other);
    EXPECT_EQ(survey.text("F300M", "tweakreg_groups.csv"), table);
  }
}

TEST(RunTweakreg, TheGlobalSolutionTakesErrorsOffUpToTheirMean) {
  StarSurvey survey("tweakreg-global");
  fill(survey, StarField(400));
  auto const outcome = survey.run(star_settings({{"method", "global"}}));
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  auto const centre = model::PixelPoint{109.5, 109.5};
  auto const first = survey.error_of(0, Pointings[0], centre);
  for (std::size_t k = 1; k < 4; ++k) {
    auto const error = survey.error_of(k, Pointings[k], centre);
    EXPECT_NEAR(error[0], first[0], 0.01) << k;
    EXPECT_NEAR(error[1], first[1], 0.01) << k;
  }
  EXPECT_FALSE(survey.text("F300M", "tweakreg_pairs.csv").empty());
}

TEST(RunTweakreg, ExposuresThatCannotBeAlignedKeepTheirWcsAndTheRestIsDone) {
  StarSurvey survey("tweakreg-bad");
  StarField const field(400);
  StarField three(3, 8, 5), none(0);
  survey.add("F300M", exposure_name(0), group_name(0), field, Pointings[0]);
  survey.add("F300M", exposure_name(1), group_name(1), none, Pointings[1]);                            // no stars
  survey.add("F300M", exposure_name(2), group_name(2), three, Pointings[2]);                           // three stars
  survey.add("F300M", exposure_name(3), group_name(3), field, Pointings[3], true);                     // all saturated
  survey.add("F300M", exposure_name(4), group_name(4), field, {1, 1, 0, 0, 10, 180});                  // upside down
  survey.add("F300M", exposure_name(5), group_name(5), StarField(400, 40, 9), {300, 0, 0, 0, 10, 0});  // elsewhere
  survey.add("F300M", exposure_name(6), group_name(6), field, Pointings[1]);
  auto const outcome = survey.run(star_settings());
  EXPECT_TRUE(outcome.failures.empty());
  for (std::size_t k = 0; k < 6; ++k) EXPECT_TRUE(survey.entries(k).empty()) << k;
  ASSERT_EQ(survey.entries(6).size(), 1u);
  EXPECT_LT(largest_error(survey, 6, Pointings[1]), 0.01);
  auto const table = survey.text("F300M", "tweakreg_groups.csv");
  auto const status = [&](int k) {
    auto const begin = table.find(group_name(k) + ",");
    return table.substr(begin, table.find('\n', begin) - begin);
  };
  EXPECT_NE(status(1).find("empty source catalog"), std::string::npos) << table;
  EXPECT_NE(status(2).find("not enough matches"), std::string::npos) << table;
  EXPECT_NE(status(3).find("empty source catalog"), std::string::npos) << table;
  EXPECT_NE(status(4).find("not enough matches"), std::string::npos) << table;
  EXPECT_TRUE(store::read_manifest(survey.ledger_file("F300M")));  // it is done: nothing to try again
}

TEST(RunTweakreg, AnExposureThatCannotBeReadFailsAlone) {
  StarSurvey survey("tweakreg-unreadable");
  fill(survey, StarField(300));
  if (survey.world.is_root()) std::filesystem::resize_file(survey.file(exposure_name(2)), 20000);
  survey.world.barrier();
  auto const outcome = survey.run(star_settings());
  ASSERT_GE(outcome.failures.size(), 1u);
  EXPECT_NE(outcome.failures[0].item.find(exposure_name(2)), std::string::npos);
  EXPECT_LT(largest_error(survey, 3, Pointings[3]), 0.01);
  EXPECT_FALSE(store::read_manifest(survey.ledger_file("F300M")));  // the next run tries again
}

TEST(RunTweakreg, DithersOfAVisitMoveTogetherWhereTheyAreGrouped) {
  StarSurvey survey("tweakreg-groups");
  StarField const field(500);
  // Two visits of two dithers; the second visit is off as a whole.
  std::vector<Pointing> const pointings{
      {0, 0, 0, 0, 10, 0}, {3, 0, 0, 0, 10, 0}, {0, 3, 0.5, -0.6, 10, 0}, {3, 3, 0.5, -0.6, 10, 0}};
  for (int k = 0; k < 4; ++k) {
    auto const visit = fmt::format("jw0210704100{}_02105", 1 + k / 2);
    survey.add("F300M", fmt::format("{}_{:05d}_nrcalong", visit, 1 + k % 2), fmt::format("{}_{:05d}", visit, 1 + k % 2),
               field, pointings[static_cast<std::size_t>(k)]);
  }
  auto const outcome = survey.run(star_settings(
      {{"tweakreg_group_dithers", config::Value(config::Value::List{"nircam_long"})}, {"fitgeometry", "shift"}}));
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_TRUE(survey.entries(0).empty());
  EXPECT_TRUE(survey.entries(1).empty());  // of the reference's group
  for (std::size_t k = 2; k < 4; ++k)
    EXPECT_LT(largest_error(survey, k, pointings[k]), 0.01) << survey.text("F300M", "tweakreg_groups.csv");
  EXPECT_NE(survey.text("F300M", "tweakreg_groups.csv").find("jw02107041002_02105,jw02107041002,2,SUCCESS"),
            std::string::npos);
}

TEST(RunTweakreg, AnAbsoluteCatalogueMovesAllExposures) {
  StarSurvey survey("tweakreg-absolute");
  StarField const field(400);
  auto pointings = Pointings;
  for (auto& pointing : pointings) pointing.error_east += 1.3;
  for (int k = 0; k < 4; ++k)
    survey.add("F300M", exposure_name(k), group_name(k), field, pointings[static_cast<std::size_t>(k)]);
  if (survey.world.is_root()) {
    std::vector<double> ra, dec;
    for (auto const& star : field.stars) {
      ra.push_back(StarField::Ra + star[0] / 3600 / std::cos(StarField::Dec * 0.017453292519943295));
      dec.push_back(StarField::Dec + star[1] / 3600);
    }
    ra.push_back(NAN);
    dec.push_back(10);
    io::SourceTable table;
    table.columns.push_back({"ra", "deg", "", ra, ""});
    table.columns.push_back({"dec", "deg", "", dec, ""});
    io::write_table(survey.folder() / "Gaia_DR3_ngc0628.fits", table);
    for (auto& value : ra) value += 3;
    table.columns[0].values = ra;
    io::write_table(survey.folder() / "elsewhere.fits", table);
    table.columns[0].name = "longitude";
    io::write_table(survey.folder() / "columns.fits", table);
  }
  survey.world.barrier();
  auto const outcome = survey.run(star_settings({{"abs_refcat", "GAIADR3"}, {"save_abs_catalog", true}}));
  EXPECT_TRUE(outcome.failures.empty());
  for (std::size_t k = 0; k < 4; ++k) EXPECT_LT(largest_error(survey, k, pointings[k]), 0.01) << k;
  EXPECT_EQ(io::read_table(survey.folder() / "run/F300M/tweakreg/fit_gaiadr3_ref.ecsv").rows(), field.stars.size());

  for (char const* file : {"elsewhere.fits", "columns.fits", "not_there.fits", "GAIADR1x"}) {
    survey.label = std::string("with_") + file;
    auto const bad = survey.run(star_settings({{"abs_refcat", file}}));
    EXPECT_TRUE(bad.failures.empty());
    EXPECT_TRUE(survey.entries(0).empty()) << file;
    ASSERT_EQ(survey.entries(2).size(), 1u) << file;  // the relative solution stands
    EXPECT_NEAR(survey.error_of(2, pointings[2], {109.5, 109.5})[0], 1.3, 0.01);
  }
}

TEST(RunTweakreg, CataloguesOfTheUserTakeThePlaceOfTheFinder) {
  StarSurvey survey("tweakreg-custom");
  StarField const field(400);
  for (int k = 0; k < 3; ++k)
    survey.add("F300M", exposure_name(k), group_name(k), field, Pointings[static_cast<std::size_t>(k)]);
  survey.label = "found";
  EXPECT_TRUE(survey.run(star_settings({{"save_catalogs", true}})).failures.empty());
  auto const saved = survey.folder() / "found/F300M/tweakreg" / (exposure_name(1) + "_cal_cat.ecsv");
  ASSERT_TRUE(std::filesystem::exists(saved));
  auto const by_finder = survey.entries(1);
  if (survey.world.is_root()) {
    std::filesystem::copy_file(saved, survey.folder() / "mine.ecsv");
    std::ofstream(survey.folder() / "broken.ecsv") << "a b\n1 2\n";
    std::ofstream(survey.folder() / "catfile.txt") << "# image catalogue\n"
                                                   << exposure_name(1) << "_cal.fits mine.ecsv\n"
                                                   << exposure_name(2) << "_cal.fits broken.ecsv\n"
                                                   << exposure_name(0) << "_cal.fits\n";
  }
  survey.world.barrier();
  survey.label = "custom";
  EXPECT_TRUE(survey.run(star_settings({{"use_custom_catalogs", true}, {"catfile", "catfile.txt"}})).failures.empty());
  ASSERT_EQ(survey.entries(1).size(), 1u);
  auto const& expected = std::get<model::WcsCorrection>(by_finder.at(0).correction);
  auto const& found = std::get<model::WcsCorrection>(survey.entries(1)[0].correction);
  EXPECT_NEAR(found.shift[0], expected.shift[0], 1e-12);
  EXPECT_NEAR(found.shift[1], expected.shift[1], 1e-12);
  EXPECT_TRUE(survey.entries(2).empty());  // no catalogue: no sources
}

TEST(RunTweakreg, SavedCataloguesHaveTheCentresThatWereFitted) {
  StarSurvey survey("tweakreg-save-epsf");
  StarField const field(400);
  for (int k = 0; k < 3; ++k)
    survey.add("F300M", exposure_name(k), group_name(k), field, Pointings[static_cast<std::size_t>(k)]);
  StarSettings const base{{"save_catalogs", true}};
  survey.label = "found";
  EXPECT_TRUE(survey.run(star_settings(base)).failures.empty());
  survey.label = "fitted";
  auto fitted = base;
  fitted["centroid"] = "epsf";
  EXPECT_TRUE(survey.run(star_settings(fitted)).failures.empty());
  auto const by_psf = survey.entries(1);
  auto const name = exposure_name(1) + "_cal_cat.ecsv";
  auto const text = [&](std::string const& label) {
    std::ifstream file(survey.folder() / label / "F300M/tweakreg" / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_FALSE(text("fitted").empty());
  EXPECT_NE(text("found"), text("fitted"));
  // They are those that were aligned by.
  if (survey.world.is_root())
    for (int k = 0; k < 3; ++k) {
      auto const own = exposure_name(k) + "_cal_cat.ecsv";
      std::filesystem::copy_file(survey.folder() / "fitted/F300M/tweakreg" / own, survey.folder() / own);
      std::ofstream(survey.folder() / "catfile.txt", std::ios::app) << exposure_name(k) << "_cal.fits " << own << "\n";
    }
  survey.world.barrier();
  survey.label = "again";
  EXPECT_TRUE(survey.run(star_settings({{"use_custom_catalogs", true}, {"catfile", "catfile.txt"}})).failures.empty());
  ASSERT_EQ(survey.entries(1).size(), 1u);
  auto const& expected = std::get<model::WcsCorrection>(by_psf.at(0).correction);
  auto const& found = std::get<model::WcsCorrection>(survey.entries(1)[0].correction);
  EXPECT_NEAR(found.shift[0], expected.shift[0], 1e-12);
  EXPECT_NEAR(found.shift[1], expected.shift[1], 1e-12);
}

TEST(RunTweakreg, OneGroupHasNothingToBeAlignedTo) {
  StarSurvey survey("tweakreg-alone");
  survey.add("F300M", exposure_name(0), group_name(0), StarField(300), Pointings[1]);
  auto const outcome = survey.run(star_settings());
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_TRUE(survey.entries(0).empty());
  EXPECT_TRUE(store::read_manifest(survey.ledger_file("F300M")));
}

}  // namespace
}  // namespace tessera::steps
