// One simulated exposure in memory: planes as they go to the file, and the truth beside them.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tessera/simulate/effects.hpp"
#include "tessera/simulate/scene.hpp"
#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {

/// What a count-rate exposure has in addition.
struct RateTruth {
  double conversion = 0;        ///< MJy/sr per DN/s, at the time of the exposure
  double thermal_level = 0;     ///< MJy/sr: mean of the thermal background, 0 for NIRCam
  std::vector<float> response;  ///< what the detector truly makes of light, about 1
  std::vector<float> thermal;   ///< thermal background in MJy/sr; empty for NIRCam
};

/// All planes are [ny][nx]; units as in spec 20, 6.1, those of a count rate in DN/s and its square (`sky`, `levels` and
/// `stripes` stay in MJy/sr).
struct SimulatedExposure {
  int nx = 0, ny = 0;
  std::vector<float> sci, err, area, var_poisson, var_rnoise, var_flat;
  std::vector<std::uint32_t> dq;
  std::vector<float> sky;  ///< truth: noiseless SCI without any effect
  Levels levels;
  Stripes stripes;
  std::vector<CosmicRayPixel> cosmic_rays;
  std::optional<RateTruth> rate;  ///< with [rates]; `area` and `var_flat` are empty then
};

/// SCI = sky + level + stripes + noise + cosmic rays, NaN where DQ says DO_NOT_USE. The sky is that under the actual
/// attitude. ERR^2 = VAR_POISSON + VAR_RNOISE + VAR_FLAT is the variance of the noise that is drawn.
///
/// With [rates]: SCI = (response (sky + level + thermal background) + stripes) / conversion + noise + cosmic rays, and
/// ERR^2 = VAR_POISSON + VAR_RNOISE.
SimulatedExposure make_exposure(SurveyPlan const& plan, Scene const& scene, PlannedExposure const& exposure);

}  // namespace tessera::simulate
