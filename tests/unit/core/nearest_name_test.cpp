#include "tessera/core/nearest_name.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace tessera;

namespace {
std::vector<std::string> const steps{"level_match", "lv1", "lv2", "lv3", "psf_matching", "anchoring"};
}

TEST(NearestName, FindsMissingDoubledWrongAndSwappedLetters) {
  EXPECT_EQ(nearest_name("levl_match", steps), "level_match");
  EXPECT_EQ(nearest_name("psf_mattching", steps), "psf_matching");
  EXPECT_EQ(nearest_name("anchorimg", steps), "anchoring");
  EXPECT_EQ(nearest_name("lv_3", steps), "lv3");
  EXPECT_EQ(nearest_name("v3", steps), "lv3");
  EXPECT_EQ(nearest_name("acnhoring", steps), "anchoring");
}

TEST(NearestName, IgnoresLetterCase) { EXPECT_EQ(nearest_name("LEVEL_MATCH", steps), "level_match"); }

TEST(NearestName, CountsASwapOfNeighboursAsOneEdit) {
  // One third of three letters allows one edit: a swap counted as two would find nothing.
  EXPECT_EQ(nearest_name("vl1", std::vector<std::string>{"lv1"}), "lv1");
}

TEST(NearestName, IsEmptyWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("download", steps), "");
  EXPECT_EQ(nearest_name("x", std::vector<std::string>{}), "");
}

TEST(NearestName, TakesTheFirstOfEquallyNear) { EXPECT_EQ(nearest_name("lv9", steps), "lv1"); }

TEST(SuggestName, AsksOrLists) {
  EXPECT_EQ(suggest_name("lv33", steps), "did you mean 'lv3'?");
  EXPECT_EQ(suggest_name("zzzzzz", std::vector<std::string>{"aa", "bb"}), "known: aa, bb");
  std::vector<std::string> many;
  for (int i = 0; i < 20; ++i) many.push_back("name" + std::to_string(i));
  auto const text = suggest_name("zzzzzz", many);
  EXPECT_NE(text.find("name11"), std::string::npos);
  EXPECT_EQ(text.find("name12"), std::string::npos);
}
