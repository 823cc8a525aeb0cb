#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "star_mosaics.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/source_mask.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/steps/astrometric_catalog/astrometric_catalog_step.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;
using Settings = std::map<std::string, config::Value>;

class AstrometricCatalog : public testing::Test {
 protected:
  MosaicTask task(std::string const& name, std::string const& band, Settings const& settings) const {
    MosaicTask made;
    made.target = "ngc0628";
    made.band = band;
    made.band_facts = config::parse_band(band);
    made.parameters = parameters_of_step("astrometric_catalog", "starfind_parameters", "starfind", settings);
    made.step = "astrometric_catalog";
    made.root = folder_.path() / label_ / name;
    made.mosaic = folder_.path() / (name + "_i2d.fits");
    made.product = made.root.string() + "_astro_cat.fits";
    made.manifest.step = made.step;
    return made;
  }
  void write(std::string const& name, StarImage const& image) const {
    if (world_.is_root()) image.write(folder_.path() / (name + "_i2d.fits"));
    world_.barrier();
  }
  StepOutcome run(std::vector<MosaicTask> const& tasks, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30) const {
    for (auto const& one : tasks)
      if (communicator.is_root()) std::filesystem::create_directories(one.root.parent_path());
    communicator.barrier();
    parallel::ControlChannel control(communicator);
    parallel::MemoryBudget budget(budget_bytes);
    std::vector<store::ExposureRecord> const none;
    StepContext context{communicator, control, budget, none, 0, {}, false};
    auto outcome = run_astrometric_catalog(context, tasks);
    communicator.barrier();
    return outcome;
  }

  parallel::Communicator world_ = parallel::Communicator::world();
  tessera::test::ScratchFolder folder_{"astrometric-catalog"};
  std::string label_ = "run";
};

/// Stars of `truth` with a star of the table within `radius` pixels.
std::size_t count_found(std::vector<TrueStar> const& truth, io::SourceTable const& table, double radius) {
  auto const x = table.numbers("xcentroid", "table"), y = table.numbers("ycentroid", "table");
  return static_cast<std::size_t>(std::count_if(truth.begin(), truth.end(), [&](TrueStar const& star) {
    for (std::size_t k = 0; k < x.size(); ++k)
      if (std::hypot(x[k] - star.x, y[k] - star.y) < radius) return true;
    return false;
  }));
}

TEST_F(AstrometricCatalog, FindsTheStarsOfEveryMosaicWithTheirPlacesOnTheSky) {
  auto const first_stars = scattered_stars(400, 600, 40, 8, 1), second_stars = scattered_stars(700, 300, 50, 8, 2);
  StarImage first(400, 600, 3.0, 0.05, 11), second(700, 300, -0.2, 0.05, 12);
  for (auto const& star : first_stars) first.add(star);
  for (auto const& star : second_stars) second.add(star);
  first.cut_border(6);
  write("first", first);
  write("second", second);
  for (char const* method : {"dao", "iraf"}) {
    label_ = method;
    Settings const settings{{"starfind_method", method}, {"snr", 10.0}};
    std::vector const tasks{task("first", "F300M", settings), task("second", "F300M_bgr", settings)};
    auto const outcome = run(tasks, world_);
    ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
    auto const one = io::read_table(tasks[0].product), two = io::read_table(tasks[1].product);
    double const radius = std::string(method) == "dao" ? 0.25 : 0.1;  // its marginal fits suffer from undersampling
    EXPECT_EQ(count_found(first_stars, one, radius), first_stars.size()) << method;
    EXPECT_EQ(one.rows(), first_stars.size()) << method;
    EXPECT_EQ(count_found(second_stars, two, radius), second_stars.size()) << method;
    EXPECT_EQ(two.rows(), second_stars.size()) << method;
    EXPECT_TRUE(store::read_manifest(tasks[1].product).has_value());

    auto const wcs = sky::make_fits_wcs(first.header, first.nx, first.ny);
    auto const x = one.numbers("xcentroid", "t"), y = one.numbers("ycentroid", "t"),
               ra = one.numbers("sky_centroid.ra", "t"), dec = one.numbers("sky_centroid.dec", "t");
    for (std::size_t k = 0; k < x.size(); ++k) {
      auto const pixel = wcs->sky_to_pixel({ra[k], dec[k]});
      EXPECT_NEAR(pixel.x, x[k], 1e-6);
      EXPECT_NEAR(pixel.y, y[k], 1e-6);
    }
    auto const summary = nlohmann::json::parse(file_bytes(tasks[0].root.string() + "_astro_cat.json"));
    EXPECT_EQ(summary["stars"], first_stars.size());
    EXPECT_NEAR(summary["sky_level"].get<double>(), 3.0, 0.01);
    EXPECT_NEAR(summary["sky_rms"].get<double>(), 0.05, 0.002);
    EXPECT_NEAR(summary["pixel_scale_arcsec"].get<double>(), 0.063, 1e-6);
    EXPECT_NEAR(summary["kernel_fwhm_pixel"].get<double>(), 1.585, 1e-3);
    EXPECT_GT(summary["fwhm_median_pixel"].get<double>(), 1.2);
    EXPECT_LT(summary["fwhm_median_pixel"].get<double>(), 2.4);
  }
}

