// The stack of a dither group, in a scratch file (spec 40, P9).
#pragma once
#include <filesystem>

#include "cross_survey.hpp"

namespace tessera::steps {

/// Where a stack has data.
struct StackPlace {
  model::PixelBox box;      ///< of the grid, in the file; empty: no data, and no file
  std::int64_t pixels = 0;  ///< with data
};

/// Writes the mean of the exposures that have data in a pixel, their levels matched first (median differences of all
/// pairs, equal weights), reprojected once from the exposures to the grid of their band. Exposures that cannot be read
/// are lost. Cutouts of exposures are kept within `cutout_bytes` and made anew beyond: the result is the same. The file
/// is whole or not there. One rank.
StackPlace make_stack(CrossSurvey& survey, CrossStack const& stack, std::filesystem::path const& path,
                      std::int64_t cutout_bytes);

/// Bytes that make_stack takes besides the cutouts it keeps; and those of a cutout of its largest exposure.
std::int64_t stack_working_bytes(CrossSurvey const& survey, CrossStack const& stack);
std::int64_t stack_cutout_bytes(CrossSurvey const& survey, CrossStack const& stack);

/// Pixels `part` of the grid, inside the box of the stack; NaN: no data. [y - part.y0][x - part.x0].
std::vector<float> read_stack(std::filesystem::path const& path, StackPlace const& place, model::PixelBox const& part,
                              StepCounts& counts);

/// Rows of a part of so many columns that are worked on at a time.
std::int64_t rows_at_a_time(std::int64_t width);

}  // namespace tessera::steps
