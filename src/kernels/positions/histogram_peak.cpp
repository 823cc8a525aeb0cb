// Peak of a histogram of position differences (spec 30, 1.8.1).
#include <Eigen/Dense>
#include <algorithm>

#include "tessera/core/contract.hpp"
#include "tessera/kernels/match_stars.hpp"

namespace tessera::kernels {

namespace {

/// Bins x0 <= x < x1 and y0 <= y < y1.
struct Box {
  std::int64_t x0, x1, y0, y1;
};

struct Bin {
  double x, y, count;
};

HistogramPeak centre_of_mass(std::vector<Bin> const& bins) {
  HistogramPeak peak{0, 0, HistogramPeak::How::CentreOfMass};
  double total = 0;
  for (auto const& bin : bins) {
    peak.x += bin.count * bin.x;
    peak.y += bin.count * bin.y;
    total += bin.count;
  }
  peak.x /= total;
  peak.y /= total;
  return peak;
}

/// Extremum of the quadratic through the bins; the centre of mass where it has none in the box.
HistogramPeak fit_quadratic(std::vector<Bin> const& bins, Box const& box) {
  constexpr int Terms = 6;
  if (bins.size() < Terms) return centre_of_mass(bins);
  // About the middle of the box: well conditioned, and the extremum does not depend on the origin.
  double const middle_x = 0.5 * static_cast<double>(box.x0 + box.x1 - 1);
  double const middle_y = 0.5 * static_cast<double>(box.y0 + box.y1 - 1);
  Eigen::MatrixXd design(static_cast<Eigen::Index>(bins.size()), Terms);
  Eigen::VectorXd counts(static_cast<Eigen::Index>(bins.size()));
  for (std::size_t k = 0; k < bins.size(); ++k) {
    auto const row = static_cast<Eigen::Index>(k);
    double const x = bins[k].x - middle_x, y = bins[k].y - middle_y;
    design.row(row) << 1, x, y, x * y, x * x, y * y;
    counts(row) = bins[k].count;
  }
  Eigen::VectorXd const c = design.colPivHouseholderQr().solve(counts);
  double const c10 = c(1), c01 = c(2), c11 = c(3), c20 = c(4), c02 = c(5);
  double const determinant = 4 * c02 * c20 - c11 * c11;
  bool const is_minimum = (c20 > 0 && c02 >= 0) || (c20 >= 0 && c02 > 0);
  if (!(determinant > 0) || is_minimum) return centre_of_mass(bins);
  double const x = (c01 * c11 - 2 * c02 * c10) / determinant + middle_x;
  double const y = (c10 * c11 - 2 * c01 * c20) / determinant + middle_y;
  bool const is_inside = x >= static_cast<double>(box.x0) && x <= static_cast<double>(box.x1 - 1) &&
                         y >= static_cast<double>(box.y0) && y <= static_cast<double>(box.y1 - 1);
  if (!is_inside) return centre_of_mass(bins);
  return {x, y, HistogramPeak::How::Fit};
}

}  // namespace

HistogramPeak find_histogram_peak(std::span<double const> counts, std::int64_t nx, std::int64_t ny, int side) {
  TESSERA_EXPECT(static_cast<std::int64_t>(counts.size()) == nx * ny && side > 0);
  std::int64_t best = -1, filled = 0;
  for (std::int64_t k = 0; k < nx * ny; ++k) {
    auto const count = counts[static_cast<std::size_t>(k)];
    if (!(count > 0)) continue;
    ++filled;
    if (best < 0 || count > counts[static_cast<std::size_t>(best)]) best = k;
  }
  if (best < 0) return {0, 0, HistogramPeak::How::Empty};
  std::int64_t const x = best % nx, y = best / nx;
  HistogramPeak const at_bin{static_cast<double>(x), static_cast<double>(y), HistogramPeak::How::Edge};
  if (filled == 1) return {at_bin.x, at_bin.y, HistogramPeak::How::SingleBin};

  Box box{std::max<std::int64_t>(0, x - side / 2), 0, std::max<std::int64_t>(0, y - side / 2), 0};
  box.x1 = std::min(nx, box.x0 + side);
  box.y1 = std::min(ny, box.y0 + side);
  if (x == box.x0 || x == box.x1 - 1 || y == box.y0 || y == box.y1 - 1) return at_bin;
  box.x0 = std::max<std::int64_t>(0, box.x1 - side);
  box.y0 = std::max<std::int64_t>(0, box.y1 - side);

  std::vector<Bin> bins;
  for (std::int64_t row = box.y0; row < box.y1; ++row)
    for (std::int64_t column = box.x0; column < box.x1; ++column)
      if (double const count = counts[static_cast<std::size_t>(row * nx + column)]; count > 0)
        bins.push_back({static_cast<double>(column), static_cast<double>(row), count});
  return fit_quadratic(bins, box);
}

}  // namespace tessera::kernels
