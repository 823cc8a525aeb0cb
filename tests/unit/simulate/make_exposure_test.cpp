#include "tessera/simulate/make_exposure.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/core/dq.hpp"
#include "tessera/simulate/render_sky.hpp"

namespace tessera::simulate {
namespace {

SimulationSettings make_settings(std::string const& band) {
  SimulationSettings settings;
  settings.bands = {band};
  settings.targets = {{"galaxy", 24.1, 15.8, 100}};
  settings.dithers.count = 2;
  settings.detectors.nircam_size = 256;
  settings.detectors.miri_size = 256;
  if (band.size() == 5 && band < "F240") settings.detectors.use = {"nrca1", "nrcb3"};
  return settings;
}

void switch_all_off(SimulationSettings& settings) {
  settings.levels.on = settings.stripes.on = settings.cosmic_rays.on = settings.pointing_errors.on =
      settings.bad_pixels.on = false;
  settings.noise = false;
}

SimulatedExposure make_first(SimulationSettings const& settings, std::size_t index = 0) {
  SurveyPlan const plan = plan_survey(settings);
  return make_exposure(plan, Scene(settings, plan.exposures[index].target), plan.exposures[index]);
}

bool is_good(SimulatedExposure const& e, std::size_t k) { return !(e.dq[k] & dq::DoNotUse); }

TEST(MakeExposure, IsTheSkyAloneWithEveryEffectOff) {
  SimulationSettings settings = make_settings("F300M");
  switch_all_off(settings);
  auto const e = make_first(settings);
  std::size_t good = 0;
  for (std::size_t k = 0; k < e.sci.size(); ++k)
    if (is_good(e, k)) {
      ++good;
      ASSERT_EQ(e.sci[k], e.sky[k]);
    }
  EXPECT_GT(good, e.sci.size() * 9 / 10);
}

TEST(MakeExposure, AddsExactlyTheLevelItRecords) {
  SimulationSettings settings = make_settings("F300M");
  switch_all_off(settings);
  settings.levels.on = true;
  auto const e = make_first(settings);
  EXPECT_NE(e.levels.level, 0);
  for (std::size_t k = 0; k < e.sci.size(); ++k)
    if (is_good(e, k)) {
      ASSERT_NEAR(e.sci[k] - e.sky[k], e.levels.level, 2e-7 * (std::abs(e.sky[k]) + 1));
    }
}

TEST(MakeExposure, GivesAVisitOneLevelWhenAskedTo) {
  SimulationSettings settings = make_settings("F300M");
  settings.detectors.use = {"nrcalong"};
  EXPECT_NE(make_first(settings, 0).levels.level, make_first(settings, 1).levels.level);
  settings.levels.per = "visit";
  EXPECT_EQ(make_first(settings, 0).levels.level, make_first(settings, 1).levels.level);
}

TEST(MakeExposure, AddsStripesByRowAndAmplifier) {
  SimulationSettings settings = make_settings("F300M");
  switch_all_off(settings);
  settings.stripes.on = true;
  settings.scene.brightness = 0;
  auto const e = make_first(settings);
  ASSERT_EQ(e.stripes.bounds, (std::vector<int>{0, 64, 128, 192, 256}));
  double squares = 0;
  std::size_t count = 0;
  for (int amplifier = 0; amplifier < 4; ++amplifier)
    for (int y = 4; y < 252; ++y) {
      int const x = 64 * amplifier + 20;
      std::size_t const at = static_cast<std::size_t>(y) * 256 + static_cast<std::size_t>(x);
      if (!is_good(e, at)) continue;
      ASSERT_NEAR(e.sci[at] - e.sky[at], e.stripes.at(x, y, static_cast<std::size_t>(amplifier)),
                  1e-6 * (1 + std::abs(e.sky[at])));
      squares += std::pow(e.stripes.rows[static_cast<std::size_t>(amplifier)][static_cast<std::size_t>(y)], 2);
      ++count;
    }
  // 1/f noise of one exposure scatters a lot: only the size is checked.
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(count)), settings.stripes.rms, 0.5 * settings.stripes.rms);
}

