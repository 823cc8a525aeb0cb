#include "tessera/parallel/memory_budget.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tessera/core/error.hpp"

namespace tessera::parallel {
namespace {

using testing::HasSubstr;

TEST(MemoryBudget, CountsWhatIsReservedAndGivesItBack) {
  MemoryBudget budget(1000);
  {
    MemoryBudget::Reservation const first(budget, "tiles", 600);
    EXPECT_EQ(budget.free(), 400);
    MemoryBudget::Reservation const second(budget, "cache", 400);
    EXPECT_EQ(budget.free(), 0);
    EXPECT_EQ(budget.reserved(), 1000);
  }
  EXPECT_EQ(budget.free(), 1000);
  EXPECT_EQ(budget.peak(), 1000);
}

TEST(MemoryBudget, RefusesByNameWhatDoesNotFitAndReservesNothingThen) {
  MemoryBudget budget(3 << 20);
  MemoryBudget::Reservation const held(budget, "tiles", 1 << 20);
  try {
    MemoryBudget::Reservation const refused(budget, "the stack of NGC 628 F770W", (2 << 20) + 1);
    FAIL() << "was granted";
  } catch (BudgetError const& error) {
    EXPECT_EQ(error.status(), ExitStatus::Refused);
    EXPECT_THAT(error.what(), HasSubstr("the stack of NGC 628 F770W"));
    EXPECT_THAT(error.what(), HasSubstr("2.00 MB free"));
    EXPECT_THAT(error.what(), HasSubstr("of 3.00 MB"));
    EXPECT_THAT(error.what(), HasSubstr("--memory-per-rank"));
  }
  EXPECT_EQ(budget.reserved(), 1 << 20);
  EXPECT_EQ(budget.peak(), 1 << 20);
}

TEST(ResidentBytes, SeesMemoryThatWasTouched) {
  auto const before = resident_bytes();
  ASSERT_GT(before, 0);
  std::size_t const size = 64u << 20;
  {
    std::vector<char> touched(size, 1);
    EXPECT_GT(resident_bytes(), before + static_cast<std::int64_t>(size) / 2);
  }
  EXPECT_GE(peak_resident_bytes(), before + static_cast<std::int64_t>(size) / 2);
}

}  // namespace
}  // namespace tessera::parallel
