// Count rates and the CRDS cache that calibrates them: read back as level 2 reads them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/test_files.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/refs/check_reference.hpp"
#include "tessera/refs/detector_geometry.hpp"
#include "tessera/refs/image_references.hpp"
#include "tessera/refs/parameter_reference.hpp"
#include "tessera/refs/photom_reference.hpp"
#include "tessera/refs/ref_selector.hpp"
#include "tessera/simulate/detector_response.hpp"
#include "tessera/simulate/make_exposure.hpp"
#include "tessera/simulate/run_simulation.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

SimulationSettings make_settings() {
  SimulationSettings settings;
  settings.bands = {"F200W", "F164N", "F300M", "F1000W"};
  settings.targets = {{"galaxy", 24.1, 15.8, 60}};
  settings.dithers.count = 1;
  settings.detectors.nircam_size = 128;
  settings.detectors.miri_size = 128;
  settings.detectors.use = {"nrca1", "nrcblong", "mirimage"};
  settings.scene.member_stars = 300;
  settings.scene.ionised_regions = 30;
  settings.off_exposures = 2;
  settings.off_late = 1;
  settings.rates.on = true;
  settings.rates.flat.dead = 0.01;
  return settings;
}

/// Planes of a file, whole.
struct Planes {
  std::vector<float> sci, err, poisson, read;
  std::vector<std::uint32_t> dq;
  model::Header primary, science;
  explicit Planes(std::filesystem::path const& path) {
    auto const file = io::FitsFile::open(path);
    primary = file.hdus()[0].header;
    auto const& plane = file.require("SCI");
    science = plane.header;
    auto const read_plane = [&](char const* name, auto& values) {
      values.resize(static_cast<std::size_t>(plane.nx() * plane.ny()));
      file.read_rows(file.require(name), 0, plane.ny(), values.data());
    };
    read_plane("SCI", sci);
    read_plane("ERR", err);
    read_plane("VAR_POISSON", poisson);
    read_plane("VAR_RNOISE", read);
    read_plane("DQ", dq);
  }
};

/// One survey, written once.
class Rates : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::ScratchFolder("simulate-rates");
    plan_ = new SurveyPlan(plan_survey(make_settings()));
    run_simulation(parallel::Communicator(), make_settings(), folder_->path());
  }
  static void TearDownTestSuite() {
    delete plan_;
    delete folder_;
  }
  static std::filesystem::path path_of(PlannedExposure const& planned) {
    return folder_->path() / plan_->relative_path(planned);
  }
  static refs::RefSelector selector() {
    return refs::RefSelector(refs::CrdsCache(refs::CrdsFolders::below(folder_->path() / "crds")));
  }
  static std::filesystem::path reference(PlannedExposure const& planned, char const* type) {
    auto const found = selector().select(refs::ExposureParameters::read(path_of(planned)), type);
    EXPECT_TRUE(found.is_found()) << type << ": " << found.reason;
    return found.path;
  }
  static model::DetectorWindow window(PlannedExposure const& planned) {
    Detector const& detector = plan_->detectors[planned.band][planned.detector];
    return {detector.substrt1, detector.substrt2, detector.nx, detector.ny};
  }

  static inline test::ScratchFolder* folder_ = nullptr;
  static inline SurveyPlan* plan_ = nullptr;
};

