#include "tessera/kernels/remove_diffuse.hpp"

#include <cmath>
#include <limits>

#include "counter_noise.hpp"
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
    auto scatter = sigma_clip_outside(std::span<T const>(values), sources, options.sigma, options.maxiters);
    if (scatter.count == 0)
      scatter = sigma_clip_outside(std::span<T const>(values), bad, options.sigma, options.maxiters);
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
