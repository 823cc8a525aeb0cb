// Star lists matched to the stars of a reference band: right ones, and ones that match by chance.
#include "../../../src/steps/get_wcs_adjust/run_align_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/config/toml_file.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;

constexpr double Ra = 30, Dec = 10, ArcsecPerRadian = 206264.80624709636;

model::Star star_at(double east, double north) {
  model::Star star;
  star.ra = Ra + east / 3600 / std::cos(Dec * 0.017453292519943295);
  star.dec = Dec + north / 3600;
  return star;
}

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(engine_()) / 4294967296.0; }
  model::Star star(double half) {
    double const east = uniform(-half, half);
    return star_at(east, uniform(-half, half));
  }

 private:
  std::mt19937 engine_;
};

/// A band of two groups: "good" sees `common` stars of the reference, off by (0.4, -0.3), with errors of 10 mas; "bad"
/// sees other stars only.
struct Field {
  std::vector<model::Star> reference;
  BandTask task;
  BandImages band;

  Field(std::filesystem::path const& folder, int common) {
    config::Survey survey;
    survey.parameters = config::parse_toml(
        "[get_wcs_adjust]\nbands = ['F300M', 'F1000W']\ngroup_dithers = ['miri']\nreference_band = {miri = 'F300M'}\n"
        "[get_wcs_adjust.tweakreg_parameters]\nminobj = 4\nsearchrad = 1.0\nseparation = 0.5\ntolerance = 0.3\n"
        "fitgeometry = 'shift'\n",
        "config.toml");
    task.target = "ngc0628";
    task.band = "F1000W";
    task.band_facts = config::parse_band("F1000W");
    task.products = folder;
    task.adjustments = folder / "ngc0628_wcs_adjust.toml";
    band.task = &task;
    auto const parameters = survey.resolve("get_wcs_adjust", task.target, &task.band_facts);
    band.options = get_wcs_adjust_options(parameters, task.band_facts);
    band.tweakreg = tweakreg_of(parameters, task.band_facts, band.options);

    Random random(5);
    for (int k = 0; k < 500; ++k) reference.push_back(random.star(40));
    for (char const* name : {"good", "bad"}) {
      exchange::AlignImage image;
      image.name = image.group = image.visit = name;
      image.plane.tangent = {Ra, Dec};
      image.pixel_scale = 0.11;
      for (auto const& [east, north] : {std::pair{-40, -40}, {-40, 40}, {40, 40}, {40, -40}}) {
        auto const corner = star_at(east, north);
        image.corners.push_back({corner.ra, corner.dec});
      }
      for (int k = 0; image.group == "good" && k < common; ++k) {
        auto star = reference[static_cast<std::size_t>(3 * k)];
        star.ra += (0.4 + random.uniform(-0.017, 0.017)) / 3600 / std::cos(Dec * 0.017453292519943295);
        star.dec += (-0.3 + random.uniform(-0.017, 0.017)) / 3600;
        image.stars.push_back(star);
      }
      while (image.stars.size() < 300) image.stars.push_back(random.star(40));
      band.members.push_back(static_cast<int>(band.images.size()));
      band.images.push_back(image);
    }
  }

  std::vector<store::ExposureRecord> records() const {
    std::vector<store::ExposureRecord> all(2);
    all[0].identity.exposure = "jw02107041001_02101_00001_mirimage";
    all[1].identity.exposure = "jw02107041002_02101_00001_mirimage";
    return all;
  }
  BandResult run() const { return run_align_job({band}, reference, true, {true}, records()).front(); }
};

}  // namespace

TEST(RunAlignJob, MatchesAGroupToTheReferenceStarsAmongOthers) {
  test::ScratchFolder scratch("align-job");
  Field const field(scratch.path(), 60);
  auto const result = field.run();
  EXPECT_EQ(result.problem, "");
  ASSERT_EQ(result.exposures.size(), 1u);
  ASSERT_TRUE(result.exposures[0].correction);
  auto const& shift = result.exposures[0].correction->shift;
  // Sixty centres with errors of 10 mas an axis; within the first tolerance as many match by chance.
  EXPECT_NEAR(shift[0] * ArcsecPerRadian, -0.4, 0.006);
  EXPECT_NEAR(shift[1] * ArcsecPerRadian, 0.3, 0.006);
  // Of the group that was aligned alone; some of its random stars are as near as two dithers of one.
  EXPECT_LE(result.stars.size(), 300u);
  EXPECT_GT(result.stars.size(), 290u);
}

TEST(RunAlignJob, SaysWhichGroupMatchesByChanceAlone) {
  test::ScratchFolder scratch("align-job");
  auto const result = Field(scratch.path(), 60).run();
  bool is_said = false;
  for (auto const& warning : result.warnings)
    is_said = is_said || warning.starts_with("bad is not aligned: FAILED: no more matches than by chance");
  EXPECT_TRUE(is_said) << testing::PrintToString(result.warnings);
}

TEST(RunAlignJob, HasAProblemWithoutReferenceStars) {
  test::ScratchFolder scratch("align-job");
  Field field(scratch.path(), 60);
  field.reference.clear();
  EXPECT_THAT(field.run().problem, HasSubstr("reference band"));
}

}  // namespace tessera::steps
