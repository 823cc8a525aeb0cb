// What apply_wcs_adjust makes of files of shifts that are not as they should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/exposure_files.hpp"
#include "support/step_run.hpp"
#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"
#include "tessera/store/exposure_reader.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;

class WcsAdjustments : public testing::Test {
 protected:
  WcsAdjustments() : survey_(make_records()) { std::filesystem::create_directories(out_); }

  std::vector<store::ExposureRecord> make_records() {
    std::vector<store::ExposureRecord> records;
    std::vector<store::InputNote> notes;
    for (char const* name : {"jw02107041001_02101_00001_nrcalong", "jw02107041001_02101_00002_nrcalong",
                             "jw02107042001_02101_00001_nrcalong", "no_jwst_name"}) {
      auto const path = scratch_.path() / (std::string(name) + "_cal.fits");
      test::write_nircam(path, 20, 16, 30, 10);
      records.push_back(store::examine_exposure({"galaxy", "F300M", path.string(), "", ""}, notes).value());
    }
    return records;
  }

  /// Runs the step on a file of this text; returns the messages of what failed.
  std::vector<std::string> run(std::string const& text) {
    std::filesystem::remove_all(out_);
    std::filesystem::create_directories(out_);
    if (!text.empty()) std::ofstream(task_.adjustments) << text;
    std::vector<std::string> messages;
    for (auto const& failure : survey_.run(run_apply_wcs_adjust, {task_}).failures) {
      EXPECT_EQ(failure.item, "galaxy F300M");
      messages.push_back(failure.message);
    }
    EXPECT_EQ(std::filesystem::exists(task_.ledger_file), messages.empty());
    return messages;
  }

  /// The shift in arcsec that an exposure got; nothing where it got none.
  std::optional<std::array<double, 2>> shift_of(std::size_t record) {
    auto const entries = test::ledger_of(task_).entries(survey_.records[record].identity);
    if (entries.empty()) return {};
    auto const& shift = std::get<model::WcsCorrection>(entries.at(0).correction).shift;
    return std::array{shift[0] * 206264.80624709636, shift[1] * 206264.80624709636};
  }

  test::ScratchFolder scratch_{"wcs-adjustments"};
  std::filesystem::path out_ = scratch_.path() / "out";
  test::StepRun survey_;
  BandTask task_ = survey_.task("apply_wcs_adjust", out_, "F300M");
};

TEST_F(WcsAdjustments, GivesEachExposureTheShiftOfItsVisit) {
  EXPECT_TRUE(run("[wcs_adjust]\njw02107041001.shift = [0.1, -0.02]\n").empty());
  for (std::size_t k = 0; k < 2; ++k) {
    auto const shift = shift_of(k).value();
    EXPECT_NEAR(shift[0], 0.1, 1e-12);
    EXPECT_NEAR(shift[1], -0.02, 1e-12);
  }
  EXPECT_FALSE(shift_of(2));
  EXPECT_FALSE(shift_of(3)) << "no visit in its name";
}

TEST_F(WcsAdjustments, TheVectorsFileOfPjpipeIsApplied) {
  auto const vector = test::read_vector("pj_config_names.json").at("wcs_adjust");
  EXPECT_TRUE(run(vector.at("file_text")).empty());
  auto const shift = shift_of(0).value();
  // three decimals in the file
  EXPECT_NEAR(shift[0], vector.at("mean").at(0).get<double>(), 0.00051);
  EXPECT_NEAR(shift[1], vector.at("mean").at(1).get<double>(), 0.00051);
}

TEST_F(WcsAdjustments, SaysWhatToDoWithoutAFile) {
  auto const messages = run("");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages[0], HasSubstr("galaxy_wcs_adjust.toml"));
  EXPECT_THAT(messages[0], HasSubstr("copy the file from an earlier run"));
  EXPECT_THAT(messages[0], HasSubstr("take apply_wcs_adjust out of the steps"));
}

