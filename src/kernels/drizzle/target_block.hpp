// What every kernel is given: an exposure, the rows of it that reach a block, and where the block lies.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "exposure_scratch.hpp"
#include "input_rows.hpp"
#include "tessera/kernels/drizzle.hpp"

namespace tessera::kernels::drizzle {

struct TargetBlock {
  model::PixelBox box;
  std::int64_t grid_nx = 0, grid_ny = 0;
};

/// One row of the exposure's planes, already checked to be among the rows that were read.
class InputRow {
 public:
  InputRow(DrizzleInput const& input, DrizzleOptions const& options, std::int64_t y) : scale_(options.iscale) {
    auto const offset = (y - input.y0) * input.map->nx;
    data_ = input.data + offset;
    weight_ = input.weight ? input.weight + offset : nullptr;
    for (std::size_t k = 0; k < 3; ++k) root_[k] = input.root_variance[k] ? input.root_variance[k] + offset : nullptr;
  }
  double weight(std::int64_t x) const { return weight_ ? static_cast<double>(weight_[x]) : 1.0; }
  float const* weights() const { return weight_; }
  double value(std::int64_t x) const { return static_cast<double>(data_[x]) * scale_; }
  std::array<double, 3> roots(std::int64_t x) const {
    std::array<double, 3> values{};
    for (std::size_t k = 0; k < 3; ++k) values[k] = root_[k] ? static_cast<double>(root_[k][x]) * scale_ : 0.0;
    return values;
  }

 private:
  double scale_;
  float const* data_;
  float const* weight_;
  std::array<float const*, 3> root_{};
};

/// Marks pixels without a position in a row of the map: `holes` of the input.
inline void cut_holes(DrizzleInput const& input, std::int64_t y, std::int64_t x0, std::int64_t x1, double* X,
                      double* Y) {
  if (!input.holes || input.holes->empty()) return;
  auto const nx = input.map->nx;
  auto hole = std::lower_bound(input.holes->begin(), input.holes->end(), y * nx + x0);
  for (; hole != input.holes->end() && *hole < y * nx + x1; ++hole)
    X[*hole - y * nx - x0] = Y[*hole - y * nx - x0] = std::numeric_limits<double>::quiet_NaN();
}

/// Asks for the planes of row y: the interval of each row begins on another page, where the hardware does not look
/// ahead.
inline void prefetch_row(DrizzleInput const& input, InputRows const& rows, std::int64_t y) {
  if (y >= input.y1 || !rows.has(y)) return;
  auto const offset = (y - input.y0) * input.map->nx;
  constexpr std::int64_t LineFloats = 16;
  for (float const* const plane :
       {input.data, input.weight, input.root_variance[0], input.root_variance[1], input.root_variance[2]}) {
    if (!plane) continue;
    for (auto x = rows.first(y); x < rows.last(y); x += LineFloats) __builtin_prefetch(plane + offset + x);
  }
}

/// The square kernel (spec 30, 4.6): exact overlaps of the mapped, shrunken pixel with the output pixels.
void add_square(DrizzleInput const& input, DrizzleOptions const& options, InputRows const& rows,
                TargetBlock const& block, ExposureScratch& scratch);

/// Turbo, point, gaussian and lanczos: products of a function of x and one of y.
void add_separable(DrizzleInput const& input, DrizzleOptions const& options, InputRows const& rows,
                   TargetBlock const& block, ExposureScratch& scratch);

}  // namespace tessera::kernels::drizzle
