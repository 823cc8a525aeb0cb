#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "support/test_files.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/simulate/make_exposure.hpp"
#include "tessera/simulate/run_simulation.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

SimulationSettings make_settings() {
  SimulationSettings settings;
  settings.bands = {"F200W", "F300M", "F1000W"};
  settings.targets = {{"galaxy", 24.1, 15.8, 60}};
  settings.dithers.count = 1;
  settings.detectors.nircam_size = 512;
  settings.detectors.use = {"nrca1", "nrcblong", "mirimage"};
  settings.scene.member_stars = 300;
  return settings;
}

/// One small survey, written once for all tests of this file.
class WriteExposure : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::ScratchFolder("simulate-files");
    plan_ = new SurveyPlan(plan_survey(make_settings()));
    run_simulation(parallel::Communicator(), make_settings(), folder_->path());
  }
  static void TearDownTestSuite() {
    delete plan_;
    delete folder_;
  }
  static std::filesystem::path path_of(std::size_t index) {
    return folder_->path() / plan_->relative_path(plan_->exposures[index]);
  }
  static std::shared_ptr<sky::Gwcs const> read_gwcs(io::FitsFile const& file) {
    return io::read_wcs(io::AsdfDocument::parse(file.read_data(file.require("ASDF")), "ASDF"));
  }

  static inline test::ScratchFolder* folder_ = nullptr;
  static inline SurveyPlan* plan_ = nullptr;
};

