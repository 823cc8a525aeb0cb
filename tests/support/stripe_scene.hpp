// Small made-up surveys of striped exposures, as the joint solution sees them.
#pragma once
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "tessera/exchange/joint_stripes.hpp"

namespace tessera::test {

/// Where an exposure lies on the grid: its pixel (0, 0) at (x, y), turned by `angle` radians.
struct StripePointing {
  double x = 0, y = 0, angle = 0;
};

/// Square exposures with row stripes in amplifiers side by side, cut in square blocks of a square grid.
struct StripeScene {
  int grid = 96, block = 32;        ///< pixels
  int pixels = 64, amplifiers = 1;  ///< of an exposure
  double noise = 0, stripes = 0.05;
  double outliers = 0;  ///< part of the pixels that are 100 too high
  unsigned seed = 1;
  std::vector<StripePointing> pointings;

  int stripes_each() const { return pixels * amplifiers; }
  std::vector<exchange::StripedExposure> exposures() const {
    return std::vector<exchange::StripedExposure>(pointings.size(), {amplifiers, pixels});
  }
};

/// Blocks held in memory.
class StripeBlockList : public exchange::StripeBlocks {
 public:
  explicit StripeBlockList(std::vector<exchange::StripeBlock> blocks) : blocks_(std::move(blocks)) {}
  std::int64_t count() const override { return static_cast<std::int64_t>(blocks_.size()); }
  exchange::StripeBlock& load(std::int64_t k) override { return blocks_[static_cast<std::size_t>(k)]; }
  void keep_weights(std::int64_t) override {}

 private:
  std::vector<exchange::StripeBlock> blocks_;
};

struct MadeScene {
  std::vector<std::vector<double>> truth;  ///< [exposure][amplifier * pixels + row]
  std::vector<exchange::StripeBlock> blocks;
};

inline MadeScene make_scene(StripeScene const& scene) {
  std::mt19937_64 random(scene.seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  MadeScene made;
  for (std::size_t k = 0; k < scene.pointings.size(); ++k) {
    auto& profile = made.truth.emplace_back(static_cast<std::size_t>(scene.stripes_each()));
    for (auto& value : profile) value = scene.stripes * normal(random);
  }
  auto const sky = [](double x, double y) { return 2 + std::sin(0.11 * x) * std::cos(0.07 * y) + 0.01 * x; };
  int const columns = (scene.grid + scene.block - 1) / scene.block;
  for (int b = 0; b < columns * columns; ++b) {
    auto& block = made.blocks.emplace_back();
    int const x0 = b % columns * scene.block, y0 = b / columns * scene.block;
    block.box = {x0, y0, std::min(x0 + scene.block, scene.grid), std::min(y0 + scene.block, scene.grid)};
    for (std::size_t k = 0; k < scene.pointings.size(); ++k) {
      auto const& at = scene.pointings[k];
      exchange::StripeCells cells;
      cells.exposure = static_cast<int>(k);
      cells.box = block.box;
      bool any = false;
      for (auto y = block.box.y0; y < block.box.y1; ++y)
        for (auto x = block.box.x0; x < block.box.x1; ++x) {
          double const dx = static_cast<double>(x) - at.x, dy = static_cast<double>(y) - at.y;
          double const column = dx * std::cos(at.angle) + dy * std::sin(at.angle);
          double const row = dy * std::cos(at.angle) - dx * std::sin(at.angle);
          int const width = scene.pixels / scene.amplifiers;
          int const amplifier = static_cast<int>(std::floor((column + 0.5) / width));
          bool const seen = column >= 0 && column <= scene.pixels - 1 && row >= 0 && row < scene.pixels - 1;
          any = any || seen;
          int const lower = seen ? static_cast<int>(std::floor(row)) : 0;
          auto const fraction =
              seen ? static_cast<std::uint16_t>(std::lround((row - lower) * exchange::StripeCells::FractionUnit))
                   : std::uint16_t{0};
          double const f = static_cast<double>(fraction) / exchange::StripeCells::FractionUnit;
          std::size_t const i = seen ? static_cast<std::size_t>(amplifier * scene.pixels + lower) : 0;
          double value = sky(static_cast<double>(x), static_cast<double>(y)) + (1 - f) * made.truth[k][i] +
                         f * made.truth[k][i + 1] + scene.noise * normal(random);
          if (uniform(random) < scene.outliers) value += 100;
          double const sigma = scene.noise > 0 ? scene.noise : 1;
          cells.stripe.push_back(static_cast<std::uint16_t>(i));
          cells.fraction.push_back(fraction);
          cells.value.push_back(static_cast<float>(value));
          cells.weight.push_back(seen ? exchange::pack_weight(static_cast<float>(1 / (sigma * sigma)))
                                      : std::uint16_t{0});
        }
      if (any) block.exposures.push_back(std::move(cells));
    }
  }
  return made;
}

}  // namespace tessera::test
