#include "tessera/refs/exposure_parameters.hpp"

#include <gmock/gmock.h>

#include "small_cache.hpp"
#include "support/exposure_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/refs/check_reference.hpp"
#include "tessera/refs/step_references.hpp"

namespace tessera::refs {

namespace {

TEST(ExposureParameters, HasTheKeywordsOfTheHeaderByTheNamesOfTheRules) {
  model::Header header;
  header.set("INSTRUME", "NIRCAM");
  header.set("NOUTPUTS", 4);
  header.set("TSOVISIT", false);
  header.set("TFRAME", 10.73677);
  header.set("OPMODE", "X");
  header.set("NOSUCH", "Y");
  header.set_undefined("PUPIL");
  auto const exposure = ExposureParameters::from_header(header);
  EXPECT_EQ(exposure.instrument(), "nircam");
  EXPECT_EQ(exposure.value("META.EXPOSURE.NOUTPUTS"), "4");
  EXPECT_EQ(exposure.value("meta.visit.tsovisit"), "F");
  EXPECT_EQ(exposure.value("META.EXPOSURE.FRAME_TIME"), "10.73677");
  EXPECT_EQ(exposure.value("META.INSTRUMENT.LAMP_MODE"), "X");
  EXPECT_EQ(exposure.value("META.INSTRUMENT.PUPIL"), "UNDEFINED");
  EXPECT_EQ(exposure.all().size(), 5U);
}

TEST(ExposureParameters, MayBeSetByKeywordOrByName) {
  ExposureParameters exposure;
  exposure.set("exp_type", "NRC_IMAGE");
  exposure.set("meta.instrument.filter", "F200W");
  exposure.set("META.INSTRUMENT.FILTER", "F150W");
  EXPECT_EQ(exposure.value("META.EXPOSURE.TYPE"), "NRC_IMAGE");
  EXPECT_EQ(exposure.value("META.INSTRUMENT.FILTER"), "F150W");
  EXPECT_EQ(parameter_of_keyword("DATE-OBS"), "META.OBSERVATION.DATE");
  EXPECT_EQ(parameter_of_keyword("NOSUCH"), "");
  EXPECT_EQ(exposure.instrument(), "");
}

/// Every keyword of the table of spec 25, 2.3.
TEST(ExposureParameters, KnowsTheKeywordsOfTheSpecification) {
  for (auto const& [keyword, parameter] : std::map<std::string, std::string>{{"DETECTOR", "INSTRUMENT.DETECTOR"},
                                                                             {"CHANNEL", "INSTRUMENT.CHANNEL"},
                                                                             {"MODULE", "INSTRUMENT.MODULE"},
                                                                             {"GRATING", "INSTRUMENT.GRATING"},
                                                                             {"BAND", "INSTRUMENT.BAND"},
                                                                             {"CORONMSK", "INSTRUMENT.CORONAGRAPH"},
                                                                             {"LAMP", "INSTRUMENT.LAMP_STATE"},
                                                                             {"VISITYPE", "VISIT.TYPE"},
                                                                             {"SUBARRAY", "SUBARRAY.NAME"},
                                                                             {"SUBSTRT1", "SUBARRAY.XSTART"},
                                                                             {"SUBSTRT2", "SUBARRAY.YSTART"},
                                                                             {"SUBSIZE1", "SUBARRAY.XSIZE"},
                                                                             {"SUBSIZE2", "SUBARRAY.YSIZE"},
                                                                             {"READPATT", "EXPOSURE.READPATT"},
                                                                             {"NGROUPS", "EXPOSURE.NGROUPS"},
                                                                             {"NFRAMES", "EXPOSURE.NFRAMES"},
                                                                             {"TIME-OBS", "OBSERVATION.TIME"},
                                                                             {"CROWDFLD", "VISIT.CROWDED_FIELD"}})
    EXPECT_EQ(parameter_of_keyword(keyword), "META." + parameter);
}

TEST(ExposureParameters, ReadsAFileAndRefusesOneWithoutInstrument) {
  test::ScratchFolder const folder("refs-exposure");
  auto const path = folder.path() / "a_cal.fits";
  test::write_nircam(path, 8, 8, 10, 20);
  EXPECT_EQ(ExposureParameters::read(path).instrument(), "nircam");
  EXPECT_THROW(ExposureParameters::read(folder.path() / "none.fits"), InputError);
  test::write_text(folder.path() / "bad.fits", "nothing");
  EXPECT_THROW(ExposureParameters::read(folder.path() / "bad.fits"), InputError);
}

TEST(CheckReference, TellsPresentMissingAndBroken) {
  using Kind = ReferenceState::Kind;
  test::ScratchFolder const folder("refs-check");
  auto const fits = folder.path() / "a.fits", asdf = folder.path() / "a.asdf", json = folder.path() / "a.json";
  EXPECT_EQ(check_reference(fits).kind, Kind::Missing);
  test::write_nircam(fits, 64, 64, 10, 20);
  EXPECT_EQ(check_reference(fits).kind, Kind::Present);
  std::filesystem::resize_file(fits, std::filesystem::file_size(fits) / 2);
  EXPECT_EQ(check_reference(fits).kind, Kind::Broken);
  std::filesystem::resize_file(fits, 0);
  EXPECT_EQ(check_reference(fits).reason, "empty");
  EXPECT_EQ(check_reference(folder.path()).kind, Kind::Broken);
  test::write_text(asdf, "#ASDF 1.0.0\n%YAML 1.1\n--- {a: 1}\n...\n");
  EXPECT_EQ(check_reference(asdf).kind, Kind::Present);
  test::write_text(asdf, "<html>503</html>");
  EXPECT_EQ(check_reference(asdf).kind, Kind::Broken);
  test::write_text(json, "{\"a\": 1}");
  EXPECT_EQ(check_reference(json).kind, Kind::Present);
  test::write_text(json, "{\"a\": ");
  EXPECT_EQ(check_reference(json).kind, Kind::Broken);
}

TEST(StepReferences, NamesTheTypesAndTheParametersOfTheSteps) {
  auto const steps = pipeline_references("image2");
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[1].step, "assign_wcs");
  EXPECT_EQ(steps[1].parameter_type, "pars-assignwcsstep");
  EXPECT_TRUE(is_needed(steps[1], "distortion", "nircam"));
  EXPECT_TRUE(is_needed(steps[1], "filteroffset", "miri"));
  EXPECT_FALSE(is_needed(steps[1], "filteroffset", "nircam"));
  EXPECT_EQ(pipeline_parameter_type("detector1"), "pars-detector1pipeline");
}

}  // namespace

}  // namespace tessera::refs
