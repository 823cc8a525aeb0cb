#include "tessera/steps/lv2/lv2_options.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/lv2_parameters.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

refs::StepParameters references_with(std::map<std::string, io::AsdfValue> const& values) {
  refs::StepParameters references;
  references.by_key = values;
  for (auto const& [key, value] : values) references.source[key] = "jwst_miri_pars-image2pipeline_0001.asdf";
  return references;
}

TEST(Lv2Options, HaveTheOfficialDefaults) {
  auto const options = lv2_options(test::lv2_parameters(), {}, "F770W");
  EXPECT_FALSE(options.skip_bkg_subtract || options.skip_assign_wcs || options.skip_flat_field || options.skip_photom);
  EXPECT_EQ(options.bkg_clip.sigma, 3.0);
  EXPECT_FALSE(options.bkg_clip.maxiters);
  EXPECT_TRUE(options.sip_approx);
  EXPECT_EQ(options.sip.max_pix_error, 0.01);
  EXPECT_EQ(options.sip.max_inv_pix_error, 0.01);
  EXPECT_FALSE(options.sip.degree || options.sip.inv_degree || options.sip.crpix);
  EXPECT_EQ(options.sip.npoints, 12);
  EXPECT_TRUE(options.apply_time_correction);
  EXPECT_FALSE(options.inverse_flat || options.inverse_photom || options.save_bsub || options.save_combined_background);
  EXPECT_TRUE(options.overrides.empty());
}

TEST(Lv2Options, PutTheConfigurationOverParameterReferencesOverDefaults) {
  auto const references = references_with({{"bkg_subtract.sigma", 2.0},
                                           {"bkg_subtract.maxiters", 7},
                                           {"flat_field.skip", true},
                                           {"photom.apply_time_correction", "False"},
                                           {"assign_wcs.sip_max_pix_error", 0.5},
                                           {"assign_wcs.sip_degree", "None"},
                                           {"save_bsub", true}});
  auto const parameters = test::lv2_parameters({{"jwst_parameters.bkg_subtract.sigma", 1.5},
                                                {"jwst_parameters.flat_field.skip", false},
                                                {"jwst_parameters.assign_wcs.sip_degree", 4}});
  auto const options = lv2_options(parameters, references, "F770W");
  EXPECT_EQ(options.bkg_clip.sigma, 1.5);
  EXPECT_EQ(options.bkg_clip.maxiters, 7);
  EXPECT_FALSE(options.skip_flat_field);
  EXPECT_FALSE(options.apply_time_correction);
  EXPECT_EQ(options.sip.max_pix_error, 0.5);
  EXPECT_EQ(options.sip.max_inv_pix_error, 0.01);
  EXPECT_EQ(options.sip.degree, 4);
  EXPECT_TRUE(options.save_bsub);
}

TEST(Lv2Options, HaveTheTolerancesOfOldPipelinesWhereAskedFor) {
  auto const parameters = test::lv2_parameters({{"jwst_parameters.assign_wcs.sip_max_inv_pix_error", 0.02}});
  auto const options = lv2_options(parameters, {}, "F770W", true);
  EXPECT_TRUE(options.before_version_1_16);
  EXPECT_EQ(options.sip.max_pix_error, 0.1);
  EXPECT_EQ(options.sip.max_inv_pix_error, 0.02);
}

TEST(Lv2Options, SurviveTheirJson) {
  auto const parameters = test::lv2_parameters({{"jwst_parameters.bkg_subtract.sigma", 0.1 + 0.2},
                                                {"jwst_parameters.bkg_subtract.maxiters", 3},
                                                {"jwst_parameters.photom.skip", true},
                                                {"jwst_parameters.photom.inverse", true},
                                                {"jwst_parameters.flat_field.inverse", true},
                                                {"jwst_parameters.assign_wcs.sip_inv_degree", 5},
                                                {"jwst_parameters.assign_wcs.sip_approx", false},
                                                {"jwst_parameters.photom.override_area", "N/A"}});
  auto const options = lv2_options(parameters, {}, "F770W", true);
  auto const again = Lv2Options::from_json(options.json());
  EXPECT_EQ(again.json(), options.json());
  EXPECT_EQ(again.bkg_clip.sigma, 0.1 + 0.2);
  EXPECT_EQ(again.bkg_clip.maxiters, 3);
  EXPECT_TRUE(again.skip_photom && again.inverse_photom && again.inverse_flat && again.before_version_1_16);
  EXPECT_FALSE(again.sip_approx);
  EXPECT_EQ(again.sip.inv_degree, 5);
  EXPECT_FALSE(again.sip.degree);
  EXPECT_EQ(again.overrides.at("area"), "N/A");
  EXPECT_NE(lv2_options(test::lv2_parameters(), {}, "F770W").json(), options.json());
}

