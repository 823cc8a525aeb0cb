// One (target, band) on its way through skymatch, the same on all ranks but for the journal.
#pragma once
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "sky_tables.hpp"
#include "tessera/steps/ledger_builder.hpp"

namespace tessera::steps {

struct SkyJob {
  BandTask const* task = nullptr;
  SkymatchOptions options;
  std::unique_ptr<LedgerBuilder> builder;
  std::vector<store::ExposureRecord const*> members;
  SkyNeighbours neighbours;
  std::vector<SkyResult> results;  ///< by position among the members
  std::string outlines_hash;       ///< measurements of a journal hold for these outlines only
};

/// An exposure of a job: one item of the pool.
struct SkyItem {
  std::size_t job = 0, position = 0;
};

/// Values of one item on their way to other ranks, all as doubles: whole numbers stay exact.
class SkyMessage {
 public:
  void add(SkyItem item, std::span<double const> values) {
    numbers_.push_back(static_cast<double>(item.job));
    numbers_.push_back(static_cast<double>(item.position));
    numbers_.push_back(static_cast<double>(values.size()));
    numbers_.insert(numbers_.end(), values.begin(), values.end());
  }
  std::span<double const> numbers() const { return numbers_; }

  /// Calls `take(item, values)` for everything that was added.
  template <class Take>
  static void read(std::span<double const> numbers, Take take) {
    for (std::size_t at = 0; at + 3 <= numbers.size();) {
      SkyItem const item{static_cast<std::size_t>(numbers[at]), static_cast<std::size_t>(numbers[at + 1])};
      auto const count = static_cast<std::size_t>(numbers[at + 2]);
      take(item, numbers.subspan(at + 3, count));
      at += 3 + count;
    }
  }

 private:
  std::vector<double> numbers_;
};

/// Solves a job from the measurements of its members (by position; empty: failed) and writes its tables. Sets
/// `results`. One rank. Throws InputError: the list of method user.
void solve_job(SkyJob& job, std::vector<std::vector<SkyMeasurement>> const& measured);

}  // namespace tessera::steps
