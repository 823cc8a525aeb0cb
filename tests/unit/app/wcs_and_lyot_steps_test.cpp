// apply_wcs_adjust and lyot_separate on simulated exposures, to the exported files.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "support/step_run.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/simulate/run_simulation.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"
#include "tessera/steps/lyot_separate/lyot_separate_step.hpp"
#include "tessera/store/export_exposure.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera {
namespace {

/// Two visits of two dithers, a NIRCam and a MIRI band; written once.
class SimulatedSurvey : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::ScratchFolder("wcs-and-lyot");
    config::SimulationSettings settings;
    settings.bands = {"F300M", "F1000W"};
    settings.targets = {{"galaxy", 24.1, 15.8, 60}};
    settings.tiles.columns = 2;
    settings.dithers.count = 2;
    settings.detectors.use = {"nrcblong", "mirimage"};
    settings.detectors.nircam_size = 512;
    settings.scene.member_stars = 100;
    simulate::run_simulation({}, settings, folder_->path());
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::vector<store::ExposureRecord> records_of(std::string const& band) {
    std::set<std::filesystem::path> files;
    for (auto const& item : std::filesystem::recursive_directory_iterator(folder_->path() / "raw"))
      if (item.path().string().ends_with("_cal.fits")) files.insert(item.path());
    std::vector<store::ExposureRecord> records;
    std::vector<store::InputNote> notes;
    for (auto const& path : files) {
      auto const record = store::examine_exposure({"galaxy", band, path.string(), "", ""}, notes).value();
      if (record.filter == band) records.push_back(record);
    }
    return records;
  }

  static inline test::ScratchFolder* folder_ = nullptr;
};

/// `sky` moved by (east, north) arcsec in the plane tangent at `centre`, matrix first.
sky::SkyPoint moved(sky::SkyPoint point, sky::SkyPoint centre, double const (&m)[2][2], double east, double north) {
  constexpr double Arcsec = sky::RadiansPerDegree / 3600;
  auto const axes = sky::tangent_axes(centre);
  auto const n = sky::to_vector(point);
  double const w = dot(n, axes.centre), xi = dot(n, axes.east) / w, eta = dot(n, axes.north) / w;
  double const x = m[0][0] * xi + m[0][1] * eta + east * Arcsec, y = m[1][0] * xi + m[1][1] * eta + north * Arcsec;
  return sky::to_sky(axes.centre + x * axes.east + y * axes.north);
}

double distance_arcsec(sky::SkyPoint a, sky::SkyPoint b) {
  return sky::separation(sky::to_vector(a), sky::to_vector(b)) * sky::DegreesPerRadian * 3600;
}

TEST_F(SimulatedSurvey, ShiftsOfVisitsMoveTheSkyOfTheirExposuresAndTheExportedHeaders) {
  auto const out = folder_->path() / "adjust";
  test::StepRun survey(records_of("F300M"));
  ASSERT_EQ(survey.records.size(), 4u);
  auto const task = survey.task("apply_wcs_adjust", out, "F300M");
  auto const visit = [&](std::size_t k) { return survey.records[k].identity.exposure.substr(0, 13); };
  ASSERT_NE(visit(0), visit(3));
  // one visit by an old key with three decimals, of the other one exposure by its own key; NIRCam goes before the visit
  std::string const own = survey.records[3].identity.exposure.substr(0, 25);
  std::filesystem::create_directories(out);
  std::ofstream(task.adjustments) << "[wcs_adjust]\n\n"
                                  << visit(0) << ".shift = [9.0, 9.0]\n"
                                  << visit(0) << "_nircam.shift = [0.1, -0.02]\n"
                                  << visit(0) << "_miri.shift = [5.0, 5.0]\n"
                                  << own << ".shift = [-0.123456, 0.234567]\n"
                                  << own << ".matrix = [[1.0000012345, -0.0000512345], [0.0000512345, 1.0]]\n";
  auto const outcome = survey.run(steps::run_apply_wcs_adjust, {task});
  EXPECT_TRUE(outcome.failures.empty());
  auto const ledger = test::ledger_of(task);
  int unmoved = 0;
  for (std::size_t k = 0; k < survey.records.size(); ++k) {
    auto const& record = survey.records[k];
    store::ExposureReader const reader(record, ledger);
    bool const is_first = visit(k) == visit(0), is_own = record.identity.exposure.starts_with(own);
    if (!is_first && !is_own) {
      ++unmoved;
      EXPECT_TRUE(reader.entries().empty());
      continue;
    }
    double const plain[2][2] = {{1, 0}, {0, 1}}, turned[2][2] = {{1.0000012345, -0.0000512345}, {0.0000512345, 1.0}};
    auto const path = out / (record.identity.exposure + "_cal.fits");
    store::export_exposure(reader, path);
    auto const file = io::FitsFile::open(path);
    auto const& image = file.require("SCI");
    auto const exported = store::read_file_wcs(file, image, true), sip = sky::make_fits_wcs(image.header, 512, 512);
    // RA_REF and DEC_REF of the header: the tangent point
    sky::SkyPoint const centre{*image.header.real("RA_REF"), *image.header.real("DEC_REF")};
    for (double y = 0; y < 512; y += 73)
      for (double x = 0; x < 512; x += 73) {
        auto const believed = reader.file_wcs()->pixel_to_sky(sky::PixelPoint{x, y});
        auto const expected =
            is_own ? moved(believed, centre, turned, -0.123456, 0.234567) : moved(believed, centre, plain, 0.1, -0.02);
        EXPECT_LT(distance_arcsec(reader.wcs()->pixel_to_sky(sky::PixelPoint{x, y}), expected), 1e-7);
        EXPECT_LT(distance_arcsec(exported->pixel_to_sky(sky::PixelPoint{x, y}), expected), 1e-7);
        EXPECT_LT(distance_arcsec(sip->pixel_to_sky(sky::PixelPoint{x, y}), expected), 0.01 * 0.063);
      }
  }
  EXPECT_EQ(unmoved, 1);
}

