#include "stamp_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tessera/core/dq.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"

namespace tessera::exchange {

namespace {

using model::Plane;

constexpr std::int64_t RowsAtATime = 256;
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

bool is_bad(model::RowBand const& band, std::size_t k, bool is_plain) {
  if (band.sci[k] == 0 || (!band.dq.empty() && (band.dq[k] & (dq::ResampleBad | dq::Saturated)))) return true;
  return is_plain && !band.wht.empty() && !(band.wht[k] > 0);
}

float median_of(std::vector<float>& values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Without ERR: the scatter of the border, where there is least of the star.
void estimate_error(StarStamp& stamp) {
  std::vector<float> border;
  for (int y = 0; y < stamp.side; ++y)
    for (int x = 0; x < stamp.side; ++x) {
      bool const inside = x > 1 && y > 1 && x < stamp.side - 2 && y < stamp.side - 2;
      float const value = stamp.value[static_cast<std::size_t>(y * stamp.side + x)];
      if (!inside && std::isfinite(value)) border.push_back(value);
    }
  float error = NaN;
  if (border.size() >= 8) {
    float const middle = median_of(border);
    for (auto& value : border) value = std::abs(value - middle);
    error = 1.4826F * median_of(border);
  }
  stamp.error.assign(stamp.value.size(), error > 0 ? error : NaN);
}

StarStamp cut(model::RowBand const& band, model::Star const& star, int side, bool is_plain) {
  StarStamp stamp;
  stamp.star = star;
  stamp.side = side;
  stamp.x0 = std::llround(star.x) - side / 2;
  stamp.y0 = std::llround(star.y) - side / 2;
  bool const has_error = !band.err.empty();
  for (std::int64_t y = stamp.y0; y < stamp.y0 + side; ++y)
    for (std::int64_t x = stamp.x0; x < stamp.x0 + side; ++x) {
      bool const is_inside = x >= 0 && x < band.nx && y >= band.y0 && y < band.y1;
      auto const k = is_inside ? static_cast<std::size_t>((y - band.y0) * band.nx + x) : 0;
      bool const has_data = is_inside && !is_bad(band, k, is_plain);
      stamp.value.push_back(has_data ? band.sci[k] : NaN);
      if (has_error) stamp.error.push_back(has_data ? band.err[k] : NaN);
    }
  if (!has_error) estimate_error(stamp);
  return stamp;
}

}  // namespace

void read_stamps(store::ExposureReader const& reader, std::span<model::Star const> stars, int side,
                 std::function<void(std::size_t, StarStamp const&)> const& take) {
  auto const& record = reader.record();
  bool const is_plain = record.kind == store::ExposureKind::PlainImage;
  model::PlaneSet planes{Plane::Sci, Plane::Err, Plane::Dq};
  if (is_plain) planes.add(Plane::Wht);
  auto const on_image = [&](model::Star const& star) {
    return star.x > -0.5 && star.y > -0.5 && star.x < static_cast<double>(record.nx) - 0.5 &&
           star.y < static_cast<double>(record.ny) - 0.5;
  };
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < stars.size(); ++k)
    if (on_image(stars[k])) order.push_back(k);
  auto const row_of = [&](std::size_t k) { return std::llround(stars[k].y); };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return row_of(a) < row_of(b); });
  model::RowBand band;
  for (std::size_t next = 0; next < order.size();) {
    std::int64_t const first = row_of(order[next]), last = std::min(first + RowsAtATime, record.ny);
    std::int64_t const y0 = std::max<std::int64_t>(0, first - side / 2), y1 = std::min(last + side / 2, record.ny);
    read_with_one_more_try(reader, y0, y1, planes, band);
    for (; next < order.size() && row_of(order[next]) < last; ++next)
      take(order[next], cut(band, stars[order[next]], side, is_plain));
  }
}

}  // namespace tessera::exchange
