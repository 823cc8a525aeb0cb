// Rows of an exposure as they enter the median without resampling. Private to the step.
#pragma once
#include "outlier_plan.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// SCI as it is and the weights of rows y0 <= y < y1 (spec 30, 3.4 and 4.5).
void read_weighted_rows(OutlierPlan const& plan, store::ExposureReader const& reader, std::int64_t y0, std::int64_t y1,
                        model::RowBand& band, std::vector<float>& weight);

/// What the drizzle of a group reads. ERR and the other variances take no part in it.
inline constexpr model::PlaneSet OutlierPlanes{model::Plane::Sci, model::Plane::Dq, model::Plane::Wht,
                                               model::Plane::VarRnoise};

}  // namespace tessera::steps
