// Small surveys of star fields with known pointing errors, for the tests of alignment.
#pragma once
#include <cmath>
#include <fstream>
#include <map>
#include <random>

#include "support/lv3_parameters.hpp"
#include "support/step_survey.hpp"
#include "tessera/steps/tweakreg/tweakreg_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

using StarSettings = std::map<std::string, config::Value>;

/// lv3 with its defaults but for `settings`, keys of tweakreg ("minobj") or of lv3 ("tweakreg_group_dithers").
inline config::ResolvedParameters tweakreg_parameters(StarSettings const& settings) {
  return test::lv3_parameters("tweakreg", settings);
}

/// A field of stars about (30, 10) degrees.
struct StarField {
  static constexpr double Ra = 30, Dec = 10;
  std::vector<std::array<double, 3>> stars;  ///< arcsec east and north of the middle; flux

  explicit StarField(std::size_t count, double half_width = 40, unsigned seed = 3) {
    std::mt19937 random(seed);
    auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    for (std::size_t k = 0; k < count; ++k)
      stars.push_back({half_width * (2 * uniform() - 1), half_width * (2 * uniform() - 1), 50 + 500 * uniform()});
  }
};

/// Exposures in files, and the step run on them.
class StarSurvey : public test::StepSurvey {
 public:
  static constexpr std::int64_t Side = 220;
  static constexpr double Scale = 0.1;  ///< arcsec

  explicit StarSurvey(std::string const& name) : StepSurvey(name, "tweakreg", 4) {}

  struct Pointing {
    double east = 0, north = 0;              ///< arcsec, of the middle of the image
    double error_east = 0, error_north = 0;  ///< arcsec: the header says that it points there too far
    double angle = 0;                        ///< degrees
    double roll_error = 0;
  };

  /// An exposure of the field; `dead` pixels are flagged and NaN.
  void add(std::string const& band, std::string const& exposure, std::string const& group, StarField const& field,
           Pointing const& pointing, bool all_dead = false, model::Header const& primary = test::nircam_primary()) {
    auto const truth = tan_wcs(pointing, false);
    std::vector<float> sci(static_cast<std::size_t>(Side * Side));
    std::mt19937 random(static_cast<unsigned>(records.size()) + 100);
    auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    for (auto& value : sci) {
      double sum = -6;
      for (int u = 0; u < 12; ++u) sum += uniform();
      value = static_cast<float>(5 + 0.05 * sum);
    }
    for (auto const& star : field.stars) draw(star, pointing, sci);
    std::vector<std::uint32_t> dq(sci.size(), 0);
    if (all_dead) {
      std::fill(sci.begin(), sci.end(), NAN);
      std::fill(dq.begin(), dq.end(), 1u | 2u);  // DO_NOT_USE, SATURATED
    }
    add_planes(band, exposure, group, Side, Side, tan_wcs(pointing, true), {{"SCI", sci}, {"DQ", {}, dq}}, primary);
  }

  std::vector<BandTask> tasks(StarSettings const& settings) const {
    auto made = tasks_with([&](BandTask const&) { return tweakreg_parameters(settings); });
    for (auto& task : made) task.alignment_dir = folder();
    return made;
  }

  StepOutcome run(StarSettings const& settings, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30) {
    test::StepRun one(records, communicator, budget_bytes);
    return one.run(run_tweakreg, tasks(settings));
  }
  StepOutcome run(StarSettings const& settings) {
    auto outcome = run(settings, world);
    world.barrier();
    return outcome;
  }

  std::vector<model::LedgerEntry> entries(std::size_t record) const {
    auto const& identity = records[record].identity;
    return ledger(identity.band).entries(identity);
  }
  /// Where the corrected WCS of a record puts a pixel, arcsec east and north of where it should.
  std::array<double, 2> error_of(std::size_t record, Pointing const& pointing, model::PixelPoint pixel) const {
    auto const& identity = records[record].identity;
    store::ExposureReader const reader(records[record], ledger(identity.band));
    auto const found = reader.wcs()->pixel_to_sky(pixel);
    auto const [east, north] = sky_of(pointing, pixel);
    double const expected_ra = StarField::Ra + east / 3600 / std::cos(StarField::Dec * Degree);
    return {(found.ra - expected_ra) * 3600 * std::cos(StarField::Dec * Degree),
            (found.dec - StarField::Dec) * 3600 - north};
  }
  std::string text(std::string const& band, std::string const& table) const {
    std::ifstream stream(folder() / label / band / "tweakreg" / table);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::string ledger_bytes(std::string const& band) const {
    std::ifstream stream(ledger_file(band), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  static constexpr double Degree = 0.017453292519943295;

  /// Arcsec east and north of the middle of the field: flat, as small as it is.
  static std::array<double, 2> sky_of(Pointing const& p, model::PixelPoint pixel) {
    double const c = std::cos(p.angle * Degree), s = std::sin(p.angle * Degree);
    double const dx = (pixel.x - (Side - 1) / 2.0) * Scale, dy = (pixel.y - (Side - 1) / 2.0) * Scale;
    return {p.east - c * dx + s * dy, p.north + s * dx + c * dy};
  }

  static model::Header tan_wcs(Pointing const& p, bool with_errors) {
    model::Header header;
    double const east = p.east + (with_errors ? p.error_east : 0), north = p.north + (with_errors ? p.error_north : 0);
    test::set_tan(header, Side, Side, StarField::Ra + east / 3600 / std::cos(StarField::Dec * Degree),
                  StarField::Dec + north / 3600, Scale, p.angle + (with_errors ? p.roll_error : 0));
    return header;
  }

  static void draw(std::array<double, 3> const& star, Pointing const& p, std::vector<float>& sci) {
    double const c = std::cos(p.angle * Degree), s = std::sin(p.angle * Degree);
    double const east = star[0] - p.east, north = star[1] - p.north;
    double const x = (-c * east + s * north) / Scale + (Side - 1) / 2.0;
    double const y = (s * east + c * north) / Scale + (Side - 1) / 2.0;
    double const sigma = 2.5 / 2.3548200450309493;
    for (auto row = static_cast<std::int64_t>(y) - 8; row <= static_cast<std::int64_t>(y) + 8; ++row)
      for (auto column = static_cast<std::int64_t>(x) - 8; column <= static_cast<std::int64_t>(x) + 8; ++column) {
        if (row < 0 || row >= Side || column < 0 || column >= Side) continue;
        double const r2 = (static_cast<double>(column) - x) * (static_cast<double>(column) - x) +
                          (static_cast<double>(row) - y) * (static_cast<double>(row) - y);
        sci[static_cast<std::size_t>(row * Side + column)] +=
            static_cast<float>(star[2] / (6.283185307179586 * sigma * sigma) * std::exp(-0.5 * r2 / (sigma * sigma)));
      }
  }
};

/// Few stars are needed, and nothing of the field is emission.
inline StarSettings star_settings(StarSettings more = {}) {
  StarSettings settings{{"minobj", 5}, {"abs_minobj", 5}, {"bkg_boxsize", 110}, {"roundhi", 0.5}};
  for (auto& [key, value] : more) settings[key] = value;
  return settings;
}

}  // namespace tessera::steps
