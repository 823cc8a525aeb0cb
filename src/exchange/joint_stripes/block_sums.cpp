#include "block_sums.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tessera/compute/views.hpp"

namespace tessera::exchange {

namespace {

constexpr double FractionStep = 1.0 / StripeCells::FractionUnit;
/// Less of a pixel's own information than this is rounding.
constexpr double LeastShare = 1e-6;

/// Pixel of the block, row-major, of the first cell of a row of cells.
std::size_t sky_place(StripeCells const& cells, model::PixelBox const& block, std::int64_t row) {
  return static_cast<std::size_t>((cells.box.y0 + row - block.y0) * block.width() + cells.box.x0 - block.x0);
}

struct Cell {
  std::size_t place = 0;  ///< in the arrays of the cells
  std::size_t sky = 0;    ///< in those of the block
  std::size_t stripe = 0;
  double weight = 0, fraction = 0;
};

/// Calls use(cell) for the cells of a row that take part, in order.
template <class Use>
void visit_row(StripeCells const& cells, model::PixelBox const& block, std::int64_t row, Use const& use) {
  auto const width = static_cast<std::size_t>(cells.box.width());
  std::size_t const first = static_cast<std::size_t>(row) * width, sky = sky_place(cells, block, row);
  for (std::size_t x = 0; x < width; ++x) {
    std::size_t const k = first + x;
    if (cells.weight[k] == 0) continue;
    use(Cell{k, sky + x, cells.stripe[k], unpack_weight(cells.weight[k]), cells.fraction[k] * FractionStep});
  }
}

template <class Use>
void visit_cells(StripeCells const& cells, model::PixelBox const& block, Use const& use) {
  for (std::int64_t row = 0; row < cells.box.height(); ++row) visit_row(cells, block, row, use);
}

double stripe_at(Cell const& cell, double const* profile) {
  return (1 - cell.fraction) * profile[cell.stripe] + cell.fraction * profile[cell.stripe + 1];
}

double averaged_value(StripeCells const& cells, Cell const& cell, double const* profile, Averaged what) {
  double const stripe = stripe_at(cell, profile);
  return what == Averaged::Stripes ? stripe : static_cast<double>(cells.value[cell.place]) - stripe;
}

void add_to_stripes(Cell const& cell, double value, std::span<double> out) {
  out[cell.stripe] += (1 - cell.fraction) * value;
  out[cell.stripe + 1] += cell.fraction * value;
}

/// Sums of two numbers for the stripes of a cell and the next one; neighbours in a row mostly have the same stripe.
class StripeSums {
 public:
  explicit StripeSums(std::span<double> out) : out_(out) { std::fill(out.begin(), out.end(), 0.0); }
  ~StripeSums() { flush(); }
  StripeSums(StripeSums const&) = delete;
  StripeSums& operator=(StripeSums const&) = delete;

  void add(std::size_t stripe, double lower, double upper) {
    if (stripe != stripe_) {
      flush();
      stripe_ = stripe;
    }
    lower_ += lower;
    upper_ += upper;
  }
  void add_share(Cell const& cell, double value) {
    add(cell.stripe, (1 - cell.fraction) * value, cell.fraction * value);
  }

