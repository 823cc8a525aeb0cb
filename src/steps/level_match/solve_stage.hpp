// From the measurements of a stage to the corrections of its images.
#pragma once
#include <string>
#include <vector>

#include "measure_stage.hpp"

namespace tessera::steps {

/// A line of the table of pairs.
struct PairRow {
  MatchStage stage = MatchStage::Dithers;
  std::string set, first, second;
  PairResult result;
  exchange::PairVerdict verdict = exchange::PairVerdict::NoOverlap;
  bool failed = false;  ///< an exposure of it failed
  double weight = 0;
  double residual = 0;                 ///< delta less what the corrections take off, at the middle of the overlap
  model::SkyPoint centre_1, centre_2;  ///< of the images
};

/// An image for the plot of the graph.
struct NodeRow {
  MatchStage stage = MatchStage::Dithers;
  std::string set, name;
  model::SkyPoint centre;
  int component = -1;
};

/// What rank 0 writes down of a task.
struct TaskTables {
  std::vector<PairRow> pairs;
  std::vector<NodeRow> nodes;
};

/// Cuts, weighs and solves on rank 0, sends the corrections to all, and adds them to the exposures; joins the images
/// that are connected now; says in the log what could not be matched, and why. `tables` [task] are filled on rank 0.
/// Collective.
void solve_stage(MatchPool& pool, StageWork const& work, StageMeasurements const& found,
                 std::vector<TaskTables>& tables);

}  // namespace tessera::steps
