// Stars of a catalogue on the simulated sky, and the datum that is written of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/simulate/make_exposure.hpp"
#include "tessera/simulate/render_sky.hpp"
#include "tessera/simulate/run_simulation.hpp"
#include "tessera/store/star_catalogue.hpp"

namespace tessera::simulate {
namespace {

/// Three stars about (24, 15.5), and one on another part of the sky.
std::filesystem::path write_list(std::filesystem::path const& folder) {
  std::ofstream(folder / "stars.csv") << "ra,dec\n24.0,15.5\n24.003,15.498\n23.999,15.503\n300,-20\n";
  return folder / "stars.csv";
}

SimulationSettings make_settings(std::filesystem::path const& list) {
  SimulationSettings settings;
  settings.bands = {"F300M"};
  settings.targets = {{"one", 24.0, 15.5, 30, list}};
  settings.dithers.count = 1;
  settings.detectors.use = {"nrcblong"};
  settings.detectors.nircam_size = 512;
  settings.scene = {0, 0, 0, 0, 0, 0, 0.5, 500};
  settings.cosmic_rays.on = settings.levels.on = settings.stripes.on = settings.bad_pixels.on = false;
  settings.listed_stars = {10, 10, 0};
  return settings;
}

TEST(StarList, LeavesOutStarsOfOtherPartsOfTheSky) {
  test::ScratchFolder const scratch("star-list");
  auto const positions = read_star_list(make_settings(write_list(scratch.path())).targets[0]);
  ASSERT_EQ(positions.size(), 3u);
  EXPECT_EQ(positions[1].ra, 24.003);
  auto elsewhere = make_settings(scratch.path() / "stars.csv").targets[0];
  elsewhere.dec = -15.5;
  EXPECT_THROW(read_star_list(elsewhere), ConfigError);
  elsewhere.star_list = scratch.path() / "missing.fits";
  EXPECT_THROW(read_star_list(elsewhere), InputError);
}

TEST(StarList, PutsItsStarsWhereTheActualPointingSeesThem) {
  test::ScratchFolder const scratch("star-list-sky");
  auto settings = make_settings(write_list(scratch.path()));
  settings.focal_plane.detector_rms = 0.2;
  SurveyPlan const plan = plan_survey(settings);
  PlannedExposure const& planned = plan.exposures[0];
  SimulatedExposure const exposure = make_exposure(plan, Scene(settings, 0), planned);
  auto const wcs = sky::make_imaging_wcs(make_geometry(plan.detectors[0][0]), actual_pointing(plan, planned));
  auto const pixels = find_pixels(*wcs, read_star_list(settings.targets[0]));
  for (model::PixelPoint const& at : pixels) {
    // Centre of light in 9x9 pixels of the noiseless sky, which has nothing but these stars.
    double sum = 0, x = 0, y = 0;
    for (int j = -4; j <= 4; ++j)
      for (int i = -4; i <= 4; ++i) {
        int const column = static_cast<int>(std::lround(at.x)) + i, row = static_cast<int>(std::lround(at.y)) + j;
        double const value = exposure.sky[static_cast<std::size_t>(row * exposure.nx + column)];
        sum += value;
        x += value * column;
        y += value * row;
      }
    EXPECT_GT(sum, 0);
    EXPECT_NEAR(x / sum, at.x, 0.05);
    EXPECT_NEAR(y / sum, at.y, 0.05);
  }
}

TEST(StarList, IsTheDatumWithErrorsOfItsOwn) {
  test::ScratchFolder const scratch("star-list-datum");
  auto settings = make_settings(write_list(scratch.path()));
  settings.detectors.nircam_size = 64;
  settings.datum = {"listed", 0.01};
  run_simulation(parallel::Communicator(), settings, scratch.path() / "survey");
  auto const datum = store::read_star_catalogue(scratch.path() / "survey" / "alignment" / "one_stars.fits");
  auto const listed = read_star_list(settings.targets[0]);
  ASSERT_EQ(datum.stars.size(), listed.size());
  for (std::size_t k = 0; k < listed.size(); ++k) {
    double const north = 3600 * (datum.stars[k].dec - listed[k].dec);
    EXPECT_NE(north, 0);
    EXPECT_LT(std::abs(north), 0.05);
  }
}

}  // namespace
}  // namespace tessera::simulate
