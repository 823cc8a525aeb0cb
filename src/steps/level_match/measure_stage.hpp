// The measurements of a stage: every pair of every set of every task, by one rank each.
#pragma once
#include <vector>

#include "match_layout.hpp"
#include "tile_image.hpp"

namespace tessera::steps {

/// What a stage has to do: the same on all ranks.
struct StageWork {
  MatchStage stage = MatchStage::Dithers;
  std::vector<MatchSet> sets;
  std::vector<SetLayout> layouts;    ///< [set]
  std::vector<CandidatePair> pairs;  ///< of all sets, set by set
};

StageWork plan_stage(MatchPool const& pool, MatchStage stage);

/// A pair as it was found. Plain bytes: journaled and sent as it is.
struct PairResult {
  exchange::PairMeasurement measurement;
  model::PixelPoint middle;  ///< of the overlap, pixels of the grid
  bool measured = false;     ///< false: one of its exposures failed
};

struct StageMeasurements {
  std::vector<PairResult> pairs;  ///< [pair], on rank 0 only
  std::vector<double> local;      ///< [set] local median, 0 where none is taken; dithers only, on all ranks
  bool stopped = false;           ///< somewhere; the same on all ranks
};

/// Makes the tile images that the stage needs, then measures all pairs. What the journal has is not done again, what is
/// finished goes into it. Collective.
StageMeasurements measure_stage(MatchPool& pool, StageWork const& work);

}  // namespace tessera::steps
