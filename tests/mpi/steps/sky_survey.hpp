// Small surveys for the tests of skymatch.
#pragma once
#include <cmath>
#include <map>
#include <optional>
#include <random>

#include "support/lv3_parameters.hpp"
#include "support/step_survey.hpp"
#include "tessera/steps/skymatch/skymatch_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

using SkySettings = std::map<std::string, config::Value>;

/// lv3 with its defaults but for `settings`, keys of skymatch ("skymethod") or of lv3 ("skymatch_group_dithers").
inline config::ResolvedParameters lv3_parameters(SkySettings const& settings) {
  return test::lv3_parameters("skymatch", settings);
}

/// Exposures in files, and the step run on them.
class SkySurvey : public test::StepSurvey {
 public:
  explicit SkySurvey(std::string const& name) : StepSurvey(name, "skymatch", 5) {}

  /// Writes an exposure on the root and takes it up on all ranks.
  void add(std::string const& band, std::string const& exposure, std::string const& group, std::int64_t nx,
           std::int64_t ny, model::Header const& image, std::vector<float> const& sci,
           std::vector<std::uint32_t> const& dq, model::Header const& primary = test::nircam_primary()) {
    add_planes(band, exposure, group, nx, ny, image, {{"SCI", sci}, {"DQ", {}, dq}}, primary);
  }

  /// One task a band, in order of first appearance.
  std::vector<BandTask> tasks(SkySettings const& settings) const {
    return tasks_with([&](BandTask const&) { return lv3_parameters(settings); });
  }

  /// Runs the step on `communicator`, products in a folder of `label`.
  StepOutcome run(SkySettings const& settings, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30, bool stop_on_error = false) {
    test::StepRun one(records, communicator, budget_bytes);
    one.stop_on_error = stop_on_error;
    return one.run(run_skymatch, tasks(settings));
  }
  StepOutcome run(SkySettings const& settings) {
    auto outcome = run(settings, world);
    world.barrier();
    return outcome;
  }

  /// What the ledger of the last run has for an exposure.
  std::optional<model::SkyCorrection> correction(std::size_t record) const {
    auto const& identity = records[record].identity;
    auto const entries = ledger(identity.band).entries(identity);
    if (entries.empty()) return std::nullopt;
    return std::get<model::SkyCorrection>(entries.at(0).correction);
  }
  std::string text(std::string const& band, std::string const& table) const {
    std::ifstream stream(folder() / label / band / "skymatch" / table);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

/// Noise about a level, stars, and a few flagged and missing pixels; pointing and orientation by
/// number.
struct SkyImage {
  std::int64_t nx, ny;
  model::Header header;
  std::vector<float> sci;
  std::vector<std::uint32_t> dq;

  SkyImage(int number, double level, double dx_arcsec, double dy_arcsec, double noise = 0.01, std::int64_t columns = 64,
           std::int64_t rows = 48)
      : nx(columns), ny(rows) {
    test::set_tan(header, nx, ny, 30 + dx_arcsec / 3600 / std::cos(10 * 0.017453292519943295), 10 + dy_arcsec / 3600,
                  0.1, 7.0 * number);
    std::mt19937 random(static_cast<unsigned>(number) + 1);
    auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    for (std::int64_t k = 0; k < nx * ny; ++k) {
      double sum = -6;
      for (int u = 0; u < 12; ++u) sum += uniform();
      bool const star = uniform() < 0.01, flagged = uniform() < 0.01, lost = uniform() < 0.005;
      double const value = level + noise * sum + (star ? 50.0 : 0.0) + (flagged ? 1000.0 : 0.0);
      sci.push_back(lost ? NAN : static_cast<float>(value));
      dq.push_back(flagged ? 1 : 4);  // JUMP_DET alone is good
    }
  }
};

}  // namespace tessera::steps
