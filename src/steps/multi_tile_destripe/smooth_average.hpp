// The average without its small structure, and where it has much of it (spec 40, 1.10, second pass).
#pragma once
#include "destripe_task.hpp"

namespace tessera::steps {

/// Names of the images in the scratch folder.
struct AverageNames {
  std::string average, smooth, mask;
};

/// What a rank does for the second pass of one task: strips of whole columns (or rows) for the filters, strips of whole
/// rows for the mask. Functions are called on all ranks in turn; those without part in a strip do nothing there.
class AverageSmoother {
 public:
  AverageSmoother(StepContext& context, DestripeTask const& task, AverageNames names);

  /// Owners of the smooth image and of the mask: the strips of blocks are dealt to the ranks in runs.
  BlockOwners const& smooth_owners() const { return smooth_owners_; }
  BlockOwners const& mask_owners() const { return mask_owners_; }

  /// Writes this rank's strips of the smooth image, or of the image smoothed in columns only where rows follow.
  void smooth();
  bool needs_second_axis() const { return task_.course == kernels::StripeCourse::None; }
  /// After all ranks have smoothed columns: rows.
  void smooth_second_axis();
  /// After all ranks have the smooth image: the mask. Collective over `communicator`, which has all ranks with strips.
  void make_mask(parallel::Communicator const& communicator);
  bool has_mask_strips() const { return !mask_strips_.empty(); }

 private:
  using Strip = std::int64_t;  ///< row or column of blocks
  void filter_strips(std::vector<Strip> const& strips, bool columns, BlockImageReader const& from,
                     std::string const& to, BlockOwners const& owners, kernels::LineFilter filter);
  void write_blocks(BlockImageWriter& writer, BlockOwners const& owners, model::PixelBox const& box,
                    std::vector<float> const& values) const;
  model::PixelBox strip_box(Strip strip, bool columns) const;
  std::vector<float> read_structure(model::PixelBox const& box) const;

  StepContext& context_;
  DestripeTask const& task_;
  AverageNames names_;
  BlockOwners smooth_owners_, second_owners_, mask_owners_;
  std::vector<Strip> smooth_strips_, second_strips_, mask_strips_;  ///< of this rank, ascending
};

}  // namespace tessera::steps