TEST_F(WcsAdjustments, NamesTheLineOfAFileThatIsNoToml) {
  auto const messages = run("[wcs_adjust]\njw02107041001.shift = [0.1, -0.02\n");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages[0], HasSubstr("galaxy_wcs_adjust.toml"));
  EXPECT_EQ(run("jw02107041001 = 3\n").size(), 1u) << "no table [wcs_adjust]";
  EXPECT_EQ(run("[wcs_adjust]\njw02107041001.shift = [0.1]\n").size(), 1u);
}

TEST_F(WcsAdjustments, RefusesAMatrixThatCannotBeInverted) {
  auto const messages =
      run("[wcs_adjust]\njw02107041001.shift = [0.1, 0.1]\njw02107041001.matrix = [[1.0, 2.0], [2.0, 4.0]]\n");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages[0], HasSubstr("wcs_adjust.jw02107041001"));
  EXPECT_THAT(messages[0], HasSubstr("inverted"));
  EXPECT_EQ(run("[wcs_adjust]\njw02107041001.shift = [nan, 0.1]\n").size(), 1u);
}

TEST_F(WcsAdjustments, TurnsAVisitAboutItsTangentPoint) {
  // The exposures lie at (30, 10) degrees, the tangent point 100" south of it: a rotation there moves them east.
  double const angle = 1e-3;
  EXPECT_TRUE(run(fmt::format("[wcs_adjust]\njw02107041001_nircam.shift = [0.2, 0.1]\n"
                              "jw02107041001_nircam.matrix = [[1.0, {0}], [-{0}, 1.0]]\n"
                              "jw02107041001_nircam.tangent = [30.0, {1:.9f}]\n",
                              angle, 10 - 100 / 3600.0))
                  .empty());
  auto const shift = shift_of(0).value();
  EXPECT_NEAR(shift[0], 0.2 + 100 * angle, 1e-6);
  EXPECT_NEAR(shift[1], 0.1, 1e-4);  // the rotated 100" are 100" less 1e-6 of it; meridians converge
}

TEST_F(WcsAdjustments, RefusesATangentPointOffTheSky) {
  for (auto const* tangent : {"[30.0, 91.0]", "[nan, 0.0]"}) {
    auto const messages = run(fmt::format("[wcs_adjust]\njw02107041001.tangent = {}\n", tangent));
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_THAT(messages[0], HasSubstr("wcs_adjust.jw02107041001.tangent"));
  }
}

TEST_F(WcsAdjustments, GoesOnWithKeysThatNameNothing) {
  EXPECT_TRUE(run("[wcs_adjust]\nngc0628.shift = [7, 7]\njw02107041001_nircam_a.shift = [7, 7]\n"
                  "jw02107041001_02101_00002.shift = [0.5, 0]\n")
                  .empty());
  EXPECT_FALSE(shift_of(0));
  EXPECT_NEAR(shift_of(1).value()[0], 0.5, 1e-12);
}

TEST_F(WcsAdjustments, CountsTheCorrectionsThatWereThereBefore) {
  model::LedgerEntry earlier;
  earlier.identity = survey_.records[0].identity;
  earlier.correction = model::WcsCorrection{.v2_ref = 30 * 3600.0, .v3_ref = 10 * 3600.0};
  auto const before = store::ledger_path(scratch_.path() / "before", 1, "align");
  store::write_ledger(before, "align", 1, {earlier});
  task_.before = store::Ledger::of({{"align", before}});
  EXPECT_TRUE(run("[wcs_adjust]\njw02107041001.shift = [0.1, -0.02]\n").empty());
  EXPECT_EQ(test::ledger_of(task_).entries(survey_.records[0].identity).at(0).wcs_version, 1);
  EXPECT_EQ(test::ledger_of(task_).entries(survey_.records[1].identity).at(0).wcs_version, 0);
}

}  // namespace
}  // namespace tessera::steps
