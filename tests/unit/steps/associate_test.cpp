// Science and its backgrounds: who is what, which offs fit, selection and weights by time.
#include "tessera/steps/lv2/associate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/lv2_parameters.hpp"
#include "tessera/steps/lv2/off_field.hpp"

namespace tessera::steps {
namespace {

using config::Value;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::map<std::string, Value> with_miri(std::map<std::string, Value> settings = {}) {
  settings["bgr_observation_types"] = Value(Value::List{"miri"});
  return settings;
}

class Associate : public testing::Test {
 protected:
  std::vector<RateRecord> records_;
  std::string band_ = "F770W";

  RateRecord& add(char sequence, double middle, std::string const& visit = "001") {
    RateRecord record;
    record.identity = {
        "ngc0628", band_,
        "jw02107041" + visit + "_02" + sequence + "01_0000" + std::to_string(records_.size()) + "_mirimage",
        model::Half::Whole};
    record.path = "/data/" + record.identity.exposure + "_rate.fits";
    record.instrument = "MIRI";
    record.detector = "MIRIMAGE";
    record.subarray = "FULL";
    record.readpatt = "FASTR1";
    record.program = "02107";
    record.observation = "041";
    record.visit = visit;
    record.target_name = "NGC-0628";
    record.parallel_sequence = std::string(1, sequence);
    record.start = middle - 0.001;
    record.helio_mid = middle;
    return records_.emplace_back(std::move(record));
  }
  BandAssociations make(std::map<std::string, Value> const& settings) const {
    std::vector<int> members;
    for (std::size_t k = 0; k < records_.size(); ++k) members.push_back(static_cast<int>(k));
    return associate(records_, members, config::parse_band(band_), test::lv2_parameters(settings));
  }
};

TEST_F(Associate, EveryScienceExposureGetsAllOffsInOrderOfTime) {
  add('1', 100);
  add('2', 103);
  add('1', 101);
  add('2', 102);
  auto const made = make(with_miri());
  ASSERT_EQ(made.associations.size(), 2u);
  EXPECT_EQ(made.associations[0].science, 0);
  EXPECT_EQ(made.associations[1].science, 2);
  for (auto const& association : made.associations) {
    EXPECT_THAT(association.backgrounds, ElementsAre(3, 1));
    EXPECT_THAT(association.weights, ElementsAre(1, 1));
  }
  EXPECT_EQ(made.associations[0].days_to_backgrounds, -2.5);
  EXPECT_EQ(made.associations[1].days_to_backgrounds, -1.5);
}

TEST_F(Associate, NoneIsSubtractedWhereTheInstrumentIsNotListed) {
  add('1', 100);
  add('2', 100);
  for (auto const& made : {make({}), make({{"bgr_observation_types", Value(Value::List{"nircam"})}})}) {
    ASSERT_EQ(made.associations.size(), 1u);
    EXPECT_THAT(made.associations[0].backgrounds, IsEmpty());
    EXPECT_FALSE(made.associations[0].days_to_backgrounds);
  }
  records_[0].options.skip_bkg_subtract = true;
  EXPECT_THAT(make(with_miri()).associations[0].backgrounds, IsEmpty());
}

TEST_F(Associate, ABackgroundBandIsMadeOfOffsAlone) {
  band_ = "F770W_bgr";
  add('1', 100);
  add('2', 100);
  auto const made = make(with_miri());
  ASSERT_EQ(made.associations.size(), 1u);
  EXPECT_EQ(made.associations[0].science, 1);
  EXPECT_THAT(made.associations[0].backgrounds, IsEmpty());
}

TEST_F(Associate, OffsThatAreScienceTooAreNeverSubtractedFromThemselves) {
  add('1', 100);
  add('2', 100);
  auto const alone = make(with_miri({{"process_bgr_like_science", Value(true)}}));
  ASSERT_EQ(alone.associations.size(), 2u);
  EXPECT_THAT(alone.associations[0].backgrounds, ElementsAre(1));
  EXPECT_THAT(alone.associations[1].backgrounds, IsEmpty());
  add('2', 101);
  EXPECT_THAT(make(with_miri({{"process_bgr_like_science", Value(true)}})).associations[1].backgrounds, ElementsAre(2));
}

TEST_F(Associate, OnlyOffsOfTheSameDetectorSubarrayAndReadoutFit) {
  add('1', 100);
  add('2', 100).subarray = "SUB256";
  add('2', 100).readpatt = "SLOWR1";
  add('2', 100).detector = "OTHER";
  try {
    make(with_miri());
    FAIL() << "no refusal";
  } catch (InputError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("MIRIMAGE FULL FASTR1 (1)"));
    EXPECT_THAT(error.what(), HasSubstr("MIRIMAGE SUB256 FASTR1 (1)"));
  }
  add('2', 100);
  auto const made = make(with_miri());
  EXPECT_THAT(made.associations[0].backgrounds, ElementsAre(4));
  ASSERT_EQ(made.warnings.size(), 1u);
  EXPECT_THAT(made.warnings[0], HasSubstr("MIRIMAGE FULL SLOWR1 (1), MIRIMAGE SUB256 FASTR1 (1), OTHER"));
}

TEST_F(Associate, OffsOfOtherDaysAreSaid) {
  add('1', 100);
  add('2', 101.5);
  EXPECT_THAT(make(with_miri()).warnings, IsEmpty());
  add('2', 112.5);
  auto const made = make(with_miri());
  ASSERT_EQ(made.warnings.size(), 1u);
  EXPECT_THAT(made.warnings[0], HasSubstr("7.0 days after"));
}

TEST_F(Associate, TheNearestOffsAreChosenForAVisitTogether) {
  add('1', 100, "001");
  add('1', 101, "001");
  add('1', 110, "002");
  for (double const time : {98.0, 99.0, 102.5, 109.5, 111.0}) add('2', time);
  auto const made = make(with_miri({{"off_selection", Value(2)}}));
  // About 100.5 and 110: the first two exposures share their list, though 98 is nearer to the first than 102.5.
  EXPECT_THAT(made.associations[0].backgrounds, ElementsAre(4, 5));
  EXPECT_THAT(made.associations[1].backgrounds, ElementsAre(4, 5));
  EXPECT_THAT(made.associations[2].backgrounds, ElementsAre(6, 7));
  EXPECT_EQ(make(with_miri({{"off_selection", Value(9)}})).associations[0].backgrounds.size(), 5u);
}

TEST_F(Associate, WeightsFallOffWithTimeFromTheVisit) {
  add('1', 100);
  for (double const time : {99.0, 100.5, 103.0}) add('2', time);
  auto const weights = make(with_miri({{"off_weighting_days", Value(2.0)}})).associations[0].weights;
  // exp(-|dt| / 2), the nearest (half a day) taken as 1.
  EXPECT_THAT(weights, ElementsAre(DoubleEq(std::exp(-0.25)), DoubleEq(1), DoubleEq(std::exp(-1.25))));
}

TEST_F(Associate, OffsOfNoWeightAreLeftOutAndTheNearestNever) {
  add('1', 100);
  for (double const time : {101.0, 114.0, 115.5}) add('2', time);
  // exp(-13) = 2e-6 stays, exp(-14.5) = 5e-7 does not.
  auto const made = make(with_miri({{"off_weighting_days", Value(1.0)}}));
  EXPECT_THAT(made.associations[0].backgrounds, ElementsAre(1, 2));
  EXPECT_THAT(made.associations[0].weights, ElementsAre(1, DoubleEq(std::exp(-13))));
  EXPECT_EQ(made.associations[0].days_to_backgrounds, -7.5);  // of those that are left
  ASSERT_EQ(made.warnings.size(), 2u);
  EXPECT_THAT(made.warnings[0], HasSubstr("1 of 3 offs"));
  EXPECT_THAT(made.warnings[0], HasSubstr("off_weighting_days = 1"));
  // Ten thousand time scales from the nearest, and more from the others.
  auto const sharp = make(with_miri({{"off_weighting_days", Value(1e-4)}})).associations[0];
  EXPECT_THAT(sharp.backgrounds, ElementsAre(1));
  EXPECT_THAT(sharp.weights, ElementsAre(1));
  EXPECT_THAT(make(with_miri({{"off_weighting_days", Value(100.0)}})).warnings, testing::SizeIs(1));
}

TEST_F(Associate, TimesAreNeededOnlyWhereTheyAreUsed) {
  add('1', 100);
  add('2', 100).helio_mid = 0;
  EXPECT_FALSE(make(with_miri()).associations[0].days_to_backgrounds);
  EXPECT_THROW(make(with_miri({{"off_selection", Value(1)}})), InputError);
}

TEST_F(Associate, FilesNameMembersAsTheOfficialPipelineReadsThem) {
  add('1', 100.5);
  add('2', 100);
  add('2', 101);
  auto const json = nlohmann::json::parse(association_json(records_, make(with_miri()), "asn_lv2_F770W"));
  EXPECT_EQ(json["asn_type"], "image2");
  EXPECT_EQ(json["asn_rule"], "DMSLevel2bBase");
  ASSERT_EQ(json["products"].size(), 1u);
  auto const& product = json["products"][0];
  EXPECT_EQ(product["name"], records_[0].identity.exposure);
  EXPECT_EQ(product["array"], "full");
  ASSERT_EQ(product["members"].size(), 3u);
  EXPECT_EQ(product["members"][0]["expname"], records_[0].path);
  EXPECT_EQ(product["members"][0]["exptype"], "science");
  EXPECT_EQ(product["members"][2]["expname"], records_[2].path);
  EXPECT_EQ(product["members"][2]["exptype"], "background");
  EXPECT_EQ(product["members"][0]["scibgroffset"], "0");
  EXPECT_EQ(
      nlohmann::json::parse(association_json(records_, make({}), ""))["products"][0]["members"][0]["scibgroffset"],
      "null");
}

bool is_off(FieldFacts const& facts, std::map<std::string, Value> const& settings, std::string const& band = "F770W") {
  return is_off_field(facts, config::parse_band(band), test::lv2_parameters(settings));
}

TEST(IsOffField, ParallelExposuresOfMiriAreOffs) {
  EXPECT_TRUE(is_off({"/d/a_rate.fits", "", "2"}, {}));
  EXPECT_FALSE(is_off({"/d/a_rate.fits", "off", "1"}, {}));
  EXPECT_FALSE(is_off({"/d/a_rate.fits", "", "2"}, {}, "F300M"));
  EXPECT_FALSE(is_off({"/d/a_rate.fits", "", "3"}, {}));
  // The file name says it where the header does not.
  EXPECT_TRUE(is_off({"/d/jw02107041001_02201_00001_mirimage_rate.fits", "", ""}, {}));
  EXPECT_FALSE(is_off({"/d/jw02107041001_02101_00001_mirimage_rate.fits", "", ""}, {}));
}

TEST(IsOffField, NamesAreComparedWithoutCaseAndBlanksAround) {
  std::map<std::string, Value> const by_target{{"bgr_check_type", Value("check_in_name")},
                                               {"bgr_background_name", Value(Value::List{" OFF ", "sky"})}};
  EXPECT_TRUE(is_off({"/off/a_rate.fits", " M33-Off", "1"}, by_target));
  EXPECT_TRUE(is_off({"/d/a_rate.fits", "M33SKY", "1"}, by_target, "F300M"));
  EXPECT_FALSE(is_off({"/off/a_rate.fits", "M33", "2"}, by_target));
  std::map<std::string, Value> const by_file{{"bgr_check_type", Value("filename")},
                                             {"bgr_background_name", Value(Value::List{"off"})}};
  EXPECT_TRUE(is_off({"/d/a_OFF_rate.fits", "", "1"}, by_file));
  EXPECT_FALSE(is_off({"/off/a_rate.fits", "off", "1"}, by_file));
  EXPECT_FALSE(is_off({"/d/a_rate.fits", "a", "1"},
                      {{"bgr_check_type", Value("check_in_name")}, {"bgr_background_name", Value(Value::List{" "})}}));
}

}  // namespace
}  // namespace tessera::steps
