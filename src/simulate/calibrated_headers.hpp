// Headers of a simulated `_cal` exposure (spec 20, 6.2).
#pragma once
#include "tessera/model/header.hpp"
#include "tessera/simulate/survey_plan.hpp"
#include "tessera/sky/gwcs.hpp"

namespace tessera::simulate {

model::Header make_primary_header(SurveyPlan const& plan, PlannedExposure const& exposure);

/// Header of SCI with the believed pointing, its SIP approximation and the footprint. `wcs` is that of the believed
/// pointing.
model::Header make_science_header(SurveyPlan const& plan, PlannedExposure const& exposure, sky::Gwcs const& wcs);

}  // namespace tessera::simulate
