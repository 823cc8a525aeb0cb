// get_wcs_adjust on several ranks: known visit errors are measured by every method, the same bytes, the files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adjust_survey.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;
using Pointing = StarSurvey::Pointing;

/// Three visits that overlap; the middle one with most. Errors are those of guide stars.
std::vector<Pointing> const Visits{{-7, 0, 0.21, -0.13, 10, 0}, {0, 1, -0.34, 0.08, 10, 0}, {7, -1, 0.05, 0.42, 10, 0}};

/// The IRAF centres are good to 8 mas (the rmse in the tables), and fifty of them make a shift.
constexpr double CentreError = 0.008, ShiftBound = 0.003;  // arcsec

void fill(AdjustSurvey& survey, std::string const& band = "F300M") {
  StarField const field(350, 25);
  for (std::size_t v = 0; v < Visits.size(); ++v) survey.add_visit(band, static_cast<int>(v) + 1, field, Visits[v]);
}

std::string key(int visit, std::string const& end = "_nircam") { return fmt::format("jw02107041{:03d}{}", visit, end); }

/// Shift of a visit less that of visit 1, and what it should be.
void expect_errors_found(config::WcsAdjustments const& found, double bound) {
  auto const& first = found.by_key.at(key(1)).shift_arcsec;
  for (int v = 2; v <= 3; ++v) {
    auto const& shift = found.by_key.at(key(v)).shift_arcsec;
    auto const& error = Visits[static_cast<std::size_t>(v - 1)];
    EXPECT_NEAR(shift[0] - first[0], Visits[0].error_east - error.error_east, bound) << v;
    EXPECT_NEAR(shift[1] - first[1], Visits[0].error_north - error.error_north, bound) << v;
  }
}

TEST(RunGetWcsAdjust, MeasuresKnownVisitErrorsFromStars) {
  AdjustSurvey survey("adjust-tweakreg");
  fill(survey);
  auto const outcome = survey.adjust(adjust_text("'F300M'"));
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  auto const found = survey.adjustments();
  expect_errors_found(found, ShiftBound);
  int references = 0;
  for (int v = 1; v <= 3; ++v) {
    ASSERT_TRUE(found.by_key.at(key(v)).tangent);
    bool const is_reference = found.by_key.at(key(v)).shift_arcsec == std::array<double, 2>{0, 0};
    references += is_reference;
    EXPECT_EQ(found.by_key.contains(key(v, "")), !is_reference) << "pjpipe has no key for the reference";
    if (is_reference) continue;
    EXPECT_EQ(found.by_key.at(key(v, "")).shift_arcsec, found.by_key.at(key(v)).shift_arcsec);
  }
  EXPECT_EQ(references, 1);
  EXPECT_THAT(survey.product("F300M", "get_wcs_adjust_groups.csv"), HasSubstr("SUCCESS"));
  EXPECT_THAT(survey.product("F300M", "get_wcs_adjust_residuals.png"), HasSubstr("PNG"));
  EXPECT_TRUE(store::read_manifest(survey.folder() / "run/get_wcs_adjust/F300M_wcs_adjust.toml"));
  EXPECT_TRUE(store::read_manifest(survey.target_file()));
  EXPECT_FALSE(std::filesystem::exists(survey.folder() / "run/F300M/scratch"));
}

TEST(RunGetWcsAdjust, MeasuresKnownVisitErrorsByCrossCorrelation) {
  AdjustSurvey survey("adjust-cross");
  fill(survey);
  auto const outcome = survey.adjust(adjust_text("'F300M'", "method = {nircam = 'cross_corr'}"));
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  expect_errors_found(survey.adjustments(), ShiftBound);
  auto const table = survey.product("F300M", "get_wcs_adjust_stacks.csv");
  EXPECT_THAT(table, HasSubstr("jw02107041001_02101_XXXXX_nrcalong"));
  EXPECT_THAT(table, HasSubstr("REFERENCE"));
  EXPECT_FALSE(std::filesystem::exists(survey.folder() / "run/F300M/scratch"));
}

TEST(RunGetWcsAdjust, MeasuresKnownVisitErrorsInOneSolutionOverBands) {
  AdjustSurvey survey("adjust-global");
  fill(survey);
  fill(survey, "F335M");
  auto const outcome = survey.adjust(adjust_text("'F300M', 'F335M'", "method = 'global'"));
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  auto const found = survey.adjustments();
  expect_errors_found(found, ShiftBound);
  // Both bands see the same solution; without a datum its mean is zero.
  EXPECT_EQ(survey.band_text("F300M"), survey.band_text("F335M"));
  double sum = 0;
  for (int v = 1; v <= 3; ++v) sum += found.by_key.at(key(v)).shift_arcsec[0];
  EXPECT_LT(std::abs(sum), 0.15);
  EXPECT_THAT(survey.product("F335M", "get_wcs_adjust_pairs.csv"), HasSubstr("jw02107041001"));
}

