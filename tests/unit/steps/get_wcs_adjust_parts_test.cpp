// The parts of get_wcs_adjust by themselves: parameters, keys and files, the order of matching.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "../../../src/steps/get_wcs_adjust/adjustment_files.hpp"
#include "../../../src/steps/get_wcs_adjust/align_jobs.hpp"
#include "../../../src/steps/get_wcs_adjust/merge_stars.hpp"
#include "../../../src/steps/get_wcs_adjust/overlap_tree.hpp"
#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/config/toml_file.hpp"
#include "tessera/core/error.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_options.hpp"

namespace tessera::steps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;

GetWcsAdjustOptions options_of(std::string const& text, std::string const& target, std::string const& band) {
  config::Survey survey;
  survey.parameters = config::parse_toml("[get_wcs_adjust]\n" + text, "config.toml");
  auto const facts = config::parse_band(band);
  return get_wcs_adjust_options(survey.resolve("get_wcs_adjust", target, &facts), facts);
}

std::string problem_of(std::string const& text, std::string const& band) {
  try {
    options_of(text, "ngc0628", band);
  } catch (ConfigError const& error) {
    return error.what();
  }
  return "";
}

MeasuredExposure measured(std::string const& exposure, double ra, double dec, double x, double y, double angle = 0) {
  MeasuredExposure result;
  result.exposure = exposure;
  result.plane.tangent = {ra, dec};
  model::WcsCorrection correction;
  correction.shift = {x / ArcsecPerRadian, y / ArcsecPerRadian};
  correction.matrix = {{{std::cos(angle), std::sin(angle)}, {-std::sin(angle), std::cos(angle)}}};
  result.correction = correction;
  return result;
}

MeasuredExposure reference(std::string const& exposure, double ra, double dec) {
  auto result = measured(exposure, ra, dec, 0, 0);
  result.correction.reset();
  return result;
}

std::vector<std::string> keys_of(config::WcsAdjustments const& adjustments) {
  std::vector<std::string> keys;
  for (auto const& [key, adjustment] : adjustments.by_key) keys.push_back(key);
  return keys;
}

