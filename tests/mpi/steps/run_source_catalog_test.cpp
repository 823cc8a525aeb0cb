#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "source_mosaics.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/steps/source_catalog/source_catalog_step.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;
using Settings = std::map<std::string, config::Value>;

std::string const Prefix = "jwst_parameters.source_catalog.";

class SourceCatalog : public testing::Test {
 protected:
  MosaicTask task(std::string const& name, Settings const& settings = {}) const {
    MosaicTask made;
    made.target = "ngc0628";
    made.band = "F300M";
    made.band_facts = config::parse_band("F300M");
    Settings all{{Prefix + "kernel_fwhm", config::Value(2.0)},
                 {Prefix + "bkg_boxsize", config::Value(std::int64_t{200})}};
    for (auto const& [key, value] : settings) all[Prefix + key] = value;
    made.parameters = parameters_of_step("lv3", "jwst_parameters.source_catalog", "source_catalog", all);
    made.step = "source_catalog";
    made.mosaic = folder_.path() / (name + "_i2d.fits");
    made.root = folder_.path() / label_ / name;
    made.product = made.root.string() + "_cat.ecsv";
    made.manifest.step = made.step;
    return made;
  }
  static std::filesystem::path map_of(MosaicTask const& task) { return task.root.string() + "_segm.fits"; }

  template <class Write>
  void on_root(Write write) const {
    if (world_.is_root()) write();
    world_.barrier();
  }
  void write(std::string const& name, SourceMosaic const& mosaic, bool with_errors = true) const {
    on_root([&] { mosaic.write(folder_.path() / (name + "_i2d.fits"), with_errors); });
  }
  /// Two mosaics of another shape; the galaxy of the first crosses four bands.
  void write_two() const {
    SourceMosaic first(610, 1100, 1), second(700, 300, 2);
    for (auto const& star : scattered_stars(610, 1100, 45, 6, 3)) first.image.add(star);
    first.add_galaxy(320, 560, 90, 3);
    first.cut_coverage();
    for (auto const& star : scattered_stars(700, 300, 30, 4, 4)) second.image.add(star);
    write("first", first);
    write("second", second);
    // Too little of every box of the background is left: there is one level for the whole mosaic.
    auto sparse = first;
    for (std::size_t k = 0; k < sparse.weights.size(); k += 8) sparse.weights[k] = 0;
    write("sparse", sparse);
  }
  StepOutcome run(std::vector<MosaicTask> const& tasks, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30,
                  parallel::StopRequest request = parallel::StopRequest::None) const {
    for (auto const& one : tasks)
      if (communicator.is_root()) std::filesystem::create_directories(one.root.parent_path());
    communicator.barrier();
    parallel::ControlChannel control(communicator);
    if (request != parallel::StopRequest::None) control.raise(request);
    parallel::MemoryBudget budget(budget_bytes);
    std::vector<store::ExposureRecord> const none;
    StepContext context{communicator, control, budget, none, 0, {}, false};
    auto outcome = run_source_catalog(context, tasks);
    control.agree();
    communicator.barrier();
    return outcome;
  }
  static std::vector<std::uint32_t> read_map(std::filesystem::path const& path) {
    auto const file = io::FitsFile::open(path);
    auto const& hdu = file.require("SCI");
    std::vector<std::uint32_t> labels(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
    file.read_rows(hdu, 0, hdu.ny(), labels.data());
    return labels;
  }
  /// Files in the folder of the products.
  std::set<std::string> products() const {
    std::set<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(folder_.path() / label_))
      names.insert(entry.path().filename().string());
    return names;
  }
  static config::Value reference(char const* name) {
    return config::Value((test::data_dir() / "references" / name).string());
  }

  parallel::Communicator world_ = parallel::Communicator::world();
  tessera::test::ScratchFolder folder_{"source-catalog"};
  std::string label_ = "run";
};

