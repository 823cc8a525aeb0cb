// Filters that slide along a line (spec 40, P5) and the filling of gaps (P6).
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace tessera::kernels {

/// What lies beyond the ends of a line `a b c d`.
enum class ExtendMode {
  Reflect,   ///< d c b a | a b c d | d c b a
  Nearest,   ///< a a a a | a b c d | d d d d
  Mirror,    ///< d c b | a b c d | c b a
  Constant,  ///< 0 0 0 0 | a b c d | 0 0 0 0
  Wrap       ///< a b c d | a b c d | a b c d
};
/// "reflect", "nearest", "mirror", "constant", "wrap"; throws ConfigError.
ExtendMode parse_extend_mode(std::string_view name);

/// Median of the `window` (odd) values about each value. All values finite; `out` is as long as `in` and apart from it.
void running_median(std::span<double const> in, std::int64_t window, ExtendMode mode, std::span<double> out);
void running_median(std::span<float const> in, std::int64_t window, ExtendMode mode, std::span<float> out);

/// Mean likewise. Sums in double.
void running_mean(std::span<double const> in, std::int64_t window, ExtendMode mode, std::span<double> out);
void running_mean(std::span<float const> in, std::int64_t window, ExtendMode mode, std::span<float> out);

/// Non-finite values become the linear interpolation in index between the finite ones about them, constant beyond the
/// ends. Nothing happens where none is finite.
void fill_gaps(std::span<double> line);
void fill_gaps(std::span<float> line);

}  // namespace tessera::kernels
