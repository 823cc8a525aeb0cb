// The medians of a task: an HDF5 image in its scratch folder. Private to the step.
#pragma once
#include <set>
#include <vector>

#include "outlier_plan.hpp"
#include "tessera/exchange/block_journal.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::steps {

exchange::BlockJournal make_median_journal(OutlierPlan const& plan, int world_rank);

/// Makes the empty file, or takes up the one that an earlier run of the very same work left; the blocks in it. One
/// rank.
std::set<std::int64_t> begin_median_file(OutlierPlan const& plan, exchange::BlockJournal const& journal);

/// Writes a finished block in whole chunks. Independent.
void write_median(io::Hdf5File& file, OutlierPlan const& plan, std::int64_t block, std::vector<float> const& median);

/// Reads medians of a finished file. One rank.
class MedianReader {
 public:
  explicit MedianReader(OutlierPlan const& plan);
  /// Pixels of `box` of the grid, [box.height()][box.width()]; NaN where no exposure reaches.
  void read(model::PixelBox const& box, std::vector<float>& values);
  std::int64_t bytes_read() const { return bytes_read_; }

 private:
  OutlierPlan const& plan_;
  io::Hdf5File file_;
  std::vector<float> block_;
  std::int64_t bytes_read_ = 0;
};

}  // namespace tessera::steps
