// Count rates of a survey: where they are found, what is chosen for them, what is missing.
#include "tessera/pipeline/rate_inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/rate_survey.hpp"
#include "tessera/core/error.hpp"

namespace tessera::pipeline {
namespace {

using test::RateFacts;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string const MiriBackgrounds = "[parameters.lv2]\nbgr_observation_types = ['miri']\n";

class RateInputsOfSurvey : public testing::Test {
 protected:
  RateInputs find(config::Survey const& survey) const { return find_rate_inputs({}, survey, files_.selector()); }
  /// Labels of what (target, band) is offered.
  static std::vector<std::string> offered(RateInputs const& inputs, std::size_t target = 0, std::size_t band = 0) {
    std::vector<std::string> names;
    for (int const member : inputs.members.at(target).at(band))
      names.push_back(inputs.records.at(static_cast<std::size_t>(member)).identity.label());
    return names;
  }
  static std::vector<std::string> notes(RateInputs const& inputs) {
    std::vector<std::string> texts;
    for (auto const& note : inputs.notes) texts.push_back(note.path + ": " + note.text);
    return texts;
  }

  test::RateSurvey files_{"rate-inputs"};
};

TEST_F(RateInputsOfSurvey, TakesTheArchivesLayoutAndAssociatesScienceWithOffs) {
  files_.write_miri(2, 3);
  files_.write(files_.archive("jw02107041001_04101_00001_nrcalong"),
               {.instrument = "NIRCAM", .filter = "F300M", .pupil = "CLEAR"});
  auto const inputs = find(files_.survey("'F300M', 'F770W', 'F770W_bgr'", MiriBackgrounds));
  EXPECT_THAT(inputs.missing, IsEmpty());
  EXPECT_THAT(inputs.broken, IsEmpty());
  EXPECT_THAT(offered(inputs, 0, 0), ElementsAre("ngc0628/F300M/jw02107041001_04101_00001_nrcalong"));
  EXPECT_THAT(offered(inputs, 0, 1), ElementsAre("ngc0628/F770W/jw02107041001_02101_00001_mirimage",
                                                 "ngc0628/F770W/jw02107041001_02101_00002_mirimage",
                                                 "ngc0628/F770W/jw02107041001_02201_00001_mirimage",
                                                 "ngc0628/F770W/jw02107041001_02201_00002_mirimage",
                                                 "ngc0628/F770W/jw02107041001_02201_00003_mirimage"));
  EXPECT_EQ(offered(inputs, 0, 2).size(), 3u);
  auto const& science = inputs.associations[0][1].associations;
  ASSERT_EQ(science.size(), 2u);
  EXPECT_THAT(science[0].backgrounds, ElementsAre(3, 4, 5));
  EXPECT_EQ(science[0].science, 1);
  auto const& offs = inputs.associations[0][2].associations;
  ASSERT_EQ(offs.size(), 3u);
  EXPECT_THAT(offs[0].backgrounds, IsEmpty());
}

TEST_F(RateInputsOfSurvey, ChoosesReferencesOfStepsThatAreNotSkipped) {
  files_.write_miri(1, 0);
  auto const inputs = find(files_.survey("'F770W'",
                                         "[parameters.lv2.jwst_parameters]\nphotom.skip = true\n"
                                         "flat_field.override_flat = '" +
                                             files_.reference("jwst_miri_area_0001.fits").string() + "'\n"));
  ASSERT_EQ(inputs.records.size(), 1u);
  auto const& record = inputs.records[0];
  EXPECT_TRUE(record.options.skip_photom);
  EXPECT_EQ(record.references.size(), 3u);
  EXPECT_EQ(record.references.at("distortion"), files_.reference("jwst_miri_distortion_0001.asdf"));
  EXPECT_EQ(record.references.at("flat"), files_.reference("jwst_miri_area_0001.fits"));
  EXPECT_EQ(record.reference_keywords.at("distortion"), "crds://jwst_miri_distortion_0001.asdf");
  EXPECT_EQ(record.window, (model::DetectorWindow{1, 1, test::RateWidth, test::RateHeight}));
  EXPECT_EQ(record.detector, "MIRIMAGE");
  EXPECT_EQ(record.helio_mid, 59800);
  EXPECT_EQ(record.observation, "041");
}

TEST_F(RateInputsOfSurvey, TakesPjpipesOwnFolderFirstAndFlatFoldersLast) {
  auto const survey = files_.survey("'F770W'");
  files_.write(files_.raw() / "e_rate.fits");
  EXPECT_THAT(offered(find(survey)), ElementsAre("ngc0628/F770W/e"));
  files_.write(files_.raw() / "ngc0628" / "d_rate.fits");
  EXPECT_THAT(offered(find(survey)), ElementsAre("ngc0628/F770W/d"));
  files_.write(files_.archive("c_mirimage"));
  EXPECT_THAT(offered(find(survey)), ElementsAre("ngc0628/F770W/c_mirimage"));
  auto const band = survey.band_dir("ngc0628", survey.bands[0]);
  files_.write(band / "single_tile_destripe" / "b_rate.fits");
  files_.write(band / "lv1" / "b_rate.fits");
  EXPECT_THAT(offered(find(survey)), ElementsAre("ngc0628/F770W/b"));
  EXPECT_EQ(find(survey).records.at(0).path, band / "lv1" / "b_rate.fits");
  auto const mine = files_.root() / "mine";
  files_.write(mine / "deep" / "a_rate.fits");
  files_.write(mine / "single_tile_destripe" / "a_rate.fits");
  files_.write(mine / "deep" / "a_cal.fits");
  EXPECT_THAT(offered(find(files_.survey("'F770W'", "[tessera]\ninputs = ['" + mine.string() + "']\n"))),
              ElementsAre("ngc0628/F770W/a"));
}

TEST_F(RateInputsOfSurvey, AFolderOfSeveralTargetsIsDividedByTheirNames) {
  files_.write(files_.raw() / "a_mirimage_rate.fits");
  files_.write(files_.raw() / "b_mirimage_rate.fits", {.target_name = "IC 5332 off"});
  auto const inputs = find(files_.survey("'F770W'", "", "'ngc0628', 'ic5332'"));
  EXPECT_THAT(offered(inputs, 0), ElementsAre("ngc0628/F770W/a_mirimage"));
  EXPECT_THAT(offered(inputs, 1), ElementsAre("ic5332/F770W/b_mirimage"));
}

TEST_F(RateInputsOfSurvey, FilesOfNoTargetAreSaidOnce) {
  files_.write(files_.raw() / "a_mirimage_rate.fits");
  files_.write(files_.raw() / "b_mirimage_rate.fits", {.target_name = "IC 5332 off"});
  EXPECT_THAT(notes(find(files_.survey("'F770W'", "", "'ngc0628', 'ic5332'"))), IsEmpty());
  files_.write(files_.raw() / "c_mirimage_rate.fits", {.filter = "F1000W", .target_name = "M33"});  // of no band
  for (auto const* name : {"d_mirimage_rate.fits", "e_mirimage_rate.fits"})
    files_.write(files_.raw() / name, {.target_name = "M33"});
  auto const said = ElementsAre(AllOf(HasSubstr("d_mirimage_rate.fits: "), HasSubstr("\"M33\""), HasSubstr("left out"),
                                      HasSubstr("no target: 2)")));
  EXPECT_THAT(notes(find(files_.survey("'F770W'", "", "'ngc0628', 'ic5332'"))), said);
  auto const listed = "[tessera]\ninputs = ['" + files_.raw().string() + "']\n";
  EXPECT_THAT(notes(find(files_.survey("'F770W'", listed, "'ngc0628', 'ic5332'"))), said);
  EXPECT_THAT(notes(find(files_.survey("'F770W'", listed, "'ngc0628', 'ic5332', 'm33'"))), IsEmpty());
}

/// The rules of inputs/2107: IC 5332 drops its own late offs for science and takes those of NGC 7496.
class OffsOfAnotherTarget : public RateInputsOfSurvey {
 protected:
  std::string const own_ = "jw02107042001_02101_00001_mirimage", late_ = "jw02107042001_02201_00001_mirimage",
                    taken_ = "jw02107041001_02201_00001_mirimage", science_ = "jw02107041001_02101_00001_mirimage";
  std::string const rules_ = MiriBackgrounds +
                             "[parameters.move_raw_obs]\nobs_to_skip.ic5332.sci = 'jw02107042001_0?2*'\n"
                             "extra_obs_to_include.ic5332.sci.ngc7496 = 'jw02107041001_0?2'\n";

