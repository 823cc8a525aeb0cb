// Blending the headers of the exposures of a mosaic. Private to resample.
#pragma once
#include "member_values.hpp"
#include "tessera/model/header.hpp"

namespace tessera::steps {

/// Changes the blended keywords of `primary` and `sci` (copies of the first member's headers) by the rules of spec 30,
/// 4.10: minima, maxima, means, the common value or MULTIPLE; all other keywords keep the first member's value.
void blend_headers(std::vector<MemberValues> const& members, model::Header& primary, model::Header& sci);

/// Sums of the exposure times over groups: the first member of each group counts.
struct ExposureTimes {
  int groups = 0;
  double effexptm = 0, duration = 0;
  std::optional<double> tmeasure;  ///< only when every group had it
};
ExposureTimes sum_exposure_times(MosaicPlan const& plan, std::vector<store::ExposureRecord> const& records);

}  // namespace tessera::steps
