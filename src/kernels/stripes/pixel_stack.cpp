#include "tessera/kernels/pixel_stack.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::kernels {

StackMethod parse_stack_method(std::string_view name) {
  if (name == "mean") return StackMethod::Mean;
  if (name == "median") return StackMethod::Median;
  if (name == "sigma_clip") return StackMethod::ClipMedian;
  throw ConfigError({.what = "unknown way to make the stack",
                     .where = "weight_method",
                     .expected = "mean, median or sigma_clip",
                     .found = std::string(name),
                     .remedy = "choose one of these; mean is the default"});
}

template <class T>
PixelStack<T>::PixelStack(std::int64_t pixels, StackMethod method) : pixels_(pixels), method_(method) {
  if (method_ != StackMethod::Mean) return;
  sum_.assign(static_cast<std::size_t>(pixels), 0.0);
  weight_.assign(static_cast<std::size_t>(pixels), 0.0);
}

template <class T>
void PixelStack<T>::add(std::span<T const> values, std::span<T const> weights) {
  TESSERA_EXPECT(static_cast<std::int64_t>(values.size()) == pixels_);
  TESSERA_EXPECT(weights.empty() || weights.size() == values.size());
  if (method_ != StackMethod::Mean) {
    values_.emplace_back(values.begin(), values.end());
    return;
  }
  for (std::size_t k = 0; k < values.size(); ++k) {
    auto const weight = weights.empty() ? 1.0 : static_cast<double>(weights[k]);
    if (!std::isfinite(values[k]) || !(weight > 0) || !std::isfinite(weight)) continue;
    sum_[k] += weight * static_cast<double>(values[k]);
    weight_[k] += weight;
  }
}

template <class T>
std::vector<T> PixelStack<T>::finish(double sigma, std::optional<int> maxiters) const {
  constexpr T NaN = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> average(static_cast<std::size_t>(pixels_), NaN);
  auto const find = [&](std::size_t k) {
    if (method_ == StackMethod::Mean) return sum_[k] / weight_[k];
    thread_local std::vector<T> values;
    values.clear();
    for (auto const& image : values_)
      if (std::isfinite(image[k])) values.push_back(image[k]);
    if (method_ == StackMethod::Median) return median_in_place(std::span(values));
    return sigma_clip(values, sigma, maxiters).median;
  };
  Kokkos::parallel_for("tessera::finish_stack", Kokkos::RangePolicy<compute::HostExecution>(0, pixels_),
                       [&](std::int64_t const pixel) {
                         auto const k = static_cast<std::size_t>(pixel);
                         double const value = find(k);
                         if (std::isfinite(value) && value != 0) average[k] = static_cast<T>(value);
                       });
  return average;
}

template class PixelStack<float>;
template class PixelStack<double>;

}  // namespace tessera::kernels
