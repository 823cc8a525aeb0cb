#include "tessera/config/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::config;

TEST(ExplainStep, ShowsKeysDefaultsUnitsAndWhatIsNotBuilt) {
  auto const text = explain_step("lv3");
  EXPECT_NE(text.find("jwst_parameters.resample.pixfrac = 1.0"), std::string::npos) << text;
  EXPECT_NE(text.find("jwst_parameters.tweakreg.searchrad = 2.0"), std::string::npos);
  EXPECT_NE(text.find("[arcsec]: half width of the search for the shift\n"), std::string::npos) << text;
  EXPECT_NE(text.find("value of blots where there is no data (not yet built)"), std::string::npos);
  EXPECT_EQ(text.find("align_to_gaia"), std::string::npos);
  EXPECT_NE(explain_step("lv1").find("Not yet built."), std::string::npos);
  EXPECT_NE(explain_step("tessera").find("memory_per_rank"), std::string::npos);
}

TEST(ExplainStep, ExplainsEveryStep) {
  for (auto const& name : step_names()) EXPECT_NE(explain_step(name).find("overwrite"), std::string::npos) << name;
}

TEST(ExplainStep, NamesTheNearestStep) {
  try {
    explain_step("level_macth");
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().remedy, "did you mean 'level_match'?");
  }
}

TEST(ListSteps, HasOneLineAStep) {
  auto const text = list_steps();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<long>(all_steps().size()));
}

TEST(MarkdownTable, HasFourColumnsInEveryRow) {
  for (auto const& step : all_steps()) {
    auto const text = markdown_table(step.table);
    std::size_t start = 0;
    while (start < text.size()) {
      auto const end = text.find('\n', start);
      auto const line = text.substr(start, end - start);
      EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 5) << line;
      start = end + 1;
    }
  }
}