std::string read_text(std::filesystem::path const& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST(GetWcsAdjustOptions, TakesTheMethodOfItsInstrument) {
  std::string const text = "bands = ['F300M', 'F1000W']\nmethod = {miri = 'cross_corr'}\ngroup_dithers = ['miri']\n";
  EXPECT_EQ(options_of(text, "ngc0628", "F1000W").method, AdjustMethod::CrossCorrelation);
  EXPECT_EQ(options_of(text, "ngc0628", "F300M").method, AdjustMethod::Tweakreg);
  EXPECT_TRUE(options_of(text, "ngc0628", "F1000W").group_dithers);
  EXPECT_FALSE(options_of(text, "ngc0628", "F300M").group_dithers);
  EXPECT_EQ(options_of("method = 'global'", "ngc0628", "F300M").method, AdjustMethod::Global);
}

TEST(GetWcsAdjustOptions, FindsTheCatalogueOfATargetWhateverItsLetters) {
  std::string const text = "[get_wcs_adjust.alignment_catalogs]\nNGC0628 = 'agb.fits'\n";
  EXPECT_EQ(options_of(text, "ngc0628", "F300M").catalogue, "agb.fits");
  EXPECT_EQ(options_of(text, "ngc1365", "F300M").catalogue, "");
  EXPECT_THAT(problem_of("alignment_catalogs = {ngc0628 = 3}", "F300M"), HasSubstr("alignment_catalogs.ngc0628"));
}

TEST(GetWcsAdjustOptions, FindsTheReferenceBandByBandInstrumentOrTarget) {
  std::string const bands = "bands = ['F300M', 'F335M', 'F1000W']\n";
  EXPECT_EQ(options_of(bands + "reference_band = {miri = 'F300M'}", "ngc0628", "F1000W").reference_band, "F300M");
  EXPECT_EQ(options_of(bands + "reference_band = {miri = 'F300M'}", "ngc0628", "F335M").reference_band, "");
  EXPECT_EQ(options_of(bands + "reference_band = {F1000W = 'F335M'}", "ngc0628", "F1000W").reference_band, "F335M");
  EXPECT_EQ(options_of(bands + "reference_band = {NGC0628 = {miri = 'F335M'}}", "ngc0628", "F1000W").reference_band,
            "F335M");
  EXPECT_EQ(options_of(bands + "reference_band = {nircam = 'F300M'}", "ngc0628", "F300M").reference_band, "")
      << "a band is its own reference";
  EXPECT_EQ(
      options_of(bands + "reference_band = {nircam = 'F300M', miri = 'F335M'}", "ngc0628", "F1000W").reference_band,
      "F335M");
}

TEST(GetWcsAdjustOptions, RefusesReferenceBandsThatCannotBe) {
  std::string const bands = "bands = ['F300M', 'F335M', 'F1000W']\n";
  EXPECT_THAT(problem_of(bands + "reference_band = {miri = 'F360M'}", "F1000W"), HasSubstr("F360M"));
  EXPECT_THAT(problem_of(bands + "reference_band = {F300M = 'F335M', F335M = 'F300M'}", "F300M"),
              HasSubstr("refer to each other"));
  EXPECT_THAT(problem_of(bands + "reference_band = {F300M = 'F335M', F335M = 'F1000W', F1000W = 'F335M'}", "F300M"),
              HasSubstr("refer to each other"));
  EXPECT_THAT(problem_of(bands + "reference_band = {miri = 3}", "F1000W"), HasSubstr("reference_band"));
  EXPECT_THAT(problem_of(bands + "method = 'cross_corr'\nreference_band = {miri = 'F300M'}", "F1000W"),
              HasSubstr("cross_corr"));
}

TEST(BandAdjustments, AverageTheExposuresOfAVisitAsPjpipeDoes) {
  auto const vector = test::read_vector("pj_config_names.json").at("wcs_adjust");
  std::vector<MeasuredExposure> exposures;
  int number = 0;
  for (auto const& shift : vector.at("shifts_arcsec"))
    exposures.push_back(
        measured(fmt::format("jw02107041001_02105_{:05d}_mirimage", ++number), 24.17, 15.78, shift.at(0), shift.at(1)));
  std::vector<std::string> nameless;
  auto const band = band_adjustments(exposures, {config::Instrument::Miri, true, false}, nameless);
  auto const merged = merge_adjustments(std::vector{band});
  auto const& mean = merged.by_key.at("jw02107041001");
  EXPECT_NEAR(mean.shift_arcsec[0], vector.at("mean").at(0).get<double>(), 1e-9);
  EXPECT_NEAR(mean.shift_arcsec[1], vector.at("mean").at(1).get<double>(), 1e-9);
  EXPECT_THAT(keys_of(merged), ElementsAre("jw02107041001", "jw02107041001_miri"));
  // What pjpipe would have written of it.
  config::WcsAdjustments plain;
  plain.by_key["jw02107041001"] = mean;
  EXPECT_EQ(config::format_wcs_adjust(plain, config::pjpipe_121_decimals), vector.at("file_text").get<std::string>());
}

TEST(BandAdjustments, HaveKeysByVisitModuleOrExposure) {
  std::vector<MeasuredExposure> const exposures{measured("jw02107041001_02105_00001_nrcalong", 24, 15, 1, 0),
                                                measured("jw02107041001_02105_00001_nrcblong", 24, 15, 2, 0),
                                                measured("jw02107041001_02105_00002_nrcblong", 24, 15, 4, 0),
                                                measured("a_plain_image", 24, 15, 9, 0)};
  std::vector<std::string> nameless;
  auto const keys = [&](bool group, bool degroup) {
    return keys_of(band_adjustments(exposures, {config::Instrument::Nircam, group, degroup}, nameless));
  };
  EXPECT_THAT(keys(true, false), ElementsAre("jw02107041001_nircam"));
  EXPECT_THAT(nameless, ElementsAre("a_plain_image"));
  EXPECT_THAT(keys(true, true), ElementsAre("jw02107041001_nrca", "jw02107041001_nrcb"));
  EXPECT_THAT(keys(false, false), ElementsAre("jw02107041001_02105_00001", "jw02107041001_02105_00002"));
  EXPECT_THAT(keys(false, true), ElementsAre("jw02107041001_02105_00001_nrca", "jw02107041001_02105_00001_nrcb",
                                             "jw02107041001_02105_00002_nrcb"));
  auto const modules = band_adjustments(exposures, {config::Instrument::Nircam, true, true}, nameless);
  EXPECT_NEAR(modules.by_key.at("jw02107041001_nrcb").shift_arcsec[0], 3, 1e-9);
  EXPECT_EQ(modules.by_key.at("jw02107041001_nrcb").files, 2);
  EXPECT_THAT(keys_of(merge_adjustments(std::vector{modules})), ElementsAre("jw02107041001_nrca", "jw02107041001_nrcb"))
      << "pjpipe takes the first key that fits: the visit alone would come before the modules";
}

TEST(BandAdjustments, KeepARotationAboutOnePoint) {
  // Two detectors 200" apart turned about the point between them: each moves by 100" times the angle, in its own plane.
  double const angle = 2e-4, half = 100 / 3600.0;
  std::vector<MeasuredExposure> const exposures{
      measured("jw02107041001_02105_00001_nrcalong", 24, half, 0.5 + 100 * angle, -0.2, angle),
      measured("jw02107041001_02105_00001_nrcblong", 24, -half, 0.5 - 100 * angle, -0.2, angle)};
  std::vector<std::string> nameless;
  auto const mean = band_adjustments(exposures, {config::Instrument::Nircam, true, false}, nameless)
                        .by_key.at("jw02107041001_nircam");
  ASSERT_TRUE(mean.tangent);
  EXPECT_NEAR((*mean.tangent)[1], 0, 1e-12);
  EXPECT_NEAR(mean.shift_arcsec[0], 0.5, 1e-7);
  EXPECT_NEAR(mean.shift_arcsec[1], -0.2, 1e-5);
  EXPECT_NEAR(mean.matrix[0][1], std::sin(angle), 1e-10);
}

TEST(MergeAdjustments, AverageOverInstrumentsWeightedByExposures) {
  std::vector<std::string> nameless;
  auto const nircam = band_adjustments(std::vector{measured("jw02107041001_02105_00001_nrcalong", 24, 15, 0.3, 0),
                                                   measured("jw02107041001_02105_00001_nrcblong", 24, 15, 0.3, 0),
                                                   measured("jw02107042001_02105_00001_nrcblong", 24, 15, 0.7, 0)},
                                       {config::Instrument::Nircam, true, false}, nameless);
  auto const miri = band_adjustments(std::vector{measured("jw02107041001_03105_00001_mirimage", 24, 15, 0, 0.9)},
                                     {config::Instrument::Miri, true, false}, nameless);
  auto const merged = merge_adjustments(std::vector{nircam, miri});
  EXPECT_THAT(keys_of(merged), ElementsAre("jw02107041001", "jw02107041001_miri", "jw02107041001_nircam",
                                           "jw02107042001", "jw02107042001_nircam"));
  EXPECT_NEAR(merged.by_key.at("jw02107041001").shift_arcsec[0], 0.2, 1e-9);
  EXPECT_NEAR(merged.by_key.at("jw02107041001").shift_arcsec[1], 0.3, 1e-9);
  EXPECT_NEAR(merged.by_key.at("jw02107041001_nircam").shift_arcsec[0], 0.3, 1e-9);
  EXPECT_NEAR(merged.by_key.at("jw02107041001_miri").shift_arcsec[1], 0.9, 1e-9);
  EXPECT_FALSE(merged.by_key.at("jw02107041001").tangent) << "pjpipe's own meaning";
}

TEST(MergeAdjustments, GiveAReferenceVisitAKeyOfItsInstrumentAlone) {
  std::vector<std::string> nameless;
  auto const nircam = band_adjustments(std::vector{reference("jw02107041001_02105_00001_nrcalong", 24, 15),
                                                   reference("jw02107041001_02105_00002_nrcalong", 24.01, 15)},
                                       {config::Instrument::Nircam, true, false}, nameless);
  EXPECT_EQ(nircam.by_key.at("jw02107041001_nircam").shift_arcsec, (std::array<double, 2>{0, 0}));
  EXPECT_THAT(keys_of(merge_adjustments(std::vector{nircam})), ElementsAre("jw02107041001_nircam"));
}

TEST(WriteTargetFile, MovesAsideAFileThatNoRunMade) {
  test::ScratchFolder scratch("wcs-adjust-files");
  auto const path = scratch.path() / "ngc0628_wcs_adjust.toml";
  config::WcsAdjustments first, second;
  first.by_key["jw02107041001"].shift_arcsec = {0.1, 0};
  second.by_key["jw02107041001"].shift_arcsec = {0.2, 0};
  store::Manifest manifest;
  manifest.step = "get_wcs_adjust";
  EXPECT_EQ(write_target_file(path, first, manifest), "");
  EXPECT_EQ(write_target_file(path, second, manifest), "") << "its own file it replaces";
  EXPECT_EQ(read_text(path), config::format_wcs_adjust(second));

  std::ofstream(path, std::ios::app) << "# edited\n";
  EXPECT_EQ(write_target_file(path, first, manifest), path.string() + ".bak1");
  EXPECT_EQ(read_text(path.string() + ".bak1"), config::format_wcs_adjust(second) + "# edited\n");

  std::filesystem::remove(store::manifest_path(path));
  std::ofstream(path) << "[wcs_adjust]\n";
  EXPECT_EQ(write_target_file(path, first, manifest), path.string() + ".bak2");
  EXPECT_EQ(read_text(path), config::format_wcs_adjust(first));
  ASSERT_TRUE(store::read_manifest(path));
  EXPECT_EQ(store::read_manifest(path)->step, "get_wcs_adjust");

  std::filesystem::remove(store::manifest_path(path));
  EXPECT_EQ(write_target_file(path, first, manifest), "") << "the same contents need no copy";
}

TEST(GrowTree, StartsWithTheLargestOverlapAndGoesOnFromAnyThatIsMatched) {
  std::vector<OverlapPair> pairs{{0, 1, 50}, {0, 2, 10}, {1, 2, 100}, {2, 3, 40}, {1, 3, 30}, {4, 5, 70}};
  auto const tree = grow_tree(7, pairs);
  EXPECT_THAT(tree.references, ElementsAre(1, 4));
  ASSERT_EQ(tree.edges.size(), 4u);
  std::vector<std::array<int, 3>> edges;
  for (auto const& edge : tree.edges) edges.push_back({edge.image, edge.reference, edge.pair});
  EXPECT_THAT(edges, ElementsAre(std::array{2, 1, 2}, std::array{0, 1, 0}, std::array{3, 2, 3}, std::array{5, 4, 5}));
}

TEST(GrowTree, GoesAroundPairsThatCannotBeUsed) {
  std::vector<OverlapPair> pairs{{0, 1, 50}, {1, 2, 40}, {0, 2, 30}};
  pairs[1].is_usable = false;
  auto const tree = grow_tree(3, pairs);
  EXPECT_THAT(tree.references, ElementsAre(0));
  ASSERT_EQ(tree.edges.size(), 2u);
  EXPECT_EQ(tree.edges[1].image, 2);
  EXPECT_EQ(tree.edges[1].reference, 0);
  pairs[2].is_usable = false;
  EXPECT_EQ(grow_tree(3, pairs).edges.size(), 1u);
}

namespace {

BandToAlign band_to_align(std::string const& band, std::string const& reference = "",
                          AdjustMethod method = AdjustMethod::Tweakreg, std::string const& target = "ngc0628") {
  GetWcsAdjustOptions options;
  options.method = method;
  options.reference_band = reference;
  return {target, band, config::parse_band(band).instrument, options};
}

}  // namespace

TEST(PlanJobs, DoesReferencesFirst) {
  std::vector<BandToAlign> const bands{band_to_align("F2100W", "F1000W"), band_to_align("F1000W", "F300M"),
                                       band_to_align("F300M"),
                                       band_to_align("F300M", "", AdjustMethod::Tweakreg, "ngc1365")};
  auto const plan = plan_jobs(bands, {});
  EXPECT_THAT(plan.problems, testing::Each(""));
  EXPECT_EQ(plan.levels, 3);
  std::vector<int> levels;
  for (auto const& job : plan.jobs) levels.push_back(job.level);
  EXPECT_THAT(levels, ElementsAre(2, 1, 0, 0));
  EXPECT_THAT(plan.jobs[0].references, ElementsAre(1u));
  EXPECT_TRUE(plan.is_reference(2));
  EXPECT_FALSE(plan.is_reference(3)) << "of another target";
}

TEST(PlanJobs, TakesTheBandsOfAnInstrumentTogether) {
  auto const global = AdjustMethod::Global;
  std::vector<BandToAlign> const bands{band_to_align("F1000W", "F300M", global), band_to_align("F300M", "", global),
                                       band_to_align("F335M", "F300M", global), band_to_align("F770W", "", global),
                                       band_to_align("F335M", "", global, "ngc1365")};
  auto const plan = plan_jobs(bands, {});
  ASSERT_EQ(plan.jobs.size(), 3u);
  EXPECT_THAT(plan.jobs[0].tasks, ElementsAre(0u, 3u));
  EXPECT_THAT(plan.jobs[0].references, ElementsAre(1u));
  EXPECT_EQ(plan.jobs[0].level, 1);
  EXPECT_THAT(plan.jobs[1].tasks, ElementsAre(1u, 2u));
  EXPECT_TRUE(plan.jobs[1].references.empty()) << "its own";
  EXPECT_THAT(plan.jobs[2].tasks, ElementsAre(4u));
}

TEST(PlanJobs, SaysWhichCannotBeDone) {
  auto const global = AdjustMethod::Global;
  std::vector<BandToAlign> const bands{
      band_to_align("F300M"), band_to_align("F1000W", "F335M"), band_to_align("F770W", "F1000W"),
      band_to_align("F360M", "", AdjustMethod::CrossCorrelation), band_to_align("F2100W", "F360M")};
  auto const plan = plan_jobs(bands, {});
  EXPECT_THAT(plan.problems, ElementsAre("", HasSubstr("F335M has no exposures"), HasSubstr("F1000W is not aligned"),
                                         "", HasSubstr("has no stars")));
  EXPECT_EQ(plan.jobs.size(), 1u);
  EXPECT_THAT(plan_jobs(bands, {"its parameters", "", "", "", ""}).problems[0], "its parameters");
  // Together with the others of its instrument a band may be matched to one that is matched to it.
  std::vector<BandToAlign> const circle{band_to_align("F300M", "F770W", global), band_to_align("F335M", "", global),
                                        band_to_align("F770W", "", global), band_to_align("F1000W", "F335M", global)};
  auto const none = plan_jobs(circle, {});
  EXPECT_TRUE(none.jobs.empty());
  EXPECT_THAT(none.problems, testing::Each(HasSubstr("refer to each other")));
}

TEST(MergeStars, AveragesWhatSeveralImagesSaw) {
  auto const at = [](double ra, double dec) {
    model::Star star;
    star.ra = ra;
    star.dec = dec;
    return star;
  };
  double const mas = 1 / 3.6e6;
  std::vector<std::vector<model::Star>> const lists{
      {at(0, 10), at(120, -50)},
      {at(360 - 20 * mas, 10), at(120, -50 + 100 * mas), at(std::numeric_limits<double>::quiet_NaN(), 0)},
      {at(10 * mas, 10 + 30 * mas), at(120, -50 - 20 * mas)}};
  auto const merged = merge_stars(lists, 0.05);
  ASSERT_EQ(merged.size(), 3u);
  EXPECT_NEAR(std::remainder(merged[0].ra, 360) / mas, -10.0 / 3, 1e-3);
  EXPECT_NEAR((merged[0].dec - 10) / mas, 10, 1e-3);
  EXPECT_NEAR((merged[1].dec + 50) / mas, -10, 1e-3);
  EXPECT_NEAR((merged[2].dec + 50) / mas, 100, 1e-3) << "100 mas away: another star";
  EXPECT_TRUE(merge_stars({}, 0.05).empty());
}

}  // namespace tessera::steps
