// The tables and plots of level_match.
#pragma once
#include "solve_stage.hpp"

namespace tessera::steps {

/// Writes level_match_pairs.csv and level_match_corrections.csv of a task (columns: docs/steps/level_match.md). One
/// rank.
void write_level_match_tables(MatchPool const& pool, int task, TaskTables const& tables);

/// Writes, under plots/, the tables and gnuplot scripts of the overlap graph and of the differences before and after, a
/// pair of plots a stage, and draws them where gnuplot is installed; where it is not, or fails, says so. One rank.
void write_level_match_plots(MatchPool const& pool, int task, TaskTables const& tables);

}  // namespace tessera::steps