TEST_F(WriteExposure, HasTheExtensionsOfACalFileInOrder) {
  for (std::size_t k = 0; k < plan_->exposures.size(); ++k) {
    auto const file = io::FitsFile::open(path_of(k));
    std::vector<std::string> names;
    for (auto const& hdu : file.hdus()) names.push_back(hdu.extname);
    EXPECT_EQ(names, (std::vector<std::string>{"PRIMARY", "SCI", "ERR", "DQ", "AREA", "VAR_POISSON", "VAR_RNOISE",
                                               "VAR_FLAT", "ASDF"}));
    for (char const* name : {"SCI", "ERR", "AREA", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"})
      EXPECT_EQ(file.require(name).bitpix, -32) << name;
    EXPECT_EQ(file.require("DQ").bitpix, 32);
    EXPECT_EQ(file.require("DQ").bzero, 2147483648.0);
  }
}

TEST_F(WriteExposure, HasTheKeywordsThatLaterStepsNeed) {
  // Spec 20, 6.2.
  std::vector<std::string> const primary{
      "FILENAME", "DATE",     "DATAMODL", "CAL_VER",  "CAL_VCS",  "ASNPOOL",  "ASNTABLE", "S_BKDSUB",
      "S_WCS",    "S_FLAT",   "S_PHOTOM", "R_DISTOR", "R_FILOFF", "R_FLAT",   "R_PHOTOM", "R_AREA",
      "CRDS_VER", "CRDS_CTX", "INSTRUME", "DETECTOR", "FILTER",   "EXP_TYPE", "READPATT", "NINTS",
      "NGROUPS",  "NFRAMES",  "TGROUP",   "EFFEXPTM", "EFFINTTM", "TMEASURE", "DURATION", "EXPSTART",
      "EXPMID",   "EXPEND",   "SUBARRAY", "SUBSTRT1", "SUBSTRT2", "SUBSIZE1", "SUBSIZE2", "FASTAXIS",
      "SLOWAXIS", "DATE-OBS", "TIME-OBS", "DATE-BEG", "DATE-END", "OBS_ID",   "PROGRAM",  "OBSERVTN",
      "VISIT",    "EXPOSURE", "TARG_RA",  "TARG_DEC", "TARGPROP", "PATT_NUM", "APERNAME", "TSOVISIT",
      "VISITYPE", "VISITGRP", "SEQ_ID",   "ACT_ID",   "VISITSTA", "ENGQLPTG", "PCS_MODE", "TELESCOP"};
  std::vector<std::string> const science{
      "BUNIT",    "WCSAXES",  "CRPIX1",   "CRPIX2",   "CRVAL1",   "CRVAL2",   "CTYPE1",  "CTYPE2",   "CUNIT1",
      "CUNIT2",   "CD1_1",    "CD1_2",    "CD2_1",    "CD2_2",    "A_ORDER",  "B_ORDER", "AP_ORDER", "BP_ORDER",
      "RADESYS",  "S_REGION", "PHOTMJSR", "PHOTUJA2", "PIXAR_SR", "PIXAR_A2", "V2_REF",  "V3_REF",   "VPARITY",
      "V3I_YANG", "RA_REF",   "DEC_REF",  "ROLL_REF", "VA_SCALE", "PA_APER",  "RA_V1",   "DEC_V1",   "PA_V3",
      "XPOSURE",  "TELAPSE",  "MJD-BEG",  "MJD-AVG",  "MJD-END",  "SRCTYPE"};
  for (std::size_t k = 0; k < plan_->exposures.size(); ++k) {
    auto const file = io::FitsFile::open(path_of(k));
    for (auto const& keyword : primary) EXPECT_TRUE(file.hdus()[0].header.has(keyword)) << keyword;
    for (auto const& keyword : science) EXPECT_TRUE(file.require("SCI").header.has(keyword)) << keyword;
    EXPECT_EQ(file.require("ERR").header.text("BUNIT"), "MJy/sr");
    bool const miri = file.hdus()[0].header.text("INSTRUME") == "MIRI";
    for (char const* keyword : {"MODULE", "CHANNEL", "PUPIL"})
      EXPECT_EQ(file.hdus()[0].header.has(keyword), !miri) << keyword;
  }
}

TEST_F(WriteExposure, StatesThePointingItBelievesNotTheActualOne) {
  auto const& planned = plan_->exposures[1];
  auto const file = io::FitsFile::open(path_of(1));
  auto const& header = file.require("SCI").header;
  auto const believed = make_pointing(plan_->detectors[1][0], planned.believed, planned.va_scale);
  EXPECT_EQ(header.real("RA_REF"), believed.ra_ref);
  EXPECT_EQ(header.real("DEC_REF"), believed.dec_ref);
  double const shift = sky::separation(sky::to_vector(planned.actual.ra, planned.actual.dec),
                                       sky::to_vector(planned.believed.ra, planned.believed.dec));
  EXPECT_GT(shift * sky::DegreesPerRadian * 3600, 0.005);
}

TEST_F(WriteExposure, HasAGwcsThatReadsBackAsItWas) {
  for (std::size_t k = 0; k < plan_->exposures.size(); ++k) {
    auto const& planned = plan_->exposures[k];
    Detector const& detector = plan_->detectors[planned.band][planned.detector];
    auto const file = io::FitsFile::open(path_of(k));
    auto const stored = read_gwcs(file);
    auto const built =
        sky::make_imaging_wcs(make_geometry(detector), make_pointing(detector, planned.believed, planned.va_scale));
    for (double const x : {0.0, 200.5, 511.0}) {
      auto const a = stored->pixel_to_sky(model::PixelPoint{x, 300}),
                 b = built->pixel_to_sky(model::PixelPoint{x, 300});
      EXPECT_NEAR(a.ra, b.ra, 1e-12);
      EXPECT_NEAR(a.dec, b.dec, 1e-12);
    }
    auto const region = sky::parse_s_region(*file.require("SCI").header.text("S_REGION"));
    auto const corner =
        stored->pixel_to_sky(model::PixelPoint{stored->bounding_box()->x_low, stored->bounding_box()->y_low});
    EXPECT_NEAR(region.at(0).at(0).ra, corner.ra, 1e-9);
    EXPECT_NEAR(region.at(0).at(0).dec, corner.dec, 1e-9);
  }
}

TEST_F(WriteExposure, HasSipKeywordsThatAgreeWithTheGwcsToAHundredthOfAPixel) {
  for (std::size_t k = 0; k < plan_->exposures.size(); ++k) {
    auto const file = io::FitsFile::open(path_of(k));
    auto const& sci = file.require("SCI");
    auto const gwcs = read_gwcs(file);
    auto const sip = sky::make_fits_wcs(sci.header, sci.nx(), sci.ny());
    double const scale = std::sqrt(*sci.header.real("PIXAR_A2"));
    auto const box = sky::bounding_box_or_array(*gwcs, sci.nx(), sci.ny());
    double worst = 0;
    for (double fx = 0; fx <= 1; fx += 0.125)
      for (double fy = 0; fy <= 1; fy += 0.125) {
        model::PixelPoint const pixel{box.x_low + fx * (box.x_high - box.x_low),
                                      box.y_low + fy * (box.y_high - box.y_low)};
        double const apart =
            sky::separation(sky::to_vector(gwcs->pixel_to_sky(pixel)), sky::to_vector(sip->pixel_to_sky(pixel)));
        worst = std::max(worst, apart * sky::DegreesPerRadian * 3600 / scale);
      }
    EXPECT_LT(worst, 0.01) << plan_->exposures[k].root;
  }
}

TEST_F(WriteExposure, WritesTruthCataloguesAndAConfiguration) {
  std::ifstream truth(folder_->path() / "truth" / "truth.json");
  auto const lines = nlohmann::json::parse(truth);
  ASSERT_EQ(lines.size(), plan_->exposures.size());
  for (std::size_t k = 0; k < lines.size(); ++k) {
    EXPECT_EQ(lines[k]["exposure"], plan_->exposures[k].root);
    EXPECT_TRUE(std::filesystem::exists(folder_->path() / lines[k]["file"].get<std::string>()));
    EXPECT_EQ(lines[k]["shift_ra_arcsec"], plan_->exposures[k].shift_ra);
  }
  auto const sources = io::FitsFile::open(folder_->path() / "truth" / "galaxy_sources.fits");
  EXPECT_GT(sources.require("SOURCES").axes.at(1), 300);
  EXPECT_TRUE(std::filesystem::exists(folder_->path() / "alignment" / "galaxy_stars.fits"));
  std::ifstream config(folder_->path() / "config.toml");
  std::string const text((std::istreambuf_iterator<char>(config)), {});
  EXPECT_THAT(text, testing::HasSubstr("bands = [\"F200W\", \"F300M\", \"F1000W\"]"));
  EXPECT_THAT(text, testing::HasSubstr(
                        "steps = [\"get_wcs_adjust\", \"apply_wcs_adjust\", \"lyot_separate.miri\", \"level_match\", "
                        "\"multi_tile_destripe.nircam\", \"lv3\", \"astrometric_catalog\", \"astrometric_align\"]"));
}

}  // namespace
}  // namespace tessera::simulate
