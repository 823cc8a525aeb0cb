// The sums of one exposure on one block: what a thread adds to before they are folded into the block.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::kernels::drizzle {

/// sum(a w), sum(a w d) of an output pixel.
using ImageCell = double __attribute__((vector_size(16)));
/// sum(a w), sum(a w d), sum(a w root RNOISE), sum(a w root FLAT); sum(a w root POISSON) lies beside it.
using VarianceCell = double __attribute__((vector_size(32)));

/// Cells of a block and of a rim round it, so that windows which reach over the block's edge need no clipping.
/// Cells lie together by output pixel: one input pixel adds all its sums with one load and one store a cell.
/// Everything is zero between exposures.
struct ExposureScratch {
  static constexpr int Rim = 8;
  static constexpr int Stride = model::BlockSize + 2 * Rim;
  static constexpr std::size_t CellCount = static_cast<std::size_t>(Stride) * Stride;

  std::vector<ImageCell> image;
  std::vector<VarianceCell> variance;
  std::vector<double> third;              ///< sum(a w root POISSON)
  std::vector<std::uint8_t> contributed;  ///< some a w > 0: needed where kernels have negative lobes
  int first_row = Stride, last_row = -1;  ///< touched rows, in cells

  void prepare(bool variances, bool lobes) {
    if (variances && variance.empty()) {
      variance.assign(CellCount, VarianceCell{});
      third.assign(CellCount, 0.0);
    }
    if (!variances && image.empty()) image.assign(CellCount, ImageCell{});
    if (lobes && contributed.empty()) contributed.assign(CellCount, 0);
  }
  void touch(int row, int row_count) {
    first_row = std::min(first_row, row);
    last_row = std::max(last_row, row + row_count - 1);
  }
  void clear_row(int row) {
    auto const at = static_cast<std::ptrdiff_t>(row) * Stride;
    if (!image.empty()) std::fill_n(image.begin() + at, Stride, ImageCell{});
    if (!variance.empty()) {
      std::fill_n(variance.begin() + at, Stride, VarianceCell{});
      std::fill_n(third.begin() + at, Stride, 0.0);
    }
    if (!contributed.empty()) std::fill_n(contributed.begin() + at, Stride, std::uint8_t{0});
  }
};

/// Adds shares of one input pixel to cells. `Variances` chooses the cell type.
template <bool Variances>
class CellAdder;

template <>
class CellAdder<false> {
 public:
  explicit CellAdder(ExposureScratch& scratch) : cells_(scratch.image.data()) {}
  void set(double weight, double value, std::array<double, 3> const&) { sums_ = ImageCell{weight, weight * value}; }
  void add(std::ptrdiff_t cell, double share) const { cells_[cell] += sums_ * share; }
  void prefetch(std::ptrdiff_t cell) const { __builtin_prefetch(cells_ + cell, 1); }
  bool is_finite() const { return (sums_[0] + sums_[1]) * 0.0 == 0.0; }

 private:
  ImageCell* cells_;
  ImageCell sums_{};
};

template <>
class CellAdder<true> {
 public:
  explicit CellAdder(ExposureScratch& scratch) : cells_(scratch.variance.data()), third_(scratch.third.data()) {}
  void set(double weight, double value, std::array<double, 3> const& roots) {
    sums_ = VarianceCell{weight, weight * value, weight * roots[0], weight * roots[1]};
    third_sum_ = weight * roots[2];
  }
  void add(std::ptrdiff_t cell, double share) const {
    cells_[cell] += sums_ * share;
    third_[cell] += third_sum_ * share;
  }
  void prefetch(std::ptrdiff_t cell) const {
    __builtin_prefetch(cells_ + cell, 1);
    __builtin_prefetch(third_ + cell, 1);
  }
  bool is_finite() const { return (sums_[0] + sums_[1] + sums_[2] + sums_[3] + third_sum_) * 0.0 == 0.0; }

 private:
  VarianceCell* cells_;
  double* third_;
  VarianceCell sums_{};
  double third_sum_ = 0;
};

}  // namespace tessera::kernels::drizzle