TEST_F(AstrometricCatalog, TheBytesDoNotDependOnRanksOrMemory) {
  StarImage image(500, 900, 1.0, 0.05, 21), other(300, 300, 1.0, 0.05, 22);
  for (auto const& star : scattered_stars(500, 900, 30, 1.5, 3)) image.add(star);
  // A star on every border between rows of blocks, and patches of emission there.
  for (double const y : {254.8, 255.5, 256.2, 511.5, 767.4}) image.add({3 * y / 8 + 40, y, 5});
  for (double const y : {250.0, 509.0, 770.0}) image.add({420, y, 40}, 9);
  image.cut_border(3);
  for (std::size_t k = 0; k < 500; ++k) image.sci[400 * 500 + k] = 0;
  write("image", image);
  write("other", other);
  for (char const* noise : {"mad", "clip"}) {
    Settings const settings{{"noise", noise}, {"starfind_parameters.brightest", 300}};
    label_ = std::string("all_") + noise;
    std::vector const together{task("image", "F300M", settings), task("other", "F335M", settings)};
    ASSERT_TRUE(run(together, world_).failures.empty());
    label_ = std::string("alone_") + noise;
    std::vector const alone{task("image", "F300M", settings), task("other", "F335M", settings)};
    if (world_.is_root()) {
      auto const outcome = run(alone, {}, 4'500'000);  // less than the image
      ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
      for (std::size_t k = 0; k < 2; ++k) {
        EXPECT_EQ(file_bytes(together[k].product), file_bytes(alone[k].product)) << noise;
        EXPECT_EQ(file_bytes(together[k].root.string() + "_astro_cat.json"),
                  file_bytes(alone[k].root.string() + "_astro_cat.json"));
      }
      EXPECT_GT(io::read_table(alone[0].product).rows(), 100u);
    }
    world_.barrier();
  }
}

TEST_F(AstrometricCatalog, NoiseByRowsIsThatOfTheWholeImage) {
  StarImage image(300, 800, 1.0, 0.05, 71);
  for (auto const& star : scattered_stars(300, 800, 25, 2, 7)) image.add(star, 3);
  for (double const y : {255.0, 262.0, 512.0}) image.add({y / 2, y, 60}, 9);
  image.cut_border(2);
  write("image", image);
  for (char const* noise : {"mad", "clip"}) {
    bool const is_clip = std::string(noise) == "clip";
    kernels::SourceMaskOptions options;
    options.nsigma = is_clip ? 1.5 : 3;
    options.npixels = 5;
    auto const mask = kernels::make_source_mask(image.sci.data(), nullptr, image.nx, image.ny, options);
    std::vector<double> values;
    for (std::size_t k = 0; k < mask.size(); ++k)
      if (!mask[k] && std::isfinite(image.sci[k])) values.push_back(image.sci[k]);
    double median = 0, rms = 0;
    if (is_clip) {
      auto const found = kernels::sigma_clip(values, 1.5, 20);
      median = found.median;
      rms = found.std;
    } else {
      median = kernels::median_in_place(std::span<double>(values));
      for (double& value : values) value = std::abs(value - median);
      rms = 1.4826 * kernels::median_in_place(std::span<double>(values));
    }
    label_ = noise;
    std::vector const tasks{task("image", "F300M", {{"noise", noise}})};
    ASSERT_TRUE(run(tasks, world_).failures.empty());
    auto const summary = nlohmann::json::parse(file_bytes(tasks[0].root.string() + "_astro_cat.json"));
    EXPECT_NEAR(summary["sky_level"].get<double>(), median, 1e-9) << noise;
    EXPECT_NEAR(summary["sky_rms"].get<double>(), rms, 1e-7 * rms) << noise;  // deviations are rounded to float
  }
}

