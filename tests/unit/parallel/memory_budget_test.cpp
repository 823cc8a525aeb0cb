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

TEST(ParseBytes, KnowsUnitsInEitherCaseAndSpelling) {
  std::int64_t const giga = std::int64_t{1} << 30;
  EXPECT_EQ(parse_bytes("1073741824"), giga);
  EXPECT_EQ(parse_bytes("512M"), giga / 2);
  EXPECT_EQ(parse_bytes("1.5G"), giga + giga / 2);
  for (auto const* text : {"2GB", "2g", "2 GiB", " 2 gb ", "2048M", "0.001953125T"})
    EXPECT_EQ(parse_bytes(text), 2 * giga) << text;
  EXPECT_EQ(parse_bytes("64k"), 65536);
  EXPECT_EQ(parse_bytes("7B"), 7);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (auto const* text : {"", "  ", "G", "4X", "4 GG", "-1G", "0", "1e3", "inf", "nan", "4G4", "9999999999T"})
    EXPECT_THROW(parse_bytes(text), ConfigError) << text;
  try {
    parse_bytes("4Q");
  } catch (ConfigError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("'4Q'"));
  }
}

TEST(FormatBytes, ReadsWell) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KB");
  EXPECT_EQ(format_bytes(1610612736), "1.50 GB");
  EXPECT_EQ(format_bytes((std::int64_t{1} << 30) - 1), "1.00 GB");
}

TEST(FormatBytes, IsUndoneByParseBytes) {
  for (std::int64_t const bytes :
       {std::int64_t{1}, std::int64_t{777}, std::int64_t{1536}, std::int64_t{5} << 30, std::int64_t{3} << 40})
    EXPECT_EQ(parse_bytes(format_bytes(bytes)), bytes);
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
