#include "convolved_rows.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

/// Rows of the image in double with `radius` zeros on either side and beyond the image, non-finite values as zeros.
struct PaddedRows {
  PaddedRows(ImageRows const& image, std::int64_t first, std::int64_t last, std::int64_t radius)
      : y0(first), width(image.nx + 2 * radius), values(static_cast<std::size_t>((last - first) * width), 0.0) {
    for (std::int64_t y = std::max<std::int64_t>(first, 0); y < std::min(last, image.ny); ++y) {
      TESSERA_EXPECT(y >= image.y0 && y < image.y1);
      float const* const in = image.data + (y - image.y0) * image.nx;
      double* const out = values.data() + (y - first) * width + radius;
      for (std::int64_t x = 0; x < image.nx; ++x) out[x] = std::abs(in[x]) <= LargestFloat ? in[x] : 0.0;
    }
  }
  double const* row(std::int64_t y) const { return values.data() + (y - y0) * width; }

  static constexpr float LargestFloat = std::numeric_limits<float>::max();
  std::int64_t y0, width;
  std::vector<double> values;
};

/// Largest offset along x, for each offset along y (0 and up), whose weight is not zero: the kernel is a disc.
std::vector<std::int64_t> half_widths(FinderKernel const& kernel) {
  std::int64_t const radius = kernel.radius, side = kernel.side();
  std::vector<std::int64_t> widths(static_cast<std::size_t>(radius + 1), -1);
  for (std::int64_t dy = 0; dy <= radius; ++dy)
    for (std::int64_t dx = 0; dx <= radius; ++dx)
      if (kernel.weights[static_cast<std::size_t>((radius + dy) * side + radius + dx)] != 0)
        widths[static_cast<std::size_t>(dy)] = dx;
  return widths;
}

/// Takes the values away that a non-finite pixel reaches: where the weight is not zero, as the convolution of the
/// reference has it.
void drop_around_holes(ImageRows const& image, FinderKernel const& kernel, std::int64_t y0, std::int64_t y1,
                       double* values) {
  std::int64_t const radius = kernel.radius;
  auto const widths = half_widths(kernel);
  for (std::int64_t y = std::max(image.y0, y0 - radius); y < std::min(image.y1, y1 + radius); ++y) {
    float const* const in = image.data + (y - image.y0) * image.nx;
    for (std::int64_t x = 0; x < image.nx; ++x) {
      if (std::isfinite(in[x])) continue;
      std::int64_t const begin = x;  // a run of holes at once
      while (x + 1 < image.nx && !std::isfinite(in[x + 1])) ++x;
      for (std::int64_t j = std::max(y0, y - radius); j < std::min(y1, y + radius + 1); ++j) {
        std::int64_t const width = widths[static_cast<std::size_t>(std::abs(j - y))];
        if (width < 0) continue;
        double* const row = values + (j - y0) * image.nx;
        std::fill(row + std::max<std::int64_t>(0, begin - width), row + std::min(image.nx, x + width + 1),
                  ConvolvedRows::NoValue);
      }
    }
  }
}

}  // namespace

ConvolvedRows::ConvolvedRows(ImageRows const& image, FinderKernel const& kernel, std::int64_t y0, std::int64_t y1)
    : nx_(image.nx), y0_(y0), y1_(y1), values_(static_cast<std::size_t>((y1 - y0) * image.nx)) {
  std::int64_t const radius = kernel.radius, side = kernel.side();
  PaddedRows const padded(image, y0 - radius, y1 + radius, radius);
  std::vector<double> folded(static_cast<std::size_t>(padded.width));
  for (std::int64_t y = y0; y < y1; ++y) {
    double* const out = values_.data() + (y - y0) * nx_;
    for (std::int64_t dy = 0; dy <= radius; ++dy) {
      // the kernel is symmetric: rows above and below, then columns left and right, are added before they are weighed
      double const *const above = padded.row(y - dy), *const below = padded.row(y + dy);
      double const* line = above;
      if (dy > 0) {
        for (std::int64_t x = 0; x < padded.width; ++x) folded[static_cast<std::size_t>(x)] = above[x] + below[x];
        line = folded.data();
      }
      double const* const weights = kernel.weights.data() + (radius + dy) * side + radius;
      for (std::int64_t dx = 0; dx <= radius; ++dx) {
        double const weight = weights[dx];
        if (weight == 0) continue;
        double const *const left = line + radius - dx, *const right = line + radius + dx;
        if (dx == 0)
          for (std::int64_t x = 0; x < nx_; ++x) out[x] += weight * left[x];
        else
          for (std::int64_t x = 0; x < nx_; ++x) out[x] += weight * (left[x] + right[x]);
      }
    }
  }
  drop_around_holes(image, kernel, y0, y1, values_.data());
}

}  // namespace tessera::kernels