TEST_F(Rates, HaveTheExtensionsAndKeywordsOfARateFile) {
  for (PlannedExposure const& planned : plan_->exposures) {
    auto const file = io::FitsFile::open(path_of(planned));
    std::vector<std::string> names;
    for (auto const& hdu : file.hdus()) names.push_back(hdu.extname);
    EXPECT_EQ(names, (std::vector<std::string>{"PRIMARY", "SCI", "ERR", "DQ", "VAR_POISSON", "VAR_RNOISE", "ASDF"}));
    auto const& primary = file.hdus()[0].header;
    EXPECT_EQ(primary.text("FILENAME"), planned.root + "_rate.fits");
    EXPECT_EQ(primary.text("S_RAMP"), "COMPLETE");
    for (char const* keyword : {"S_WCS", "S_FLAT", "S_PHOTOM", "R_FLAT"}) EXPECT_FALSE(primary.has(keyword)) << keyword;
    EXPECT_NEAR(*primary.real("HMIDTIME"), *primary.real("EXPMID"), 500.0 / 86400);
    auto const& science = file.require("SCI").header;
    EXPECT_EQ(science.text("BUNIT"), "DN/s");
    EXPECT_EQ(file.require("ERR").header.text("BUNIT"), "DN/s");
    EXPECT_EQ(science.text("CTYPE1"), "RA---TAN");
    EXPECT_FALSE(science.has("PHOTMJSR"));
    // The linear WCS keeps the area of a pixel.
    double const pc = *science.real("PC1_1") * *science.real("PC2_2") - *science.real("PC1_2") * *science.real("PC2_1");
    double const area = std::abs(pc) * *science.real("CDELT1") * *science.real("CDELT2") * 3600 * 3600;
    Detector const& detector = plan_->detectors[planned.band][planned.detector];
    EXPECT_NEAR(area / (detector.pixel_area * std::pow(sky::DegreesPerRadian * 3600, 2)), 1, 5e-3);
  }
}

TEST_F(Rates, CalibrateToTheSkyWithinTheirNoiseWithTheReferencesOfTheCache) {
  SimulationSettings const& settings = plan_->settings;
  for (PlannedExposure const& planned : plan_->exposures) {
    Planes const file(path_of(planned));
    SimulatedExposure const truth = make_exposure(*plan_, Scene(settings, 0), planned);
    auto const flat = refs::read_flat(reference(planned, "flat"), window(planned));
    auto const photom = refs::read_photom(reference(planned, "photom"), file.primary);
    ASSERT_TRUE(flat && photom.photmjsr) << photom.row;
    EXPECT_NEAR(*photom.photmjsr / truth.rate->conversion, 1, 1e-9);
    std::vector<bool> hit(truth.sky.size(), false);
    for (auto const& ray : truth.cosmic_rays) hit[static_cast<std::size_t>(ray.pixel)] = true;
    double sum = 0, squares = 0, count = 0;
    std::size_t at = 0, dead = 0;
    for (int y = 0; y < truth.ny; ++y)
      for (int x = 0; x < truth.nx; ++x, ++at) {
        if (flat->dq[at] & dq::NoFlatField) {
          ++dead;
          EXPECT_LT(truth.rate->response[at], 0.1f);
          continue;
        }
        if ((file.dq[at] & dq::DoNotUse) || hit[at]) continue;
        std::size_t const amplifier = static_cast<std::size_t>(x) / (static_cast<std::size_t>(truth.nx) / 4);
        double const f = flat->sci[at], conversion = *photom.photmjsr;
        double const stripe = truth.stripes.rows.empty() ? 0.0 : truth.stripes.at(x, y, amplifier);
        double const thermal = truth.rate->thermal.empty() ? 0.0 : double{truth.rate->thermal[at]};
        double const background = truth.rate->response[at] * thermal + stripe;  // MJy/sr on the detector
        double const value = (double{file.sci[at]} - background / conversion) / f * conversion - truth.levels.level;
        double const flat_part = truth.sky[at] + truth.levels.level;
        double const variance = (double{file.poisson[at]} + file.read[at]) * std::pow(conversion / f, 2) +
                                std::pow(flat_part * flat->err[at] / f, 2);
        double const scaled = (value - truth.sky[at]) / std::sqrt(variance);
        sum += scaled;
        squares += scaled * scaled;
        ++count;
        EXPECT_NEAR(double{file.err[at]} * file.err[at] / (double{file.poisson[at]} + file.read[at]), 1, 1e-5);
      }
    EXPECT_GT(count, 0.85 * static_cast<double>(truth.sky.size())) << planned.root;
    EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(count)) << planned.root;
    EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2 / count)) << planned.root;
    EXPECT_NEAR(static_cast<double>(dead) / static_cast<double>(truth.sky.size()), settings.rates.flat.dead, 0.004);
  }
}

