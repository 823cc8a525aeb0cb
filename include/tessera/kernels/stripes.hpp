// Stripes of an exposure against a picture of the sky (spec 40, 1.10 steps 3 to 7).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tessera::kernels {

struct StripeOptions {
  std::vector<std::int64_t> bounds;  ///< columns where amplifiers begin and end; {0, nx}: whole rows
  double min_mask_frac = 0.2;        ///< rows of an amplifier with a smaller part unmasked take the whole row's value
  bool vertical = false;             ///< columns first
  double sigma = 3;                  ///< of source masks and clipping
  int dilate = 7;                    ///< growth of source masks, pixels
  std::optional<int> maxiters;       ///< clipping rounds; unset: until nothing changes
};

/// The stripe at (x, y) is rows[amplifier of x][y] + columns[x].
struct StripeModel {
  std::vector<std::vector<double>> rows;  ///< [amplifier][y]
  std::vector<double> columns;            ///< [x]; empty without vertical
  std::int64_t masked = 0;                ///< pixels of the source mask
  std::int64_t used = 0;                  ///< finite pixels outside it; 0: nothing is known, all stripes are 0
};

/// Stripes of `difference` [ny][nx], exposure less sky, NaN: no data; it is changed. Per row the clipped median outside
/// a two-sided source mask; rows without one are interpolated. The median stripe over all pixels is 0.
StripeModel measure_stripes(std::span<double> difference, std::int64_t nx, std::int64_t ny,
                            StripeOptions const& options);
StripeModel measure_stripes(std::span<float> difference, std::int64_t nx, std::int64_t ny,
                            StripeOptions const& options);

/// Detections above and, with those left out of the statistics, below (P3 on the image and its negative; at least three
/// pixels), [ny][nx].
std::vector<std::uint8_t> make_two_sided_mask(std::span<double const> image, std::int64_t nx, std::int64_t ny,
                                              StripeOptions const& options);
std::vector<std::uint8_t> make_two_sided_mask(std::span<float const> image, std::int64_t nx, std::int64_t ny,
                                              StripeOptions const& options);

/// Clipped median of every row of `image` outside `mask`, gaps interpolated: the stripes that an average still has
/// (second pass). All NaN where no row has a value.
std::vector<double> measure_residual_rows(std::span<double const> image, std::span<std::uint8_t const> mask,
                                          std::int64_t nx, std::int64_t ny, StripeOptions const& options);
std::vector<double> measure_residual_rows(std::span<float const> image, std::span<std::uint8_t const> mask,
                                          std::int64_t nx, std::int64_t ny, StripeOptions const& options);

}  // namespace tessera::kernels
