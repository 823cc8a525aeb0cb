#include "refine_shift.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "tessera/compute/views.hpp"

namespace tessera::kernels {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t LeastPixels = 200;
constexpr double HuberLimit = 3;    ///< robust standard deviations
constexpr double Converged = 2e-5;  ///< pixels
constexpr double FurthestWay = 2;   ///< pixels from the first guess

struct Image {
  std::int64_t ny = 0, nx = 0;
  std::vector<float> pixels;
  Image(std::int64_t height, std::int64_t width)
      : ny(height), nx(width), pixels(static_cast<std::size_t>(height * width), NaN) {}
  float* row(std::int64_t y) { return pixels.data() + y * nx; }
  float const* row(std::int64_t y) const { return pixels.data() + y * nx; }
};

template <class Work>
void for_rows(char const* label, std::int64_t ny, Work const& work) {
  Kokkos::parallel_for(label, Kokkos::RangePolicy<compute::HostExecution>(0, ny), work);
  Kokkos::fence();
}

/// Gaussian mean; no data where the kernel touches a pixel without data or the edge.
Image smooth(float const* image, std::int64_t ny, std::int64_t nx, double sigma) {
  Image result(ny, nx);
  if (!(sigma > 0)) {
    std::copy(image, image + ny * nx, result.pixels.begin());
    for (auto& value : result.pixels)
      if (!std::isfinite(value)) value = NaN;
    return result;
  }
  auto const reach = static_cast<std::int64_t>(std::ceil(3 * sigma));
  std::vector<double> kernel(static_cast<std::size_t>(2 * reach + 1));
  double sum = 0;
  for (auto k = -reach; k <= reach; ++k)
    sum += kernel[static_cast<std::size_t>(k + reach)] = std::exp(-0.5 * static_cast<double>(k * k) / (sigma * sigma));
  for (auto& weight : kernel) weight /= sum;
  Image half(ny, nx);
  for_rows("tessera::smooth_rows", ny, [&](std::int64_t const y) {
    for (auto x = reach; x < nx - reach; ++x) {
      double value = 0;
      for (auto k = -reach; k <= reach; ++k)
        value += kernel[static_cast<std::size_t>(k + reach)] * static_cast<double>(image[y * nx + x + k]);
      if (std::isfinite(value)) half.row(y)[x] = static_cast<float>(value);
    }
  });
  for_rows("tessera::smooth_columns", ny, [&](std::int64_t const y) {
    if (y < reach || y >= ny - reach) return;
    for (std::int64_t x = 0; x < nx; ++x) {
      double value = 0;
      for (auto k = -reach; k <= reach; ++k)
        value += kernel[static_cast<std::size_t>(k + reach)] * static_cast<double>(half.row(y + k)[x]);
      result.row(y)[x] = static_cast<float>(value);
    }
  });
  return result;
}

/// Weights of the four samples about a position `t` past the second (Lagrange's cubic).
std::array<double, 4> cubic(double t) {
  return {-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, -(t + 1) * t * (t - 2) / 2,
          (t + 1) * t * (t - 1) / 6};
}

/// `image` at positions p + (dx, dy).
void move_image(Image const& image, double dx, double dy, Image& moved) {
  auto const ix = static_cast<std::int64_t>(std::floor(dx)), iy = static_cast<std::int64_t>(std::floor(dy));
  auto const wx = cubic(dx - static_cast<double>(ix)), wy = cubic(dy - static_cast<double>(iy));
  for_rows("tessera::move_image", image.ny, [&](std::int64_t const y) {
    for (std::int64_t x = 0; x < image.nx; ++x) {
      auto const x0 = x + ix - 1, y0 = y + iy - 1;
      double value = 0;
      if (x0 < 0 || y0 < 0 || x0 + 4 > image.nx || y0 + 4 > image.ny) {
        moved.row(y)[x] = NaN;
        continue;
      }
      for (std::int64_t j = 0; j < 4; ++j) {
        float const* const from = image.row(y0 + j) + x0;
        value += wy[static_cast<std::size_t>(j)] *
                 (wx[0] * static_cast<double>(from[0]) + wx[1] * static_cast<double>(from[1]) +
                  wx[2] * static_cast<double>(from[2]) + wx[3] * static_cast<double>(from[3]));
      }
      moved.row(y)[x] = static_cast<float>(value);
    }
  });
}

/// Normal equations for (shift x, shift y, level, slope x, slope y).
struct Normal {
  std::array<double, 15> matrix{};  ///< upper triangle, row by row
  std::array<double, 5> right{};
  double squares = 0, weights = 0;
  std::int64_t count = 0;