TEST(MakeExposure, HasNoStripesOnMiri) { EXPECT_TRUE(make_first(make_settings("F1000W")).stripes.rows.empty()); }

TEST(MakeExposure, DrawsNoiseWithTheVarianceThatErrStates) {
  for (char const* band : {"F200W", "F300M", "F1000W"}) {
    SimulationSettings settings = make_settings(band);
    switch_all_off(settings);
    settings.noise = true;
    auto const e = make_first(settings);
    double sum = 0, squares = 0, count = 0;
    for (std::size_t k = 0; k < e.sci.size(); ++k) {
      if (!is_good(e, k)) continue;
      double const scaled = (double{e.sci[k]} - e.sky[k]) / e.err[k];
      sum += scaled;
      squares += scaled * scaled;
      ++count;
      ASSERT_NEAR(double{e.err[k]} * e.err[k], double{e.var_poisson[k]} + e.var_rnoise[k] + e.var_flat[k],
                  1e-6 * e.err[k] * e.err[k]);
    }
    EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(count)) << band;
    EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2 / count)) << band;
  }
}

TEST(MakeExposure, RecordsEveryCosmicRayItAdds) {
  SimulationSettings settings = make_settings("F300M");
  switch_all_off(settings);
  settings.cosmic_rays.on = true;
  settings.cosmic_rays.rate = 2000;
  auto const e = make_first(settings);
  std::vector<bool> hit(e.sci.size(), false);
  for (auto const& ray : e.cosmic_rays) hit[static_cast<std::size_t>(ray.pixel)] = true;
  std::size_t hits = 0;
  for (std::size_t k = 0; k < e.sci.size(); ++k) {
    if (!is_good(e, k)) continue;
    EXPECT_EQ(e.sci[k] != e.sky[k], hit[k]);
    hits += hit[k];
  }
  EXPECT_GT(hits, 100u);
  EXPECT_LT(hits, 700u);
}

TEST(MakeExposure, FlagsReferencePixelsAndBlanksWhatMayNotBeUsed) {
  auto const e = make_first(make_settings("F300M"));
  std::size_t flagged = 0, bad = 0;
  for (std::size_t k = 0; k < e.sci.size(); ++k) {
    std::size_t const x = k % 256, y = k / 256;
    bool const border = x < 4 || y < 4 || x >= 252 || y >= 252;
    EXPECT_EQ((e.dq[k] & dq::ReferencePixel) != 0, border);
    EXPECT_EQ(std::isnan(e.sci[k]), !is_good(e, k));
    EXPECT_EQ(std::isnan(e.err[k]), !is_good(e, k));
    flagged += (e.dq[k] & dq::JumpDet) != 0;
    bad += !border && !is_good(e, k);
  }
  EXPECT_NEAR(static_cast<double>(flagged) / 65536, 0.01, 0.002);
  EXPECT_GT(bad, 100u);
}

TEST(MakeExposure, MakesTheCalibratedPixelsThatItMadeBeforeThereWereCountRates) {
  // Values of revision 93f0912, printed before [rates] was added: settings that are not named change nothing.
  struct Pixel {
    char const* band;
    std::size_t at;
    double sci, err;
  };
  Pixel const before[]{{"F200W", 32900, 2.00932693, 0.134842187},
                       {"F300M", 32900, 1.59547305, 0.117742874},
                       {"F1000W", 20100, 19.3974686, 0.241686657}};
  for (Pixel const& pixel : before) {
    auto const e = make_first(make_settings(pixel.band));
    EXPECT_NEAR(e.sci[pixel.at] / pixel.sci, 1, 1e-6) << pixel.band;
    EXPECT_NEAR(e.err[pixel.at] / pixel.err, 1, 1e-6) << pixel.band;
  }
}

