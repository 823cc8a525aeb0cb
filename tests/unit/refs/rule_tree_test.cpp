#include "tessera/refs/rule_tree.hpp"

#include <gmock/gmock.h>

#include <optional>
#include <random>

#include "small_cache.hpp"
#include "tessera/core/error.hpp"
#include "tessera/refs/mapping.hpp"

namespace tessera::refs {

namespace {

using Kind = RuleOutcome::Kind;
using ::testing::HasSubstr;

std::string since(std::string const& file, std::string const& date = "2000-01-01 00:00:00") {
  return "UseAfter({'" + date + "' : '" + file + "'})";
}

/// File, "N/A", "OMIT" or "error: ..." of rules by DETECTOR and FILTER for the exposure of small_cache.hpp.
std::string chosen(std::string const& rules, std::string const& more = "",
                   ExposureParameters const& exposure = test::miri_exposure(),
                   std::string const& parameters =
                       "'META.INSTRUMENT.DETECTOR', 'META.INSTRUMENT.FILTER', "
                       "'META.EXPOSURE.TYPE'") {
  try {
    auto const mapping = Mapping::parse(test::rmap_text(parameters, rules, more), "t.rmap");
    auto const outcome = mapping.rules->select(exposure);
    if (outcome.kind == Kind::File) return outcome.file;
    return outcome.kind == Kind::Omitted ? "OMIT" : "N/A";
  } catch (InputError const& error) {
    return "error: " + error.problem().line();
  }
}

ExposureParameters at(std::string const& date, std::string const& time) {
  auto exposure = test::miri_exposure();
  exposure.set("DATE-OBS", date);
  exposure.set("TIME-OBS", time);
  return exposure;
}

// The answers to these rules were had by running the reference implementation (crds 14.0.3) on the same text.

TEST(RuleTree, MergesRulesOfEqualWeight) {
  EXPECT_EQ(chosen("('MIRIMAGE','N/A','N/A') : " + since("z.fits") + ", ('N/A','F770W','N/A') : " + since("b.fits")),
            "z.fits");
  EXPECT_EQ(chosen("('MIRIMAGE','N/A','N/A') : " + since("N/A") + ", ('N/A','F770W','N/A') : " + since("b.fits")),
            "b.fits");
}

TEST(RuleTree, DoesNotMergeWhereTheHeaderForbidsIt) {
  for (auto const* said : {"False", "'false'", "'no'"})
    EXPECT_THAT(chosen("('MIRIMAGE','N/A','N/A') : " + since("a.fits") + ", ('N/A','F770W','N/A') : " + since("b.fits"),
                       std::string("'merge_overlaps' : ") + said + ","),
                HasSubstr("several rules match"));
}

TEST(RuleTree, OfEqualPlainValuesTheFirstKeyCountsInAnyOrder) {
  std::string const a = "('MIRIMAGE','N/A','N/A') : 'N/A'", b = "('N/A','F770W','N/A') : 'OMIT'";
  EXPECT_EQ(chosen(a + "," + b), "N/A");
  EXPECT_EQ(chosen(b + "," + a), "N/A");
}

TEST(RuleTree, FallsToALighterRuleWhenAllHeavyOnesAreTooLate) {
  EXPECT_EQ(chosen("('MIRIMAGE','N/A','MIR_IMAGE') : " + since("x.fits", "2030-01-01 00:00:00") +
                   ", ('N/A','F770W','MIR_IMAGE') : " + since("y.fits", "2031-01-01 00:00:00") +
                   ", ('N/A','N/A','N/A') : " + since("low.fits")),
            "low.fits");
}

TEST(RuleTree, EvaluatesRelevance) {
  std::string const rule = "('N/A','F770W','N/A') : " + since("a.fits");
  auto const with = [&](std::string const& expression) {
    return chosen(rule, "'rmap_relevance' : '''" + expression + "''',");
  };
  EXPECT_EQ(with("(META.EXPOSURE.TYPE == \"MIR_IMAGE\")"), "a.fits");
  EXPECT_EQ(with("(META.EXPOSURE.TYPE != \"MIR_IMAGE\")"), "N/A");
  EXPECT_EQ(with("(META.EXPOSURE.TYPE == \"mir_image\")"), "N/A");
  EXPECT_EQ(with("(False)"), "N/A");
  EXPECT_EQ(with("(\"\" if META.EXPOSURE.TYPE==\"MIR_IMAGE\" else \"A\")"), "N/A");
  EXPECT_EQ(with("ALWAYS"), "a.fits");
}

TEST(RuleTree, RelevanceThatCannotBeEvaluatedCountsAsTrueWithAWarning) {
  auto const mapping = Mapping::parse(
      test::rmap_text("'META.INSTRUMENT.FILTER', 'META.EXPOSURE.TYPE'", "('F770W', 'N/A') : " + since("a.fits"),
                      "'rmap_relevance' : '(META.EXPOSURE.TYPE < 3)', 'rmap_omit' : 'never',"),
      "t.rmap");
  auto const outcome = mapping.rules->select(test::miri_exposure());
  EXPECT_EQ(outcome.file, "a.fits");
  EXPECT_EQ(outcome.warnings.size(), 2U);
}

TEST(RuleTree, OmitsBeforeItAsksForRelevance) {
  EXPECT_EQ(chosen("('N/A','F770W','N/A') : " + since("a.fits"),
                   "'rmap_omit' : '(META.EXPOSURE.TYPE == \"MIR_IMAGE\")', 'rmap_relevance' : '(False)',"),
            "OMIT");
}

TEST(RuleTree, AnIrrelevantParameterIsNotLookedAt) {
  std::string const rule = "('N/A','F770W','XX') : " + since("a.fits");
  auto const with = [&](std::string const& e) {
    return chosen(rule, "'parkey_relevance' : {'meta.exposure.type' : '" + e + "'},");
  };
  EXPECT_EQ(with("(META.EXPOSURE.TYPE != \"MIR_IMAGE\")"), "a.fits");
  EXPECT_THAT(with("(META.EXPOSURE.TYPE == \"MIR_IMAGE\")"), HasSubstr("no rule for META.EXPOSURE.TYPE = MIR_IMAGE"));
  EXPECT_THAT(with("META.EXPOSURE.TYPE == \"MIR_IMAGE\""), HasSubstr("no rule for"));
  EXPECT_THAT(with("always"), HasSubstr("unknown name always"));
}

TEST(RuleTree, WhereNoFileIsRequiredEveryFailureIsNotApplicable) {
  for (auto const* said : {"'no'", "'NO'"}) {
    std::string const more = std::string("'reffile_required' : ") + said + ",";
    EXPECT_EQ(chosen("('N/A','F560W','N/A') : " + since("a.fits"), more), "N/A");
    EXPECT_EQ(chosen("('N/A','F770W','N/A') : " + since("a.fits", "2030-01-01 00:00:00"), more), "N/A");
    EXPECT_EQ(chosen("('N/A','F770W','N/A') : " + since("a.fits"), more, at("UNDEFINED", "UNDEFINED")), "N/A");
  }
  EXPECT_THAT(chosen("('N/A','F560W','N/A') : " + since("a.fits"), "'reffile_required' : 'none',"),
              HasSubstr("no rule for"));
}

TEST(RuleTree, ReadsDatesInTheFormsOfHeaders) {
  std::string const rules =
      "('N/A','F770W','N/A') : UseAfter({'2022-07-06 00:00:00' : 'a.fits', '2022-07-06 10:00:00' : 'b.fits'})";
  for (auto const& [date, time] : {std::pair{"2022-07-06", "10:00"},
                                   {"2022/07/06", "10:00:00"},
                                   {"07/06/2022", "10:00:00"},
                                   {"2022-07-06T10:00:00", ""},
                                   {"2022-07-06", "10:00:00.1234567"}})
    EXPECT_EQ(chosen(rules, "", at(date, time)), "b.fits") << date << " " << time;
  EXPECT_EQ(chosen(rules, "", at("2022-07-06", "09:59:59.9999999")), "a.fits");
  for (auto const& [date, time] : {std::pair{"2022-07-06", "UNDEFINED"},
                                   {"2022-7-6", "1:2:3"},
                                   {"bad", "10:00:00"},
                                   {"N/A", "N/A"},
                                   {"2022-13-06", "10:00:00"},
                                   {"2022-07-06", "25:00:00"},
                                   {"", ""}})
    EXPECT_THAT(chosen(rules, "", at(date, time)), HasSubstr("error")) << date << " " << time;
}

TEST(RuleTree, SubstitutesWholeElementsBeforeConditioning) {
  auto const by_subarray = [](std::string const& element, std::string const& more = "") {
    return chosen("('" + element + "',) : " + since("a.fits"), more, test::miri_exposure(), "'META.SUBARRAY.NAME',");
  };
  EXPECT_EQ(by_subarray("GENERIC"), "a.fits");
  EXPECT_THAT(by_subarray("GENERIC|BAR"), HasSubstr("no rule for"));
  EXPECT_THAT(by_subarray("generic"), HasSubstr("no rule for"));
  EXPECT_THAT(by_subarray("GENERIC", "'substitutions' : {'META.SUBARRAY.NAME' : {'FOO' : 'N/A'}},"),
              HasSubstr("no rule for"));
  EXPECT_EQ(by_subarray("FOO", "'substitutions' : {'META.SUBARRAY.NAME' : {'FOO' : 'N/A'}},"), "a.fits");
}

TEST(RuleTree, NestsMatchesAndGoesOnAfterAnInnerOneWithoutMatch) {
  auto const run = [](std::string const& selector) {
    std::string const header =
        "'parkey' : (('META.INSTRUMENT.DETECTOR',), ('META.INSTRUMENT.FILTER',), " + test::DateKey + "),";
    auto const mapping = Mapping::parse(test::mapping_text(header, selector), "t.rmap");
    return mapping.rules->select(test::miri_exposure()).file;
  };
  EXPECT_EQ(run("Match({('MIRIMAGE',) : Match({'F770W' : " + since("a.fits") + "})})"), "a.fits");
  EXPECT_EQ(run("Match({('MIRIMAGE',) : Match({('F560W',) : " + since("a.fits") +
                ", ('N/A',) : " + since("b.fits", "2030-01-01 00:00:00") +
                "}), ('N/A',) : Match({('F770W',) : " + since("c.fits") + "})})"),
            "c.fits");
}

TEST(RuleTree, TakesASelectorOfDatesAlone) {
  auto const mapping =
      Mapping::parse(test::mapping_text("'parkey' : (" + test::DateKey + ",),", since("a.fits")), "t.rmap");
  EXPECT_EQ(mapping.rules->select(test::miri_exposure()).file, "a.fits");
}

TEST(RuleTree, TemporaryValuesAreValuesToo) {
  EXPECT_EQ(chosen("('N/A','F770W','N/A') : 'TEMP_N/A'"), "N/A");
  EXPECT_EQ(chosen("('N/A','F770W','N/A') : 'omit'"), "OMIT");
  EXPECT_EQ(chosen("('N/A','F770W','N/A') : " + since("OMIT")), "OMIT");
}

TEST(RuleTree, RefusesBrokenRulesNamingTheLine) {
  EXPECT_THAT(chosen("('N/A','F770W') : 'a.fits'"), HasSubstr("t.rmap"));
  EXPECT_THAT(chosen("('N/A','F770W','>x') : 'a.fits'"), HasSubstr("a number"));
  EXPECT_THAT(chosen("('N/A','F770W','N/A') : " + since("a.fits", "2022/07/06")), HasSubstr("YYYY-MM-DD HH:MM:SS"));
  EXPECT_THAT(chosen("('N/A','F770W','N/A') : VersionAfter({})"), HasSubstr("not supported"));
  EXPECT_THAT(chosen("('N/A','F770W','N/A') : Match({('A', 'B', 'C') : 'a.fits'})"), HasSubstr("a key of 2 elements"));
  EXPECT_THAT(chosen("('N/A','F770W','N/A') : ('a.fits', 'b.fits')"), HasSubstr("other than one file"));
  EXPECT_THAT(chosen("", "'rmap_relevance' : '(A ==)',"), HasSubstr("broken expression"));
  EXPECT_THAT(chosen("('N/A','F770W','N/A') : UseAfter({'2000-01-01 00:00:00' : UseAfter({})})"), HasSubstr("parkey"));
  EXPECT_THROW(Mapping::parse(test::mapping_text("", since("a.fits")), "t.rmap"), InputError);
}

TEST(RuleTree, SaysWhichValueNoRuleLists) {
  auto exposure = test::miri_exposure();
  exposure.set("FILTER", "F560W");
  auto const said =
      chosen("('N/A','F770W','N/A') : " + since("a.fits") + ", ('N/A','F1000W|F1130W','N/A') : " + since("b.fits"), "",
             exposure);
  EXPECT_THAT(said, HasSubstr("META.INSTRUMENT.FILTER = F560W"));
  EXPECT_THAT(said, HasSubstr("F1000W, F1130W, F770W"));
}

TEST(RuleTree, ChoosesTheLatestDateNotAfterTheExposure) {
  std::mt19937 random(5);
  auto const date = [&] {
    return fmt::format("20{:02}-{:02}-{:02} {:02}:{:02}:{:02}", 20 + random() % 4, 1 + random() % 12, 1 + random() % 28,
                       random() % 24, random() % 60, random() % 60);
  };
  int found = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<std::string> dates;
    std::string entries;
    for (unsigned k = 0, count = 1 + random() % 8; k < count; ++k) {
      dates.push_back(date());
      entries += "'" + dates.back() + "' : '" + dates.back() + "',";
    }
    auto const when = random() % 4 == 0 ? dates[random() % dates.size()] : date();
    std::string expected;
    for (auto const& each : dates)
      if (each <= when && each > expected) expected = each;
    auto const said =
        chosen("('N/A','F770W','N/A') : UseAfter({" + entries + "})", "", at(when.substr(0, 10), when.substr(11)));
    if (expected.empty())
      EXPECT_THAT(said, HasSubstr("no rule matches"));
    else
      EXPECT_EQ(said, expected);
    found += !expected.empty();
  }
  EXPECT_GT(found, 100);
}

/// The heaviest of random rules, by counting again; the order in which they stand must not matter.
TEST(RuleTree, TheHeaviestRuleWinsInAnyOrder) {
  std::mt19937 random(17);
  std::vector<std::string> const values{"A", "B", "C"}, elements{"A", "B", "C", "A|B", "B|C", "ANY", "N/A", "NOT A"};
  auto const hit = [](std::string const& element, std::string const& value) -> std::optional<int> {
    if (element == "N/A") return 0;
    if (element == "ANY") return 1;
    if (element == "NOT A") return value == "A" ? std::nullopt : std::optional(1);
    return element.find(value) == std::string::npos ? std::nullopt : std::optional(1);
  };
  std::string const parameters = "'META.INSTRUMENT.DETECTOR', 'META.INSTRUMENT.FILTER', 'META.EXPOSURE.TYPE'";
  int chosen_count = 0;
  for (int trial = 0; trial < 400; ++trial) {
    // NOT switches the check of values off: then an answer depends on the weights alone.
    std::vector<std::vector<std::string>> keys{{"NOT A", "NOT A", "NOT A"}};
    for (unsigned k = 0, count = 1 + random() % 6; k < count; ++k) {
      std::vector<std::string> key;
      for (int p = 0; p < 3; ++p) key.push_back(elements[random() % elements.size()]);
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    std::vector<std::string> const value{values[random() % 3], values[random() % 3], values[random() % 3]};
    int best = -1;
    std::string expected;
    std::vector<std::string> rules;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      auto const file = fmt::format("{:02}.fits", k);
      rules.push_back(fmt::format("('{}', '{}', '{}') : ", keys[k][0], keys[k][1], keys[k][2]) + since(file));
      int weight = 0;
      bool fits = true;
      for (std::size_t p = 0; p < 3; ++p) {
        auto const score = hit(keys[k][p], value[p]);
        fits = fits && score;
        weight += score.value_or(0);
      }
      // Equal rules are merged: of files for the same date the larger name, which is the later one here.
      if (fits && weight >= best) {
        best = weight;
        expected = file;
      }
    }
    auto exposure = test::miri_exposure();
    exposure.set("DETECTOR", value[0]);
    exposure.set("FILTER", value[1]);
    exposure.set("EXP_TYPE", value[2]);
    for (int order = 0; order < 3; ++order) {
      std::string text;
      for (auto const& rule : rules) text += rule + ",\n";
      auto const said = chosen(text, "", exposure, parameters);
      if (best < 0)
        EXPECT_THAT(said, HasSubstr("no rule matches")) << text;
      else
        EXPECT_EQ(said, expected) << text;
      std::shuffle(rules.begin(), rules.end(), random);
    }
    chosen_count += best >= 0;
  }
  EXPECT_GT(chosen_count, 100);
}

}  // namespace

}  // namespace tessera::refs