  void add(std::array<double, 5> const& row, double value, double weight) {
    std::size_t k = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = i; j < 5; ++j) matrix[k++] += weight * row[i] * row[j];
      right[i] += weight * row[i] * value;
    }
    squares += weight * value * value;
    weights += weight;
    ++count;
  }
  void add(Normal const& other) {
    for (std::size_t k = 0; k < 15; ++k) matrix[k] += other.matrix[k];
    for (std::size_t k = 0; k < 5; ++k) right[k] += other.right[k];
    squares += other.squares;
    weights += other.weights;
    count += other.count;
  }
  Eigen::Matrix<double, 5, 5> full() const {
    Eigen::Matrix<double, 5, 5> all;
    std::size_t k = 0;
    for (int i = 0; i < 5; ++i)
      for (int j = i; j < 5; ++j) all(i, j) = all(j, i) = matrix[k++];
    return all;
  }
};

/// The images moved half the way each, and what is fitted to their difference.
class Comparison {
 public:
  Comparison(Image const& first, Image const& second)
      : first_(first), second_(second), a_(first.ny, first.nx), b_(first.ny, first.nx) {}

  void move_to(double dx, double dy) {
    double const whole_x = std::nearbyint(dx), whole_y = std::nearbyint(dy);
    move_image(first_, -0.5 * (dx - whole_x), -0.5 * (dy - whole_y), a_);
    move_image(second_, whole_x + 0.5 * (dx - whole_x), whole_y + 0.5 * (dy - whole_y), b_);
  }

  /// Sums over all pixels with data; `level` and slopes are the background so far, pixels further than `limit` from it
  /// weigh less.
  Normal sum(std::array<double, 3> const& background, double limit) const {
    std::vector<Normal> rows(static_cast<std::size_t>(a_.ny));
    for_rows("tessera::sum_gradients", a_.ny, [&](std::int64_t const y) {
      if (y == 0 || y + 1 == a_.ny) return;
      for (std::int64_t x = 1; x + 1 < a_.nx; ++x) {
        auto const mean = [&](std::int64_t j, std::int64_t i) {
          return 0.5 * (static_cast<double>(a_.row(j)[i]) + static_cast<double>(b_.row(j)[i]));
        };
        double const gx = 0.5 * (mean(y, x + 1) - mean(y, x - 1)), gy = 0.5 * (mean(y + 1, x) - mean(y - 1, x));
        double const difference = static_cast<double>(a_.row(y)[x]) - static_cast<double>(b_.row(y)[x]);
        if (!std::isfinite(gx) || !std::isfinite(gy) || !std::isfinite(difference)) continue;
        double const u = place(x, a_.nx), v = place(y, a_.ny);
        double const left = std::abs(difference - background[0] - background[1] * u - background[2] * v);
        rows[static_cast<std::size_t>(y)].add({gx, gy, 1, u, v}, difference, left > limit ? limit / left : 1);
      }
    });
    Normal all;
    for (auto const& row : rows) all.add(row);
    return all;
  }

