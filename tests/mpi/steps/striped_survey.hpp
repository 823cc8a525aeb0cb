// Small surveys of striped exposures for the tests of multi_tile_destripe.
#pragma once
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/steps/multi_tile_destripe/multi_tile_destripe_step.hpp"
#include "tessera/store/exposure_reader.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {

/// How an exposure is made. Positions and sizes in its own pixels of 0.1 arcsec.
struct StripedFrame {
  double dx = 0, dy = 0, angle_deg = 0;  ///< of its middle from the middle of the field; orientation
  double stripes = 0.05, noise = 0.02;   ///< rms
  bool common = false;                   ///< the same stripes in all amplifiers
  bool along_y = false;                  ///< stripes run along y (FASTAXIS 2)
  std::vector<double> amplifier_level{0, 0, 0, 0};
  double level = 0;
  std::string instrument = "NIRCAM", subarray = "FULL";
  std::int64_t side = 256;
  double ra = 30;
  int flagged_amplifier = -1;  ///< 4: all pixels
};

/// The sky at a place (arcsec from the middle of the field): a galaxy, some stars.
inline double striped_sky(double x, double y) {
  double value = 1 + 2 * std::exp(-std::hypot(x - 2, y + 1) / 20);
  for (int star = 0; star < 12; ++star) {
    double const sx = 11 * std::sin(2.1 * star + 1), sy = 11 * std::cos(3.7 * star);
    value += 5 * std::exp(-((x - sx) * (x - sx) + (y - sy) * (y - sy)) / (2 * 0.15 * 0.15));
  }
  return value;
}

using StripedSettings = std::map<std::string, config::Value>;

class StripedSurvey {
 public:
  explicit StripedSurvey(std::string const& name) : scratch_(name) {}

  /// Writes the frame on the root, takes it up on all ranks, and keeps its stripes ([amplifier][row], truth).
  void add(StripedFrame const& frame, std::string const& band = "F300M") {
    auto const number = records.size();
    std::mt19937 random(static_cast<unsigned>(number) + 100);
    auto const deviate = [&] {
      double sum = -6;
      for (int k = 0; k < 12; ++k) sum += static_cast<double>(random()) / 4294967296.0;
      return sum;
    };
    auto const n = frame.side;
    auto& stripes = truth.emplace_back(4, std::vector<double>(static_cast<std::size_t>(n)));
    for (auto& amplifier : stripes)
      for (auto& value : amplifier) value = frame.stripes * deviate();
    if (frame.common) stripes.assign(4, stripes.front());
    double const c = std::cos(frame.angle_deg * 0.017453292519943295),
                 s = std::sin(frame.angle_deg * 0.017453292519943295), middle = 0.5 * static_cast<double>(n - 1);
    std::vector<float> sci;
    std::vector<std::uint32_t> dq;
    for (std::int64_t y = 0; y < n; ++y)
      for (std::int64_t x = 0; x < n; ++x) {
        auto const a = static_cast<std::size_t>(4 * (frame.along_y ? y : x) / n);
        auto const row = static_cast<std::size_t>(frame.along_y ? x : y);
        double const u = 0.1 * (static_cast<double>(x) - middle), v = 0.1 * (static_cast<double>(y) - middle);
        // east is to the left: sky x runs against the pixel's
        double const sky = striped_sky(-(c * u - s * v) + 0.1 * frame.dx, s * u + c * v + 0.1 * frame.dy);
        double value = sky + frame.level + frame.amplifier_level[a] + stripes[a][row] + frame.noise * deviate();
        bool const is_hot = (7 * x + 13 * y) % 997 == 0, is_lost = (5 * x + 11 * y) % 1499 == 0;
        if (is_hot) value += 1000;
        sci.push_back(is_lost ? NAN : static_cast<float>(value));
        bool const is_masked = frame.flagged_amplifier == 4 || static_cast<int>(a) == frame.flagged_amplifier;
        dq.push_back(is_hot || is_masked ? 1 : 0);
      }
    sci[static_cast<std::size_t>(n + 3)] = 0;  // no data
    auto primary = test::nircam_primary();
    primary.set("INSTRUME", frame.instrument);
    primary.set("SUBARRAY", frame.subarray);
    primary.set("NOUTPUTS", 4);
    primary.set("FASTAXIS", frame.along_y ? 2 : 1);
    primary.set("SLOWAXIS", frame.along_y ? 1 : 2);
    model::Header image;
    test::set_tan(image, n, n, frame.ra + 0.1 * frame.dx / 3600 / std::cos(10 * 0.017453292519943295),
                  10 + 0.1 * frame.dy / 3600, 0.1, frame.angle_deg);
    auto const path = scratch_.path() / fmt::format("jw{:02d}_nrcalong_cal.fits", number);
    auto const count = static_cast<std::size_t>(n * n);
    if (world.is_root())
      test::write_exposure(path, n, n, primary, image,
                           {{"SCI", sci},
                            {"ERR", std::vector<float>(count, static_cast<float>(frame.noise))},
                            {"DQ", {}, dq},
                            {"VAR_RNOISE", std::vector<float>(count, 0.0004f)}});
    world.barrier();
    std::vector<store::InputNote> notes;
    auto record = store::examine_exposure({"ngc0628", band, path.string(), "", ""}, notes).value();
    records.push_back(record);
    frames.push_back(frame);
  }