TEST(RunGetWcsAdjust, GivesTheSameBytesOnAnyNumberOfRanks) {
  AdjustSurvey survey("adjust-ranks");
  fill(survey);
  fill(survey, "F335M");
  for (char const* method : {"tweakreg", "cross_corr", "global"}) {
    auto const text = adjust_text("'F300M', 'F335M'",
                                  std::string("method = '") + method + "'\n" +
                                      (std::string(method) == "tweakreg" ? "reference_band = {F335M = 'F300M'}" : ""));
    survey.label = std::string("all_") + method;
    EXPECT_TRUE(survey.adjust(text).failures.empty());
    auto const all = survey.read(survey.target_file()), band = survey.band_text("F335M");
    auto const table = survey.product("F335M", "get_wcs_adjust_groups.csv"),
               stacks = survey.product("F335M", "get_wcs_adjust_stacks.csv");
    EXPECT_THAT(all, HasSubstr(key(2)));
    survey.label = std::string("one_") + method;
    if (survey.world.is_root()) survey.adjust(text, {});
    survey.world.barrier();
    EXPECT_EQ(survey.read(survey.target_file()), all);
    EXPECT_EQ(survey.band_text("F335M"), band);
    EXPECT_EQ(survey.product("F335M", "get_wcs_adjust_groups.csv"), table);
    EXPECT_EQ(survey.product("F335M", "get_wcs_adjust_stacks.csv"), stacks);
  }
}

TEST(RunGetWcsAdjust, MatchesMiriToTheCorrectedStarsOfNircam) {
  AdjustSurvey survey("adjust-miri");
  fill(survey);
  StarField const field(350, 25);
  // MIRI visits that do not overlap each other, listed before what they are matched to.
  std::vector<Pointing> const miri{{-8, 0, -0.4, 0.3, 40, 0}, {18, 0, 0.7, 0.1, 40, 0}};
  survey.add_visit("F1000W", 11, field, miri[0], 2, "mirimage");
  survey.add_visit("F1000W", 12, field, miri[1], 2, "mirimage");
  auto const outcome = survey.adjust(adjust_text("'F1000W', 'F300M'", "reference_band = {miri = 'F300M'}"));
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  auto const found = survey.adjustments();
  expect_errors_found(found, ShiftBound);
  // NIRCam is relative to its reference visit: whatever that is off, MIRI is off by then.
  for (int v = 0; v < 1; ++v) {
    auto const& shift = found.by_key.at(key(11 + v, "_miri")).shift_arcsec;
    auto const& nircam = found.by_key.at(key(1)).shift_arcsec;
    EXPECT_NEAR(shift[0] - nircam[0], Visits[0].error_east - miri[static_cast<std::size_t>(v)].error_east, ShiftBound);
    EXPECT_NEAR(shift[1] - nircam[1], Visits[0].error_north - miri[static_cast<std::size_t>(v)].error_north,
                ShiftBound);
  }
}

TEST(RunGetWcsAdjust, PlacesTheTargetOnACatalogue) {
  AdjustSurvey survey("adjust-catalogue");
  fill(survey);
  StarField const field(350, 25);
  if (survey.world.is_root()) {
    std::vector<double> ra, dec;
    for (auto const& star : field.stars) {
      // Blends are left out, as whoever makes a catalogue would: thinning by position favours their southern stars.
      auto const is_near = [&](std::array<double, 3> const& other) {
        return std::hypot(star[0] - other[0], star[1] - other[1]) < 0.7;
      };
      if (std::count_if(field.stars.begin(), field.stars.end(), is_near) > 1) continue;
      ra.push_back(StarField::Ra + star[0] / 3600 / std::cos(StarField::Dec * 0.017453292519943295));
      dec.push_back(StarField::Dec + star[1] / 3600);
    }
    io::SourceTable table;
    table.columns.push_back({"ra", "deg", "", ra, ""});
    table.columns.push_back({"dec", "deg", "", dec, ""});
    io::write_table(survey.folder() / "stars.fits", table);
  }
  survey.world.barrier();
  for (char const* method : {"tweakreg", "global"}) {
    survey.label = method;
    auto const outcome = survey.adjust(adjust_text(
        "'F300M'", std::string("alignment_catalogs = {NGC0628 = 'stars.fits'}\nmethod = '") + method + "'"));
    ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
    auto const found = survey.adjustments();
    for (int v = 1; v <= 3; ++v) {
      auto const& shift = found.by_key.at(key(v)).shift_arcsec;
      EXPECT_NEAR(shift[0], -Visits[static_cast<std::size_t>(v - 1)].error_east, ShiftBound) << method << v;
      // The official absolute stage takes the southernmost of the measurements of a star.
      double const bound = std::string(method) == "global" ? ShiftBound : CentreError;
      EXPECT_NEAR(shift[1], -Visits[static_cast<std::size_t>(v - 1)].error_north, bound) << method << v;
    }
    EXPECT_TRUE(std::filesystem::exists(survey.folder() / method / "ngc0628_ref_catalog.fits"));
  }
}

}  // namespace
}  // namespace tessera::steps