TEST_F(Rates, HaveTheWcsThatAssignWcsMakesFromTheReferences) {
  for (PlannedExposure const& planned : plan_->exposures) {
    Planes const file(path_of(planned));
    auto const geometry = refs::read_detector_geometry(
        reference(planned, "distortion"), reference(planned, "filteroffset"), file.primary, window(planned));
    auto const assigned = sky::make_imaging_wcs(geometry, refs::read_pointing(path_of(planned), file.science));
    Detector const& detector = plan_->detectors[planned.band][planned.detector];
    auto const believed =
        sky::make_imaging_wcs(make_geometry(detector), make_pointing(detector, planned.believed, planned.va_scale));
    ASSERT_TRUE(detector.filter_offset);
    for (double const x : {0.0, 63.5, 127.0})
      for (double const y : {-0.5, 100.0}) {
        auto const a = assigned->pixel_to_sky(model::PixelPoint{x, y}),
                   b = believed->pixel_to_sky(model::PixelPoint{x, y});
        double const apart = sky::separation(sky::to_vector(a), sky::to_vector(b)) * sky::DegreesPerRadian * 3600;
        EXPECT_LT(apart, 1e-9) << planned.root;
        auto const back = assigned->sky_to_pixel(a), expected = believed->sky_to_pixel(a);
        EXPECT_NEAR(back.x, expected.x, 1e-9);
        EXPECT_NEAR(back.y, expected.y, 1e-9);
      }
  }
}

TEST_F(Rates, HaveACacheWhereEveryReferenceIsThereAndWhole) {
  auto const choose = selector();
  for (PlannedExposure const& planned : plan_->exposures) {
    auto const exposure = refs::ExposureParameters::read(path_of(planned));
    for (auto const& found : choose.select_all(exposure)) {
      EXPECT_NE(found.status, refs::SelectedReference::Status::Error) << found.type << ": " << found.reason;
      if (!found.is_found()) continue;
      auto const state = refs::check_reference(found.path);
      EXPECT_EQ(state.kind, refs::ReferenceState::Kind::Present) << found.file << ": " << state.reason;
    }
    bool const miri = plan_->bands[planned.band].is_miri();
    auto const parameters = refs::collect_step_parameters(choose, exposure, "image2", true);
    EXPECT_EQ(parameters.boolean("resample.skip"), true);
    // The pipeline's reference goes before that of the step.
    EXPECT_EQ(parameters.real("bkg_subtract.sigma"), miri ? std::optional(1.7) : std::nullopt);
    EXPECT_EQ(parameters.integer("assign_wcs.sip_degree"), miri ? std::nullopt : std::optional<std::int64_t>(4));
    EXPECT_TRUE(refs::collect_step_parameters(choose, exposure, "image2", false).by_key.empty());
  }
}

TEST_F(Rates, HaveAnAreaReferenceOfTheWholeDetectorWithTheAreaOfAPixel) {
  auto const& planned = plan_->exposures.front();
  Detector const& detector = plan_->detectors[0][0];
  auto const file = io::FitsFile::open(reference(planned, "area"));
  EXPECT_EQ(file.require("SCI").nx(), 2048);
  auto const area = refs::read_area(reference(planned, "area"), window(planned));
  EXPECT_EQ(area.pixar_sr, detector.pixel_area);
  double sum = 0;
  for (float const value : area.area) sum += value;
  EXPECT_NEAR(sum / static_cast<double>(area.area.size()), 1, 2e-3);  // the middle of the detector
}

