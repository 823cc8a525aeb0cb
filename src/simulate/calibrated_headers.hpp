// Headers of a simulated `_cal` (spec 20, 6.2) or `_rate` exposure.
#pragma once
#include "tessera/model/header.hpp"
#include "tessera/simulate/survey_plan.hpp"
#include "tessera/sky/gwcs.hpp"

namespace tessera::simulate {

model::Header make_primary_header(SurveyPlan const& plan, PlannedExposure const& exposure);

/// Header of SCI with the believed pointing, its SIP approximation and the footprint. `wcs` is that of the believed
/// pointing.
model::Header make_science_header(SurveyPlan const& plan, PlannedExposure const& exposure, sky::Gwcs const& wcs);

/// The same of a `_rate`: a linear WCS as the archive's files have it, DN/s, no photometry.
model::Header make_rate_science_header(SurveyPlan const& plan, PlannedExposure const& exposure, sky::Gwcs const& wcs);

}  // namespace tessera::simulate
