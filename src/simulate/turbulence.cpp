#include "tessera/simulate/turbulence.hpp"

#include <array>
#include <cmath>
#include <numbers>

namespace tessera::simulate {
namespace {

struct Gradient {
  double x, y;
};

std::array<Gradient, 32> make_gradients() {
  std::array<Gradient, 32> gradients{};
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    double const angle = 2 * std::numbers::pi * static_cast<double>(k) / gradients.size();
    gradients[k] = {std::numbers::sqrt2 * std::cos(angle), std::numbers::sqrt2 * std::sin(angle)};
  }
  return gradients;
}
std::array<Gradient, 32> const Gradients = make_gradients();

Gradient const& gradient_at(std::int64_t i, std::int64_t j, std::uint32_t seed) {
  std::uint64_t hash = static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15ull ^
                       static_cast<std::uint64_t>(j) * 0xC2B2AE3D27D4EB4Full ^ (std::uint64_t{seed} << 17);
  hash ^= hash >> 29;
  hash *= 0xBF58476D1CE4E5B9ull;
  return Gradients[hash >> 59];
}

}  // namespace

double gradient_noise(double x, double y, std::uint32_t seed) {
  double const fx = std::floor(x), fy = std::floor(y);
  auto const i = static_cast<std::int64_t>(fx), j = static_cast<std::int64_t>(fy);
  double const u = x - fx, v = y - fy;
  auto const dot = [&](std::int64_t di, std::int64_t dj) {
    Gradient const& g = gradient_at(i + di, j + dj, seed);
    return g.x * (u - static_cast<double>(di)) + g.y * (v - static_cast<double>(dj));
  };
  double const su = u * u * u * (u * (u * 6 - 15) + 10), sv = v * v * v * (v * (v * 6 - 15) + 10);
  double const low = dot(0, 0) + su * (dot(1, 0) - dot(0, 0));
  double const high = dot(0, 1) + su * (dot(1, 1) - dot(0, 1));
  return low + sv * (high - low);
}

double fractal_noise(double x, double y, double largest, double smallest, double persistence, std::uint32_t seed) {
  double sum = 0, squares = 0, weight = 1;
  for (double scale = largest; scale >= smallest; scale /= 2) {
    sum += weight * gradient_noise(x / scale, y / scale, seed++);
    squares += weight * weight;
    weight *= persistence;
  }
  return squares > 0 ? sum / std::sqrt(squares) : 0;
}

}  // namespace tessera::simulate
