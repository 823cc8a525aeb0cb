// Smoothing of a stack on large scales, and which way (spec 40, 1.10, second pass).
#pragma once
#include <cstdint>
#include <span>

#include "tessera/kernels/running_filter.hpp"

namespace tessera::kernels {

/// How stripes run on a grid.
enum class StripeCourse { Horizontal, Vertical, None };

/// Angle between two lines, 0 to 90 degrees.
double fold_angle(double degrees);
/// `degrees` is the angle from the x axis of the grid to the stripes of each exposure. Horizontal: all within 10
/// degrees of the grid's rows; vertical: of its columns; none: else, or where exposures differ by 10 degrees or more.
StripeCourse find_stripe_course(std::span<double const> degrees);

enum class LineFilter { Median, Mean };

/// Fills the gaps of every column of `image` [ny][nx] and filters along it. A column without any value stays NaN.
void filter_columns(std::span<double> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                    ExtendMode mode);
void filter_columns(std::span<float> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                    ExtendMode mode);
/// Likewise along rows.
void filter_rows(std::span<double> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                 ExtendMode mode);
void filter_rows(std::span<float> image, std::int64_t nx, std::int64_t ny, LineFilter filter, std::int64_t window,
                 ExtendMode mode);

}  // namespace tessera::kernels
