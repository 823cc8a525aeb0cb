#include "tessera/simulate/random.hpp"

#include <gtest/gtest.h>

namespace tessera::simulate {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Known answers of Philox4x32-10, published with Random123 (kat_vectors).
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, HasNormalDeviatesWithMeanZeroAndVarianceOne) {
  Random const random(42);
  double sum = 0, squares = 0, fourth = 0;
  constexpr int Draws = 50000;
  for (int k = 0; k < Draws; ++k)
    for (double const value : random.normals(Stream::Noise, static_cast<std::uint64_t>(k))) {
      sum += value;
      squares += value * value;
      fourth += value * value * value * value;
    }
  double const count = 4.0 * Draws;
  EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2 / count));
  EXPECT_NEAR(fourth / count, 3, 5 * std::sqrt(96 / count));
}

TEST(Random, DiffersByKeyStreamIndexAndSubIndex) {
  Random const random(1);
  auto const base = random.bits(Stream::Noise, 7);
  EXPECT_NE(base, Random(2).bits(Stream::Noise, 7));
  EXPECT_NE(base, random.bits(Stream::Level, 7));
  EXPECT_NE(base, random.bits(Stream::Noise, 8));
  EXPECT_NE(base, random.bits(Stream::Noise, 7, 1));
  EXPECT_EQ(base, Random(1).bits(Stream::Noise, 7));
}

}  // namespace
}  // namespace tessera::simulate
