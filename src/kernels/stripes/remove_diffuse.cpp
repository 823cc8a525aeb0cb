#include "tessera/kernels/remove_diffuse.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera::kernels {

namespace {

constexpr SourceMaskOptions Bright{.nsigma = 5, .npixels = 1, .dilate = 1, .maxiters = 5};
/// Boxes of some stripes' height: fine stripes stay out of the level.
constexpr BackgroundMeshOptions LocalLevel{
    .box_y = 64, .box_x = 64, .sigma = 3, .maxiters = 5, .exclude_percentile = 80, .filter_size = 3};
constexpr int LeastSourcePixels = 10;
constexpr int HoleDilation = 11;

/// SplitMix64 (Steele, Lea, Flood 2014) at place `index` of its sequence.
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/// Normal deviate number `index` (Box and Muller).
double normal_deviate(std::uint64_t seed, std::uint64_t index) {
  auto const uniform = [&](std::uint64_t k) {
    return (static_cast<double>(random_bits(seed, k) >> 11) + 0.5) * 0x1p-53;
  };
  return std::sqrt(-2 * std::log(uniform(2 * index))) * std::cos(2 * std::numbers::pi * uniform(2 * index + 1));
}

/// What the image is about each pixel: smooth light, without stars and fine stripes.
template <class T>
std::vector<float> find_local_level(std::span<T const> image, std::span<std::uint8_t const> bad, std::int64_t nx,
                                    std::int64_t ny) {
  std::vector<float> const values(image.begin(), image.end());
  auto const mesh = measure_background(values.data(), bad.data(), nx, ny, LocalLevel);
  std::vector<float> level(image.size());
  mesh.rows(0, ny, nullptr, level.data(), nullptr);
  return level;
}

/// Scatter about the local level outside `masked`.
template <class T>
ClippedStatistics find_scatter(std::span<T const> about_level, std::span<std::uint8_t const> masked,
                               DiffuseOptions const& options) {
  std::vector<T> values;
  values.reserve(about_level.size());
  for (std::size_t k = 0; k < about_level.size(); ++k)
    if (masked[k] == 0) values.push_back(about_level[k]);
  return sigma_clip(values, options.sigma, options.maxiters);
}

template <class T>
std::vector<std::uint8_t> remove(std::span<T> image, std::span<std::uint8_t const> sources,
                                 std::span<std::uint8_t const> bad, std::int64_t nx, std::int64_t ny,
                                 DiffuseOptions const& options) {
  auto const count = static_cast<std::size_t>(nx * ny);
  TESSERA_EXPECT(image.size() == count && sources.size() == count && bad.size() == count);
  bool const has_pixels = [&] {
    for (std::size_t k = 0; k < count; ++k)
      if (bad[k] == 0 && std::isfinite(image[k])) return true;
    return false;
  }();
  if (!has_pixels) return {bad.begin(), bad.end()};

  std::vector<T> values(count);
  std::vector<std::uint8_t> replaced;
  {
    auto const level = find_local_level(std::span<T const>(image), bad, nx, ny);
    for (std::size_t k = 0; k < count; ++k) values[k] = image[k] - static_cast<T>(level[k]);
    auto scatter = find_scatter(std::span<T const>(values), sources, options);
    if (scatter.count == 0) scatter = find_scatter(std::span<T const>(values), bad, options);
    replaced = make_source_mask(values.data(), nullptr, nx, ny, Bright);
    for (std::size_t k = 0; k < count; ++k) {
      replaced[k] |= static_cast<std::uint8_t>(bad[k] != 0 || !std::isfinite(image[k]));
      if (replaced[k])
        image[k] = static_cast<T>(static_cast<double>(level[k]) + scatter.std * normal_deviate(options.seed, k));
    }
  }
  filter_high_pass(image, nx, ny, options.filter);
  for (std::size_t k = 0; k < count; ++k)
    if (replaced[k]) image[k] = std::numeric_limits<T>::quiet_NaN();
  fill_with_row_medians(image, nx, ny);

  auto mask = make_source_mask(
      image.data(), bad.data(), nx, ny,
      {.nsigma = options.sigma, .npixels = LeastSourcePixels, .dilate = options.dilate, .maxiters = options.maxiters});
  for (std::size_t k = 0; k < count; ++k) {
    mask[k] |= bad[k];
    values[k] = -image[k];
  }
  auto const holes = make_source_mask(
      values.data(), mask.data(), nx, ny,
      {.nsigma = options.sigma, .npixels = options.npixels, .dilate = HoleDilation, .maxiters = options.maxiters});
  for (std::size_t k = 0; k < count; ++k) mask[k] |= holes[k];
  return mask;
}

}  // namespace

std::vector<std::uint8_t> remove_diffuse(std::span<double> image, std::span<std::uint8_t const> sources,
                                         std::span<std::uint8_t const> bad, std::int64_t nx, std::int64_t ny,
                                         DiffuseOptions const& options) {
  return remove(image, sources, bad, nx, ny, options);
}
std::vector<std::uint8_t> remove_diffuse(std::span<float> image, std::span<std::uint8_t const> sources,
                                         std::span<std::uint8_t const> bad, std::int64_t nx, std::int64_t ny,
                                         DiffuseOptions const& options) {
  return remove(image, sources, bad, nx, ny, options);
}

}  // namespace tessera::kernels
