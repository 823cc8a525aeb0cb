// Butterworth high-pass filter of an image (spec 40, 1.5, DIFFUSE).
#pragma once
#include <cstdint>
#include <span>

namespace tessera::kernels {

struct HighPass {
  double cutoff = 0.005;  ///< cycles a pixel; half of the amplitude passes there
  int order = 2;
};

/// What passes of a wave of `frequency` cycles a pixel: q / (1 + q) with q = (frequency / cutoff)^(2 order).
double high_pass_gain(double frequency, HighPass const& filter);

/// Filters `image` [ny][nx], all of it finite, in place: extended by its mirror image, a quarter of its size on each
/// side (d c b a | a b c d), multiplied by the gain in the frequencies of that periodic image, cut out again. Takes
/// 2.25 * 8 bytes a pixel. From the main thread; the same bits every time (plans are estimated, not measured).
void filter_high_pass(std::span<double> image, std::int64_t nx, std::int64_t ny, HighPass const& filter = {});
void filter_high_pass(std::span<float> image, std::int64_t nx, std::int64_t ny, HighPass const& filter = {});

/// NaN of each row of `image` [ny][nx] become the median of what else the row has; a row of NaN stays.
void fill_with_row_medians(std::span<double> image, std::int64_t nx, std::int64_t ny);
void fill_with_row_medians(std::span<float> image, std::int64_t nx, std::int64_t ny);

}  // namespace tessera::kernels