TEST(MakeExposure, KeepsTheCoronagraphCornerOfMiriApart) {
  SimulationSettings settings = make_settings("F1000W");
  settings.detectors.miri_size = 1032;
  settings.bad_pixels.on = false;
  auto const e = make_first(settings);
  ASSERT_EQ(e.nx, 1032);
  ASSERT_EQ(e.ny, 1024);
  auto const dq_at = [&](int x, int y) {
    return e.dq[static_cast<std::size_t>(y) * 1032 + static_cast<std::size_t>(x)];
  };
  EXPECT_EQ(dq_at(700, 500) & dq::ResampleBad, 0u);               // imager
  EXPECT_EQ(dq_at(100, 800) & dq::ResampleBad, 0u);               // Lyot field
  EXPECT_EQ(dq_at(146, 885) & dq::ResampleBad, dq::ResampleBad);  // its occulting spot
  EXPECT_EQ(dq_at(100, 300) & dq::ResampleBad, dq::ResampleBad);  // four-quadrant masks
  EXPECT_EQ(dq_at(320, 800) & dq::ResampleBad, dq::ResampleBad);  // between Lyot field and imager
  EXPECT_NE(dq_at(1, 500) & dq::ReferencePixel, 0u);
  EXPECT_NE(dq_at(1030, 500) & dq::ReferencePixel, 0u);
  EXPECT_NE(e.levels.level, e.levels.lyot);
}

/// Centroid in a box, background from its border.
model::PixelPoint centroid(std::vector<float> const& image, int nx, model::PixelPoint near, int half) {
  int const x0 = static_cast<int>(std::lround(near.x)), y0 = static_cast<int>(std::lround(near.y));
  double sum = 0, x = 0, y = 0;
  for (int j = y0 - half; j <= y0 + half; ++j)
    for (int i = x0 - half; i <= x0 + half; ++i) {
      double const value =
          image[static_cast<std::size_t>(j) * static_cast<std::size_t>(nx) + static_cast<std::size_t>(i)];
      sum += value;
      x += value * i;
      y += value * j;
    }
  return {x / sum, y / sum};
}

TEST(MakeExposure, ShowsStarsWhereTheActualPointingPutsThem) {
  SimulationSettings settings = make_settings("F300M");
  settings.scene.brightness = 0;
  settings.scene.galaxies = 0;
  settings.scene.member_stars = 0;
  settings.scene.clusters = 0;
  settings.scene.field_stars = 60;
  settings.scene.faintest_star = 20;
  settings.pointing_errors.shift_rms = 0.5;
  settings.detectors.use = {"nrcalong"};
  settings.detectors.nircam_size = 1024;
  SurveyPlan const plan = plan_survey(settings);
  auto const& planned = plan.exposures[0];
  Scene const scene(settings, 0);
  auto const e = make_exposure(plan, scene, planned);
  Detector const& detector = plan.detectors[0][0];
  auto const actual =
      sky::make_imaging_wcs(make_geometry(detector), make_pointing(detector, planned.actual, planned.va_scale));
  auto const sources = scene.sources_in({-100, -100, 100, 100});
  std::vector<model::SkyPoint> positions;
  for (auto const& source : sources) positions.push_back(scene.to_sky(source.at));
  auto const pixels = find_pixels(*actual, positions);
  int compared = 0;
  for (std::size_t k = 0; k < pixels.size(); ++k) {
    auto const back = actual->pixel_to_sky(pixels[k]);
    EXPECT_NEAR(back.ra, positions[k].ra, 1e-9);
    EXPECT_NEAR(back.dec, positions[k].dec, 1e-9);
    bool const inside = pixels[k].x > 20 && pixels[k].x < 1003 && pixels[k].y > 20 && pixels[k].y < 1003;
    bool alone = true;
    for (std::size_t other = 0; other < pixels.size(); ++other)
      alone = alone && (other == k || std::hypot(pixels[other].x - pixels[k].x, pixels[other].y - pixels[k].y) > 40);
    if (!inside || !alone) continue;
    auto const found = centroid(e.sky, e.nx, pixels[k], 8);
    EXPECT_NEAR(found.x, pixels[k].x, 0.05);
    EXPECT_NEAR(found.y, pixels[k].y, 0.05);
    ++compared;
  }
  EXPECT_GT(compared, 10);
}