  std::vector<BandTask> tasks(StripedSettings const& settings) const {
    std::vector<BandTask> all;
    for (std::size_t k = 0; k < records.size(); ++k) {
      auto const& band = records[k].identity.band;
      auto task = std::find_if(all.begin(), all.end(), [&](BandTask const& one) { return one.band == band; });
      if (task == all.end()) {
        BandTask made;
        made.target = "ngc0628";
        made.band = band;
        made.band_facts = config::parse_band(band);
        made.parameters = parameters(settings);
        made.order = 4;
        made.step = "multi_tile_destripe";
        made.ledger_file = ledger_file(band);
        made.products = scratch_.path() / label / band / "products";
        made.scratch = scratch_.path() / label / band / "scratch";
        made.manifest.step = made.step;
        made.manifest.parameters = made.parameters.json();
        made.key = made.manifest.key();
        task = all.insert(all.end(), made);
      }
      task->members.push_back(static_cast<int>(k));
    }
    return all;
  }

  static config::ResolvedParameters parameters(StripedSettings const& settings) {
    config::ResolvedParameters parameters;
    parameters.step = "multi_tile_destripe";
    for (auto const& declared : config::find_step(parameters.step)->table.parameters) {
      auto const set = settings.find(declared.key);
      parameters.by_key[declared.key] = {set == settings.end() ? declared.default_value : set->second,
                                         set == settings.end(), declared.type, declared.support};
    }
    return parameters;
  }

  StepOutcome run(StripedSettings const& settings, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30) {
    parallel::ControlChannel control(communicator);
    parallel::MemoryBudget budget(budget_bytes);
    StepContext context{communicator, control, budget, records, 0, {}, false};
    auto outcome = run_multi_tile_destripe(context, tasks(settings));
    EXPECT_EQ(budget.reserved(), 0);
    return outcome;
  }
  StepOutcome run(StripedSettings const& settings = {}) {
    auto outcome = run(settings, world);
    world.barrier();
    return outcome;
  }

  std::filesystem::path ledger_file(std::string const& band) const {
    return scratch_.path() / label / band / "04_multi_tile_destripe.h5";
  }
  store::Ledger ledger(std::string const& band = "F300M") const {
    return store::Ledger::of({{"multi_tile_destripe", ledger_file(band)}});
  }
  std::vector<model::LedgerEntry> entries(std::size_t k) const {
    return ledger(records[k].identity.band).entries(records[k].identity);
  }

  /// SCI as it comes out of the reader with the ledger.
  std::vector<float> corrected(std::size_t k, bool with_ledger = true) const {
    store::ExposureReader const reader(records[k], with_ledger ? ledger(records[k].identity.band) : store::Ledger());
    model::RowBand band;
    reader.read_rows(0, records[k].ny, {model::Plane::Sci}, band);
    return band.sci;
  }

  /// Stripes that are left: [amplifier][row], less their median over the exposure.
  std::vector<std::vector<double>> residual(std::size_t k) const {
    auto left = truth[k];
    auto const before = corrected(k, false), after = corrected(k);
    auto const n = static_cast<std::size_t>(frames[k].side);
    std::vector<double> all;
    for (std::size_t a = 0; a < 4; ++a)
      for (std::size_t row = 0; row < n; ++row) {
        std::size_t along = a * n / 4 + 3;
        std::size_t const at = frames[k].along_y ? along * n + row : row * n + along;
        left[a][row] += frames[k].amplifier_level[a] + static_cast<double>(after[at]) - static_cast<double>(before[at]);
        if (std::isfinite(before[at]) && before[at] != 0) all.push_back(left[a][row]);
      }
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
    for (auto& amplifier : left)
      for (auto& value : amplifier) value -= all[all.size() / 2];
    return left;
  }

  parallel::Communicator world = parallel::Communicator::world();
  std::vector<store::ExposureRecord> records;
  std::vector<StripedFrame> frames;
  std::vector<std::vector<std::vector<double>>> truth;  ///< [exposure][amplifier][row]
  std::string label = "run";

 private:
  test::ScratchFolder scratch_;
};

inline double rms_of(std::vector<std::vector<double>> const& rows) {
  double squares = 0, count = 0;
  for (auto const& amplifier : rows)
    for (double const value : amplifier)
      if (std::isfinite(value)) {
        squares += value * value;
        count += 1;
      }
  return std::sqrt(squares / count);
}

/// Without the level of each amplifier: its median.
inline std::vector<std::vector<double>> without_levels(std::vector<std::vector<double>> rows) {
  for (auto& amplifier : rows) {
    auto sorted = amplifier;
    std::erase_if(sorted, [](double value) { return !std::isfinite(value); });
    std::sort(sorted.begin(), sorted.end());
    for (auto& value : amplifier) value -= sorted[sorted.size() / 2];
  }
  return rows;
}

}  // namespace tessera::steps
