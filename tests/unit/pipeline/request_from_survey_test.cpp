// A survey's request from small made-up trees of exposures.
#include <gtest/gtest.h>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/pipeline/run_plan.hpp"

namespace tessera::pipeline {
namespace {

class SmallSurvey : public testing::Test {
 protected:
  /// Parses a configuration for this tree; `rest` comes after the top level.
  config::Survey survey(std::string const& bands, std::string const& rest = "",
                        std::string const& targets = "'ngc0628'") const {
    std::string skips = "\n[parameters.lv3.jwst_parameters]\n";
    for (char const* step : {"tweakreg", "skymatch", "outlier_detection", "source_catalog"})
      skips += std::string(step) + ".skip = true\n";
    return config::parse_survey(
        {"targets = [" + targets + "]\nversion = 'v1'\nbands = [" + bands + "]\nsteps = ['lv3']\n" + rest + skips,
         "raw_dir = '" + raw_.string() + "'\nreprocess_dir = '" + work_.string() + "'\nalignment_dir = '/align'\n"});
  }
  void write(std::filesystem::path const& path, std::string const& filter, std::string const& pupil = "CLEAR",
             std::string const& target = "NGC-0628") const {
    auto primary = test::nircam_primary(filter, pupil);
    primary.set("TARGPROP", target);
    test::write_nircam(path, 16, 16, 30, 10, primary);
  }
  /// A raw file where the archive's layout has it.
  std::filesystem::path raw(std::string const& name, std::string const& target = "ngc0628") const {
    return raw_ / target / "mastDownload" / "JWST" / name / (name + "_cal.fits");
  }
  static std::vector<std::string> exposures(RunRequest const& request, std::size_t mosaic) {
    std::vector<std::string> names;
    for (int const member : request.mosaics.at(mosaic).members)
      names.push_back(request.inventory.records.at(static_cast<std::size_t>(member)).identity.label());
    return names;
  }
  using Names = std::vector<std::string>;

