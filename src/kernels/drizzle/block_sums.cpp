#include "block_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessera::kernels::drizzle {

namespace {
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr double Largest = std::numeric_limits<double>::max();
}  // namespace

BlockSums::BlockSums(model::PixelBox const& box, DrizzleOptions const& options) : box_(box), options_(options) {
  auto const count = static_cast<std::size_t>(box.width() * box.height());
  weight_.assign(count, 0.0);
  value_.assign(count, 0.0);
  if (!options.variances) return;
  for (auto& sums : variance_) sums.assign(count, 0.0);
  image_weight_[0].assign(count, 0.0);
}

void BlockSums::fold(DrizzleInput const& input, ExposureScratch& scratch) {
  constexpr int Rim = ExposureScratch::Rim, Stride = ExposureScratch::Stride;
  auto const width = static_cast<std::size_t>(box_.width());
  auto const height = static_cast<int>(box_.height());
  for (int cell_row = scratch.first_row; cell_row <= scratch.last_row; ++cell_row) {
    int const row = cell_row - Rim;
    if (row >= 0 && row < height) {
      auto const sums = static_cast<std::size_t>(row) * width,
                 cells = static_cast<std::size_t>(cell_row) * Stride + Rim;
      if (options_.variances)
        fold_row(input, scratch, scratch.variance.data() + cells, cells, sums);
      else
        fold_row(input, scratch, scratch.image.data() + cells, cells, sums);
    }
    scratch.clear_row(cell_row);
  }
  scratch.first_row = Stride;
  scratch.last_row = -1;
}

template <class Cell>
void BlockSums::fold_row(DrizzleInput const& input, ExposureScratch const& scratch, Cell const* row, std::size_t cells,
                         std::size_t sums) {
  // Only the part of the row that the exposure reaches: the sums of all blocks are far larger than the caches.
  std::size_t begin = 0, end = static_cast<std::size_t>(box_.width());
  while (begin < end && row[begin][0] == 0) ++begin;
  while (end > begin && row[end - 1][0] == 0) --end;
  if (begin == end) return;
  Part const part{cells + begin, sums + begin, end - begin};
  Row weight;
  double *const weights = weight_.data() + part.sums, *const values = value_.data() + part.sums;
  for (std::size_t k = 0; k < part.count; ++k) {
    Cell const cell = row[begin + k];
    weight[k] = cell[0];
    weights[k] += cell[0];
    values[k] += cell[1];
  }
  if (options_.variances) fold_variances(input, scratch, part, weight);
  if (options_.context) fold_context(input, scratch, part, weight);
}

/// Spec 30, 4.8, items 1 to 3, on one row.
void BlockSums::fold_variances(DrizzleInput const& input, ExposureScratch const& scratch, Part const& part,
                               Row const& weight) {
  auto const [cell, at, width] = part;
  VarianceCell const* const cells = scratch.variance.data() + cell;
  double const* const third = scratch.third.data() + cell;
  bool const by_time = options_.variance_weight == VarianceWeight::ExposureTime;
  if (!by_time && !input.root_variance[0]) return;  // no read noise: no image weight
  double const time = std::isfinite(input.exposure_time) ? input.exposure_time : 0.0;
  Row image_weight, variance[3], added[3];
  for (std::size_t k = 0; k < width; ++k) {
    double const reciprocal = 1 / weight[k];
    double const a = cells[k][2] * reciprocal, b = cells[k][3] * reciprocal, c = third[k] * reciprocal;
    variance[0][k] = a * a;
    variance[1][k] = b * b;
    variance[2][k] = c * c;
  }
  for (std::size_t k = 0; k < width; ++k) {
    double const v = variance[0][k], inverse = 1 / v;
    image_weight[k] = by_time ? time : ((v > 0) & (v <= Largest) & (inverse <= Largest)) ? inverse : 0.0;
  }
  for (std::size_t plane = 0; plane < 3; ++plane) {
    bool const present = input.root_variance[plane] != nullptr;
    for (std::size_t k = 0; k < width; ++k) {
      double const v = variance[plane][k], q = image_weight[k];
      bool const counts = (v >= 0) & (v <= Largest) & (q > 0) & present;
      added[plane][k] = counts ? q : 0.0;
      variance[plane][k] = counts ? v * q * q : 0.0;
    }
  }
  if (!separate_) {
    bool equal = true;
    for (std::size_t k = 0; k < width; ++k) equal &= (added[0][k] == added[1][k]) & (added[0][k] == added[2][k]);
    if (!equal) separate_image_weights();
  }
  for (std::size_t plane = 0; plane < 3; ++plane) {
    double* const sums = variance_[plane].data() + at;
    for (std::size_t k = 0; k < width; ++k) sums[k] += variance[plane][k];
    if (plane > 0 && !separate_) continue;
    double* const weights = image_weight_[plane].data() + at;
    for (std::size_t k = 0; k < width; ++k) weights[k] += added[plane][k];
  }
}

