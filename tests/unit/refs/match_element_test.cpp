#include "tessera/refs/match_element.hpp"

#include <gmock/gmock.h>

#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::refs {

namespace {

using ::testing::ElementsAre;

int status(std::string const& element, std::string const& value) {
  return MatchElement::compile(element).status(value);
}

TEST(MatchElement, AgreesWithTheVectors) {
  int count = 0;
  auto const cases = test::read_vector("crds_matcher_cases.json");
  for (auto const& item : cases["match_status"]) {
    std::string const rule = item["rule"], value = item["value"];
    EXPECT_EQ(status(rule, value), item["status"].get<int>()) << rule << " against " << value;
    ++count;
  }
  EXPECT_EQ(count, 47);
}

TEST(ConditionValue, AgreesWithTheVectors) {
  int count = 0;
  auto const cases = test::read_vector("crds_matcher_cases.json");
  for (auto const& item : cases["condition_value"]) {
    std::string const value = item["value"];
    EXPECT_EQ(condition_value(value), item["conditioned"].get<std::string>()) << value;
    ++count;
  }
  EXPECT_EQ(count, 22);
}

TEST(ConditionValue, WritesNumbersAsPythonDoes) {
  EXPECT_EQ(condition_value("+4"), "4.0");
  EXPECT_EQ(condition_value("0.1"), "0.1");
  EXPECT_EQ(condition_value("1e16"), "1e+16");
  EXPECT_EQ(condition_value("123456789012345"), "123456789012345.0");
  EXPECT_EQ(condition_value("0.00001"), "1e-05");
  EXPECT_EQ(condition_value("1e999"), "inf");
  EXPECT_EQ(condition_value("-1e-999"), "-0.0");
  for (auto const* text : {"1 2", "1e", "e5", ".", "-", "1.2.3", "0x10"})
    EXPECT_EQ(condition_value(text).find(".0"), std::string::npos) << text;
}

TEST(ConditionValue, DoneTwiceIsDoneOnce) {
  std::mt19937 random(3);
  std::string const letters = "ANTY/F0123456789.eE+-* |()";
  for (int trial = 0; trial < 5000; ++trial) {
    std::string text;
    for (unsigned k = 0, length = random() % 7; k < length; ++k) text += letters[random() % letters.size()];
    auto const once = condition_value(text);
    EXPECT_EQ(condition_value(once), once) << text;
  }
}

TEST(MatchElement, SplitsOrListsAndConditionsTheirParts) {
  EXPECT_EQ(MatchElement::compile(" b | 4 |a").text(), "4.0|A|B");
  EXPECT_EQ(status("4|5", "5.0"), 1);
  EXPECT_EQ(status("A|ANY", "ZZZ"), 1);
  EXPECT_EQ(status("A|N/A", "B"), -1);
  EXPECT_THAT(MatchElement::compile("B|A").listed_values(), ElementsAre("A", "B"));
  EXPECT_THAT(MatchElement::compile("4").listed_values(), ElementsAre("4.0"));
}

TEST(MatchElement, NotTakesAnOrList) {
  EXPECT_EQ(status("NOT A|B", "C"), 1);
  EXPECT_EQ(status("NOT A|B", "B"), -1);
  EXPECT_EQ(status("NOT 4", "4.0"), -1);
  EXPECT_EQ(status("NOT N/A", "X"), 0);
  EXPECT_EQ(status("NOTHING", "X"), -1);
  EXPECT_EQ(status("NOTHING", "NOTHING"), 1);
}

TEST(MatchElement, AQuestionMarkIsAPatternOnlyBesideAStarOrABar) {
  EXPECT_EQ(status("F77?W", "F770W"), -1);
  EXPECT_EQ(status("F?7*", "F770W"), 1);
  EXPECT_EQ(status("F77?W|X", "F770W"), 1);
  EXPECT_EQ(status("F[0-9]*", "F770W"), 1);
  EXPECT_EQ(status("F[!0-9]*", "F770W"), -1);
}

TEST(MatchElement, RegularExpressionsKeepTheirLettersAndStartAtTheStart) {
  EXPECT_EQ(status("(F77)", "F770W"), 1);
  EXPECT_EQ(status("(77)", "F770W"), -1);
  EXPECT_EQ(status("(f77)", "F770W"), -1);
}

TEST(MatchElement, RelationsInLowerCaseAndJoinedMoreThanOnce) {
  EXPECT_EQ(status("between 3 5", "4.0"), 1);
  EXPECT_EQ(status("# >1 and <5 and <3 #", "4.0"), -1);
  EXPECT_EQ(status("# BETWEEN 1 2 OR BETWEEN 3 5 #", "4.0"), 1);
  EXPECT_EQ(status("=4", "4.0"), -1);
}

TEST(MatchElement, RefusesBrokenElements) {
  for (auto const* text : {">x", "<", ">=", "BETWEEN 5 2", "BETWEEN 1", "BETWEEN A B", "# >1 #", "##", "([)", "NOT >x"})
    EXPECT_THROW(MatchElement::compile(text), InputError) << text;
  EXPECT_EQ(status("#", "#"), 1);
}

TEST(MatchElement, SaysWhichElementsAreNotChecked) {
  for (auto const* text : {"{A}", "(A)", "# >1 AND <2 #", "BETWEEN 1 2", "NOT A"})
    EXPECT_TRUE(MatchElement::compile(text).is_esoteric()) << text;
  for (auto const* text : {">2", "A*", "A|B", "N/A", "ANY", "{A}|B"})
    EXPECT_FALSE(MatchElement::compile(text).is_esoteric()) << text;
}

/// Globs by trying every length of each star.
bool slow_glob(std::string_view value, std::string_view pattern) {
  if (pattern.empty()) return value.empty();
  if (pattern[0] == '*') {
    for (std::size_t k = 0; k <= value.size(); ++k)
      if (slow_glob(value.substr(k), pattern.substr(1))) return true;
    return false;
  }
  return !value.empty() && (pattern[0] == '?' || pattern[0] == value[0]) &&
         slow_glob(value.substr(1), pattern.substr(1));
}

TEST(MatchesGlob, AgreesWithTryingEverything) {
  std::mt19937 random(11);
  int matched = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string value, pattern;
    for (unsigned k = 0, n = random() % 7; k < n; ++k) value += "AB"[random() % 2];
    for (unsigned k = 0, n = random() % 6; k < n; ++k) pattern += "AB?**"[random() % 5];
    bool const expected = slow_glob(value, pattern);
    matched += expected;
    ASSERT_EQ(matches_glob(value, pattern), expected) << value << " against " << pattern;
  }
  EXPECT_GT(matched, 1000);
}

TEST(MatchesGlob, TakesSetsAndBracketsWithoutEnd) {
  EXPECT_TRUE(matches_glob("A]", "A[]]"));
  EXPECT_TRUE(matches_glob("B", "[A-C]"));
  EXPECT_FALSE(matches_glob("D", "[A-C]"));
  EXPECT_TRUE(matches_glob("[A", "[A"));
  EXPECT_TRUE(matches_glob("X-", "X[A-]"));
}

}  // namespace

}  // namespace tessera::refs
