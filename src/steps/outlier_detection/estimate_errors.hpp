// Errors of an image that has none. Private to the step.
#pragma once
#include <vector>

#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// variance = background + a_count * max(value - median, 0): noise of the background as it is in the image, and that
/// of the photons above it.
struct ErrorEstimate {
  double background = 0;  ///< variance of the pixels, clipped
  double a_count = 0;     ///< variance a unit of SCI: 1 / gain
  double median = 0;
};

/// From the image as it is in its file: corrections change its level, not its noise. The photon term is 1 / gain
/// (GAIN, EGAIN or CCDGAIN, electrons a count) where a header has one; else, where the background is well above its own
/// noise, it is taken to be all photons (gain = median / variance); else none.
ErrorEstimate estimate_errors(store::ExposureRecord const& record);

/// err[k] of the values `sci` that were `raw` in the file.
void fill_errors(ErrorEstimate const& estimate, std::vector<float> const& raw, std::vector<float>& err);

}  // namespace tessera::steps
