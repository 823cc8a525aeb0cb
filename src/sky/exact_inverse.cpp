#include "tessera/sky/exact_inverse.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::sky {

namespace {

constexpr std::size_t BlockSize = 1024;  ///< points at a time: their columns stay in the cache
constexpr double DifferenceStep = 0.5;   ///< pixels: curvature over it is far below what slows the convergence
constexpr double Tolerance = 1e-6;       ///< pixels of the last step; the error left is a thousandth of it or less
constexpr int MaxSteps = 12;

/// A point on its way, with the derivatives of the forward direction where it started.
struct Point {
  std::size_t index = 0;
  Vector3 target, along_x, along_y;
  double x = 0, y = 0;
};

/// Unit vectors of pixels.
class Forward {
 public:
  explicit Forward(Wcs const& wcs) : wcs_(wcs) {}
  void clear() {
    x_.clear();
    y_.clear();
  }
  void add(double x, double y) {
    x_.push_back(x);
    y_.push_back(y);
  }
  void evaluate() { wcs_.pixel_to_sky(x_, y_, x_, y_); }
  Vector3 vector(std::size_t k) const { return to_vector(x_[k], y_[k]); }

 private:
  Wcs const& wcs_;
  std::vector<double> x_, y_;
};

/// Moves a point by the least-squares solution of its linear equations; returns how far, NaN where there is none.
double take_step(Point& point, Vector3 here) {
  Vector3 const rest = point.target - here;
  double const xx = dot(point.along_x, point.along_x), yy = dot(point.along_y, point.along_y),
               xy = dot(point.along_x, point.along_y);
  double const rx = dot(point.along_x, rest), ry = dot(point.along_y, rest);
  double const determinant = xx * yy - xy * xy;
  double const dx = (yy * rx - xy * ry) / determinant, dy = (xx * ry - xy * rx) / determinant;
  point.x += dx;
  point.y += dy;
  return std::max(std::abs(dx), std::abs(dy)) + 0 * (dx + dy);
}

}  // namespace

void exact_sky_to_pixel(Wcs const& wcs, std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                        std::span<double> y) {
  TESSERA_EXPECT(ra.size() == dec.size() && ra.size() == x.size() && ra.size() == y.size());
  Forward forward(wcs);
  std::vector<Point> points, open;
  for (std::size_t begin = 0; begin < ra.size(); begin += BlockSize) {
    std::size_t const count = std::min(BlockSize, ra.size() - begin);
    points.clear();
    for (std::size_t k = begin; k < begin + count; ++k) points.push_back({k, to_vector(ra[k], dec[k]), {}, {}, 0, 0});
    wcs.sky_to_pixel(ra.subspan(begin, count), dec.subspan(begin, count), x.subspan(begin, count),
                     y.subspan(begin, count));
    forward.clear();
    for (auto& point : points) {
      point.x = x[point.index];
      point.y = y[point.index];
      forward.add(point.x, point.y);
      forward.add(point.x + DifferenceStep, point.y);
      forward.add(point.x, point.y + DifferenceStep);
    }
    forward.evaluate();
    std::size_t stride = 3;
    for (std::size_t k = 0; k < points.size(); ++k) {
      Vector3 const here = forward.vector(3 * k);
      points[k].along_x = (1 / DifferenceStep) * (forward.vector(3 * k + 1) - here);
      points[k].along_y = (1 / DifferenceStep) * (forward.vector(3 * k + 2) - here);
    }
    for (int step = 0; step < MaxSteps && !points.empty(); ++step) {
      if (step > 0) {
        forward.clear();
        for (auto const& point : points) forward.add(point.x, point.y);
        forward.evaluate();
        stride = 1;
      }
      open.clear();
      for (std::size_t k = 0; k < points.size(); ++k) {
        auto& point = points[k];
        double const moved = take_step(point, forward.vector(stride * k));
        if (moved < Tolerance) {
          x[point.index] = point.x;
          y[point.index] = point.y;
        } else if (std::isfinite(moved)) {
          open.push_back(point);
        }
      }
      points.swap(open);
    }
  }
}

}  // namespace tessera::sky
