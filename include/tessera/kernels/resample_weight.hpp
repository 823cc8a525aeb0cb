// Weights and root variances of an exposure for resampling (spec 30, 4.5 and 4.8).
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "tessera/model/exposure.hpp"

namespace tessera::kernels {

enum class WeightType { Ivm, IvmSky, Exptime, None };
/// "ivm", "ivm-sky", "exptime", "none"; throws ConfigError.
WeightType parse_weight_type(std::string_view name);

struct ResampleWeightOptions {
  WeightType type = WeightType::Ivm;
  std::uint32_t bad_bits = 513;  ///< DO_NOT_USE | NON_SCIENCE
  double exposure_time = 1;      ///< TMEASURE or EFFEXPTM, seconds
};

/// What drizzle takes, made in place of the band: `band.sci` with NaN and bad pixels set to 0, `weight` 0 there;
/// variances replaced by their square roots (NaN and negative: 0). Before that NaN and DQ are made consistent (spec
/// 30, 3.2 item 6: a pixel that is bad, DO_NOT_USE, or NaN in SCI, ERR or a variance is neither data nor weight). `sky`
/// is subtracted from SCI. Non-finite 1 / VAR_RNOISE gives no weight. Without VAR_RNOISE ivm weighs all good pixels
/// alike; ivm-sky and none always do.
void prepare_for_resampling(model::RowBand& band, double sky, ResampleWeightOptions const& options,
                            std::vector<float>& weight);

}  // namespace tessera::kernels