TEST_F(AstrometricCatalog, PjpipesNoiseOfPureNoiseIsFarTooSmall) {
  // Spec 40, 1.13: about 0.035 of the true sigma after 20 rounds of 1.5 sigma.
  write("noise", StarImage(600, 600, 0.0, 1.0, 31));
  std::vector const tasks{task("noise", "F300M", {{"noise", "clip"}})};
  ASSERT_TRUE(run(tasks, world_).failures.empty());
  auto const summary = nlohmann::json::parse(file_bytes(tasks[0].root.string() + "_astro_cat.json"));
  EXPECT_LT(summary["sky_rms"].get<double>(), 0.1);
  EXPECT_GT(summary["sky_rms"].get<double>(), 0.01);
}

TEST_F(AstrometricCatalog, DiffusionFindsStarsOnBrightEmission) {
  StarImage image(256, 300, 0.5, 0.02, 41);
  auto const stars = scattered_stars(256, 300, 40, 4, 4);
  image.add({128, 150, 9000}, 24);  // cut off at 12 pixels: a bright patch with an edge
  for (auto const& star : stars) image.add(star);
  write("emission", image);
  std::vector const tasks{task("emission", "F300M", {{"starfind_prefilter", "constrained_diffusion"}, {"snr", 10.0}})};
  auto const outcome = run(tasks, world_);
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  EXPECT_GE(count_found(stars, io::read_table(tasks[0].product), 0.3), stars.size() * 9 / 10);
}

TEST_F(AstrometricCatalog, DiffusionOfAMosaicThatDoesNotFitSaysWhatWouldHelp) {
  write("large", StarImage(512, 300, 0.5, 0.02, 51));
  auto const outcome =
      run({task("large", "F300M", {{"starfind_prefilter", "constrained_diffusion"}})}, world_, 6'000'000);
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_THAT(outcome.failures[0].message, testing::AllOf(HasSubstr("ngc0628 F300M"), HasSubstr("--memory-per-rank"),
                                                          HasSubstr("starfind_prefilter")));
}

TEST_F(AstrometricCatalog, BadMosaicsAreReportedAndTheOthersDone) {
  StarImage good(300, 300, 1, 0.05, 61), empty(300, 300, 1, 0.05, 62), no_wcs(300, 300, 1, 0.05, 63),
      flat(64, 64, 0, 0, 64);
  for (auto const& star : scattered_stars(300, 300, 40, 8, 5)) good.add(star);
  std::fill(empty.sci.begin(), empty.sci.end(), std::numeric_limits<float>::quiet_NaN());
  std::fill(flat.sci.begin(), flat.sci.end(), 2.0f);
  no_wcs.header = {};
  write("good", good);
  write("empty", empty);
  write("no_wcs", no_wcs);
  write("flat", flat);
  if (world_.is_root()) {
    std::ofstream(folder_.path() / "text_i2d.fits") << "no FITS";
    test::write_exposure(folder_.path() / "other_i2d.fits", 8, 8, {}, good.header,
                         {{"ERR", std::vector<float>(64, 1)}});
  }
  world_.barrier();
  std::vector<MosaicTask> tasks;
  for (char const* name : {"absent", "text", "other", "no_wcs", "empty", "flat", "good"})
    tasks.push_back(task(name, "F300M", {{"snr", 10.0}}));
  auto const outcome = run(tasks, world_);
  ASSERT_EQ(outcome.failures.size(), 4u);
  std::string all;
  for (auto const& failure : outcome.failures) all += failure.message + "\n";
  for (char const* part : {"absent_i2d.fits", "text_i2d.fits", "other_i2d.fits", "no_wcs_i2d.fits"})
    EXPECT_THAT(all, HasSubstr(part));
  EXPECT_EQ(io::read_table(tasks[4].product).rows(), 0u);
  EXPECT_EQ(io::read_table(tasks[5].product).rows(), 0u);
  EXPECT_EQ(io::read_table(tasks[6].product).rows(), 36u);
}

}  // namespace
}  // namespace tessera::steps
