// How a detector turns light into counts: what the flat and photom references state, and what truly happens.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {

/// Part of a detector in the full format, 0-based origin.
struct FrameWindow {
  int x0 = 0, y0 = 0, nx = 0, ny = 0;
};
FrameWindow window_of(Detector const& detector);
FrameWindow full_frame(Detector const& detector);

/// The pixel response, [ny][nx] of a window; each pixel is a function of its place in the full format alone.
struct FlatField {
  std::vector<float> value, error;  ///< as the flat reference has them; NaN or 0 in some dead pixels
  std::vector<std::uint32_t> dq;    ///< standard bits: NO_FLAT_FIELD and UNRELIABLE_FLAT
  std::vector<float> truth;         ///< the response itself: about `value`, small in dead pixels
};
FlatField make_flat(SimulationSettings const& settings, Band const& band, Detector const& detector,
                    FrameWindow const& window);

/// A row of the photom reference, in the precision in which it is stored.
struct PhotomRow {
  float photmjsr = 1, uncertainty = 0;         ///< MJy/sr per DN/s
  bool timed = false;                          ///< MIRI: with both tables of time dependence
  float t0 = 0, lossperyear = 0;               ///< linear; MJD
  float amplitude = 0, tau = 1, constant = 1;  ///< exponential, the same t0; days
  double conversion_at(double mjd) const;      ///< MJy/sr per DN/s (spec 20, 5.2)
};
PhotomRow make_photom_row(SimulationSettings const& settings, Band const& band, Detector const& detector);

/// Conversion at the middle of an exposure.
double conversion_of(SurveyPlan const& plan, PlannedExposure const& exposure);

/// The thermal background of MIRI in MJy/sr, [ny][nx]: the band's background, its shape and its drift. Empty for
/// NIRCam.
std::vector<float> make_thermal_background(SurveyPlan const& plan, PlannedExposure const& exposure);

/// The part of it that changes with time: mean over the detector, MJy/sr; 0 for NIRCam.
double thermal_level(SurveyPlan const& plan, PlannedExposure const& exposure);

}  // namespace tessera::simulate
