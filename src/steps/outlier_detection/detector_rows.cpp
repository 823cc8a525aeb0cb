#include "detector_rows.hpp"

#include "tessera/exchange/exposure_drizzler.hpp"

namespace tessera::steps {

void read_weighted_rows(OutlierPlan const& plan, store::ExposureReader const& reader, std::int64_t y0, std::int64_t y1,
                        model::RowBand& band, std::vector<float>& weight) {
  exchange::read_with_one_more_try(reader, y0, y1, OutlierPlanes, band);
  auto const& record = reader.record();
  kernels::prepare_for_resampling(
      band, 0, {plan.options.weight_type, plan.options.bad_bits, record.tmeasure.value_or(record.effexptm)}, weight);
}

}  // namespace tessera::steps