  test::ScratchFolder scratch_{"survey"};
  std::filesystem::path raw_ = scratch_.path() / "raw", work_ = scratch_.path() / "work";
  parallel::Communicator alone_;
};

TEST_F(SmallSurvey, DividesTheArchivesFilesOverBandsByFilterAndPupil) {
  write(raw("jw1_b_nrcalong"), "F300M");
  write(raw("jw1_a_nrcalong"), "F300M");
  write(raw("jw1_c_nrcalong"), "F335M");
  auto const request = request_from_survey(alone_, survey("'F335M', 'F300M'"));
  EXPECT_TRUE(request.missing.empty()) << request.missing.front();
  ASSERT_EQ(request.mosaics.size(), 2u);
  EXPECT_EQ(request.mosaics[0].product, "ngc0628_nircam_lv3_f335m");
  EXPECT_EQ(request.mosaics[0].folder, work_ / "v1" / "ngc0628" / "F335M" / "lv3");
  EXPECT_EQ(exposures(request, 0), (Names{"ngc0628/F335M/jw1_c_nrcalong"}));
  EXPECT_EQ(exposures(request, 1), (Names{"ngc0628/F300M/jw1_a_nrcalong", "ngc0628/F300M/jw1_b_nrcalong"}));
}

TEST_F(SmallSurvey, TakesTheNewestStepFolderBeforeTheArchive) {
  write(raw("jw1_a_nrcalong"), "F300M");
  auto const band = work_ / "v1" / "ngc0628" / "F300M";
  write(band / "cal" / "jw1_x_nrcalong_cal.fits", "F300M");
  auto const request = request_from_survey(alone_, survey("'F300M'"));
  EXPECT_EQ(exposures(request, 0), (Names{"ngc0628/F300M/jw1_x_nrcalong"}));
}

TEST_F(SmallSurvey, ListedInputsReplaceTheArchiveAndAreMatchedToTargetsByName) {
  auto const mine = scratch_.path() / "mine";
  write(mine / "one_cal.fits", "F300M", "CLEAR", "NGC 0628");
  write(mine / "deep" / "two_cal.fits", "F300M", "CLEAR", "ic5332");
  write(mine / "notes_i2d.fits", "F300M");
  auto const request = request_from_survey(
      alone_, survey("'F300M'", "[tessera]\ninputs = ['" + mine.string() + "']\n", "'ngc0628', 'ic5332'"));
  ASSERT_EQ(request.mosaics.size(), 2u);
  EXPECT_EQ(exposures(request, 0), (Names{"ngc0628/F300M/one"}));
  EXPECT_EQ(exposures(request, 1), (Names{"ic5332/F300M/two"}));
}

TEST_F(SmallSurvey, SaysWhichBandsHaveNoExposures) {
  write(raw("jw1_a_nrcalong"), "F300M");
  auto const request = request_from_survey(alone_, survey("'F300M', 'F335M', 'F770W'"));
  ASSERT_EQ(request.missing.size(), 2u);
  EXPECT_NE(request.missing[0].find("F335M"), std::string::npos) << request.missing[0];
  EXPECT_NE(request.missing[1].find("F770W"), std::string::npos) << request.missing[1];
  EXPECT_EQ(request.mosaics.size(), 1u);
}

TEST_F(SmallSurvey, ABandWhoseFilesAreAllBrokenDoesNotStopTheOthers) {
  write(raw("jw1_a_nrcalong"), "F300M");
  write(raw("jw1_b_nrcalong"), "F335M");
  std::filesystem::resize_file(raw("jw1_b_nrcalong"), 5900);
  auto const request = request_from_survey(alone_, survey("'F300M', 'F335M'"));
  EXPECT_TRUE(request.missing.empty());
  EXPECT_EQ(request.mosaics.size(), 1u);
  ASSERT_EQ(request.inventory.broken.size(), 1u);
  EXPECT_EQ(request.inventory.broken[0].path, raw("jw1_b_nrcalong").string());
}

TEST_F(SmallSurvey, ResolvesTheParametersOfResample) {
  write(raw("jw1_a_nrcalong"), "F300M");
  auto const request = request_from_survey(
      alone_, survey("'F300M'",
                     "[parameters.lv3.jwst_parameters.resample]\nkernel = 'turbo'\npixfrac = 0.7\nrotation = 12.5\n"
                     "weight_type = 'exptime'\nfillval = '0'\ncrval = [30.5, 10.25]\noutput_shape = [400, 300]\n"));
  auto const& options = request.mosaics.at(0).options;
  EXPECT_EQ(options.kernel, kernels::DrizzleKernel::Turbo);
  EXPECT_EQ(options.pixfrac, 0.7);
  EXPECT_EQ(options.grid.rotation, 12.5);
  EXPECT_EQ(options.weight_type, kernels::WeightType::Exptime);
  EXPECT_EQ(options.fillval, 0);
  ASSERT_TRUE(options.grid.crval);
  EXPECT_EQ(options.grid.crval->dec, 10.25);
  EXPECT_EQ(options.grid.output_shape, (std::array<std::int64_t, 2>{400, 300}));
}

TEST_F(SmallSurvey, WithoutLv3ThereIsNothingToDo) {
  auto text = survey("'F300M'");
  text.steps.clear();
  EXPECT_EQ(request_from_survey(alone_, text).missing.size(), 1u);
}

TEST_F(SmallSurvey, ThePlanCountsWhatItReadsAndWrites) {
  write(raw("jw1_a_nrcalong"), "F300M");
  write(raw("jw1_b_nrcalong"), "F300M");
  auto const plan = make_run_plan(alone_, request_from_survey(alone_, survey("'F300M'")), std::int64_t{1} << 30, 3);
  EXPECT_TRUE(plan.request.missing.empty());
  ASSERT_EQ(plan.mosaics.size(), 1u);
  EXPECT_EQ(plan.ranks, 3);
  EXPECT_EQ(plan.bytes_to_read, static_cast<std::int64_t>(2 * std::filesystem::file_size(raw("jw1_a_nrcalong"))));
  EXPECT_EQ(plan.bytes_to_write, plan.mosaics[0].bytes_fits() + plan.mosaics[0].bytes_hdf5());
  auto const text = describe(plan);
  EXPECT_NE(text.find("plan for 3 ranks"), std::string::npos);
  EXPECT_NE(text.find("ngc0628_nircam_lv3_f300m"), std::string::npos);
}

TEST_F(SmallSurvey, APlanWithoutMemoryOrDiskIsMissingThem) {
  write(raw("jw1_a_nrcalong"), "F300M");
  auto const little = make_run_plan(alone_, request_from_survey(alone_, survey("'F300M'")), 1 << 20);
  ASSERT_EQ(little.request.missing.size(), 1u);
  EXPECT_NE(little.request.missing[0].find("at least"), std::string::npos) << little.request.missing[0];
  auto const huge = make_run_plan(
      alone_,
      request_from_survey(
          alone_, survey("'F300M'", "[parameters.lv3.jwst_parameters.resample]\noutput_shape = [3000000, 3000000]\n")),
      std::int64_t{1} << 30);
  ASSERT_EQ(huge.request.missing.size(), 1u);
  EXPECT_NE(huge.request.missing[0].find("too large"), std::string::npos) << huge.request.missing[0];
  EXPECT_TRUE(huge.mosaics.empty());
}

}  // namespace
}  // namespace tessera::pipeline
