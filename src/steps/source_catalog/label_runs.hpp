// Pixels of segments on their way to the segmentation map: kept in a file, as only all of them together have labels.
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

namespace tessera::steps {

/// Pixels x0 <= x < x1 of row y.
struct LabelRun {
  std::int32_t y = 0, x0 = 0, x1 = 0;
  std::int32_t segment = 0, part = 0;
};

/// Runs of one band in a rank's file.
struct RunsChunk {
  std::int32_t rank = 0;
  std::int64_t band = 0, first = 0, count = 0;  ///< number of its first run, and of runs
};

/// Name of a rank's file beside the product.
std::filesystem::path label_runs_path(std::filesystem::path const& segmentation_map, int rank);

/// Removes the files of all ranks, also those of an earlier run. One rank.
void remove_label_runs(std::filesystem::path const& segmentation_map);

class LabelRunsWriter {
 public:
  /// Makes the file anew. IoError.
  LabelRunsWriter(std::filesystem::path const& segmentation_map, int rank);
  /// Adds runs in any order. IoError.
  void append(std::vector<LabelRun> runs);
  /// Closes the file; where what is.
  std::vector<RunsChunk> finish();

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  int rank_;
  std::int64_t written_ = 0;
  std::vector<RunsChunk> chunks_;
};

/// Runs of a chunk from its rank's file. IoError.
std::vector<LabelRun> read_label_runs(std::filesystem::path const& segmentation_map, RunsChunk const& chunk);

}  // namespace tessera::steps