TEST_F(SimulatedSurvey, HalvesShareThePixelsOfTheExposureWithoutLosingOrDoublingAny) {
  auto const out = folder_->path() / "lyot";
  auto const whole = records_of("F1000W");
  ASSERT_EQ(whole.size(), 4u);
  std::vector<store::ExposureRecord> halves;
  for (auto const half : {model::Half::Imager, model::Half::Lyot}) {
    halves.push_back(whole[0]);
    halves.back().identity.half = half;
  }
  test::StepRun survey(halves);
  auto const task = survey.task("lyot_separate", out, "F1000W");
  EXPECT_TRUE(survey.run(steps::run_lyot_separate, {task}).failures.empty());
  auto const ledger = test::ledger_of(task);
  std::vector<std::uint32_t> dq[3];
  std::vector<float> sci[3];
  for (std::size_t k = 0; k < 3; ++k) {
    auto path = std::filesystem::path(whole[0].path);
    if (k < 2) {
      auto const& half = survey.records[k];
      path = out / store::exported_name(half.identity, "cal");
      EXPECT_EQ(path.filename().string(), whole[0].identity.exposure + (k == 0 ? "s_cal.fits" : "l_cal.fits"));
      store::export_exposure(store::ExposureReader(half, ledger), path);
    }
    auto const file = io::FitsFile::open(path);
    dq[k].resize(1032 * 1024);
    sci[k].resize(dq[k].size());
    file.read_rows(file.require("DQ"), 0, 1024, dq[k].data());
    file.read_rows(file.require("SCI"), 0, 1024, sci[k].data());
  }
  std::size_t counts[3] = {0, 0, 0};
  for (std::size_t k = 0; k < dq[2].size(); ++k) {
    auto const is_good = [&](std::size_t file) { return !(dq[file][k] & 513); };
    for (std::size_t file = 0; file < 3; ++file) counts[file] += is_good(file);
    ASSERT_EQ(is_good(0) + is_good(1), is_good(2)) << k;
    for (std::size_t half = 0; half < 2; ++half) {
      ASSERT_EQ(dq[half][k] | 513, dq[2][k] | 513) << "other flags survive";
      if (is_good(half)) {
        ASSERT_EQ(sci[half][k], sci[2][k]);
      }
      ASSERT_EQ(std::isnan(sci[half][k]), !is_good(half) && (dq[half][k] & 1));
    }
  }
  EXPECT_GT(counts[0], 500000u);
  EXPECT_GT(counts[1], 40000u);
  // the whole exposure by the same ledger is as it was
  EXPECT_TRUE(store::ExposureReader(whole[0], ledger).entries().empty());
}

}  // namespace
}  // namespace tessera