TEST_F(SourceCatalog, GivesTheSameBytesForAnyRanksAndMemory) {
  write_two();
  auto const make_tasks = [&] { return std::vector{task("first"), task("second"), task("sparse")}; };
  auto const together = make_tasks();
  auto const outcome = run(together, world_);
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  EXPECT_EQ(products(),
            (std::set<std::string>{"first_cat.ecsv", "first_cat.ecsv.manifest.json", "first_segm.fits",
                                   "second_cat.ecsv", "second_cat.ecsv.manifest.json", "second_segm.fits",
                                   "sparse_cat.ecsv", "sparse_cat.ecsv.manifest.json", "sparse_segm.fits"}));
  on_root([&] {
    label_ = "alone";
    auto const alone = make_tasks();
    ASSERT_TRUE(run(alone, {}, std::int64_t{24} << 20).failures.empty());
    for (std::size_t k = 0; k < alone.size(); ++k) {
      EXPECT_EQ(file_bytes(together[k].product), file_bytes(alone[k].product)) << k;
      EXPECT_EQ(file_bytes(map_of(together[k])), file_bytes(map_of(alone[k]))) << k;
      EXPECT_GT(file_bytes(alone[k].product).size(), 50000u) << k;
    }
  });
}

TEST_F(SourceCatalog, TheMapIsThatOfTheWholeImageAtOnce) {
  write_two();
  auto const one = task("first");
  ASSERT_TRUE(run({one}, world_).failures.empty());
  on_root([&] {
    auto const file = io::FitsFile::open(one.mosaic);
    auto const nx = file.require("SCI").nx(), ny = file.require("SCI").ny();
    auto const count = static_cast<std::size_t>(nx * ny);
    std::vector<float> sci(count), err(count), wht(count), background(count), rms(count);
    file.read_rows(file.require("SCI"), 0, ny, sci.data());
    file.read_rows(file.require("ERR"), 0, ny, err.data());
    file.read_rows(file.require("WHT"), 0, ny, wht.data());
    std::vector<std::uint8_t> mask(count);
    for (std::size_t k = 0; k < count; ++k) {
      sci[k] *= static_cast<float>(SourceMosaic::Jansky);
      mask[k] = std::isnan(err[k]) || wht[k] == 0;
    }
    kernels::BackgroundMeshOptions options;
    options.box_x = options.box_y = 200;
    kernels::measure_background(sci.data(), mask.data(), nx, ny, options)
        .rows(0, ny, mask.data(), background.data(), rms.data());
    for (std::size_t k = 0; k < count; ++k) {
      sci[k] -= background[k];
      rms[k] *= 3;
    }
    kernels::SegmentationOptions segmentation;
    segmentation.npixels = 25;
    auto const smoothed = kernels::smooth_for_detection(sci.data(), mask.data(), nx, ny, 2.0);
    auto const expected = kernels::segment(smoothed.data(), rms.data(), mask.data(), nx, ny, segmentation);
    auto const found = read_map(map_of(one));
    std::size_t different = 0;
    for (std::size_t k = 0; k < count; ++k) different += found[k] != static_cast<std::uint32_t>(expected[k]);
    EXPECT_EQ(different, 0u);
    EXPECT_GT(*std::max_element(found.begin(), found.end()), 100u);
    auto const table = io::read_table(one.product);
    EXPECT_EQ(table.rows(), *std::max_element(found.begin(), found.end()));
    auto const labels = table.numbers("label", "table"), area = table.numbers("isophotal_area", "table");
    for (std::size_t k = 0; k < labels.size(); ++k) EXPECT_EQ(labels[k], static_cast<double>(k + 1));
    EXPECT_LE(area[9], static_cast<double>(std::count(found.begin(), found.end(), 10u)));
  });
}

