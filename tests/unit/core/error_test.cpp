#include "tessera/core/error.hpp"

#include <gtest/gtest.h>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/contract.hpp"

using namespace tessera;

TEST(ProblemLine, SaysWhereWhatExpectedFoundAndRemedy) {
  Problem const problem{"wrong type", "config.toml:3:7: parameters.lv3", "a table", "a number", "write a table"};
  EXPECT_EQ(problem.line(),
            "config.toml:3:7: parameters.lv3: wrong type: expected a table, found a number (remedy: write a table)");
}

TEST(ProblemLine, LeavesOutEmptyParts) {
  EXPECT_EQ((Problem{.what = "no space"}.line()), "no space");
  EXPECT_EQ((Problem{.what = "short file", .where = "a.fits", .found = "12 bytes"}.line()),
            "a.fits: short file: found 12 bytes");
  EXPECT_EQ((Problem{.what = "gone", .where = "a.fits", .remedy = "fetch it"}.line()),
            "a.fits: gone (remedy: fetch it)");
}

TEST(ErrorStatus, FollowsTheKindOfError) {
  EXPECT_EQ(ConfigError({.what = "x"}).status(), ExitStatus::WrongUse);
  EXPECT_EQ(InputError({.what = "x"}).status(), ExitStatus::Refused);
  EXPECT_EQ(BudgetError({.what = "x"}).status(), ExitStatus::Refused);
  EXPECT_EQ(IoError({.what = "x"}).status(), ExitStatus::InputOutput);
  EXPECT_STREQ(IoError({.what = "x", .where = "y"}).what(), "y: x");
}

TEST(Contract, ThrowsWithExpressionAndPlaceOnlyWhenBroken) {
  EXPECT_NO_THROW(TESSERA_EXPECT(1 + 1 == 2));
  try {
    TESSERA_EXPECT(1 + 1 == 3);
    FAIL() << "no exception";
  } catch (ContractViolation const& violation) {
    std::string const text = violation.what();
    EXPECT_NE(text.find("1 + 1 == 3"), std::string::npos) << text;
    EXPECT_NE(text.find("error_test.cpp:"), std::string::npos) << text;
  }
}

TEST(BuildFacts, LeavesNothingEmpty) {
  auto const& facts = build_facts();
  EXPECT_FALSE(facts.version.empty());
  EXPECT_FALSE(facts.commit.empty());
  EXPECT_FALSE(facts.compiler.empty());
  EXPECT_FALSE(facts.flags.empty());
}
