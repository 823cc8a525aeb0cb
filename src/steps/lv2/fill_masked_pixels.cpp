#include <algorithm>
#include <cmath>
#include <vector>

#include "background_file.hpp"
#include "combine_rows.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::steps {

namespace {

/// The nearest square with so many combined pixels is taken.
constexpr std::size_t LeastNeighbours = 32;
constexpr std::int64_t FirstReach = 4;
constexpr double SigmaOfMedianDeviation = 1.482602218505602;

class Filler {
 public:
  explicit Filler(ImageRows& whole)
      : nx_(whole.nx),
        ny_(whole.y1),
        sci_(whole.plane<float>(combined_plane::Sci)),
        err_(whole.plane<float>(combined_plane::Err)),
        variance_(whole.plane<float>(combined_plane::Variance)),
        flags_(whole.plane<std::uint32_t>(combined_plane::Dq)),
        count_(whole.plane<std::int32_t>(combined_plane::Count)) {}

  void fill() {
    std::vector<std::size_t> holes;
    for (std::size_t pixel = 0; pixel < static_cast<std::size_t>(nx_ * ny_); ++pixel)
      if (count_[pixel] == combined_plane::AllMasked) holes.push_back(pixel);
    for (auto const pixel : holes) fill_one(pixel);  // from combined pixels alone: the order does not matter
    for (auto const pixel : holes) count_[pixel] = 0;
  }

 private:
  void fill_one(std::size_t pixel) {
    auto const x = static_cast<std::int64_t>(pixel) % nx_, y = static_cast<std::int64_t>(pixel) / nx_;
    find_neighbours(x, y);
    if (near_.empty()) {
      flags_[pixel] |= dq::DoNotUse;
      return;
    }
    double const middle = median_of([&](std::size_t k) { return static_cast<double>(sci_[k]); });
    double const scatter = SigmaOfMedianDeviation *
                           median_of([&](std::size_t k) { return std::abs(static_cast<double>(sci_[k]) - middle); });
    double const err = median_of([&](std::size_t k) { return static_cast<double>(err_[k]); });
    double const variance = median_of([&](std::size_t k) { return static_cast<double>(variance_[k]); });
    sci_[pixel] = static_cast<float>(middle);
    err_[pixel] = static_cast<float>(std::sqrt(err * err + scatter * scatter));
    variance_[pixel] = static_cast<float>(variance + scatter * scatter);
    flags_[pixel] |= dq::FluxEstimated;
  }

  void find_neighbours(std::int64_t x, std::int64_t y) {
    for (auto reach = FirstReach;; reach *= 2) {
      near_.clear();
      for (auto v = std::max<std::int64_t>(0, y - reach); v < std::min(ny_, y + reach + 1); ++v)
        for (auto u = std::max<std::int64_t>(0, x - reach); u < std::min(nx_, x + reach + 1); ++u) {
          auto const k = static_cast<std::size_t>(v * nx_ + u);
          if (count_[k] > 0) near_.push_back(k);
        }
      if (near_.size() >= LeastNeighbours || reach >= std::max(nx_, ny_)) return;
    }
  }

  template <class Value>
  double median_of(Value value) {
    values_.clear();
    for (auto const k : near_)
      if (std::isfinite(value(k))) values_.push_back(value(k));
    return kernels::median_in_place(values_);
  }

  std::int64_t nx_, ny_;
  std::span<float> sci_, err_, variance_;
  std::span<std::uint32_t> flags_;
  std::span<std::int32_t> count_;
  std::vector<std::size_t> near_;
  std::vector<double> values_;
};

}  // namespace

void fill_masked_pixels(ImageRows& whole) { Filler(whole).fill(); }

}  // namespace tessera::steps