TEST_F(SourceCatalog, IsolatedStarsHaveTheirPlacesFluxesAndMagnitudes) {
  SourceMosaic mosaic(500, 400, 7, 0.02);
  auto const stars = scattered_stars(500, 400, 60, 40, 8);
  // In the references' 70 % the radius is 3.6 pixels, the correction 1 / 0.7: the star that fits has this width.
  double const sigma = 3.6 / std::sqrt(-2 * std::log(0.3));
  for (auto const& star : stars) mosaic.image.add(star, 2.3548200450309493 * sigma);
  mosaic.image.header.set("BUNIT", "MJy/sr");
  write("stars", mosaic);
  auto const one = task("stars", {{"override_apcorr", reference("nircam_apcorr.fits")},
                                  {"override_abvegaoffset", reference("nircam_abvegaoffset.asdf")}});
  auto const outcome = run({one}, world_);
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  on_root([&] {
    auto const table = io::read_table(one.product);
    auto const x = table.numbers("xcentroid", "table"), y = table.numbers("ycentroid", "table"),
               flux = table.numbers("aper_total_flux", "table"), ab = table.numbers("aper_total_abmag", "table"),
               vega = table.numbers("aper_total_vegamag", "table"), ra = table.numbers("sky_centroid.ra", "table"),
               dec = table.numbers("sky_centroid.dec", "table"), major = table.numbers("semimajor_sigma", "table"),
               left = table.numbers("sky_bbox_ll.ra", "table"), right = table.numbers("sky_bbox_ur.ra", "table"),
               nearest = table.numbers("nn_dist", "table");
    EXPECT_EQ(table.columns.size(), 59u);
    EXPECT_EQ(table.columns.front().name, "label");
    EXPECT_EQ(table.columns.back().name, "sky_bbox_ur.dec");
    EXPECT_EQ(table.find("aper30_flux")->unit, "Jy");
    auto const wcs = sky::make_fits_wcs(mosaic.image.header, 500, 400);
    for (auto const& star : stars) {
      std::size_t found = x.size();
      for (std::size_t k = 0; k < x.size(); ++k)
        if (std::hypot(x[k] - star.x, y[k] - star.y) < 0.1) found = k;
      ASSERT_LT(found, x.size()) << star.x << " " << star.y;
      double const expected = star.flux * SourceMosaic::Jansky;
      EXPECT_NEAR(flux[found], expected, 0.02 * expected);
      EXPECT_NEAR(ab[found], -2.5 * std::log10(flux[found]) + 8.9, 2e-6);
      EXPECT_NEAR(ab[found] - vega[found], 2.2, 2e-6) << "the reference's offset of F300M";
      auto const sky = wcs->pixel_to_sky(model::PixelPoint{x[found], y[found]});
      EXPECT_NEAR(ra[found], sky.ra, 2e-9);  // four decimals of a pixel
      EXPECT_NEAR(dec[found], sky.dec, 2e-9);
      EXPECT_GT(left[found], ra[found]) << "east is left";
      EXPECT_LT(right[found], ra[found]);
      EXPECT_GT(major[found], 0.9 * sigma);
      EXPECT_LT(major[found], 1.5 * sigma);
      EXPECT_GT(nearest[found], 20);
    }
    auto const text = file_bytes(one.product);
    EXPECT_THAT(text, HasSubstr("aperture_radii: ["));
    EXPECT_EQ(text.find("remarks"), std::string::npos);
    auto const map = io::FitsFile::open(map_of(one));
    EXPECT_EQ(map.hdus().front().header.text("SCATFILE"), "stars_cat.ecsv");
    EXPECT_EQ(map.require("SCI").header.text("CTYPE1"), "RA---TAN");
    EXPECT_FALSE(map.require("SCI").header.has("BUNIT"));
  });
}

TEST_F(SourceCatalog, WithoutReferencesThereIsACatalogueThatSaysSo) {
  write_two();
  auto const one = task("second");
  ASSERT_TRUE(run({one}, world_).failures.empty());
  on_root([&] {
    auto const text = file_bytes(one.product);
    EXPECT_THAT(text, HasSubstr("aperture_radii: [1, 2, 3], aperture_corrections: [1, 1, 1]"));
    EXPECT_THAT(text, HasSubstr("no APCORR reference file"));
    EXPECT_THAT(text, HasSubstr("Vega magnitudes are AB magnitudes"));
  });
}

TEST_F(SourceCatalog, AReferenceOfAnotherBandIsAsGoodAsNone) {
  write_two();
  auto const one = task("second", {{"override_apcorr", reference("nircam_apcorr.fits")},
                                   {"aperture_ee3", config::Value(std::int64_t{75})}});
  ASSERT_TRUE(run({one}, world_).failures.empty());
  on_root([&] { EXPECT_THAT(file_bytes(one.product), HasSubstr("not the rows of F300M, pupil CLEAR")); });
}

