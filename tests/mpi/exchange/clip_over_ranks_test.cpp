// Clipped statistics over ranks against those of all values on one.
#include "tessera/exchange/clip_over_ranks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tessera {
namespace {

constexpr std::int64_t Pieces = 13;

std::vector<float> make_piece(std::int64_t piece) {
  std::mt19937 random(static_cast<unsigned>(piece) + 1);
  std::vector<float> values;
  for (int k = 0; k < 500 + 40 * piece; ++k) {
    double u = -6;
    for (int i = 0; i < 12; ++i) u += static_cast<double>(random()) / 4294967296.0;
    values.push_back(static_cast<float>(k % 50 == 0 ? 30 * u : 0.1 * u - 2));
  }
  values[3] = NAN;
  return values;
}

exchange::GivePieces deal(parallel::Communicator const& world) {
  return [&world](exchange::TakePiece const& take) {
    for (auto piece = Pieces - 1 - world.rank(); piece >= 0; piece -= world.size()) take(piece, make_piece(piece));
  };
}

TEST(ClipOverRanks, IsTheStatisticsOfAllValues) {
  auto const world = parallel::Communicator::world();
  for (std::optional<int> const maxiters : {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{2}}) {
    std::vector<float> all;
    for (std::int64_t piece = 0; piece < Pieces; ++piece) {
      auto const values = make_piece(piece);
      all.insert(all.end(), values.begin(), values.end());
    }
    auto const expected = kernels::sigma_clip(all, 3, maxiters);
    auto const found = exchange::clip_over_ranks(world, deal(world), 3, maxiters);
    EXPECT_EQ(found.count, expected.count);
    EXPECT_EQ(found.median, expected.median);
    EXPECT_NEAR(found.mean, expected.mean, 1e-12);
    EXPECT_NEAR(found.std, expected.std, 1e-12);
  }
}

TEST(ClipOverRanks, HasTheSameBitsForAnyNumberOfRanks) {
  auto const world = parallel::Communicator::world();
  parallel::Communicator const alone;
  auto const found = exchange::clip_over_ranks(world, deal(world), 2.5, {});
  auto const expected = exchange::clip_over_ranks(alone, deal(alone), 2.5, {});
  EXPECT_EQ(found.mean, expected.mean);
  EXPECT_EQ(found.std, expected.std);
}

TEST(ClipOverRanks, IsNanOfNothing) {
  auto const world = parallel::Communicator::world();
  auto const found = exchange::clip_over_ranks(world, [](exchange::TakePiece const&) {}, 3, {});
  EXPECT_EQ(found.count, 0);
  EXPECT_TRUE(std::isnan(found.mean));
}

}  // namespace
}  // namespace tessera
