// What the parameters of lv3 say about outlier_detection. Private to the step.
#pragma once
#include <cstdint>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/kernels/drizzle.hpp"
#include "tessera/kernels/outlier_flags.hpp"
#include "tessera/kernels/resample_weight.hpp"

namespace tessera::steps {

struct OutlierOptions {
  kernels::DrizzleOptions drizzle;  ///< of one group: neither context nor variances
  kernels::WeightType weight_type = kernels::WeightType::Ivm;
  std::uint32_t bad_bits = 0;
  double maskpt = 0.7;
  kernels::OutlierThresholds thresholds;
  double backg = 0;  ///< unit of SCI, where an exposure has no level of its own
  bool resample_data = true;
  bool save_medians = false;
};

/// From the resolved parameters of lv3. Throws ConfigError.
OutlierOptions outlier_options(config::ResolvedParameters const& parameters);

}  // namespace tessera::steps
