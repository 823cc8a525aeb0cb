#include "row_noise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/kernels/running_filter.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t SmoothRows = 63;
constexpr std::size_t LeastPixels = 50;
constexpr double ClipSigma = 3;
constexpr int ClipRounds = 5;

}  // namespace

double measure_row_noise(std::vector<float> const& image, std::vector<std::uint8_t> const& mask,
                         StripeLayout const& layout) {
  double squares = 0;
  std::size_t count = 0;
  std::vector<float> row;
  for (std::size_t a = 0; a + 1 < layout.bounds.size(); ++a) {
    std::vector<double> medians;
    for (auto y = layout.border; y < layout.ny - layout.border; ++y) {
      row.clear();
      for (auto x = std::max(layout.bounds[a], layout.first_column); x < layout.bounds[a + 1]; ++x) {
        auto const k = static_cast<std::size_t>(y * layout.nx + x);
        if (mask[k] == 0 && std::isfinite(image[k])) row.push_back(image[k]);
      }
      if (row.size() >= LeastPixels) medians.push_back(kernels::sigma_clip(row, ClipSigma, ClipRounds).median);
    }
    std::vector<double> smooth(medians.size());
    if (!medians.empty()) kernels::running_mean(medians, SmoothRows, kernels::ExtendMode::Reflect, smooth);
    for (std::size_t y = 0; y < medians.size(); ++y) squares += (medians[y] - smooth[y]) * (medians[y] - smooth[y]);
    count += medians.size();
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares / static_cast<double>(count));
}

}  // namespace tessera::steps