TEST(Lv2Options, RefuseValuesThatCannotBe) {
  auto const with = [](std::string const& key, config::Value value) {
    return lv2_options(test::lv2_parameters({{"jwst_parameters." + key, std::move(value)}}), {}, "F770W");
  };
  EXPECT_THROW(with("bkg_subtract.sigma", 0.0), ConfigError);
  EXPECT_THROW(with("bkg_subtract.sigma", -1.5), ConfigError);
  EXPECT_THROW(with("bkg_subtract.maxiters", 0), ConfigError);
  EXPECT_THROW(with("assign_wcs.sip_max_pix_error", 0.0), ConfigError);
  EXPECT_THROW(with("assign_wcs.sip_degree", 7), ConfigError);
  EXPECT_THROW(with("assign_wcs.sip_npoints", 5), ConfigError);
}

TEST(Lv2Options, NameTheParameterReferenceThatIsWrong) {
  for (auto const& value : {io::AsdfValue(-2.0), io::AsdfValue("much")}) {
    try {
      lv2_options(test::lv2_parameters(), references_with({{"bkg_subtract.sigma", value}}), "F770W");
      FAIL() << "taken";
    } catch (InputError const& error) {
      std::string const text = error.what();
      EXPECT_NE(text.find("pars-image2pipeline_0001.asdf: bkg_subtract.sigma"), std::string::npos) << text;
    }
  }
}

TEST(Lv2Options, TakeOverridesAndPutUserFlatsFirst) {
  auto const options =
      lv2_options(test::lv2_parameters({{"jwst_parameters.flat_field.override_flat", "/a/flat.fits"},
                                        {"jwst_parameters.assign_wcs.override_distortion", "/a/d.asdf"},
                                        {"jwst_parameters.photom.override_photom", ""}}),
                  references_with({{"photom.override_area", "/crds/area.fits"}}), "F770W");
  std::map<std::string, std::string> const expected{
      {"area", "/crds/area.fits"}, {"distortion", "/a/d.asdf"}, {"flat", "/a/flat.fits"}};
  EXPECT_EQ(options.overrides, expected);
  auto const user = lv2_options(test::lv2_parameters({{"jwst_parameters.flat_field.override_flat", "/a/flat.fits"},
                                                      {"jwst_parameters.flat_field.user_supplied_flat", "/b/u.fits"}}),
                                {}, "F770W");
  EXPECT_EQ(user.overrides.at("flat"), "/b/u.fits");
}

TEST(Lv2Options, TakeTheFirstUpdatedFlatOfTheBand) {
  test::ScratchFolder const folder("updated_flats");
  for (auto const* name : {"z_F770W.fits", "b_F770W.fits", "a_F1000W.fits", "a_F770W.txt"})
    std::ofstream(folder.path() / name) << "flat";
  auto const parameters = test::lv2_parameters(
      {{"updated_flats_dir", folder.path().string()}, {"jwst_parameters.flat_field.user_supplied_flat", "/b/u.fits"}});
  EXPECT_EQ(lv2_options(parameters, {}, "F770W").overrides.at("flat"), (folder.path() / "b_F770W.fits").string());
  EXPECT_EQ(lv2_options(parameters, {}, "F770W_bgr").overrides.at("flat"), (folder.path() / "b_F770W.fits").string());
  EXPECT_EQ(lv2_options(parameters, {}, "F2100W").overrides.at("flat"), "/b/u.fits");
  // Bands of the same filter on several instruments have names of their own; flats are named by filter.
  for (auto const* band : {"F770W_miri", "F770W_miri_bgr"})
    EXPECT_EQ(lv2_options(parameters, {}, band).overrides.at("flat"), (folder.path() / "b_F770W.fits").string());
  auto const absent = test::lv2_parameters({{"updated_flats_dir", (folder.path() / "absent").string()}});
  EXPECT_THROW(lv2_options(absent, {}, "F770W"), ConfigError);
}

}  // namespace
}  // namespace tessera::steps