  /// Robust standard deviation of the difference less the background; infinite where that is 0.
  double scatter(std::array<double, 3> const& background) const {
    std::vector<float> left;
    left.reserve(a_.pixels.size());
    for (std::int64_t y = 0; y < a_.ny; ++y)
      for (std::int64_t x = 0; x < a_.nx; ++x) {
        double const difference = static_cast<double>(a_.row(y)[x]) - static_cast<double>(b_.row(y)[x]);
        if (std::isfinite(difference))
          left.push_back(static_cast<float>(std::abs(difference - background[0] - background[1] * place(x, a_.nx) -
                                                     background[2] * place(y, a_.ny))));
      }
    if (left.empty()) return std::numeric_limits<double>::infinity();
    auto const middle = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
    std::nth_element(left.begin(), middle, left.end());
    return *middle > 0 ? 1.4826 * static_cast<double>(*middle) : std::numeric_limits<double>::infinity();
  }

 private:
  static double place(std::int64_t index, std::int64_t length) {
    return 2.0 * static_cast<double>(index) / static_cast<double>(length) - 1;
  }

  Image const& first_;
  Image const& second_;
  Image a_, b_;
};

double rms_of(Normal const& normal, Eigen::Matrix<double, 5, 1> const& solution) {
  double left = normal.squares;
  for (int k = 0; k < 5; ++k) left -= solution[k] * normal.right[static_cast<std::size_t>(k)];
  return std::sqrt(std::max(0.0, left) / normal.weights);
}

}  // namespace

bool refine_shift(float const* first, float const* second, std::int64_t ny, std::int64_t nx,
                  ImageShiftOptions const& options, ImageShift& shift) {
  auto const a = smooth(first, ny, nx, options.smoothing), b = smooth(second, ny, nx, options.smoothing);
  Comparison comparison(a, b);
  std::array<double, 3> background{0, 0, 0};
  {
    comparison.move_to(0, 0);
    auto const normal = comparison.sum(background, std::numeric_limits<double>::infinity());
    if (normal.count < LeastPixels) return false;
    Eigen::Matrix3d const matrix = normal.full().bottomRightCorner<3, 3>();
    Eigen::Vector3d const right{normal.right[2], normal.right[3], normal.right[4]};
    Eigen::Vector3d const solution = matrix.ldlt().solve(right);
    shift.rms_before = std::sqrt(std::max(0.0, normal.squares - solution.dot(right)) / normal.weights);
  }
  double const start_x = shift.x, start_y = shift.y;
  for (int round = 0; round < options.rounds; ++round) {
    comparison.move_to(shift.x, shift.y);
    double const limit =
        round == 0 ? std::numeric_limits<double>::infinity() : HuberLimit * comparison.scatter(background);
    auto const normal = comparison.sum(background, limit);
    shift.pixels = normal.count;
    if (normal.count < LeastPixels) return false;
    Eigen::LDLT<Eigen::Matrix<double, 5, 5>> const solver(normal.full());
    if (solver.info() != Eigen::Success || !solver.isPositive() || !(solver.rcond() > 1e-14)) return false;
    Eigen::Map<Eigen::Matrix<double, 5, 1> const> const right(normal.right.data());
    Eigen::Matrix<double, 5, 1> const solution = solver.solve(right);
    background = {solution[2], solution[3], solution[4]};
    shift.x += solution[0];
    shift.y += solution[1];
    shift.rms_after = rms_of(normal, solution);
    // Noise of neighbours is alike after smoothing: over an area of 4 pi sigma^2 pixels.
    double const together = std::max(1.0, 4 * std::numbers::pi * options.smoothing * options.smoothing);
    Eigen::Matrix<double, 5, 5> const inverse = solver.solve(Eigen::Matrix<double, 5, 5>::Identity());
    for (int k = 0; k < 2; ++k)
      shift.error[static_cast<std::size_t>(k)] = shift.rms_after * std::sqrt(together * std::max(0.0, inverse(k, k)));
    if (!(std::hypot(shift.x - start_x, shift.y - start_y) <= FurthestWay)) return false;
    if (round > 0 && std::hypot(solution[0], solution[1]) < Converged) return true;
  }
  // Steps smaller than the error are as good as none.
  return true;
}

}  // namespace tessera::kernels
