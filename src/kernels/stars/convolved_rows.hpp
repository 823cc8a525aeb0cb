// Rows of an image convolved with the kernel of the star finders.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "tessera/kernels/find_stars.hpp"

namespace tessera::kernels {

/// Rows y0 <= y < y1 of the image, convolved; the image is zero outside. A pixel that has a non-finite value within the
/// square of the kernel has none itself: NoValue, which is less than any.
class ConvolvedRows {
 public:
  static constexpr double NoValue = -std::numeric_limits<double>::infinity();

  /// The rows within the kernel's radius must be given, as far as the image has them.
  ConvolvedRows(ImageRows const& image, FinderKernel const& kernel, std::int64_t y0, std::int64_t y1);

  std::int64_t y0() const { return y0_; }
  std::int64_t y1() const { return y1_; }
  double const* row(std::int64_t y) const { return values_.data() + (y - y0_) * nx_; }

 private:
  std::int64_t nx_, y0_, y1_;
  std::vector<double> values_;
};

}  // namespace tessera::kernels
