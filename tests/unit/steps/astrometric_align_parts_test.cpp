// What the parameters of astrometric_align say, in which order bands are done, and solutions as files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../../src/steps/astrometric_align/band_order.hpp"
#include "../../../src/steps/astrometric_align/mosaic_plane.hpp"
#include "../../../src/steps/astrometric_align/mosaic_solution.hpp"
#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/core/error.hpp"
#include "tessera/steps/astrometric_catalog/astrometric_catalog_options.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;

config::Survey survey_with(std::string const& rest) {
  std::string const config =
      "targets = ['NGC_0628', 'ic5332']\nversion = 'v1'\nsteps = ['lv3']\n"
      "bands = ['F300M', 'F1000W', 'F770W', 'F2100W', 'F770W_bgr', 'F150W_niriss']\n" +
      rest;
  return config::parse_survey({config, "raw_dir = '/r'\nreprocess_dir = '/p'\nalignment_dir = '/a'\n"});
}

AstrometricAlignOptions align_options(std::string const& table, std::string const& target = "ngc_0628",
                                      std::string const& band = "F770W") {
  auto const survey = survey_with("[parameters.astrometric_align]\n" + table);
  auto const band_facts = config::parse_band(band == "f770w" ? "F770W" : band);
  return astrometric_align_options(survey.resolve("astrometric_align", target, &band_facts), target, band);
}

