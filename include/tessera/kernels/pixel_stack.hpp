// The average of many images, pixel by pixel (spec 40, 1.10 step 2).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tessera::kernels {

enum class StackMethod {
  Mean,       ///< weighted
  Median,     ///< unweighted
  ClipMedian  ///< median of what sigma clipping keeps
};
/// "mean", "median", "sigma_clip"; throws ConfigError.
StackMethod parse_stack_method(std::string_view name);

/// Images of the same pixels, added one by one. T is the type of their values: sums are double.
template <class T>
class PixelStack {
 public:
  PixelStack(std::int64_t pixels, StackMethod method);

  /// Bytes a pixel takes: always, and more for every image.
  static std::int64_t bytes_of_pixel(StackMethod method) { return method == StackMethod::Mean ? 16 : 0; }
  static std::int64_t bytes_of_value(StackMethod method) { return method == StackMethod::Mean ? 0 : sizeof(T); }

  /// Pixels of one image; NaN: no data. `weights` are used by the mean alone: what is not finite or not above 0 counts
  /// as no data. Empty: 1. Means depend on the order of the images in their last bits.
  void add(std::span<T const> values, std::span<T const> weights);

  /// The average; NaN where there is no data, or where it is exactly 0.
  std::vector<T> finish(double sigma, std::optional<int> maxiters) const;

 private:
  std::int64_t pixels_;
  StackMethod method_;
  std::vector<double> sum_, weight_;    ///< mean
  std::vector<std::vector<T>> values_;  ///< [image][pixel], else
};

}  // namespace tessera::kernels
