// The main of the tests holds a Session, as the program does: these are the facts of it.
#include "tessera/compute/session.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::compute {
namespace {

TEST(Session, BringsKokkosUp) {
  EXPECT_TRUE(Kokkos::is_initialized());
  EXPECT_FALSE(Kokkos::is_finalized());
}

TEST(Session, IsTheOnlyOne) { EXPECT_THROW(Session(), ContractViolation); }

TEST(ThreadCount, IsWhatWasAskedFor) {
  EXPECT_GE(thread_count(), 1);
  if (char const* asked = std::getenv("OMP_NUM_THREADS")) {
    EXPECT_EQ(thread_count(), std::stoi(asked));
  }
}

TEST(BackendNames, NamesTheHostFirst) {
  EXPECT_EQ(backend_names().find(Kokkos::DefaultHostExecutionSpace::name()), 0u);
}

TEST(HostImage, IsRowMajorInHostMemory) {
  HostImage<float> const image("test", 3, 5);
  EXPECT_EQ(&image(1, 0) - &image(0, 0), 5);
  EXPECT_EQ(&image(0, 1) - &image(0, 0), 1);
  EXPECT_EQ(image(2, 4), 0.0f);
}

TEST(AllocateArray, HasTheLengthAskedForAndMayBeEmpty) {
  auto const array = allocate_array<double>("test", 7);
  EXPECT_EQ(array.extent(0), 7u);
  EXPECT_EQ(array.label(), "test");
  EXPECT_EQ(allocate_array<double>("none", 0).extent(0), 0u);
}

TEST(HostExecution, RunsEveryItemOnce) {
  constexpr std::int64_t count = 10007;
  HostArray<std::int64_t> const seen("seen", count);
  Kokkos::parallel_for("tessera::test", Kokkos::RangePolicy<HostExecution>(0, count),
                       [=](std::int64_t item) { seen(item) += item + 1; });
  Kokkos::fence();
  EXPECT_EQ(std::accumulate(seen.data(), seen.data() + count, std::int64_t{0}), count * (count + 1) / 2);
  for (std::int64_t item = 0; item < count; ++item) ASSERT_EQ(seen(item), item + 1);
}

}  // namespace
}  // namespace tessera::compute