 private:
  void flush() {
    if (lower_ != 0) out_[stripe_] += lower_;
    if (upper_ != 0) out_[stripe_ + 1] += upper_;
    lower_ = upper_ = 0;
  }
  std::span<double> out_;
  std::size_t stripe_ = 0;
  double lower_ = 0, upper_ = 0;
};

/// Whether stripes run along x of the grid rather than along y: their number changes less along x.
bool runs_along_x(StripeCells const& cells) {
  auto const width = static_cast<std::size_t>(cells.box.width());
  std::int64_t along_x = 0, along_y = 0;
  auto const change = [&](std::size_t a, std::size_t b) {
    auto const position = [&](std::size_t k) {
      return std::int64_t{cells.stripe[k]} * StripeCells::FractionUnit + cells.fraction[k];
    };
    return std::min<std::int64_t>(std::abs(position(a) - position(b)), 4 * StripeCells::FractionUnit);
  };
  for (std::size_t k = 0; k + width + 1 < cells.weight.size(); ++k) {
    if (cells.weight[k] == 0 || cells.weight[k + 1] == 0 || cells.weight[k + width] == 0) continue;
    along_x += change(k, k + 1);
    along_y += change(k, k + width);
  }
  return along_x <= along_y;
}

/// Square of the scaled deviation; negative where the pixel has nothing to say.
double scaled_square(StripeCells const& cells, Cell const& cell, double const* profile, BlockSky const& sky) {
  double const share = 1 - cell.weight / sky.weight[cell.sky];
  if (share < LeastShare) return -1;
  double const deviation = averaged_value(cells, cell, profile, Averaged::Data) - sky.mean[cell.sky];
  return cell.weight * deviation * deviation / share;
}

}  // namespace

std::uint16_t pack_weight(float weight) {
  if (!(weight > 0) || !std::isfinite(weight)) return 0;
  auto const bits = std::bit_cast<std::uint32_t>(weight);
  auto const packed = static_cast<std::uint16_t>((bits + 0x8000u) >> 16);
  return std::isfinite(unpack_weight(packed)) ? packed : static_cast<std::uint16_t>(bits >> 16);
}

float unpack_weight(std::uint16_t packed) { return std::bit_cast<float>(static_cast<std::uint32_t>(packed) << 16); }

void average_block(StripeBlock const& block, ProfileOf const& profile, Averaged what, BlockSky& sky) {
  auto const pixels = static_cast<std::size_t>(block.box.width() * block.box.height());
  sky.mean.resize(pixels);
  sky.weight.resize(pixels);
  std::vector<double const*> profiles;
  for (auto const& cells : block.exposures) profiles.push_back(profile(cells.exposure));
  Kokkos::parallel_for("tessera::average_block",
                       Kokkos::RangePolicy<compute::HostExecution>(block.box.y0, block.box.y1),
                       [&](std::int64_t const y) {
                         auto const first = static_cast<std::size_t>((y - block.box.y0) * block.box.width());
                         auto const width = static_cast<std::size_t>(block.box.width());
                         std::fill_n(sky.mean.begin() + static_cast<std::ptrdiff_t>(first), width, 0.0);
                         std::fill_n(sky.weight.begin() + static_cast<std::ptrdiff_t>(first), width, 0.0);
                         for (std::size_t j = 0; j < block.exposures.size(); ++j) {
                           auto const& cells = block.exposures[j];
                           if (y < cells.box.y0 || y >= cells.box.y1) continue;
                           visit_row(cells, block.box, y - cells.box.y0, [&](Cell const& cell) {
                             sky.mean[cell.sky] += cell.weight * averaged_value(cells, cell, profiles[j], what);
                             sky.weight[cell.sky] += cell.weight;
                           });
                         }
                         for (std::size_t p = first; p < first + width; ++p)
                           if (sky.weight[p] > 0) sky.mean[p] /= sky.weight[p];
                       });
}

void sum_deviations(StripeCells const& cells, model::PixelBox const& block, double const* profile, Averaged what,
                    BlockSky const& sky, std::span<double> out) {
  StripeSums sums(out);
  visit_cells(cells, block, [&](Cell const& cell) {
    sums.add_share(cell, cell.weight * (averaged_value(cells, cell, profile, what) - sky.mean[cell.sky]));
  });
}

void sum_alternating_deviations(StripeCells const& cells, model::PixelBox const& block, double const* profile,
                                BlockSky const& sky, std::span<double> out) {
  constexpr int StretchBits = 3;
  StripeSums sums(out);
  bool const along_x = runs_along_x(cells);
  auto const width = static_cast<std::size_t>(block.width());
  visit_cells(cells, block, [&](Cell const& cell) {
    std::size_t const along = along_x ? cell.sky % width : cell.sky / width;
    double const sign = (along >> StretchBits) & 1 ? -1 : 1;
    double const deviation = averaged_value(cells, cell, profile, Averaged::Data) - sky.mean[cell.sky];
    sums.add_share(cell, sign * cell.weight * deviation);
  });
}

void sum_curvature(StripeCells const& cells, model::PixelBox const& block, BlockSky const& sky, std::span<double> out) {
  StripeSums sums(out);
  visit_cells(cells, block, [&](Cell const& cell) {
    double const share = 1 - cell.weight / sky.weight[cell.sky];
    if (share < LeastShare) return;
    double const weight = cell.weight * share, f = cell.fraction;
    sums.add(cell.stripe, weight * (1 - f) * (1 - f), weight * f * f);
  });
}

void sum_weights(StripeCells const& cells, std::span<double> out) {
  StripeSums sums(out);
  visit_cells(cells, cells.box, [&](Cell const& cell) {
    double const f = cell.fraction;
    sums.add(cell.stripe, cell.weight * (1 - f) * (1 - f), cell.weight * f * f);
  });
}

void sum_positions(StripeCells const& cells, int axis, std::span<double> out, std::span<double> weight) {
  StripeSums sums(out), weights(weight);
  auto const width = static_cast<std::size_t>(cells.box.width());
  visit_cells(cells, cells.box, [&](Cell const& cell) {
    auto const place = axis == 0 ? cell.place % width : cell.place / width;
    double const position = static_cast<double>(axis == 0 ? cells.box.x0 : cells.box.y0) + static_cast<double>(place);
    sums.add_share(cell, cell.weight * position);
    weights.add_share(cell, cell.weight);
  });
}

void sum_common_curvature(StripeBlock const& block, BlockSky const& sky, std::span<int const> stripes,
                          std::function<void(std::size_t, std::span<double const>)> const& take) {
  int most = 0;
  for (auto const& cells : block.exposures) most = std::max(most, stripes[static_cast<std::size_t>(cells.exposure)]);
  std::vector<std::vector<double>> sums;
  for (auto const& cells : block.exposures)
    sums.emplace_back(static_cast<std::size_t>(stripes[static_cast<std::size_t>(cells.exposure)]), 0.0);
  // Groups of exposures with equal numbers of stripes; in each, sum of w g of every stripe at one pixel of sky.
  std::vector<double> together(static_cast<std::size_t>(most), 0.0);
  std::vector<std::pair<std::size_t, Cell>> seen;
  auto const cell_at = [&](StripeCells const& cells, std::int64_t x, std::int64_t y) -> Cell {
    if (x < cells.box.x0 || x >= cells.box.x1 || y < cells.box.y0 || y >= cells.box.y1) return {};
    auto const k = static_cast<std::size_t>((y - cells.box.y0) * cells.box.width() + x - cells.box.x0);
    auto const p = static_cast<std::size_t>((y - block.box.y0) * block.box.width() + x - block.box.x0);
    return {k, p, cells.stripe[k], unpack_weight(cells.weight[k]), cells.fraction[k] * FractionStep};
  };
  std::vector<int> groups;
  for (auto const& cells : block.exposures) groups.push_back(stripes[static_cast<std::size_t>(cells.exposure)]);
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  for (int const group : groups)
    for (std::int64_t y = block.box.y0; y < block.box.y1; ++y)
      for (std::int64_t x = block.box.x0; x < block.box.x1; ++x) {
        seen.clear();
        for (std::size_t j = 0; j < block.exposures.size(); ++j) {
          if (stripes[static_cast<std::size_t>(block.exposures[j].exposure)] != group) continue;
          if (auto const cell = cell_at(block.exposures[j], x, y); cell.weight > 0) seen.emplace_back(j, cell);
        }
        for (auto const& [j, cell] : seen) add_to_stripes(cell, cell.weight, together);
        for (auto const& [j, cell] : seen) {
          double const all = sky.weight[cell.sky], lower = 1 - cell.fraction, upper = cell.fraction;
          sums[j][cell.stripe] += cell.weight * lower * (lower - together[cell.stripe] / all);
          sums[j][cell.stripe + 1] += cell.weight * upper * (upper - together[cell.stripe + 1] / all);
        }
        for (auto const& [j, cell] : seen) together[cell.stripe] = together[cell.stripe + 1] = 0;
      }
  for (std::size_t j = 0; j < sums.size(); ++j) take(j, sums[j]);
}

void MagnitudeCounts::add(double value) {
  auto const narrow = static_cast<float>(value);
  if (narrow >= 0 && std::isfinite(narrow)) ++counts_[std::bit_cast<std::uint32_t>(narrow + 0.0f) >> 16];
}

double MagnitudeCounts::median() const {
  std::int64_t total = 0;
  for (auto const count : counts_) total += count;
  if (total == 0) return 0;
  std::int64_t below = 0;
  std::size_t bin = 0;
  while (2 * (below + counts_[bin]) < total) below += counts_[bin++];
  if (bin == 0) return 0;
  return std::bit_cast<float>((static_cast<std::uint32_t>(bin) << 16) | 0x8000u);
}

void count_deviations(StripeBlock const& block, ProfileOf const& profile, BlockSky const& sky,
                      MagnitudeCounts& counts) {
  for (auto const& cells : block.exposures)
    visit_cells(cells, block.box, [&, stripes = profile(cells.exposure)](Cell const& cell) {
      if (double const square = scaled_square(cells, cell, stripes, sky); square >= 0) counts.add(square);
    });
}

std::int64_t clip_deviations(StripeBlock& block, ProfileOf const& profile, BlockSky const& sky, double limit) {
  std::int64_t clipped = 0;
  for (auto& cells : block.exposures)
    visit_cells(cells, block.box, [&, stripes = profile(cells.exposure)](Cell const& cell) {
      if (!(scaled_square(cells, cell, stripes, sky) > limit)) return;
      cells.weight[cell.place] = 0;
      ++clipped;
    });
  return clipped;
}

}  // namespace tessera::exchange
