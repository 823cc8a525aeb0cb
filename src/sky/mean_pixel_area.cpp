#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/sky/output_grid.hpp"

namespace tessera::sky {

namespace {

constexpr double LargestStep = 15;  ///< pixels between samples of the boundary (spec 30, 4.9)

/// Rectangle of pixel centres, corners included.
struct Rectangle {
  std::int64_t x0, x1, y0, y1;
};

/// Sky positions from (xa, ya) up to, but without, (xb, yb), at most LargestStep pixels apart.
SkyPolygon sample_side(Wcs const& wcs, double xa, double ya, double xb, double yb) {
  auto const count =
      static_cast<std::size_t>(std::max(1.0, std::ceil((std::abs(xb - xa) + std::abs(yb - ya)) / LargestStep)));
  std::vector<double> x(count), y(count), ra(count), dec(count);
  for (std::size_t k = 0; k < count; ++k) {
    double const t = static_cast<double>(k) / static_cast<double>(count);
    x[k] = xa + t * (xb - xa);
    y[k] = ya + t * (yb - ya);
  }
  wcs.pixel_to_sky(x, y, ra, dec);
  SkyPolygon side;
  for (std::size_t k = 0; k < count; ++k) side.push_back({ra[k], dec[k]});
  return side;
}

bool is_finite(SkyPolygon const& polygon) {
  return std::all_of(polygon.begin(), polygon.end(),
                     [](SkyPoint p) { return std::isfinite(p.ra) && std::isfinite(p.dec); });
}

}  // namespace

double mean_pixel_area(Wcs const& wcs, std::int64_t nx, std::int64_t ny) {
  auto const box = bounding_box_or_array(wcs, nx, ny);
  auto const first = [](double low) { return std::max<std::int64_t>(0, static_cast<std::int64_t>(low + 0.5)); };
  auto const last = [](double high, std::int64_t n) { return std::min(n - 1, static_cast<std::int64_t>(high - 0.5)); };
  Rectangle r{first(box.x_low), last(box.x_high, nx), first(box.y_low), last(box.y_high, ny)};
  while (r.x0 < r.x1 && r.y0 < r.y1) {
    auto const x0 = static_cast<double>(r.x0), x1 = static_cast<double>(r.x1);
    auto const y0 = static_cast<double>(r.y0), y1 = static_cast<double>(r.y1);
    SkyPolygon const bottom = sample_side(wcs, x0, y0, x1, y0), right = sample_side(wcs, x1, y0, x1, y1),
                     top = sample_side(wcs, x1, y1, x0, y1), left = sample_side(wcs, x0, y1, x0, y0);
    bool const bottom_good = is_finite(bottom), right_good = is_finite(right), top_good = is_finite(top),
               left_good = is_finite(left);
    if (bottom_good && right_good && top_good && left_good) {
      SkyPolygon outline;
      for (auto const* side : {&bottom, &right, &top, &left}) outline.insert(outline.end(), side->begin(), side->end());
      return polygon_area(outline) / ((x1 - x0) * (y1 - y0));
    }
    r.y0 += bottom_good ? 0 : 1;
    r.x1 -= right_good ? 0 : 1;
    r.y1 -= top_good ? 0 : 1;
    r.x0 += left_good ? 0 : 1;
  }
  throw InputError({.what = "the mean pixel area cannot be measured",
                    .where = "WCS (" + wcs.description() + ")",
                    .expected = "positions on the sky over the array",
                    .found = fmt::format("none over {} x {} pixels", nx, ny),
                    .remedy = "check the WCS of the exposure"});
}

}  // namespace tessera::sky