  void write_both(std::function<std::filesystem::path(std::string const&, std::string const&)> const& place) const {
    files_.write(place(own_, "ic5332"), {.target_name = "IC5332", .middle = 59800});
    files_.write(place(late_, "ic5332"), {.target_name = "IC5332", .sequence = "2", .middle = 59830});
    files_.write(place(science_, "ngc7496"), {.target_name = "NGC7496", .middle = 59801});
    files_.write(place(taken_, "ngc7496"), {.target_name = "NGC7496", .sequence = "2", .middle = 59801});
  }
  void expect_chosen(RateInputs const& inputs) const {
    EXPECT_THAT(inputs.missing, IsEmpty());
    EXPECT_THAT(offered(inputs, 0, 0), ElementsAre("ic5332/F770W/" + taken_, "ic5332/F770W/" + own_));
    EXPECT_THAT(offered(inputs, 0, 1), ElementsAre("ic5332/F770W_bgr/" + late_));  // the rules are for science
    auto const& associations = inputs.associations[0][0].associations;
    ASSERT_EQ(associations.size(), 1u);
    EXPECT_THAT(associations[0].backgrounds, ElementsAre(0));
    EXPECT_NEAR(associations[0].days_to_backgrounds.value_or(0), -1, 1e-9);
  }
};

TEST_F(OffsOfAnotherTarget, ComeFromTheArchivesLayout) {
  write_both([&](auto const& name, auto const& target) { return files_.archive(name, target); });
  expect_chosen(find(files_.survey("'F770W', 'F770W_bgr'", rules_, "'ic5332'")));
}

TEST_F(OffsOfAnotherTarget, ComeFromFlatFolders) {
  write_both([&](auto const& name, auto const& target) { return files_.raw() / target / (name + "_rate.fits"); });
  expect_chosen(find(files_.survey("'F770W', 'F770W_bgr'", rules_, "'ic5332'")));
}

TEST_F(OffsOfAnotherTarget, ComeFromListedInputsWhateverTheirTargetIsCalled) {
  auto const mine = files_.root() / "mine";
  write_both([&](auto const& name, auto const&) { return mine / (name + "_rate.fits"); });
  auto const inputs = find(files_.survey(
      "'F770W', 'F770W_bgr'", rules_ + "[tessera]\ninputs = ['" + mine.string() + "']\n", "'ic5332', 'ngc7496'"));
  expect_chosen(inputs);
  EXPECT_THAT(offered(inputs, 1, 0), ElementsAre("ngc7496/F770W/" + science_, "ngc7496/F770W/" + taken_));
}

TEST_F(RateInputsOfSurvey, BrokenExposuresAreSetAsideAndTheOthersStay) {
  files_.write_miri(3, 0);
  auto const second = files_.archive("jw02107041001_02101_00002_mirimage");
  std::filesystem::resize_file(second, 9000);
  files_.write(files_.archive("jw02107041001_02101_00009_mirimage"));
  auto const third = files_.archive("jw02107041001_02101_00003_mirimage");
  test::RateFile calibrated;
  calibrated.sci.set("BUNIT", "MJy/sr");
  calibrated.write(third);
  test::RateFile spectrum;
  spectrum.primary.set("EXP_TYPE", "MIR_MRS");
  spectrum.write(files_.archive("jw02107041001_02101_00008_mirimage"));
  auto const inputs = find(files_.survey("'F770W'"));
  EXPECT_EQ(offered(inputs).size(), 2u);
  ASSERT_EQ(inputs.broken.size(), 2u);
  EXPECT_EQ(inputs.broken[0].path, second);
  EXPECT_EQ(inputs.broken[1].path, third);
  EXPECT_THAT(inputs.broken[1].text, HasSubstr("not a count rate"));
  EXPECT_THAT(notes(inputs), ElementsAre(HasSubstr("MIR_MRS is left out")));
  EXPECT_THAT(inputs.missing, IsEmpty());
}

TEST_F(RateInputsOfSurvey, SaysEverythingThatIsMissingAtOnce) {
  files_.write_miri(3, 0);
  std::filesystem::remove(files_.reference("jwst_miri_flat_0001.fits"));
  test::write_text(files_.reference("jwst_miri_area_0001.fits"), "SIMPLE");
  files_.set_rules("miri", "distortion", {{"MIRIMAGE", "N/A"}});
  std::filesystem::remove(files_.rmap("miri", "photom"));
  auto const inputs = find(files_.survey("'F770W'", "", "'ngc0628', 'm33'"));
  auto const& lines = inputs.missing;
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[0], HasSubstr("m33: no count rates"));
  EXPECT_THAT(lines[1], HasSubstr("distortion is N/A"));
  EXPECT_THAT(lines[1], HasSubstr("jw02107041001_02101_00001_mirimage and 2 more"));
  EXPECT_THAT(lines[2], HasSubstr("jwst_miri_photom_0001.rmap"));
  EXPECT_THAT(lines[3], HasSubstr("the flat reference is missing"));
  EXPECT_THAT(lines[3], HasSubstr(files_.reference("jwst_miri_flat_0001.fits").string()));
  EXPECT_THAT(lines[4], HasSubstr("the area reference is broken"));
}

TEST_F(RateInputsOfSurvey, LooksIntoPhotomAndDistortionForWhatExposuresNeed) {
  files_.write_miri(2, 0);
  files_.write(files_.archive("jw02107041001_06101_00001_mirimage"), {.filter = "F1000W"});
  // Under a name of its own: a process reads a distortion once.
  files_.set_rules("miri", "distortion", {{"MIRIMAGE", "jwst_miri_distortion_0002.asdf"}});
  test::write_text(files_.reference("jwst_miri_distortion_0002.asdf"),
                   "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n---\nmeta: {}\n...\n");
  auto const inputs = find(files_.survey("'F770W', 'F1000W'"));
  ASSERT_EQ(inputs.missing.size(), 2u) << inputs.missing[0];
  EXPECT_THAT(inputs.missing[0], HasSubstr("distortion reference without a transform"));
  EXPECT_THAT(inputs.missing[0], HasSubstr("00001_mirimage and 2 more"));
  EXPECT_THAT(inputs.missing[1], HasSubstr("no row for these exposures"));
  EXPECT_THAT(inputs.missing[1], HasSubstr("(ngc0628/F1000W/jw02107041001_06101_00001_mirimage)"));
}

TEST_F(RateInputsOfSurvey, LooksIntoFlatsAndAreasForTheWindowOfExposures) {
  files_.write_miri(2, 0);
  files_.write(files_.archive("jw02107041001_04101_00001_nrcalong"),
               {.instrument = "NIRCAM", .filter = "F300M", .pupil = "CLEAR"});
  auto const survey = files_.survey("'F300M', 'F770W'");
  auto const flat = files_.reference("jwst_miri_flat_0001.fits"), area = files_.reference("jwst_miri_area_0001.fits");
  files_.write_plane(flat, 0);
  files_.write_plane(area, 1, 1, test::RateHeight - 1);
  auto const zeros = find(survey).missing;
  ASSERT_EQ(zeros.size(), 2u);
  EXPECT_THAT(zeros[0], HasSubstr(flat.string()));
  EXPECT_THAT(zeros[0], HasSubstr("leaves nothing of these exposures"));
  EXPECT_THAT(zeros[0], HasSubstr("02101_00001_mirimage and 1 more"));
  EXPECT_THAT(zeros[1], HasSubstr(area.string()));
  EXPECT_THAT(zeros[1], HasSubstr("does not hold the pixels of the exposure"));
  EXPECT_THAT(zeros[1], HasSubstr("02101_00001_mirimage and 1 more"));
  files_.write_plane(flat, 1, 3);
  files_.write_plane(area, 1);
  auto const elsewhere = find(survey).missing;
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_THAT(elsewhere[0], HasSubstr(flat.string()));
  EXPECT_THAT(elsewhere[0], HasSubstr("rows 3 to 18"));
  EXPECT_THAT(find(files_.survey("'F770W'", "[parameters.lv2.jwst_parameters]\nflat_field.skip = true\n")).missing,
              IsEmpty());
}

TEST_F(RateInputsOfSurvey, StepsWithoutAReferenceAreNoted) {
  files_.write_miri(2, 0);
  for (auto const* type : {"flat", "photom", "area"}) files_.set_rules("miri", type, {{"MIRIMAGE", "N/A"}});
  auto const inputs = find(files_.survey("'F770W'"));
  EXPECT_THAT(inputs.missing, IsEmpty());
  EXPECT_EQ(inputs.records.at(0).references.at("flat"), "N/A");
  EXPECT_EQ(inputs.records.at(0).reference_keywords.at("flat"), "N/A");
  EXPECT_THAT(notes(inputs),
              ElementsAre(HasSubstr("flat_field is skipped (and 1 more"), HasSubstr("stay in DN/s (and 1 more")));
}

TEST_F(RateInputsOfSurvey, OffsThatAreOnlySubtractedNeedNoReferences) {
  files_.write_miri(1, 2);
  auto const off = RateFacts{.subarray = "SUB256", .sequence = "2"};
  files_.write(files_.archive("jw02107041001_08201_00001_mirimage"), off);
  files_.set_rules("miri", "photom", {{"MIRIMAGE", "N/A"}});
  auto const inputs = find(files_.survey("'F770W'", MiriBackgrounds));
  EXPECT_THAT(inputs.missing, IsEmpty());
  EXPECT_THAT(notes(inputs), ElementsAre(HasSubstr("MIRIMAGE SUB256 FASTR1 (1)"),
                                         HasSubstr("02101_00001_mirimage_rate.fits: no photom reference")));
}

TEST_F(RateInputsOfSurvey, OffsThatAreDestripedNeedReferencesOfTheirOwn) {
  files_.write_miri(1, 0);
  files_.write(files_.archive("jw02107041001_02201_00001_mirimage"), {.sequence = "2", .date = "2023-02-01"});
  for (std::string const type : {"distortion", "filteroffset", "flat", "photom", "area"}) {
    auto const first = files_.rmap("miri", type);
    auto const extension = type == "distortion" || type == "filteroffset" ? "asdf" : "fits";
    test::write_text(first, test::rmap_text("'META.INSTRUMENT.DETECTOR',",
                                            fmt::format("    ('MIRIMAGE',) : UseAfter({{'2020-01-01 00:00:00' : "
                                                        "'jwst_miri_{0}_0001.{1}', '2023-01-01 00:00:00' : "
                                                        "'jwst_miri_{0}_0002.{1}'}}),\n",
                                                        type, extension)));
  }
  EXPECT_THAT(find(files_.survey("'F770W'", MiriBackgrounds)).missing, IsEmpty());
  auto const destriped =
      find(files_.survey("'F770W'", MiriBackgrounds, "'ngc0628'", "'single_tile_destripe', 'lv2', 'lv3'"));
  EXPECT_THAT(destriped.missing, ElementsAre(HasSubstr("distortion_0002.asdf"), HasSubstr("filteroffset_0002.asdf"),
                                             HasSubstr("flat_0002.fits"), HasSubstr("photom_0002.fits")));
  for (auto const& line : destriped.missing) EXPECT_THAT(line, HasSubstr("(ngc0628/F770W/jw02107041001_02201_00001"));
}

TEST_F(RateInputsOfSurvey, ABandWithoutBackgroundsIsRefused) {
  files_.write_miri(2, 0);
  auto const none = find(files_.survey("'F770W'", MiriBackgrounds));
  ASSERT_EQ(none.missing.size(), 1u);
  EXPECT_THAT(none.missing[0], HasSubstr("ngc0628 F770W: no background exposures"));
  EXPECT_THAT(none.missing[0], HasSubstr("MIRIMAGE FULL FASTR1 (2)"));
  files_.write(files_.archive("jw02107041001_02201_00001_mirimage"), {.subarray = "SUB256", .sequence = "2"});
  files_.write(files_.archive("jw02107041001_02201_00002_mirimage"), {.readpatt = "SLOWR1", .sequence = "2"});
  auto const other = find(files_.survey("'F770W'", MiriBackgrounds));
  ASSERT_EQ(other.missing.size(), 1u);
  EXPECT_THAT(other.missing[0], HasSubstr("MIRIMAGE FULL SLOWR1 (1), MIRIMAGE SUB256 FASTR1 (1) only"));
}

TEST_F(RateInputsOfSurvey, ABandWithoutDataIsNotedAndATargetWithoutDataRefused) {
  files_.write_miri(1, 0);
  auto const inputs = find(files_.survey("'F770W', 'F1000W'"));
  EXPECT_THAT(inputs.missing, IsEmpty());
  ASSERT_EQ(inputs.notes.size(), 1u);
  EXPECT_TRUE(inputs.notes[0].left_out);
  EXPECT_THAT(inputs.notes[0].path, HasSubstr("F1000W"));
  EXPECT_FALSE(has_rate_files({}, files_.survey("'F770W'", "", "'m33'")));
  EXPECT_TRUE(has_rate_files({}, files_.survey("'F770W'")));
  EXPECT_FALSE(has_rate_files({}, files_.survey("'F770W'", "", "'ngc0628'", "'lv2.nircam', 'lv3'")));
}

TEST_F(RateInputsOfSurvey, TheSameExposureTwiceIsRefused) {
  auto const mine = files_.root() / "mine";
  files_.write(mine / "one" / "a_rate.fits");
  files_.write(mine / "two" / "a_rate.fits");
  auto const inputs = find(files_.survey("'F770W'", "[tessera]\ninputs = ['" + mine.string() + "']\n"));
  ASSERT_EQ(inputs.missing.size(), 1u);
  EXPECT_THAT(inputs.missing[0], HasSubstr("given twice"));
}

TEST_F(RateInputsOfSurvey, OptionsThatCannotBeAreSaid) {
  files_.write_miri(2, 0);
  auto const folder = (files_.root() / "no_flats").string();
  auto const inputs = find(files_.survey("'F770W'", "[parameters.lv2]\nupdated_flats_dir = '" + folder + "'\n"));
  ASSERT_EQ(inputs.missing.size(), 1u);
  EXPECT_THAT(inputs.missing[0], HasSubstr("updated_flats_dir"));
  EXPECT_THAT(inputs.missing[0], HasSubstr("and 1 more"));
}

TEST_F(RateInputsOfSurvey, ParameterReferencesCountUnlessSwitchedOff) {
  files_.write_miri(1, 0);
  auto const folder = files_.cache() / "mappings/jwst";
  std::string rules = "{'pars-photomstep' : 'jwst_miri_pars-photomstep_0001.rmap', ";
  for (std::string const type : {"distortion", "filteroffset", "flat", "photom", "area"})
    rules += fmt::format("'{0}' : 'jwst_miri_{0}_0001.rmap', ", type);
  test::write_text(folder / "jwst_miri_0001.imap", test::mapping_text("    'parkey' : ('REFTYPE',),", rules + "}"));
  files_.set_rules("miri", "pars-photomstep", {{"MIRIMAGE", "jwst_miri_pars-photomstep_0001.json"}});
  test::write_text(
      files_.reference("jwst_miri_pars-photomstep_0001.json"),
      R"({"class": "jwst.photom.photom_step.PhotomStep", "name": "photom", "parameters": {"skip": true}})");
  test::WithEnvironment const enabled("STPIPE_DISABLE_CRDS_STEPPARS", nullptr);
  auto const with = find(files_.survey("'F770W'")),
             without = find(files_.survey("'F770W'", "[tessera]\nparameter_references = false\n"));
  EXPECT_TRUE(with.records.at(0).options.skip_photom);
  EXPECT_EQ(with.records.at(0).references.count("photom"), 0u);
  EXPECT_FALSE(without.records.at(0).options.skip_photom);
  test::WithEnvironment const disabled("STPIPE_DISABLE_CRDS_STEPPARS", "true");
  EXPECT_FALSE(find(files_.survey("'F770W'")).records.at(0).options.skip_photom);
}

TEST_F(RateInputsOfSurvey, AContextThatDoesNotExistIsRefusedWhenTheCacheIsOpened) {
  EXPECT_THROW(refs::RefSelector(files_.selector().cache(), "jwst_0002.pmap"), InputError);
}

}  // namespace
}  // namespace tessera::pipeline
