#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tessera/core/error.hpp"
#include "tessera/simulate/survey_plan.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

SimulationSettings make_settings() {
  SimulationSettings settings;
  settings.bands = {"F200W", "F300M", "F1000W"};
  settings.targets = {{"one", 24.0, 15.5, 120}, {"two", 210.0, -54.0, 60}};
  settings.tiles.columns = 2;
  settings.dithers.count = 3;
  return settings;
}

TEST(PlanSurvey, CountsEveryDetectorDitherTileBandAndTarget) {
  SurveyPlan const plan = plan_survey(make_settings());
  EXPECT_EQ(plan.exposures.size(), 2u * 2 * 3 * (8 + 2 + 1));
}

TEST(PlanSurvey, NamesExposuresAsTheArchiveDoesAndNoTwoAlike) {
  SurveyPlan const plan = plan_survey(make_settings());
  std::regex const form(R"(jw\d{11}_\d{3}[0-9a-z]{2}_\d{5}_(nrc[ab][1-4]|nrc[ab]long|mirimage))");
  std::set<std::string> names;
  for (auto const& exposure : plan.exposures) {
    EXPECT_TRUE(std::regex_match(exposure.root, form)) << exposure.root;
    EXPECT_TRUE(names.insert(exposure.root).second) << exposure.root;
  }
  EXPECT_EQ(plan.relative_path(plan.exposures[0]),
            "raw/one/mastDownload/JWST/jw09001001001_02101_00001_nrca1/jw09001001001_02101_00001_nrca1_cal.fits");
}

TEST(PlanSurvey, GivesAllDetectorsOfAVisitOneShiftAndRoll) {
  SimulationSettings settings = make_settings();
  settings.pointing_errors.jitter_rms = 0;
  SurveyPlan const plan = plan_survey(settings);
  std::map<std::string, std::set<double>> shifts;
  for (auto const& exposure : plan.exposures) shifts[exposure.visit_name].insert(exposure.shift_ra);
  EXPECT_EQ(shifts.size(), 2u * 2 * 2);  // targets, tiles, instruments
  for (auto const& [visit, values] : shifts) EXPECT_EQ(values.size(), 1u) << visit;
}

TEST(PlanSurvey, SeparatesBelievedAndActualPointingByTheRecordedShift) {
  for (auto const& exposure : plan_survey(make_settings()).exposures) {
    double const distance = sky::separation(sky::to_vector(exposure.believed.ra, exposure.believed.dec),
                                            sky::to_vector(exposure.actual.ra, exposure.actual.dec));
    EXPECT_NEAR(distance * sky::DegreesPerRadian * 3600, std::hypot(exposure.shift_ra, exposure.shift_dec), 1e-6);
  }
  SimulationSettings settings = make_settings();
  settings.pointing_errors.on = false;
  for (auto const& exposure : plan_survey(settings).exposures) EXPECT_EQ(exposure.actual.ra, exposure.believed.ra);
}

TEST(PlanSurvey, SetsTilesApartByTheFieldOfViewLessTheOverlap) {
  SimulationSettings settings = make_settings();
  settings.bands = {"F1000W"};
  settings.dithers = {1, 0, 0};
  settings.tiles = {2, 1, 0.25, 0};
  SurveyPlan const plan = plan_survey(settings);
  double const apart = sky::separation(sky::to_vector(plan.exposures[0].believed.ra, plan.exposures[0].believed.dec),
                                       sky::to_vector(plan.exposures[1].believed.ra, plan.exposures[1].believed.dec));
  EXPECT_NEAR(apart * sky::DegreesPerRadian * 3600, 0.75 * field_of_view(plan.detectors[0]).v2, 1e-3);
}

TEST(PlanSurvey, AddsOffExposuresOfMiriOnly) {
  SimulationSettings settings = make_settings();
  settings.off_exposures = 2;
  int offs = 0;
  for (auto const& exposure : plan_survey(settings).exposures) {
    if (!exposure.off) continue;
    ++offs;
    EXPECT_EQ(exposure.band, 2u);
  }
  EXPECT_EQ(offs, 2 * 2);
}

TEST(PlanSurvey, SuggestsTheNearestBand) {
  SimulationSettings settings = make_settings();
  settings.bands = {"F1000M"};
  try {
    plan_survey(settings);
    FAIL() << "no error";
  } catch (ConfigError const& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("'F1000W'"));
  }
}

}  // namespace
}  // namespace tessera::simulate
