#include "tessera/kernels/polygon_fill.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace tessera::kernels {

namespace {

/// Coordinates this close to the edge of the image are on it.
constexpr double SnapDistance = 1e-6;
/// Vertices further out than this are moved here: no image is as large, and products stay within 64 bits.
constexpr double Farthest = 1e9;

struct Vertex {
  std::int64_t x, y;
};

double snap(double coordinate) {
  if (std::abs(coordinate + 0.5) < SnapDistance) return -0.5;
  return std::clamp(coordinate, -Farthest, Farthest);
}

/// Half to even, as the current rounding mode has it.
std::int64_t round_half_even(double value) { return std::llrint(value); }

std::int64_t ceil_divide(std::int64_t numerator, std::int64_t denominator) {
  std::int64_t const quotient = numerator / denominator;
  return quotient * denominator < numerator ? quotient + 1 : quotient;
}

/// Where row y meets the edge from a to b (a below b), rounded up. Exact: the reference divides in floating point.
std::int64_t crossing(Vertex a, Vertex b, std::int64_t y) {
  return a.x + ceil_divide((y - a.y) * (b.x - a.x), b.y - a.y);
}

}  // namespace

std::vector<PixelRun> fill_polygon(std::span<model::PixelPoint const> vertices, std::int64_t nx, std::int64_t ny) {
  if (vertices.size() < 3) return {};
  double shift_x = 0, shift_y = 0;
  for (auto const& vertex : vertices) {
    if (!std::isfinite(vertex.x) || !std::isfinite(vertex.y)) return {};
    shift_x = std::min(shift_x, snap(vertex.x));
    shift_y = std::min(shift_y, snap(vertex.y));
  }
  std::vector<Vertex> rounded;
  for (auto const& vertex : vertices)
    rounded.push_back({round_half_even(snap(vertex.x) - shift_x), round_half_even(snap(vertex.y) - shift_y)});
  std::int64_t const origin_x = round_half_even(shift_x), origin_y = round_half_even(shift_y);

  auto const below = [](Vertex a, Vertex b) { return a.y < b.y; };
  std::int64_t const y_low = std::min_element(rounded.begin(), rounded.end(), below)->y,
                     y_high = std::max_element(rounded.begin(), rounded.end(), below)->y;
  std::vector<PixelRun> runs;
  std::vector<std::int64_t> crossings;
  for (std::int64_t y = std::max(y_low, -origin_y); y <= std::min(y_high, ny - 1 - origin_y); ++y) {
    crossings.clear();
    for (std::size_t k = 0; k < rounded.size(); ++k) {
      Vertex a = rounded[k], b = rounded[(k + 1) % rounded.size()];
      if (a.y == b.y) continue;
      if (a.y > b.y) std::swap(a, b);
      if (y == y_high ? b.y == y_high : a.y <= y && y < b.y) crossings.push_back(crossing(a, b, y));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t k = 0; k + 1 < crossings.size(); k += 2) {
      std::int64_t const x0 = std::max<std::int64_t>(crossings[k] + origin_x, 0),
                         x1 = std::min(crossings[k + 1] + origin_x + 1, nx);
      if (x0 < x1) runs.push_back({y + origin_y, x0, x1});
    }
  }
  return unite_runs(std::move(runs));
}

std::vector<PixelRun> unite_runs(std::vector<PixelRun> runs) {
  std::sort(runs.begin(), runs.end(),
            [](PixelRun const& a, PixelRun const& b) { return std::tie(a.y, a.x0, a.x1) < std::tie(b.y, b.x0, b.x1); });
  std::vector<PixelRun> united;
  for (auto const& run : runs) {
    if (!united.empty() && united.back().y == run.y && run.x0 <= united.back().x1)
      united.back().x1 = std::max(united.back().x1, run.x1);
    else
      united.push_back(run);
  }
  return united;
}

std::int64_t count_pixels(std::span<PixelRun const> runs) {
  std::int64_t pixels = 0;
  for (auto const& run : runs) pixels += run.x1 - run.x0;
  return pixels;
}

}  // namespace tessera::kernels