TEST(MakeExposure, KeepsTheFluxOfAStar) {
  SimulationSettings settings = make_settings("F300M");
  switch_all_off(settings);
  settings.scene.brightness = 0;
  settings.scene.galaxies = settings.scene.field_stars = 0;
  settings.scene.clusters = 0;
  settings.scene.member_stars = 40;
  settings.detectors.use = {"nrcalong"};
  settings.detectors.nircam_size = 2048;
  SurveyPlan const plan = plan_survey(settings);
  Scene const scene(settings, 0);
  auto const e = make_exposure(plan, scene, plan.exposures[0]);
  Detector const& detector = plan.detectors[0][0];
  auto const wcs = sky::make_imaging_wcs(make_geometry(detector),
                                         make_pointing(detector, plan.exposures[0].actual, plan.exposures[0].va_scale));
  double expected = 0, found = 0;
  for (auto const& source : scene.sources_in({-200, -200, 200, 200})) {
    auto const pixel = find_pixels(*wcs, {scene.to_sky(source.at)})[0];
    if (pixel.x > -0.5 && pixel.x < 2047.5 && pixel.y > -0.5 && pixel.y < 2047.5) expected += source.flux_at(3.0);
  }
  // Spec 20, 5.4: flux in microjansky = sum of SCI * PIXAR_SR * 1e12 * AREA.
  for (std::size_t k = 0; k < e.sky.size(); ++k) found += double{e.sky[k]} * e.area[k] * detector.pixel_area * 1e12;
  EXPECT_NEAR(found, expected, 0.03 * expected);
}

TEST(RenderSmooth, AgreesWithTheSceneAtThePixels) {
  for (char const* band : {"F200W", "F300M", "F1000W"}) {
    SimulationSettings const settings = make_settings(band);
    SurveyPlan const plan = plan_survey(settings);
    Scene const scene(settings, 0);
    auto const& planned = plan.exposures[0];
    Detector const& detector = plan.detectors[0][0];
    auto const wcs =
        sky::make_imaging_wcs(make_geometry(detector), make_pointing(detector, planned.actual, planned.va_scale));
    auto const image = render_smooth(scene, mix_of(plan.bands[0].wavelength, false), *wcs, detector.nx, detector.ny);
    double worst = 0, largest = 0;
    for (int y = 3; y < detector.ny; y += 17)
      for (int x = 1; x < detector.nx; x += 13) {
        auto const sky = wcs->pixel_to_sky(model::PixelPoint{double(x), double(y)});
        double const exact = scene_brightness(settings, "galaxy", band, sky.ra, sky.dec);
        worst = std::max(worst, std::abs(image[static_cast<std::size_t>(y * detector.nx + x)] - exact));
        largest = std::max(largest, exact);
        if (y > 60) break;
      }
    EXPECT_LT(worst, 3e-3 * largest) << band;
    EXPECT_GT(largest, 0.01) << band;
  }
}

TEST(Scene, IsEmptyBeyondTheTarget) {
  SimulationSettings const settings = make_settings("F300M");
  Scene const scene(settings, 0);
  BandMix const mix = mix_of(3, false);
  EXPECT_EQ(scene.brightness(mix, {80, 0}), 0);
  EXPECT_EQ(scene.brightness(mix, {0, -70}), 0);
  EXPECT_GT(scene.brightness(mix, {0, 0}), 1);
}

TEST(Scene, FindsTheSameSourcesInPartsAsInTheWhole) {
  SimulationSettings const settings = make_settings("F300M");
  Scene const scene(settings, 0);
  auto const whole = scene.sources_in({-150, -150, 150, 150});
  std::size_t parts = 0;
  for (PlaneBox const& box : {PlaneBox{-150, -150, 13, 150}, PlaneBox{13, -150, 150, -7}, PlaneBox{13, -7, 150, 150}})
    parts += scene.sources_in(box).size();
  EXPECT_EQ(parts, whole.size());
  EXPECT_GT(whole.size(), 2000u);
}

}  // namespace
}  // namespace tessera::simulate
