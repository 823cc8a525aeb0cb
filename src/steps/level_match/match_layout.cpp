#include "match_layout.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

/// Distortion bows the edges of an exposure by a few pixels from the lines between its corners.
constexpr double MarginPixels = 4;
/// An image wider than this, or with pixels so much larger or smaller than those of half of the set, has a wild WCS.
constexpr double WidestRadius = 10 * sky::RadiansPerDegree;
constexpr double LargestScaleRatio = 16;
/// Pairs are ordered in squares of this many images by as many, so that a cache of twice as many holds what is needed.
constexpr int OrderSquare = 8;

/// A circle around an image on the sky.
struct Circle {
  sky::Vector3 centre;
  double radius = 0;  ///< radians
};

Circle circle_around(sky::CommonGridMember const& outline) {
  sky::Vector3 sum;
  for (auto const& corner : outline.corners) sum = sum + sky::to_vector(corner);
  Circle circle;
  circle.centre = (1 / sky::length(sum)) * sum;
  for (auto const& corner : outline.corners)
    circle.radius = std::max(circle.radius, sky::separation(circle.centre, sky::to_vector(corner)));
  circle.radius += MarginPixels * outline.scale_deg * sky::RadiansPerDegree;
  return circle;
}

/// The outline of the stack of several exposures: the rectangle of their common grid.
sky::CommonGridMember outline_of(MatchPool const& pool, MatchImage const& image) {
  std::vector<sky::CommonGridMember> members;
  for (int const member : image.members)
    members.push_back(pool.exposures[static_cast<std::size_t>(member)].place.outline);
  if (members.size() == 1) return members.front();
  auto const grid = sky::make_common_grid(members, true);
  return sky::make_common_grid_member(*sky::make_grid_wcs(grid), grid.nx, grid.ny, grid.crpix);
}

using Quad = std::array<model::PixelPoint, 4>;

Quad project(sky::Wcs const& grid, sky::CommonGridMember const& outline) {
  Quad quad;
  for (std::size_t k = 0; k < 4; ++k) quad[k] = grid.sky_to_pixel(outline.corners[k]);
  return quad;
}

/// True unless a line along an edge of one keeps them more than the margin apart.
bool may_overlap(Quad const& a, Quad const& b) {
  for (auto const* quad : {&a, &b})
    for (std::size_t k = 0; k < 4; ++k) {
      auto const &p = (*quad)[k], &q = (*quad)[(k + 1) % 4];
      double const length = std::hypot(q.x - p.x, q.y - p.y);
      if (!(length > 0)) continue;
      double const nx = (q.y - p.y) / length, ny = -(q.x - p.x) / length;
      auto const range = [&](Quad const& corners) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (auto const& corner : corners) {
          double const along = nx * corner.x + ny * corner.y;
          low = std::min(low, along);
          high = std::max(high, along);
        }
        return std::pair{low, high};
      };
      auto const [low_a, high_a] = range(a);
      auto const [low_b, high_b] = range(b);
      if (low_a > high_b + MarginPixels || low_b > high_a + MarginPixels) return false;
    }
  return true;
}

model::PixelBox box_around(Quad const& quad) {
  auto const [x_low, x_high] = std::minmax({quad[0].x, quad[1].x, quad[2].x, quad[3].x});
  auto const [y_low, y_high] = std::minmax({quad[0].y, quad[1].y, quad[2].y, quad[3].y});
  auto const whole = [](double value) { return static_cast<std::int64_t>(std::floor(value)); };
  return {whole(x_low - MarginPixels), whole(y_low - MarginPixels), whole(x_high + MarginPixels) + 1,
          whole(y_high + MarginPixels) + 1};
}

/// Which images have a size on the sky that can be compared with that of the others.
std::vector<bool> find_sane(std::vector<sky::CommonGridMember> const& outlines, std::vector<Circle> const& circles) {
  std::vector<double> scales;
  for (auto const& outline : outlines) scales.push_back(outline.scale_deg);
  auto const middle = scales.begin() + static_cast<std::ptrdiff_t>((scales.size() - 1) / 2);
  std::nth_element(scales.begin(), middle, scales.end());
  std::vector<bool> sane;
  for (std::size_t k = 0; k < outlines.size(); ++k) {
    double const ratio = outlines[k].scale_deg / *middle;
    sane.push_back(circles[k].radius <= WidestRadius && ratio <= LargestScaleRatio && ratio >= 1 / LargestScaleRatio);
  }
  return sane;
}

std::vector<int> find_islands(std::vector<Circle> const& circles, std::vector<bool> const& sane, int& islands) {
  std::vector<int> island(circles.size(), -1);
  islands = 0;
  std::vector<std::size_t> front;
  for (std::size_t start = 0; start < circles.size(); ++start) {
    if (island[start] >= 0) continue;
    island[start] = islands;
    front.push_back(start);
    while (!front.empty()) {
      auto const from = front.back();
      front.pop_back();
      for (std::size_t to = 0; to < circles.size(); ++to) {
        if (island[to] >= 0 || !sane[from] || !sane[to]) continue;
        double const reach = circles[from].radius + circles[to].radius;
        if (sky::separation(circles[from].centre, circles[to].centre) > reach) continue;
        island[to] = islands;
        front.push_back(to);
      }
    }
    ++islands;
  }
  return island;
}

}  // namespace

SetLayout lay_out_set(MatchPool const& pool, MatchSet const& set, int number) {
  SetLayout layout;
  std::vector<sky::CommonGridMember> outlines;
  std::vector<Circle> circles;
  for (auto const& image : set.images) {
    outlines.push_back(outline_of(pool, image));
    circles.push_back(circle_around(outlines.back()));
    layout.centre.push_back(sky::to_sky(circles.back().centre));
  }
  int islands = 0;
  layout.island = find_islands(circles, find_sane(outlines, circles), islands);
  std::vector<sky::WcsPointer> grid_wcs;
  for (int island = 0; island < islands; ++island) {
    std::vector<sky::CommonGridMember> members;
    for (std::size_t k = 0; k < outlines.size(); ++k)
      if (layout.island[k] == island) members.push_back(outlines[k]);
    layout.grids.push_back(members.size() > 1 ? sky::make_common_grid(members, true) : model::SkyGrid{});
    grid_wcs.push_back(members.size() > 1 ? sky::make_grid_wcs(layout.grids.back()) : nullptr);
  }
  std::vector<Quad> quads;
  for (std::size_t k = 0; k < outlines.size(); ++k) {
    auto const& wcs = grid_wcs[static_cast<std::size_t>(layout.island[k])];
    quads.push_back(wcs ? project(*wcs, outlines[k]) : Quad{});  // alone: in no pair
    auto const box = box_around(quads.back());
    layout.pixels.push_back(box.width() * box.height());
  }
  int const count = static_cast<int>(set.images.size());
  for (int a = 0; a < count; a += OrderSquare)
    for (int b = a; b < count; b += OrderSquare)
      for (int i = a; i < std::min(a + OrderSquare, count); ++i)
        for (int j = std::max(b, i + 1); j < std::min(b + OrderSquare, count); ++j) {
          auto const first = static_cast<std::size_t>(i), second = static_cast<std::size_t>(j);
          if (layout.island[first] != layout.island[second] || !may_overlap(quads[first], quads[second])) continue;
          auto const shared = model::intersect(box_around(quads[first]), box_around(quads[second]));
          layout.candidates.push_back({number, i, j, static_cast<double>(shared.width() * shared.height())});
        }
  return layout;
}

}  // namespace tessera::steps
