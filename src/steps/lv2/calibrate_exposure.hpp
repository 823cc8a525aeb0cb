// One exposure from its count rates to its product.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/parallel/memory_budget.hpp"
#include "tessera/refs/image_references.hpp"
#include "tessera/sky/gwcs.hpp"
#include "tessera/steps/lv2/calibrate_exposures.hpp"

namespace tessera::steps {

/// How long the parts of the work take, in seconds.
class StageClock {
 public:
  StageClock();
  void start() { last_ = std::chrono::steady_clock::now(); }
  /// The time since the last call is this stage's.
  void charge(std::string_view stage);
  std::vector<std::pair<std::string, double>> const& seconds() const { return seconds_; }

 private:
  std::vector<std::pair<std::string, double>> seconds_;  ///< every stage there is, in order
  std::chrono::steady_clock::time_point last_;
};

/// Makes exposures one after the other. Keeps the flat of the last one: exposures of a detector come together.
class ExposureCalibrator {
 public:
  ExposureCalibrator(parallel::MemoryBudget& budget, StageClock& clock) : budget_(budget), clock_(clock) {}

  /// Reads, works and commits. Throws Error.
  void make(RateRecord const& record, CalibrationBand const& band, CalibrationItem const& item, StepCounts& counts);

 private:
  parallel::MemoryBudget& budget_;
  StageClock& clock_;
  std::string flat_key_;
  std::optional<refs::FlatReference> flat_;

  refs::FlatReference const* flat_of(RateRecord const& record);
  void destripe(RateRecord const& record, CalibrationBand const& band, CalibrationItem const& item, bool is_calibrated,
                model::ExposureImage& image);
  std::shared_ptr<sky::Gwcs const> calibrate(RateRecord const& record, CalibrationItem const& item,
                                             model::ExposureImage& image);
};

}  // namespace tessera::steps
