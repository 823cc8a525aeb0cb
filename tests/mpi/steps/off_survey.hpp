// Exposures of an empty field made for tests: a structured background that drifts, noise, stars and galaxies.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/exposure_files.hpp"
#include "support/step_run.hpp"
#include "support/vector_noise.hpp"
#include "tessera/steps/lv2/off_backgrounds.hpp"

namespace tessera::test {

/// What offs are made of: a sky that is shifted from one off to the next, on a detector that is not.
struct OffScene {
  std::int64_t nx = 200, ny = 160;
  int count = 4;
  double level = 50, noise = 0.5;
  double drift = 0.5;               ///< rms of the level from off to off
  double sources_per_pixel = 1e-3;  ///< a third are galaxies
  double dither = 60;               ///< offs point this far from each other, in pixels
  std::uint32_t seed = 1;
};

struct MadeOffs {
  std::vector<std::vector<float>> sci;   ///< [off][pixel]
  std::vector<double> truth;             ///< the background, with the mean drift
  std::vector<std::uint8_t> is_touched;  ///< a source has more than half the noise here in some off
};

inline MadeOffs make_offs(OffScene const& scene) {
  VectorNoise random(scene.seed);
  for (int k = 0; k < 100; ++k) random.uniform();
  struct Source {
    double x, y, peak, width;
    bool is_galaxy;
  };
  std::vector<Source> sources;
  double const margin = scene.dither + 20;
  double const width = static_cast<double>(scene.nx) + 2 * margin, height = static_cast<double>(scene.ny) + 2 * margin;
  for (int k = 0; k < static_cast<int>(scene.sources_per_pixel * width * height); ++k) {
    double const x = width * random.uniform() - margin, y = height * random.uniform() - margin;
    bool const is_galaxy = k % 3 == 0;
    // few bright, many faint: from once the noise to 250 times for stars
    double const peak = (is_galaxy ? 0.5 : 1.0) * scene.noise * std::pow(random.uniform() + 1e-3, -0.8);
    double const size = 1 + 3 * random.uniform();
    sources.push_back({x, y, peak, is_galaxy ? size : 1.1, is_galaxy});
  }
  MadeOffs made;
  auto const pixels = static_cast<std::size_t>(scene.nx * scene.ny);
  made.is_touched.assign(pixels, 0);
  std::vector<double> structure;
  for (std::int64_t y = 0; y < scene.ny; ++y)
    for (std::int64_t x = 0; x < scene.nx; ++x) {
      double const u = static_cast<double>(x) / static_cast<double>(scene.nx),
                   v = static_cast<double>(y) / static_cast<double>(scene.ny);
      double const glow = 0.1 * std::exp(-((u - 0.8) * (u - 0.8) + (v - 0.2) * (v - 0.2)) / 0.02);
      structure.push_back(scene.level * (1 + 0.05 * u - 0.08 * v + glow + 0.02 * random.deviate()));
    }
  double mean_drift = 0;
  for (int k = 0; k < scene.count; ++k) {
    double const drift = scene.drift * random.deviate();
    mean_drift += drift / scene.count;
    double const dx = scene.dither * (2 * random.uniform() - 1), dy = scene.dither * (2 * random.uniform() - 1);
    std::vector<double> sky(pixels, 0);
    for (auto const& source : sources) {
      auto const reach = static_cast<std::int64_t>(source.is_galaxy ? 12 * source.width : 8);
      auto const cx = static_cast<std::int64_t>(source.x + dx), cy = static_cast<std::int64_t>(source.y + dy);
      for (auto y = std::max<std::int64_t>(0, cy - reach); y < std::min(scene.ny, cy + reach + 1); ++y)
        for (auto x = std::max<std::int64_t>(0, cx - reach); x < std::min(scene.nx, cx + reach + 1); ++x) {
          double const r = std::hypot(static_cast<double>(x) - source.x - dx, static_cast<double>(y) - source.y - dy);
          sky[static_cast<std::size_t>(y * scene.nx + x)] +=
              source.peak *
              (source.is_galaxy ? std::exp(-r / source.width) : std::exp(-r * r / (2 * source.width * source.width)));
        }
    }
    auto& sci = made.sci.emplace_back();
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      if (sky[pixel] > scene.noise / 2) made.is_touched[pixel] = 1;
      sci.push_back(static_cast<float>(structure[pixel] + drift + sky[pixel] + scene.noise * random.deviate()));
    }
  }
  for (double const value : structure) made.truth.push_back(value + mean_drift);
  return made;
}

