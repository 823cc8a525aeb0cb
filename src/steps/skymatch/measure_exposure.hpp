// The sky of one exposure: over its whole area and where others overlap it.
#pragma once
#include <vector>

#include "tessera/sky/unit_vector.hpp"
#include "tessera/steps/skymatch/skymatch_options.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// What the headers and the WCS of an exposure say before any pixel is read.
struct SkyOutline {
  model::SkyPolygon outline;  ///< empty where the method needs none, or the exposure is of no use
  double start = 0;           ///< level that was subtracted from it before: BKGLEVEL
};

/// Throws InputError: BKGSUB of the file differs from `subtract`, or a WCS that leaves the sky.
SkyOutline examine_sky(store::ExposureReader const& reader, SkymatchOptions const& options);

/// A sky level and the pixels it was measured on; plain bytes for journals and messages.
struct SkyMeasurement {
  static constexpr std::int64_t Whole = -1;
  std::int64_t group = Whole;  ///< the other group; Whole: over the whole area
  std::int64_t pixels = 0;     ///< 0: no value
  double level = 0;
};

/// A circle on the sky around an outline: outlines whose circles are apart need not be compared.
struct SkyCircle {
  sky::Vector3 centre;
  double radius = 0;  ///< radians
};
SkyCircle circle_around(model::SkyPolygon const& outline);

/// All exposures of a task, by position among its members.
struct SkyNeighbours {
  std::vector<int> groups;
  int group_count = 0;
  std::vector<model::SkyPolygon> outlines;  ///< empty ones take no part
  std::vector<SkyCircle> circles;           ///< around them
};

/// The level of the exposure at `position` over its whole area, then in the overlap with each other group that has
/// pixels of a value, by ascending group. Holds one exposure in memory, reserved from the budget.
std::vector<SkyMeasurement> measure_exposure(StepContext& context, store::ExposureReader const& reader,
                                             SkymatchOptions const& options, SkyNeighbours const& neighbours,
                                             std::size_t position);

}  // namespace tessera::steps