TEST_F(Rates, HaveAThermalBackgroundThatDriftsButKeepsItsShape) {
  std::vector<PlannedExposure const*> miri;
  for (PlannedExposure const& planned : plan_->exposures)
    if (plan_->bands[planned.band].is_miri()) miri.push_back(&planned);
  ASSERT_EQ(miri.size(), 3u);  // one of the galaxy, an off and a late off
  EXPECT_NEAR(miri[2]->start_mjd - miri[1]->start_mjd, 1, 0.01);
  auto const first = make_thermal_background(*plan_, *miri[0]), late = make_thermal_background(*plan_, *miri[2]);
  double const ratio = thermal_level(*plan_, *miri[2]) / thermal_level(*plan_, *miri[0]);
  EXPECT_NE(ratio, 1);
  EXPECT_NEAR(ratio, 1, 10 * plan_->settings.rates.background.drift);
  float low = first[0], high = first[0];
  for (std::size_t k = 0; k < first.size(); ++k) {
    EXPECT_NEAR(late[k] / first[k], ratio, 1e-6);
    low = std::min(low, first[k]);
    high = std::max(high, first[k]);
  }
  EXPECT_GT(high - low, 0.005 * low);
}

TEST_F(Rates, RecordTheTruthAndWriteAConfigurationFromRates) {
  std::ifstream truth(folder_->path() / "truth" / "truth.json");
  auto const lines = nlohmann::json::parse(truth);
  ASSERT_EQ(lines.size(), plan_->exposures.size());
  for (std::size_t k = 0; k < lines.size(); ++k) {
    EXPECT_EQ(lines[k]["conversion"], conversion_of(*plan_, plan_->exposures[k]));
    EXPECT_EQ(lines[k]["thermal_level"], thermal_level(*plan_, plan_->exposures[k]));
  }
  auto const text_of = [](char const* name) {
    std::ifstream file(folder_->path() / name);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  };
  EXPECT_THAT(text_of("config.toml"), testing::HasSubstr("steps = [\"single_tile_destripe.nircam\", \"lv2\", "));
  EXPECT_THAT(text_of("config.toml"), testing::HasSubstr("jwst_parameters.bkg_subtract.sigma = 1.5"));
  EXPECT_THAT(text_of("config.toml"), testing::HasSubstr("filter_scales = [3, 7, 15, 31, 63, 127]"));
  EXPECT_THAT(text_of("local.toml"), testing::HasSubstr("crds_context = \"jwst_0001.pmap\""));
}

TEST(MakeFlat, IsTheSameForAPixelInAnyWindow) {
  auto const settings = make_settings();
  auto const plan = plan_survey(settings);
  auto const whole = make_flat(settings, plan.bands[0], plan.detectors[0][0], {900, 1000, 64, 32});
  auto const part = make_flat(settings, plan.bands[0], plan.detectors[0][0], {920, 1010, 8, 4});
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 8; ++x) {
      auto const a = static_cast<std::size_t>(y * 8 + x), b = static_cast<std::size_t>((y + 10) * 64 + x + 20);
      EXPECT_EQ(part.truth[a], whole.truth[b]);
      EXPECT_EQ(part.dq[a], whole.dq[b]);
    }
}

TEST(PhotomRow, LosesWithTimeAsItsTablesSay) {
  PhotomRow row;
  row.photmjsr = 0.5f;
  EXPECT_EQ(row.conversion_at(60000), 0.5);
  row.timed = true;
  row.t0 = 59720;
  row.lossperyear = 0.01f;
  row.amplitude = 0.2f;
  row.tau = 200;
  row.constant = 0.8f;
  EXPECT_NEAR(row.conversion_at(59720), 0.5, 1e-8);
  // A year later: linear 0.99, exponential 0.2 exp(-1.825) + 0.8 = 0.832243.
  EXPECT_NEAR(row.conversion_at(60085), 0.5 / (0.99 * 0.8322435), 1e-6);
}

}  // namespace
}  // namespace tessera::simulate
