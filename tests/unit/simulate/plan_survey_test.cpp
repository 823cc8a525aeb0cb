#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
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

TEST(PlanSurvey, GivesMiriTilesOfItsOwn) {
  SimulationSettings settings = make_settings();
  settings.tiles.miri_columns = 3;
  settings.tiles.miri_rows = 2;
  std::map<std::string, std::set<int>> visits;
  for (auto const& exposure : plan_survey(settings).exposures)
    visits[settings.bands[exposure.band]].insert(exposure.visit);
  EXPECT_EQ(visits["F300M"].size(), 2u);
  EXPECT_EQ(visits["F1000W"].size(), 6u);
}

TEST(PlanSurvey, PutsADetectorThatIsOffItsPlaceBesideWhereItWouldSeeTheSky) {
  SimulationSettings settings = make_settings();
  settings.pointing_errors.on = false;
  settings.tiles.v3pa = 0;
  settings.focal_plane.miri_v2 = 0.3;
  settings.focal_plane.miri_v3 = -0.2;
  SurveyPlan const plan = plan_survey(settings);
  for (auto const& exposure : plan.exposures) {
    Detector const& detector = plan.detectors[exposure.band][exposure.detector];
    sky::Pointing const believed = make_pointing(detector, exposure.believed, exposure.va_scale);
    sky::Pointing const actual = actual_pointing(plan, exposure);
    EXPECT_EQ(actual.v2_ref, believed.v2_ref);
    double const north = 3600 * (actual.dec_ref - believed.dec_ref);
    double const east = 3600 * (actual.ra_ref - believed.ra_ref) * std::cos(believed.dec_ref / sky::DegreesPerRadian);
    // At position angle 0 V3 is north, and V2 east. The roll at the detector turns them by a few arcmin.
    EXPECT_NEAR(east, detector.is_miri() ? 0.3 : 0.0, 2e-3) << exposure.root;
    EXPECT_NEAR(north, detector.is_miri() ? -0.2 : 0.0, 2e-3) << exposure.root;
  }
}

TEST(PlanSurvey, MovesTheDetectorsOfAModuleTogether) {
  SimulationSettings settings = make_settings();
  settings.focal_plane.module_rms = 0.05;
  SurveyPlan const plan = plan_survey(settings);
  std::map<std::string, V2V3> offset;
  for (std::size_t band = 0; band < 2; ++band)
    for (std::size_t k = 0; k < plan.detectors[band].size(); ++k)
      offset[plan.detectors[band][k].aperture->detector] = plan.offsets[band][k];
  EXPECT_EQ(offset.size(), 10u);
  EXPECT_NE(offset["nrca1"].v2, 0);
  for (auto const& [detector, place] : offset) EXPECT_EQ(place.v2, offset[detector.substr(0, 4) + "1"].v2) << detector;
  EXPECT_NE(offset["nrca1"].v2, offset["nrcb1"].v2);
  settings.focal_plane.detector_rms = 0.01;
  SurveyPlan const scattered = plan_survey(settings);
  EXPECT_NE(scattered.offsets[0][0].v2, scattered.offsets[0][1].v2);
  EXPECT_EQ(scattered.offsets[2][0].v2, 0);  // MIRI has its own setting
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