TEST_F(SourceCatalog, BadInputFailsAloneAndSaysWhatToDo) {
  write_two();
  SourceMosaic const plain(300, 280, 9);
  write("without_errors", plain, false);
  auto no_area = plain;
  no_area.image.header.remove("PIXAR_SR");
  write("without_area", no_area);
  std::vector const tasks{task("first", {{"override_apcorr", reference("miri_apcorr.fits")}}),
                          task("second"),
                          task("without_errors"),
                          task("without_area"),
                          task("not_there"),
                          task("second", {{"override_abvegaoffset", reference("nircam_apcorr.fits")}})};
  auto renamed = tasks;
  renamed.back().root = folder_.path() / label_ / "other";
  renamed.back().product = renamed.back().root.string() + "_cat.ecsv";
  auto const outcome = run(renamed, world_);
  ASSERT_EQ(outcome.failures.size(), 5u);
  std::string all;
  for (auto const& failure : outcome.failures) all += failure.message + "\n";
  EXPECT_THAT(all, HasSubstr("a column of texts 'pupil'"));
  EXPECT_THAT(all, HasSubstr("ERR"));
  EXPECT_THAT(all, HasSubstr("PIXAR_SR"));
  EXPECT_THAT(all, HasSubstr("not_there_i2d.fits"));
  EXPECT_THAT(all, HasSubstr("nircam_apcorr.fits"));
  EXPECT_EQ(products(),
            (std::set<std::string>{"second_cat.ecsv", "second_cat.ecsv.manifest.json", "second_segm.fits"}));
}

TEST_F(SourceCatalog, NoSourcesAndNoPixelsLeaveAListOfNothingAndNoMapOfBefore) {
  SourceMosaic const noise(520, 530, 10);
  auto blind = noise;
  std::fill(blind.image.sci.begin(), blind.image.sci.end(), std::numeric_limits<float>::quiet_NaN());
  auto masked = noise;
  std::fill(masked.weights.begin(), masked.weights.end(), 0.0f);
  auto flat = noise;
  std::fill(flat.image.sci.begin(), flat.image.sci.end(), 1.0f);
  write("noise", noise);
  write("blind", blind);
  write("masked", masked);
  write("flat", flat);
  std::vector const tasks{task("noise", {{"snr_threshold", config::Value(50.0)}}), task("blind"), task("masked"),
                          task("flat")};
  on_root([&] {
    std::filesystem::create_directories(tasks[0].root.parent_path());
    for (auto const& path : {tasks[0].product, map_of(tasks[0]), store::manifest_path(tasks[0].product)})
      std::ofstream(path) << "of an earlier run";
  });
  auto const outcome = run(tasks, world_);
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(products().size(), 8u);
  for (auto const& one : tasks) {
    auto const table = io::read_table(one.product);
    EXPECT_EQ(table.rows(), 0u) << one.product;
    EXPECT_EQ(table.columns.size(), 59u);
    EXPECT_TRUE(store::read_manifest(one.product).has_value()) << one.product;  // it is done: nothing to try again
    EXPECT_FALSE(std::filesystem::exists(map_of(one))) << one.product;
  }
}

TEST_F(SourceCatalog, ASegmentLargerThanMemoryIsABudgetErrorThatNamesIt) {
  SourceMosaic mosaic(900, 900, 11);
  mosaic.add_galaxy(450, 450, 160, 60);
  write("galaxy", mosaic);
  auto const one =
      task("galaxy", {{"bkg_boxsize", config::Value(std::int64_t{900})}, {"snr_threshold", config::Value(0.1)}});
  auto const outcome = run({one}, world_, std::int64_t{11} << 20);
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_THAT(outcome.failures.front().message, HasSubstr("does not fit into the memory"));
  EXPECT_TRUE(products().empty()) << "working files are gone";
  EXPECT_TRUE(run({one}, world_, std::int64_t{60} << 20).failures.empty());
}

TEST_F(SourceCatalog, AStopLeavesNothingBehindAndTheNextRunMakesAll) {
  write_two();
  std::vector const tasks{task("first"), task("second")};
  auto const stopped = run(tasks, world_, std::int64_t{1} << 30, parallel::StopRequest::FinishItems);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_TRUE(products().empty());
  world_.barrier();
  EXPECT_FALSE(run(tasks, world_).stopped);
  EXPECT_EQ(products().size(), 6u);
}

}  // namespace
}  // namespace tessera::steps