std::string refusal(std::string const& table) {
  try {
    align_options(table);
  } catch (ConfigError const& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(AstrometricAlignOptions, HaveTheDefaultsOfTheMatching) {
  auto const options = align_options("");
  EXPECT_FALSE(options.catalogue || options.mapped_to || options.matched_to);
  ASSERT_EQ(options.iterations.size(), 1u);
  EXPECT_EQ(options.iterations[0].searchrad, 3);
  EXPECT_EQ(options.iterations[0].separation, 0.5);
  EXPECT_EQ(options.iterations[0].tolerance, 1);
  EXPECT_EQ(options.iterations[0].geometry, kernels::FitGeometry::General);
  EXPECT_EQ(options.iterations[0].minobj, 3);
}

TEST(AstrometricAlignOptions, TakeIterationsInTheirOrderAndForTheBand) {
  std::string table;
  for (int const k : {10, 2, 1})
    table += fmt::format("tweakreg_parameters.iteration{0}.searchrad = {{miri = {0}, nircam_long = {1}}}\n", k, 2 * k);
  auto const miri = align_options(table), nircam = align_options(table, "ic5332", "F300M");
  ASSERT_EQ(miri.iterations.size(), 3u);
  EXPECT_EQ(miri.iterations[1].name, "iteration2");
  EXPECT_EQ(miri.iterations[2].searchrad, 10);
  EXPECT_EQ(nircam.iterations[2].searchrad, 20);
}

TEST(AstrometricAlignOptions, IgnoreTheLetterCaseOfTargetsAndBands) {
  std::string const table =
      "catalogs = {ngc_0628 = 'a.fits', IC5332 = 'b.fits'}\nalign_mapping = {F770W = 'F1000W', F770W_bgr = 'F770W'}\n";
  EXPECT_EQ(align_options(table, "NGC_0628", "F300M").catalogue, "a.fits");
  EXPECT_EQ(align_options(table, "ic5332", "F300M").catalogue, "b.fits");
  EXPECT_EQ(align_options(table, "ic5332", "f770w").mapped_to, "F1000W");
  EXPECT_EQ(align_options(table, "ic5332", "F770W_bgr").mapped_to, "F770W");
  EXPECT_FALSE(align_options(table, "ic5332", "F1000W").needed_band());
}

TEST(AstrometricAlignOptions, RefuseCirclesAndWhatIsNoBand) {
  EXPECT_THAT(refusal("align_mapping = {F770W = 'F1000W', F1000W = 'F2100W', F2100W = 'F770W'}"),
              testing::AllOf(HasSubstr("circle"), HasSubstr("f1000w -> f2100w")));
  EXPECT_THAT(refusal("align_mapping = {F770W = 'F770W'}"), HasSubstr("circle"));
  EXPECT_THAT(refusal("align_mapping = {F770W = 'F1000W'}\nref_long_filter = {F1000W = 'F770W'}"), HasSubstr("circle"));
  EXPECT_THAT(refusal("align_mapping = {F770W = 'F999X'}"), HasSubstr("F999X"));
  EXPECT_THAT(refusal("ref_long_filter = {F77W = 'F300M'}"), HasSubstr("F77W"));
  EXPECT_THAT(refusal("align_mapping = {F770W = 3}"), HasSubstr("value is no text"));
  EXPECT_THAT(refusal("tweakreg_parameters.tolerance = 0"), HasSubstr("above 0"));
}

TEST(AstrometricAlignOptions, MappingsThatShareAReferenceAreNoCircle) {
  auto const options = align_options(
      "align_mapping = {F770W = 'F1000W', F1130W = 'F1000W', F2100W = 'F1000W'}\nref_long_filter = {F1000W = 'F300M'}");
  EXPECT_EQ(options.needed_band(), "F1000W");
}

std::vector<BandTask> tasks_of(std::vector<std::pair<std::string, std::string>> const& names) {
  std::vector<BandTask> tasks;
  for (auto const& [target, band] : names) {
    auto& task = tasks.emplace_back();
    task.target = target;
    task.band = band;
  }
  return tasks;
}

TEST(BandOrder, PutsReferencesFirstWhateverTheOrderOfTheBands) {
  auto const tasks = tasks_of({{"a", "F2100W"}, {"a", "F770W"}, {"b", "F770W"}, {"a", "F1000W"}, {"b", "F1000W"}});
  std::vector<std::optional<AstrometricAlignOptions>> options(5);
  for (auto& one : options) one.emplace();
  options[0]->mapped_to = "F770W";
  options[1]->mapped_to = "f1000w";
  options[2]->matched_to = "F1000W";
  auto const places = order_bands(tasks, options);
  EXPECT_EQ(places[0].level, 2);
  EXPECT_EQ(places[0].needs, 1);
  EXPECT_EQ(places[1].level, 1);
  EXPECT_EQ(places[1].needs, 3);
  EXPECT_EQ(places[2].needs, 4);
  EXPECT_EQ(places[3].level, 0);
  for (auto const& place : places) EXPECT_TRUE(place.problem.empty());
}

TEST(BandOrder, NamesTheBandThatIsNotThere) {
  auto const tasks = tasks_of({{"a", "F770W"}, {"b", "F1000W"}});
  std::vector<std::optional<AstrometricAlignOptions>> options(2);
  for (auto& one : options) one.emplace();
  options[0]->mapped_to = "F1000W";
  auto const places = order_bands(tasks, options);
  EXPECT_THAT(places[0].problem, testing::AllOf(HasSubstr("a F770W"), HasSubstr("F1000W"), HasSubstr("align_mapping")));
  EXPECT_TRUE(places[1].problem.empty());
}

TEST(MosaicSolution, ReadsBackFromItsFile) {
  MosaicSolution solution;
  solution.target = "a \"b\"";
  solution.band = "F770W";
  solution.mode = AlignMode::BandStars;
  solution.reference = "F300M";
  solution.status = exchange::AlignStatus::Success;
  solution.warnings = {"one", "two"};
  solution.tangent = {10.1, -20.2};
  solution.move = {{{{1, 1e-5 / 3}, {-1e-5 / 3, 1}}}, {1e-7 / 3, -2e-7 / 7}};
  solution.pixel_move = {{{{1, 0.1}, {0.2, 1}}}, {1.0 / 3, 2.0 / 7}};
  solution.matches = 12;
  solution.rmse = 0.1 / 3;
  solution.error = {0.01 / 3, 0.02};
  auto const read = solution_from_json(to_json(solution));
  EXPECT_EQ(to_json(read), to_json(solution));
  EXPECT_EQ(read.move.shift, solution.move.shift);
  EXPECT_EQ(read.move.matrix, solution.move.matrix);
  EXPECT_TRUE(read.is_aligned());
  EXPECT_EQ(align_json_path("/lv3/a_miri_lv3_f770w_i2d.fits"), "/lv3/a_miri_lv3_f770w_i2d_align.json");
  EXPECT_EQ(align_table_path("/lv3/a_miri_lv3_f770w_i2d.fits"), "/lv3/a_miri_lv3_f770w_i2d_align_table.fits");
}

TEST(MosaicPlane, PixelsOfATanMosaicAreItsPixels) {
  tessera::test::ScratchFolder const folder("mosaic-plane");
  model::Header header;
  tessera::test::set_tan(header, 300, 200, 359.999, 60, 0.1, 30);
  header.set("CRPIX1", 20.0);
  tessera::test::write_exposure(folder.path() / "a_i2d.fits", 300, 200, {}, header,
                                {{"SCI", std::vector<float>(300 * 200, 1)}});
  MosaicImage const image(folder.path() / "a_i2d.fits");
  MosaicPlane const plane(image);
  EXPECT_NEAR(plane.pixel_scale(), 0.1, 1e-9);
  for (auto const& [x, y] : {std::pair{0.0, 0.0}, {299.0, 199.0}, {12.3, 150.4}}) {
    auto const at = plane.from_pixel(x, y);
    EXPECT_NEAR(at.x, x - 19, 1e-7);
    EXPECT_NEAR(at.y, y - 99.5, 1e-7);
  }
  // A fit in pixels moves the sky as it moves the pixels.
  kernels::Matrix2 const matrix{{{1, 2e-4}, {-2e-4, 1}}};
  auto const move = plane.to_plane(matrix, {1.5, -0.5});
  auto const sky = image.wcs()->pixel_to_sky({100, 50});
  auto const moved = plane.from_sky(plane.move(move, sky));
  EXPECT_NEAR(moved.x, 81 + 2e-4 * -49.5 + 1.5, 1e-7);
  EXPECT_NEAR(moved.y, -49.5 - 2e-4 * 81 - 0.5, 1e-7);
  auto const by_wcs = plane.corrected(move)->pixel_to_sky({100, 50});
  EXPECT_NEAR(by_wcs.ra, plane.move(move, sky).ra, 1e-11);
  EXPECT_NEAR(by_wcs.dec, plane.move(move, sky).dec, 1e-11);
  auto const back = plane.to_pixels(move);
  EXPECT_NEAR(back.shift[0], 1.5, 1e-9);
  EXPECT_NEAR(back.matrix[0][1], 2e-4, 1e-12);
}

AstrometricCatalogOptions catalog_options(std::string const& table, std::string const& band = "F770W",
                                          std::string const& more = "") {
  auto const survey = survey_with("[parameters.astrometric_catalog]\n" + table + "\n" + more);
  auto const facts = config::parse_band(band);
  return astrometric_catalog_options(survey.resolve("astrometric_catalog", "ic5332", &facts), facts);
}

TEST(AstrometricCatalogOptions, HaveTheDefaultsOfTheirFinder) {
  auto const dao = catalog_options(""), iraf = catalog_options("starfind_method = 'iraf'");
  EXPECT_EQ(dao.snr, 5);
  EXPECT_EQ(dao.noise, MosaicNoiseMethod::Mad);
  EXPECT_EQ(dao.finder.sharplo, 0.2);
  EXPECT_EQ(dao.finder.roundlo, -1);
  EXPECT_EQ(iraf.finder.sharphi, 2);
  EXPECT_EQ(iraf.finder.roundhi, 0.2);
  // 2.445 detector pixels of 0.11 arcsec in a mosaic of 0.1 arcsec
  EXPECT_NEAR(dao.finder_for(0.1, "x").fwhm, 2.6895, 1e-12);
  EXPECT_EQ(dao.finder_for(0.1, "x").min_separation, 0);
  EXPECT_EQ(iraf.finder_for(0.1, "x").min_separation, 7);
}

TEST(AstrometricCatalogOptions, TakeWhatTheConfigurationSays) {
  auto const options = catalog_options(
      "snr = 10\nstarfind_method = 'iraf'\nstarfind_prefilter = 'constrained_diffusion'\nnoise = 'clip'\n"
      "dao_parameters = {sharplo = 0.3, roundlo = -0.5, fwhm = 3, brightest = 100, peakmax = 20, minsep_fwhm = 1}");
  EXPECT_EQ(options.snr, 10);
  EXPECT_TRUE(options.constrained_diffusion);
  EXPECT_EQ(options.noise, MosaicNoiseMethod::Clip);
  EXPECT_EQ(options.finder.sharplo, 0.3);
  EXPECT_EQ(options.finder.sharphi, 2);
  EXPECT_EQ(options.finder.brightest, 100);
  EXPECT_EQ(options.finder.peakmax, 20);
  EXPECT_EQ(options.finder_for(0.05, "x").fwhm, 3);
  EXPECT_EQ(options.finder_for(0.05, "x").min_separation, 3);
}

TEST(AstrometricCatalogOptions, FollowPjpipesNoiseWithCompat) {
  EXPECT_EQ(catalog_options("", "F770W", "[tessera]\ncompat = 'pjpipe-1.2.1'").noise, MosaicNoiseMethod::Clip);
  EXPECT_EQ(catalog_options("noise = 'mad'", "F770W", "[tessera]\ncompat = 'pjpipe-1.2.1'").noise,
            MosaicNoiseMethod::Mad);
}

TEST(AstrometricCatalogOptions, RefuseWhatMakesNoSense) {
  EXPECT_THROW(catalog_options("starfind_parameters.sharplo = 2"), ConfigError);
  EXPECT_THROW(catalog_options("starfind_parameters.sigma_radius = 0"), ConfigError);
  EXPECT_THROW(catalog_options("starfind_parameters.fwhm = 0"), ConfigError);
  EXPECT_THROW(catalog_options("", "F150W_niriss").finder_for(0.06, "ic5332 F150W_niriss"), InputError);
}

}  // namespace
}  // namespace tessera::steps
