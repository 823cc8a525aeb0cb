// Sums of all exposures on one block, and how the sums of one exposure are folded into them.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "exposure_scratch.hpp"
#include "tessera/kernels/drizzle.hpp"

namespace tessera::kernels::drizzle {

/// [row][column] of the block's box.
class BlockSums {
 public:
  BlockSums(model::PixelBox const& box, DrizzleOptions const& options);

  /// Adds the touched rows of the scratch and sets them back to zero.
  void fold(DrizzleInput const& input, ExposureScratch& scratch);
  void finish(float fill, DrizzledBlock& block) const;

 private:
  using Row = std::array<double, model::BlockSize>;
  /// Part of a row: where it begins among the cells of the scratch and among the sums, and its length.
  struct Part {
    std::size_t cells, sums, count;
  };
  template <class Cell>
  void fold_row(DrizzleInput const& input, ExposureScratch const& scratch, Cell const* row, std::size_t cells,
                std::size_t sums);
  void fold_variances(DrizzleInput const& input, ExposureScratch const& scratch, Part const& part, Row const& weight);
  void fold_context(DrizzleInput const& input, ExposureScratch const& scratch, Part const& part, Row const& weight);
  /// Gives each variance its own sum of image weights, from when they begin to differ.
  void separate_image_weights();

  model::PixelBox box_;
  DrizzleOptions options_;
  std::vector<double> weight_, value_;               ///< sum(a w), sum(a w d)
  std::array<std::vector<double>, 3> variance_;      ///< sum(v q^2)
  std::array<std::vector<double>, 3> image_weight_;  ///< sum(q); only the first while all three are equal
  bool separate_ = false;
  std::vector<int> inputs_;
  std::vector<std::vector<std::uint32_t>> context_;
};

}  // namespace tessera::kernels::drizzle
