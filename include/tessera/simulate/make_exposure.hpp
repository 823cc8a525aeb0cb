// One simulated exposure in memory: planes as they go to the file, and the truth beside them.
#pragma once
#include <cstdint>
#include <vector>

#include "tessera/simulate/effects.hpp"
#include "tessera/simulate/scene.hpp"
#include "tessera/simulate/survey_plan.hpp"

namespace tessera::simulate {

/// All planes are [ny][nx]; units as in spec 20, 6.1.
struct SimulatedExposure {
  int nx = 0, ny = 0;
  std::vector<float> sci, err, area, var_poisson, var_rnoise, var_flat;
  std::vector<std::uint32_t> dq;
  std::vector<float> sky;  ///< truth: noiseless SCI without any effect
  Levels levels;
  Stripes stripes;
  std::vector<CosmicRayPixel> cosmic_rays;
};

/// SCI = sky + level + stripes + noise + cosmic rays, NaN where DQ says DO_NOT_USE. The sky is that under the actual
/// attitude. ERR^2 = VAR_POISSON + VAR_RNOISE + VAR_FLAT is the variance of the noise that is drawn.
SimulatedExposure make_exposure(SurveyPlan const& plan, Scene const& scene, PlannedExposure const& exposure);

}  // namespace tessera::simulate
