#include "estimate_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "tessera/core/dq.hpp"
#include "tessera/kernels/clip_pieces.hpp"

namespace tessera::steps {

namespace {

using model::Plane;

constexpr std::int64_t BandRows = 256;
constexpr double ClipSigma = 3;
constexpr int ClipRounds = 10;
/// Medians of fewer times their noise may be what a subtraction left over.
constexpr double LeastBackground = 5;

std::optional<double> find_gain(store::ExposureReader const& reader) {
  for (char const* keyword : {"GAIN", "EGAIN", "CCDGAIN"})
    for (auto const* header : {&reader.image_header(), &reader.primary_header()})
      if (auto const gain = header->real(keyword); gain && *gain > 0 && std::isfinite(*gain)) return gain;
  return std::nullopt;
}

}  // namespace

ErrorEstimate estimate_errors(store::ExposureRecord const& record) {
  store::ExposureReader const reader(record, {});
  model::RowBand band;
  auto const each_piece = [&](std::function<void(std::span<float const>)> const& take) {
    for (std::int64_t y0 = 0; y0 < record.ny; y0 += BandRows) {
      reader.read_rows(y0, std::min(y0 + BandRows, record.ny), {Plane::Sci, Plane::Dq, Plane::Wht}, band);
      for (std::size_t k = 0; k < band.sci.size(); ++k)
        if ((!band.dq.empty() && (band.dq[k] & dq::DoNotUse) != 0) || (!band.wht.empty() && !(band.wht[k] > 0)))
          band.sci[k] = std::numeric_limits<float>::quiet_NaN();
      take(band.sci);
    }
  };
  auto const clipped = kernels::clip_pieces(each_piece, ClipSigma, ClipRounds);
  ErrorEstimate estimate;
  if (clipped.count == 0) return estimate;
  estimate.median = clipped.median;
  estimate.background = clipped.std * clipped.std;
  if (auto const gain = find_gain(reader))
    estimate.a_count = 1 / *gain;
  else if (clipped.median > LeastBackground * clipped.std)
    estimate.a_count = estimate.background / clipped.median;
  return estimate;
}

void fill_errors(ErrorEstimate const& estimate, std::vector<float> const& raw, std::vector<float>& err) {
  err.resize(raw.size());
  for (std::size_t k = 0; k < raw.size(); ++k) {
    double const above = std::max(0.0, static_cast<double>(raw[k]) - estimate.median);  // in this order NaN gives 0
    err[k] = static_cast<float>(std::sqrt(estimate.background + estimate.a_count * above));
  }
}

}  // namespace tessera::steps