/// Files of offs in a scratch folder, and the combinations made of them.
class OffSurvey {
 public:
  explicit OffSurvey(std::string const& name) : scratch_(name) {}

  std::filesystem::path const& folder() const { return scratch_.path(); }

  /// Written by the root, known to all ranks. Every 97th pixel is NaN and DO_NOT_USE, every 89th flagged.
  steps::OffExposure write_off(std::string const& label, model::DetectorWindow const& window, std::vector<float> sci,
                               bool with_bad_pixels = true) const {
    std::vector<std::uint32_t> dq(sci.size(), 0);
    std::vector<float> err(sci.size());
    for (std::size_t k = 0; k < sci.size(); ++k) {
      err[k] = 0.5f + 0.001f * static_cast<float>(k % 50);
      if (with_bad_pixels && (k + label.size() * 7 + static_cast<std::size_t>(label.back())) % 97 == 0) {
        sci[k] = NAN;
        dq[k] = 1;
      }
      if (k % 89 == 0) dq[k] |= 4;
    }
    return write_planes(label, window, sci, err, dq);
  }

  steps::OffExposure write_planes(std::string const& label, model::DetectorWindow const& window,
                                  std::vector<float> const& sci, std::vector<float> const& err,
                                  std::vector<std::uint32_t> const& dq) const {
    steps::OffExposure off{label, folder() / (label + "_rate.fits"), window, 1};
    if (world.is_root()) {
      auto primary = nircam_primary("F770W");
      primary.set("INSTRUME", "MIRI");
      primary.set("DETECTOR", "MIRIMAGE");
      model::Header image;
      image.set("BUNIT", "DN/s");
      write_exposure(off.path, window.nx, window.ny, primary, image, {{"SCI", sci}, {"ERR", err}, {"DQ", {}, dq}});
    }
    world.barrier();
    return off;
  }

  steps::OffBackground background(std::string const& name, model::DetectorWindow const& window,
                                  std::vector<steps::OffExposure> offs, double sigma = 1.5, bool mask = false) const {
    steps::OffBackground made;
    made.product = folder() / "products" / (name + "_combinedbackground.fits");
    made.target = "ngc0628";
    made.band = "F770W";
    made.offs = std::move(offs);
    made.window = window;
    made.clip.sigma = sigma;
    made.mask_sources = mask;
    made.scratch = folder() / "products" / "scratch";
    made.manifest.product = made.product.filename().string();
    made.manifest.step = "combine backgrounds";
    return made;
  }

  /// On all ranks.
  steps::StepOutcome run(std::vector<steps::OffBackground> const& backgrounds,
                         std::int64_t budget_bytes = std::int64_t{1} << 30) const {
    auto outcome = run_on(world, backgrounds, budget_bytes);
    world.barrier();
    return outcome;
  }
  static steps::StepOutcome run_on(parallel::Communicator const& ranks,
                                   std::vector<steps::OffBackground> const& backgrounds, std::int64_t budget_bytes) {
    StepRun run({}, ranks, budget_bytes);
    steps::StepContext context{run.world, run.control, run.budget, run.records, 0, {}, false};
    auto outcome = steps::combine_off_backgrounds(context, backgrounds);
    EXPECT_EQ(run.budget.reserved(), 0);
    return outcome;
  }

  parallel::Communicator world = parallel::Communicator::world();

 private:
  ScratchFolder scratch_;
};

}  // namespace tessera::test
