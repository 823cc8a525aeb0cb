#include "tessera/kernels/resample_weight.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "tessera/core/contract.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"

namespace tessera::kernels {

WeightType parse_weight_type(std::string_view name) {
  if (name == "ivm") return WeightType::Ivm;
  if (name == "ivm-sky") return WeightType::IvmSky;
  if (name == "exptime") return WeightType::Exptime;
  if (name == "none") return WeightType::None;
  throw ConfigError({.what = "unknown weight type",
                     .where = "weight_type",
                     .expected = "ivm, ivm-sky, exptime or none",
                     .found = std::string(name),
                     .remedy = "choose one of these; ivm is the default"});
}

namespace {

constexpr float Largest = std::numeric_limits<float>::max();

/// Square roots in place; NaN and negative values become 0. Infinite ones stay: they mark pixels not to be used.
void take_roots(std::vector<float>& variance) {
  for (float& value : variance) value = std::sqrt(value > 0 ? value : 0.0f);
}

}  // namespace

void prepare_for_resampling(model::RowBand& band, double sky, ResampleWeightOptions const& options,
                            std::vector<float>& weight) {
  auto const count = static_cast<std::size_t>(band.pixel_count());
  TESSERA_EXPECT(band.sci.size() == count && (band.dq.empty() || band.dq.size() == count));
  weight.resize(count);
  float* const sci = band.sci.data();
  float* const out = weight.data();
  for (std::size_t k = 0; k < count; ++k) out[k] = std::abs(sci[k]) <= Largest ? 1.0f : 0.0f;
  for (auto const* plane : {&band.err, &band.var_rnoise, &band.var_flat, &band.var_poisson}) {
    if (plane->size() != count) continue;
    float const* const values = plane->data();
    for (std::size_t k = 0; k < count; ++k) out[k] = values[k] == values[k] ? out[k] : 0.0f;
  }
  if (!band.dq.empty()) {
    std::uint32_t const* const bits = band.dq.data();
    std::uint32_t const bad = options.bad_bits | dq::DoNotUse;
    for (std::size_t k = 0; k < count; ++k) out[k] = (bits[k] & bad) == 0 ? out[k] : 0.0f;
  }
  bool const has_wht = band.wht.size() == count;
  if (has_wht) {  // a mosaic or a plain image: where it has no weight it has no data
    float const* const wht = band.wht.data();
    for (std::size_t k = 0; k < count; ++k) out[k] = (wht[k] > 0) & (wht[k] <= Largest) ? out[k] : 0.0f;
  }
  for (std::size_t k = 0; k < count; ++k)
    sci[k] = out[k] != 0 ? static_cast<float>(static_cast<double>(sci[k]) - sky) : 0.0f;
  if (options.type == WeightType::Ivm && band.var_rnoise.size() == count) {
    float const* const variance = band.var_rnoise.data();
    for (std::size_t k = 0; k < count; ++k) {
      float const inverse = 1.0f / variance[k];
      out[k] = std::abs(inverse) <= Largest ? out[k] * inverse : 0.0f;
    }
  } else if (has_wht && (options.type == WeightType::Ivm || options.type == WeightType::IvmSky)) {
    float const* const wht = band.wht.data();
    for (std::size_t k = 0; k < count; ++k) out[k] = out[k] != 0 ? wht[k] : 0.0f;
  } else if (options.type == WeightType::Exptime) {
    auto const time = static_cast<float>(options.exposure_time);
    for (std::size_t k = 0; k < count; ++k) out[k] *= time;
  }
  take_roots(band.var_rnoise);
  take_roots(band.var_flat);
  take_roots(band.var_poisson);
}

}  // namespace tessera::kernels
