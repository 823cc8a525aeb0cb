#include "flag_exposure.hpp"

#include <algorithm>
#include <limits>

#include "estimate_errors.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"
#include "tessera/kernels/blot.hpp"
#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::steps {

namespace {

using model::Plane;

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// One exposure while it is compared.
class Comparison {
 public:
  Comparison(StepContext const& context, OutlierPlan const& plan, int position, MedianReader& medians)
      : plan_(plan), medians_(medians), reader_(plan.record(context, position), plan.task->before) {
    auto const& record = reader_.record();
    if (plan.options.resample_data) map_ = sky::make_pixel_map(*reader_.wcs(), record.nx, record.ny, plan.sky.grid);
    if (!record.planes.has(Plane::Err)) estimate_ = estimate_errors(record);
    // The level is taken off with the median: whatever skymatch or the file say, else the parameter (spec 30, 3.4).
    bool has_level = record.sky_level.has_value();
    for (auto const& entry : reader_.entries())
      if (auto const* sky = std::get_if<model::SkyCorrection>(&entry.correction)) has_level |= !sky->subtract;
    level_ = has_level ? reader_.sky_level() : plan.options.backg;
  }

  /// Flags of rows y0 <= y < y1; mask_ begins with row `first`.
  void compare(std::int64_t y0, std::int64_t y1) {
    auto const& record = reader_.record();
    first_ = std::max<std::int64_t>(0, y0 - kernels::OutlierHalo);
    auto const last = std::min(record.ny, y1 + kernels::OutlierHalo);
    read(first_, last);
    blot(first_, last);
    kernels::ComparedRows const rows{record.nx, last - first_, band_.sci.data(), band_.err.data(), blot_.data()};
    if (plan_.options.resample_data)
      kernels::flag_outliers(rows, static_cast<float>(level_), plan_.options.thresholds, mask_);
    else
      kernels::flag_outliers_in_place(rows, plan_.options.thresholds.snr1, mask_);
  }

  std::uint8_t const* row(std::int64_t y) const { return mask_.data() + (y - first_) * reader_.record().nx; }
  std::int64_t bytes_read() const { return reader_.bytes_read(); }

 private:
  void read(std::int64_t first, std::int64_t last) {
    exchange::read_with_one_more_try(reader_, first, last, {Plane::Sci, Plane::Err, Plane::Dq, Plane::Wht}, band_);
    if (estimate_) {
      store::ExposureReader const raw(reader_.record(), {});
      raw.read_rows(first, last, {Plane::Sci}, raw_);
      fill_errors(*estimate_, raw_.sci, band_.err);
    }
    // What is flagged already is no data: exported, it is NaN (spec 30, 3.2 item 6).
    for (std::size_t k = 0; k < band_.dq.size(); ++k)
      if ((band_.dq[k] & dq::DoNotUse) != 0) band_.sci[k] = NaN;
    for (std::size_t k = 0; k < band_.wht.size(); ++k)
      if (!(band_.wht[k] > 0)) band_.sci[k] = NaN;
  }

  void blot(std::int64_t first, std::int64_t last) {
    auto const& grid = plan_.sky.grid;
    auto const nx = reader_.record().nx;
    if (!plan_.options.resample_data) {
      medians_.read({0, first, nx, last}, blot_);
      return;
    }
    blot_.resize(static_cast<std::size_t>(nx * (last - first)));
    for (std::int64_t x0 = 0; x0 < nx; x0 += BlotTile) {
      model::PixelBox const target{x0, first, std::min(x0 + BlotTile, nx), last};
      auto const box = kernels::blot_box(*map_, target, grid.nx, grid.ny);
      medians_.read(box, median_);
      kernels::blot({median_.data(), box, grid.nx, grid.ny}, *map_, target, blot_.data() + x0, nx);
    }
  }

  OutlierPlan const& plan_;
  MedianReader& medians_;
  store::ExposureReader reader_;
  std::optional<model::PixelMap> map_;
  std::optional<ErrorEstimate> estimate_;
  double level_ = 0;
  std::int64_t first_ = 0;
  model::RowBand band_, raw_;
  std::vector<float> median_, blot_;
  std::vector<std::uint8_t> mask_;
};

}  // namespace

std::optional<FlaggedExposure> flag_exposure(StepContext& context, OutlierPlan const& plan, int position,
                                             OutlierMemory const& memory, MedianReader& medians) {
  auto const& record = plan.record(context, position);
  Comparison comparison(context, plan, position, medians);
  auto const before = medians.bytes_read();
  FlaggedExposure result;
  model::FlagCorrection flags;
  flags.bits = dq::DoNotUse | dq::Outlier;
  flags.mask.assign(static_cast<std::size_t>((record.nx * record.ny + 7) / 8), 0);
  for (std::int64_t y0 = 0; y0 < record.ny; y0 += memory.compared_rows) {
    if (context.control.poll() >= parallel::StopRequest::Abandon) return std::nullopt;
    std::int64_t const y1 = std::min(y0 + memory.compared_rows, record.ny);
    comparison.compare(y0, y1);
    for (std::int64_t y = y0; y < y1; ++y) {
      std::uint8_t const* const row = comparison.row(y);
      for (std::int64_t x = 0; x < record.nx; ++x) {
        if (row[x] == 0) continue;
        auto const bit = static_cast<std::size_t>(y * record.nx + x);
        flags.mask[bit / 8] = static_cast<std::uint8_t>(flags.mask[bit / 8] | (1u << (bit % 8)));
        ++result.flagged;
      }
    }
  }
  result.bytes_read = comparison.bytes_read() + medians.bytes_read() - before;
  if (result.flagged == 0) return result;
  model::LedgerEntry entry;
  entry.correction = std::move(flags);
  entry.region = {0, 0, record.nx, record.ny};
  result.entries.push_back(std::move(entry));
  return result;
}

}  // namespace tessera::steps