void BlockSums::separate_image_weights() {
  image_weight_[1] = image_weight_[0];
  image_weight_[2] = image_weight_[0];
  separate_ = true;
}

/// Spec 30, 4.7: the bit is set where the exposure's weight, in float32, is positive.
void BlockSums::fold_context(DrizzleInput const& input, ExposureScratch const& scratch, Part const& part,
                             Row const& weight) {
  auto const [cell, at, width] = part;
  std::array<std::uint8_t, model::BlockSize> reached{};
  if (!scratch.contributed.empty() &&
      (options_.kernel == DrizzleKernel::Lanczos2 || options_.kernel == DrizzleKernel::Lanczos3)) {
    std::copy_n(scratch.contributed.begin() + static_cast<std::ptrdiff_t>(cell), width, reached.begin());
  } else {
    // The smallest double that rounds to a positive float32; NaN weights do not occur.
    for (std::size_t k = 0; k < width; ++k) reached[k] = static_cast<float>(weight[k]) > 0.0f;
  }
  if (std::find(reached.begin(), reached.end(), std::uint8_t{1}) == reached.end()) return;
  if (inputs_.empty() || inputs_.back() != input.number) {
    inputs_.push_back(input.number);
    if (inputs_.size() > 32 * context_.size()) context_.emplace_back(weight_.size(), 0u);
  }
  auto const bit = (inputs_.size() - 1) % 32;
  std::uint32_t* const bits = context_.back().data() + at;
  for (std::size_t k = 0; k < width; ++k) bits[k] |= static_cast<std::uint32_t>(reached[k]) << bit;
}

void BlockSums::finish(float fill, DrizzledBlock& block) const {
  auto const count = weight_.size();
  block.sci.resize(count);
  block.wht.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    block.sci[k] = weight_[k] != 0 ? static_cast<float>(value_[k] / weight_[k]) : fill;
    block.wht[k] = static_cast<float>(weight_[k]);
  }
  block.inputs = inputs_;
  block.context = context_;
  if (!options_.variances) return;
  double const ratio = options_.pixel_scale_ratio;
  std::array<std::vector<float>*, 3> const planes{&block.var_rnoise, &block.var_flat, &block.var_poisson};
  for (std::size_t plane = 0; plane < 3; ++plane) {
    auto const& weights = image_weight_[separate_ ? plane : 0];
    planes[plane]->resize(count);
    for (std::size_t k = 0; k < count; ++k) {
      double const q = weights[k];
      (*planes[plane])[k] = q > 0 ? static_cast<float>(variance_[plane][k] / q / q / (ratio * ratio)) : NaN;
    }
  }
  block.err.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    double total = 0;
    bool any = false;
    for (auto const* plane : planes) {
      float const v = (*plane)[k];
      any |= v == v;
      total += v == v ? static_cast<double>(v) : 0.0;
    }
    block.err[k] = any ? static_cast<float>(std::sqrt(total)) : NaN;
  }
}

}  // namespace tessera::kernels::drizzle
