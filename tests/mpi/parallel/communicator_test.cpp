#include "tessera/parallel/communicator.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <limits>

#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/node_memory.hpp"

namespace tessera::parallel {
namespace {

using Bytes = std::vector<std::byte>;

/// Bytes that tell who made them: `count` of them.
Bytes bytes_of(int rank, std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<std::byte>((static_cast<std::size_t>(rank) * 37 + i * 11) % 251);
  return bytes;
}

/// Every collective, with whole messages and in pieces of 7 bytes.
class Collectives : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { Communicator::set_piece_bytes(GetParam()); }
  void TearDown() override { Communicator::set_piece_bytes(std::int64_t{1} << 30); }
  Communicator const world_ = Communicator::world();
};

TEST_P(Collectives, BroadcastGivesTheBytesOfAnyRoot) {
  for (int root = 0; root < world_.size(); ++root)
    for (std::size_t const count : {0u, 1u, 7u, 8u, 1000u}) {
      auto const mine = bytes_of(world_.rank(), world_.rank() == root ? count : 3);
      EXPECT_EQ(world_.broadcast(mine, root), bytes_of(root, count));
    }
  EXPECT_EQ(world_.broadcast(world_.is_root() ? std::string("from root, quite long") : "x"), "from root, quite long");
}

TEST_P(Collectives, GathersAreInRankOrderWithPartsOfAnySize) {
  auto const size_of = [](int rank) { return static_cast<std::size_t>(rank == 1 ? 0 : 5 * rank + 3); };
  auto const mine = bytes_of(world_.rank(), size_of(world_.rank()));
  std::vector<Bytes> expected;
  for (int rank = 0; rank < world_.size(); ++rank) expected.push_back(bytes_of(rank, size_of(rank)));
  EXPECT_EQ(world_.all_gather(mine), expected);
  for (int root = 0; root < world_.size(); ++root)
    EXPECT_EQ(world_.gather(mine, root), world_.rank() == root ? expected : std::vector<Bytes>{});
}

TEST_P(Collectives, GatheredTextsAndValuesAreInRankOrder) {
  auto const texts = world_.all_gather(std::string(static_cast<std::size_t>(world_.rank()), 'a'));
  ASSERT_EQ(texts.size(), static_cast<std::size_t>(world_.size()));
  for (std::size_t rank = 0; rank < texts.size(); ++rank) EXPECT_EQ(texts[rank], std::string(rank, 'a'));
  std::vector<double> const mine(static_cast<std::size_t>(world_.rank()) + 1, world_.rank() + 0.5);
  std::vector<double> expected;
  for (int rank = 0; rank < world_.size(); ++rank)
    expected.insert(expected.end(), static_cast<std::size_t>(rank) + 1, rank + 0.5);
  EXPECT_EQ(world_.all_gather_values(std::span<double const>(mine)), expected);
}

TEST_P(Collectives, AllToAllGivesEachRankItsParts) {
  auto const part = [](int from, int to) { return bytes_of(from * 10 + to, static_cast<std::size_t>(from * 9 + to)); };
  std::vector<Bytes> to_each, expected;
  for (int rank = 0; rank < world_.size(); ++rank) {
    to_each.push_back(part(world_.rank(), rank));
    expected.push_back(part(rank, world_.rank()));
  }
  EXPECT_EQ(world_.all_to_all(to_each), expected);
}

TEST_P(Collectives, SumsOfArraysAreElementWise) {
  std::vector<std::int64_t> values(50);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i) * (world_.rank() + 1);
  world_.sum_in_place(values);
  std::int64_t const factor = world_.size() * (world_.size() + 1) / 2;
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<std::int64_t>(i) * factor);
}

INSTANTIATE_TEST_SUITE_P(WholeAndInPieces, Collectives, testing::Values(std::int64_t{1} << 30, std::int64_t{7}));

TEST(Reductions, AreExactAndLeaveNaNOut) {
  auto const world = Communicator::world();
  int const last = world.size() - 1;
  EXPECT_EQ(world.sum(std::int64_t{1} << 60 >> world.rank()), [&] {
    std::int64_t sum = 0;
    for (int rank = 0; rank <= last; ++rank) sum += std::int64_t{1} << 60 >> rank;
    return sum;
  }());
  EXPECT_EQ(world.max(std::int64_t{10} * world.rank()), 10 * last);
  EXPECT_EQ(world.max(0.5 * world.rank()), 0.5 * last);
  EXPECT_EQ(world.min(0.5 * world.rank()), 0.0);
  double const mostly_nan = world.rank() == last ? -3.0 : std::nan("");
  EXPECT_EQ(world.max(mostly_nan), -3.0);
  EXPECT_EQ(world.min(mostly_nan), -3.0);
  EXPECT_EQ(world.max(std::nan("")), -std::numeric_limits<double>::infinity());
  EXPECT_FALSE(std::signbit(world.max(-0.0)));
  EXPECT_FALSE(std::signbit(world.min(-0.0)));
}

TEST(Split, GroupsByColourInRankOrderAndLeavesOthersAlone) {
  auto const world = Communicator::world();
  auto const half = world.split(world.rank() % 2);
  EXPECT_EQ(half.size(), (world.size() + 1 - world.rank() % 2) / 2);
  EXPECT_EQ(half.rank(), world.rank() / 2);
  EXPECT_EQ(half.sum(world.rank() % 2), half.size() * (world.rank() % 2));
  auto const first = world.split(world.is_root() ? 0 : -1);
  EXPECT_EQ(first.size(), 1);
  EXPECT_EQ(first.rank(), 0);
}

TEST(World, IsADuplicateThatItsCopiesShare) {
  auto const world = Communicator::world();
  auto const copy = world;
  EXPECT_EQ(copy.native(), world.native());
  int result = MPI_UNEQUAL;
  MPI_Comm_compare(*static_cast<MPI_Comm const*>(world.native()), MPI_COMM_WORLD, &result);
  EXPECT_EQ(result, MPI_CONGRUENT);  // same ranks, another context
}

int count_freed(MPI_Comm, int, void* counter, void*) {
  ++*static_cast<int*>(counter);
  return MPI_SUCCESS;
}

TEST(World, IsFreedWithTheLastCopyAndNotBefore) {
  int key = MPI_KEYVAL_INVALID, freed = 0;  // MPI calls count_freed when it frees a communicator that has the attribute
  MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, count_freed, &key, nullptr);
  {
    Communicator copy;
    {
      auto const world = Communicator::world();
      MPI_Comm_set_attr(*static_cast<MPI_Comm const*>(world.native()), key, &freed);
      copy = world;
    }
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(copy.sum(1), copy.size());
  }
  EXPECT_EQ(freed, 1);
  MPI_Comm_free_keyval(&key);
}

TEST(DefaultMemoryPerRank, IsTheSameShareOnAllRanks) {
  auto const world = Communicator::world();
  auto const share = default_memory_per_rank(world);
  EXPECT_EQ(world.max(share), share);
  EXPECT_EQ(-world.max(-share), share);
  EXPECT_LE(share * world.size(), node_memory_bytes() * 11 / 10);
  EXPECT_GE(share * world.size(), node_memory_bytes() * 7 / 10);
}

}  // namespace
}  // namespace tessera::parallel
