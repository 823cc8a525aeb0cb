#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::sky {

namespace {

using model::PixelBox;
using model::PixelMap;

constexpr double Size = PixelMap::PatchSize;
/// Output pixels that bounds are widened by, far above the rounding of the sums and far below anything of interest.
constexpr double RoundOff = 1e-6;

struct Range {
  double low = 0, high = 0;
  bool meets(Range const& other) const { return low <= other.high && high >= other.low; }
  bool within(Range const& other) const { return low >= other.low && high <= other.high; }
};

/// All values of a Chebyshev series: its constant plus or minus the sum of the others, as |T_k| <= 1.
Range bounds(double const* coefficients, std::size_t count) {
  double reach = 0;
  for (std::size_t k = 1; k < count; ++k) reach += std::abs(coefficients[k]);
  return {coefficients[0] - reach, coefficients[0] + reach};
}

/// Part of -1 <= u <= 1 in which the series can be within `wanted`: where its linear part is, give or take the rest.
Range part_within(double const* series, int degree, Range const& wanted) {
  constexpr Range Nowhere{1, -1};
  double rest = 0;
  for (int k = 2; k <= degree; ++k) rest += std::abs(series[k]);
  double const low = wanted.low - rest - series[0], high = wanted.high + rest - series[0];
  double const slope = degree > 0 ? series[1] : 0;
  if (slope == 0) return low <= 0 && high >= 0 ? Range{-1, 1} : Nowhere;
  double const a = low / slope, b = high / slope;
  Range const part{std::max(-1.0, std::min(a, b)), std::min(1.0, std::max(a, b))};
  return part.low <= part.high ? part : Nowhere;
}

/// The series in u that is left of a patch at the scaled row v.
std::array<double, PixelMap::MaxDegree + 1> collapse(std::vector<double> const& coefficients, int degree, double v) {
  std::array<double, PixelMap::MaxDegree + 1> series{};
  auto const n = static_cast<std::size_t>(degree) + 1;
  double before = 1, now = v;
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < n; ++i) series[i] += coefficients[j * n + i] * before;
    double const next = 2 * v * now - before;
    before = now;
    now = next;
  }
  return series;
}

/// Smallest box that holds both; an empty one adds nothing.
PixelBox join(PixelBox const& a, PixelBox const& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)};
}

/// Pixels of `area`, which lies in the patch with this corner, that may map into X and Y, row by row.
PixelBox search_rows(PixelMap::Patch const& patch, std::int64_t corner_x, std::int64_t corner_y, PixelBox const& area,
                     Range const& X, Range const& Y) {
  PixelBox found;
  for (std::int64_t y = area.y0; y < area.y1; ++y) {
    double const v = (2.0 * static_cast<double>(y - corner_y) + 1.0) / Size - 1.0;
    auto const sx = collapse(patch.x, patch.degree, v), sy = collapse(patch.y, patch.degree, v);
    Range const in_x = part_within(sx.data(), patch.degree, X), in_y = part_within(sy.data(), patch.degree, Y);
    double const low = std::max(in_x.low, in_y.low), high = std::min(in_x.high, in_y.high);
    if (low > high) continue;
    auto const pixel = [](double u) { return 0.5 * ((u + 1) * Size - 1); };
    // pixel centres within [low, high], one more on either side against rounding
    PixelBox const row{corner_x + static_cast<std::int64_t>(std::ceil(pixel(low) - RoundOff)), y,
                       corner_x + static_cast<std::int64_t>(std::floor(pixel(high) + RoundOff)) + 1, y + 1};
    found = join(found, model::intersect(row, area));
  }
  return found;
}

}  // namespace

PixelBox find_input_box(PixelMap const& map, PixelBox const& target, double margin) {
  if (target.empty()) return {};
  double const widening = 0.5 + margin + RoundOff;
  Range const X{static_cast<double>(target.x0) - widening, static_cast<double>(target.x1) - 1 + widening};
  Range const Y{static_cast<double>(target.y0) - widening, static_cast<double>(target.y1) - 1 + widening};

  PixelBox box;
  struct Candidate {
    std::size_t patch;
    std::int64_t corner_x, corner_y;
    PixelBox area;
  };
  std::vector<Candidate> candidates;
  for (std::int64_t row = 0; row < map.patch_rows(); ++row)
    for (std::int64_t column = 0; column < map.patch_columns(); ++column) {
      auto const number = static_cast<std::size_t>(row * map.patch_columns() + column);
      auto const& patch = map.patches[number];
      std::int64_t const x = column * PixelMap::PatchSize, y = row * PixelMap::PatchSize;
      auto const area = model::intersect(
          model::intersect({x, y, x + PixelMap::PatchSize, y + PixelMap::PatchSize}, {0, 0, map.nx, map.ny}),
          map.valid);
      if (!patch.finite || area.empty()) continue;
      auto const in_x = bounds(patch.x.data(), patch.x.size()), in_y = bounds(patch.y.data(), patch.y.size());
      if (!in_x.meets(X) || !in_y.meets(Y)) continue;
      if (in_x.within(X) && in_y.within(Y))
        box = join(box, area);
      else
        candidates.push_back({number, x, y, area});
    }
  for (auto const& c : candidates)
    if (model::intersect(c.area, box) != c.area)
      box = join(box, search_rows(map.patches[c.patch], c.corner_x, c.corner_y, c.area, X, Y));
  return box;
}

}  // namespace tessera::sky
