// A small survey for level_match: exposures of a known sky, each with a level or a plane of its own.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "support/step_survey.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/steps/level_match/level_match_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// An exposure to be written: SCI = sky + level + slope_x x + slope_y y + noise.
struct LevelExposure {
  std::string name;
  double east = 0, north = 0, angle = 0;  ///< arcsec from the centre of the survey; degrees
  double level = 0, slope_x = 0, slope_y = 0;
  double noise = 0;
  std::string band = "F300M";
  std::int64_t nx = 64, ny = 48;
  float error = 0.5f;
  double ra0 = 30, dec0 = 10;  ///< centre of the survey
  std::function<void(std::vector<float>& sci, std::vector<float>& err, std::vector<std::uint32_t>& dq)> spoil = {};
};

/// A tile of three dithers about a position.
inline void add_tile(std::vector<LevelExposure>& all, int tile, double east, double north, LevelExposure base = {},
                     std::string const& detector = "nrcalong") {
  std::mt19937 random(static_cast<unsigned>(all.size()) + 17);
  for (int dither = 0; dither < 3; ++dither) {
    base.name = fmt::format("jw02107001001_{:02d}101_{:05d}_{}", tile, dither + 1, detector);
    base.east = east + 0.73 * dither;
    base.north = north - 0.41 * dither;
    base.level = 0.15 * (static_cast<double>(random() % 2001) / 1000 - 1);
    all.push_back(base);
  }
}

/// 2 x 2 tiles with overlaps of a quarter.
inline std::vector<LevelExposure> make_mosaic(LevelExposure const& base = {}) {
  std::vector<LevelExposure> all;
  for (int tile = 0; tile < 4; ++tile) add_tile(all, tile + 1, tile % 2 ? 2.3 : -2.3, tile / 2 ? 1.8 : -1.8, base);
  return all;
}

class LevelSurvey : public test::StepSurvey {
 public:
  LevelSurvey(std::string const& name, std::vector<LevelExposure> exposures)
      : StepSurvey(name, "level_match", 5), exposures_(std::move(exposures)) {
    if (world.is_root())
      for (auto const& exposure : exposures_) write(exposure);
    world.barrier();
    for (auto const& exposure : exposures_) take_up(exposure.band, exposure.name);
    world.barrier();
  }

  /// Smooth, so that interpolation errors are small, with structure that no constant fits.
  static double sky(double east, double north) {
    return 2 + 0.8 * std::sin(east / 2.5) * std::cos(north / 2) + 0.05 * east +
           0.3 * std::exp(-(east * east + north * north) / 3);
  }

  std::filesystem::path path(LevelExposure const& exposure) const { return file(exposure.name); }

  /// One task a band, in order of first appearance.
  std::vector<BandTask> tasks() const {
    config::Survey survey;
    survey.parameters = config::Value(config::Value::Table{});
    auto all = tasks_with([&](BandTask const& task) {
      auto parameters = survey.resolve("level_match", task.target, &task.band_facts);
      for (auto const& [key, value] : settings) parameters.by_key.at(key).value = value;
      return parameters;
    });
    for (auto& task : all) task.before = before;
    return all;
  }

  /// Runs the step on `communicator`, products in a folder of `label`; with `stop` as if a stop was asked for.
  StepOutcome run(parallel::Communicator const& communicator, std::int64_t budget_bytes = std::int64_t{1} << 30,
                  bool stop = false) {
    test::StepRun one(records, communicator, budget_bytes);
    if (stop) one.control.raise(parallel::StopRequest::FinishItems);
    auto outcome = one.run(run_level_match, tasks());
    EXPECT_LE(one.budget.peak(), budget_bytes);
    EXPECT_EQ(one.budget.reserved(), 0);
    communicator.barrier();
    return outcome;
  }
  StepOutcome run() { return run(world); }

  std::vector<model::LedgerEntry> entries(std::size_t k) const {
    auto const& identity = records[k].identity;
    return ledger(identity.band).entries(identity);
  }
  /// Sum of the levels of an exposure's entries.
  double level(std::size_t k) const {
    double sum = 0;
    for (auto const& entry : entries(k)) sum += std::get<model::LevelCorrection>(entry.correction).level;
    return sum;
  }
  /// Level of the exposure that is left after the correction.
  double left(std::size_t k) const { return exposures_[k].level - level(k); }
  LevelExposure const& exposure(std::size_t k) const { return exposures_[k]; }
  std::size_t size() const { return exposures_.size(); }

  std::string text(std::string const& file, std::string const& band = "F300M") const {
    std::ifstream stream(folder() / label / band / "level_match" / file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::map<std::string, config::Value> settings;
  store::Ledger before;  ///< of the steps before

 private:
  void write(LevelExposure const& e) const {
    model::Header image;
    double const degree = 0.017453292519943295;
    test::set_tan(image, e.nx, e.ny, e.ra0 + e.east / 3600 / std::cos(e.dec0 * degree), e.dec0 + e.north / 3600, 0.1,
                  e.angle);
    image.set("BUNIT", "MJy/sr");
    std::mt19937 random(std::hash<std::string>{}(e.name) & 0xffffu);
    auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    std::vector<float> sci, err(static_cast<std::size_t>(e.nx * e.ny), e.error);
    std::vector<std::uint32_t> dq(err.size(), 0);
    double const c = std::cos(e.angle * degree), s = std::sin(e.angle * degree);
    for (std::int64_t y = 0; y < e.ny; ++y)
      for (std::int64_t x = 0; x < e.nx; ++x) {
        double const dx = static_cast<double>(x) - (static_cast<double>(e.nx) - 1) / 2,
                     dy = static_cast<double>(y) - (static_cast<double>(e.ny) - 1) / 2;
        double const east = e.east + 0.1 * (-c * dx + s * dy), north = e.north + 0.1 * (s * dx + c * dy);
        double sum = -6;
        for (int k = 0; k < 12; ++k) sum += uniform();
        sci.push_back(static_cast<float>(sky(east, north) + e.level + e.slope_x * dx + e.slope_y * dy + e.noise * sum));
      }
    if (e.spoil) e.spoil(sci, err, dq);
    auto primary = test::nircam_primary(e.band.substr(0, 5));
    if (e.name.ends_with("mirimage")) {
      primary.set("INSTRUME", "MIRI");
      primary.set("DETECTOR", "MIRIMAGE");
      primary.set("EXP_TYPE", "MIR_IMAGE");
    }
    test::write_exposure(path(e), e.nx, e.ny, primary, image, {{"SCI", sci}, {"ERR", err}, {"DQ", {}, dq}});
  }

  std::vector<LevelExposure> exposures_;
};

}  // namespace tessera::steps
