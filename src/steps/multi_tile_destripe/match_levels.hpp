// Levels of the exposures against each other, for stacks of exposures that level_match has not seen (do_level_match).
#pragma once
#include <span>

#include "destripe_task.hpp"
#include "tessera/exchange/level_graph.hpp"

namespace tessera::steps {

/// Two members, first < second, that share a block of sky.
struct LevelPair {
  int first = 0, second = 0;
};
std::vector<LevelPair> pairs_that_meet(DestripeTask const& task);

/// Measures pairs one after the other; the first image of a pair is kept while the next has the same. Independent.
class PairMeter {
 public:
  PairMeter(StepContext& context, DestripeTask const& task) : context_(context), task_(task) {}
  exchange::PairMeasurement measure(LevelPair const& pair);

 private:
  exchange::Cutout make_cutout(int member);

  StepContext& context_;
  DestripeTask const& task_;
  int held_member_ = -1;
  exchange::Cutout held_;
};

/// Level of each member from the pairs, cut and solved as level_match does by default; the mean of each group of
/// connected members is 0.
std::vector<double> solve_member_levels(DestripeTask const& task, std::span<exchange::PairMeasurement const> pairs);

}  // namespace tessera::steps
