#include "combine_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "off_masks.hpp"
#include "off_reader.hpp"
#include "tessera/kernels/nan_median.hpp"

namespace tessera::steps {

namespace {

/// More at a time is read no faster.
constexpr std::int64_t MostBytesAtATime = std::int64_t{256} << 20;

/// The same rows of one off.
struct OffBand {
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;
  std::vector<std::uint8_t> masked;
};

/// Calls work(y0, y1) for bands of `rows` that take no more memory than is free; one row at least is tried.
template <class Work>
bool by_bands(parallel::MemoryBudget& budget, OffBackground const& background, ImageRows const& rows,
              std::int64_t bytes_per_row, GoOn const& go_on, Work work) {
  auto const bytes = std::min(budget.free(), MostBytesAtATime);
  auto const height = std::clamp<std::int64_t>(bytes / bytes_per_row, 1, rows.y1 - rows.y0);
  parallel::MemoryBudget::Reservation const held(
      budget, fmt::format("{} backgrounds of {} {}", background.offs.size(), background.target, background.band),
      height * bytes_per_row);
  for (auto y = rows.y0; y < rows.y1; y += height) {
    if (!go_on()) return false;
    work(y, std::min(rows.y1, y + height));
  }
  return true;
}

void subtract_level(std::vector<float>& values, double level) {
  if (!std::isfinite(level)) return;
  for (auto& value : values) value = static_cast<float>(static_cast<double>(value) - level);
}

/// The level of the combination: weighted as its pixels are.
double mean_level(OffBackground const& background, std::vector<double> const& levels) {
  double sum = 0, weights = 0;
  for (std::size_t k = 0; k < levels.size(); ++k) {
    if (!std::isfinite(levels[k])) continue;
    sum += background.offs[k].weight * levels[k];
    weights += background.offs[k].weight;
  }
  return weights > 0 ? sum / weights : 0;
}

bool has_source_on_value(std::vector<OffBand> const& bands, std::size_t pixel) {
  return std::any_of(bands.begin(), bands.end(), [&](OffBand const& one) {
    return !one.masked.empty() && one.masked[pixel] != 0 && std::isfinite(one.sci[pixel]);
  });
}

}  // namespace

bool combine_rows(parallel::MemoryBudget& budget, OffBackground const& background, OffMasks const& known,
                  ImageRows& rows, std::int64_t& bytes_read, GoOn const& go_on) {
  namespace plane = combined_plane;
  auto const count = static_cast<std::int64_t>(background.offs.size());
  bool const with_masks = !known.masks.empty();
  double const level = mean_level(background, known.levels);
  std::vector<OffBand> bands(background.offs.size());
  // SCI, ERR, DQ and mask of each; the five planes of the kernel's answer
  auto const bytes_per_row = rows.nx * (count * (with_masks ? 13 : 12) + 18);
  return by_bands(budget, background, rows, bytes_per_row, go_on, [&](std::int64_t y0, std::int64_t y1) {
    auto const pixels = static_cast<std::size_t>((y1 - y0) * rows.nx);
    std::vector<kernels::BackgroundPixels> parts;
    for (std::size_t k = 0; k < bands.size(); ++k) {
      auto& band = bands[k];
      band.sci.resize(pixels);
      band.err.resize(pixels);
      band.dq.resize(pixels);
      // One file is open at a time: there may be more offs than descriptors.
      OffReader reader(background.offs[k], background.window);
      reader.read_sci(y0, y1, band.sci.data());
      reader.read_err(y0, y1, band.err.data());
      reader.read_dq(y0, y1, band.dq.data());
      bytes_read += reader.bytes_read();
      if (with_masks) {
        band.masked.resize(pixels);
        read_passing_mask(known.masks[k], y0, y1, band.masked.data());
        subtract_level(band.sci, known.levels[k]);
      }
      parts.push_back({band.sci, band.err, band.dq, band.masked, background.offs[k].weight});
    }
    auto const combined = kernels::combine_backgrounds(parts, background.clip);
    std::copy(combined.sci.begin(), combined.sci.end(), rows.plane<float>(plane::Sci, y0).begin());
    std::copy(combined.err.begin(), combined.err.end(), rows.plane<float>(plane::Err, y0).begin());
    std::copy(combined.dq.begin(), combined.dq.end(), rows.plane<std::uint32_t>(plane::Dq, y0).begin());
    std::copy(combined.count.begin(), combined.count.end(), rows.plane<std::int32_t>(plane::Count, y0).begin());
    std::copy(combined.variance.begin(), combined.variance.end(), rows.plane<float>(plane::Variance, y0).begin());
    if (!with_masks) return;
    auto const sci = rows.plane<float>(plane::Sci, y0);
    auto const kept = rows.plane<std::int32_t>(plane::Count, y0);
    for (std::size_t pixel = 0; pixel < pixels; ++pixel)
      if (kept[pixel] > 0)
        sci[pixel] = static_cast<float>(static_cast<double>(sci[pixel]) + level);
      else if (has_source_on_value(bands, pixel))
        kept[pixel] = plane::AllMasked;
  });
}

bool median_rows(parallel::MemoryBudget& budget, OffBackground const& background, std::vector<double> const& levels,
                 ImageRows& rows, std::int64_t& bytes_read, GoOn const& go_on) {
  auto const count = background.offs.size();
  std::vector<std::vector<float>> bands(count);
  auto const bytes_per_row = rows.nx * 4 * static_cast<std::int64_t>(count);
  return by_bands(budget, background, rows, bytes_per_row, go_on, [&](std::int64_t y0, std::int64_t y1) {
    std::vector<float const*> planes;
    for (std::size_t k = 0; k < count; ++k) {
      bands[k].resize(static_cast<std::size_t>((y1 - y0) * rows.nx));
      OffReader reader(background.offs[k], background.window);
      reader.read_sci(y0, y1, bands[k].data());
      bytes_read += reader.bytes_read();
      subtract_level(bands[k], levels[k]);
      planes.push_back(bands[k].data());
    }
    kernels::nan_median(planes.data(), static_cast<std::int64_t>(count), (y1 - y0) * rows.nx,
                        rows.plane<float>(0, y0).data());
  });
}

}  // namespace tessera::steps
