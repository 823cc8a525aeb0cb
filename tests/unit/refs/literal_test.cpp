#include "tessera/refs/literal.hpp"

#include <gmock/gmock.h>

#include <random>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/refs/mapping.hpp"

namespace tessera::refs {

namespace {

using Kind = Literal::Kind;

/// The line that an error names, "name:LINE".
std::string place_of_error(std::string const& text) {
  try {
    parse_assignments(text, "x.rmap");
  } catch (InputError const& error) {
    return error.problem().where;
  }
  return "none";
}

TEST(ParseLiteral, ReadsScalars) {
  EXPECT_EQ(parse_literal("None", "t").kind, Kind::None);
  EXPECT_EQ(parse_literal(" True ", "t").scalar_text(), "True");
  EXPECT_EQ(parse_literal("-1.5e-3", "t").kind, Kind::Number);
  EXPECT_EQ(parse_literal("-1.5e-3", "t").text, "-1.5e-3");
  EXPECT_EQ(parse_literal(".5", "t").text, ".5");
  EXPECT_EQ(parse_literal("5.", "t").text, "5.");
}

TEST(ParseLiteral, ReadsStringsWithEscapesAndJoinsNeighbours) {
  EXPECT_EQ(parse_literal(R"('a\'b\\c\n\x41\u00e9\101\q')", "t").text,
            "a'b\\c\nA\xC3\xA9"
            "A\\q");
  EXPECT_EQ(parse_literal("'''one\n'two' \"three\"'''", "t").text, "one\n'two' \"three\"");
  EXPECT_EQ(parse_literal("(\"a\"\n 'b'\n\"\"\"c\"\"\")", "t").text, "abc");
  EXPECT_EQ(parse_literal("''", "t").text, "");
}

TEST(ParseLiteral, TellsTuplesFromBrackets) {
  EXPECT_EQ(parse_literal("('a')", "t").kind, Kind::Text);
  EXPECT_EQ(parse_literal("('a',)", "t").kind, Kind::Tuple);
  EXPECT_EQ(parse_literal("()", "t").items.size(), 0U);
  EXPECT_EQ(parse_literal("('a', 1, ('b',),)", "t").items.size(), 3U);
  EXPECT_EQ(parse_literal("[1, 2,]", "t").kind, Kind::List);
}

TEST(ParseLiteral, ReadsDictionariesWithCommentsAndTrailingCommas) {
  auto const dict = parse_literal("{ # first\n 'a' : 1, # one\n 'b': {'c': Match({})},\n}", "t");
  ASSERT_EQ(dict.entries.size(), 2U);
  EXPECT_EQ(dict.find("a")->text, "1");
  EXPECT_EQ(dict.find("b")->find("c")->text, "Match");
  EXPECT_EQ(dict.find("b")->line, 3);
  EXPECT_EQ(dict.find("x"), nullptr);
}

TEST(ParseLiteral, OfEqualKeysTheLastCounts) {
  auto const dict = parse_literal("{'a': 1,\n'b': 2,\n'a': 3,\n('a',): 4}", "t");
  ASSERT_EQ(dict.entries.size(), 3U);
  EXPECT_EQ(dict.find("a")->text, "3");
  EXPECT_EQ(dict.duplicates, std::vector<int>{3});
}

TEST(ParseAssignments, ReadsAWholeMapping) {
  auto const all =
      parse_assignments("# head\nheader = {'a' : 'b'}\ncomment = \"\"\"\nx\n\"\"\"\nselector = Match({\n})\n", "m");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].name, "comment");
  EXPECT_EQ(all[1].value.text, "\nx\n");
  EXPECT_EQ(all[2].value.kind, Kind::Call);
}

TEST(ParseAssignments, NamesTheLineOfWhatIsBroken) {
  EXPECT_EQ(place_of_error("header = {\n'a' 'b'\n}"), "x.rmap:3");
  EXPECT_EQ(place_of_error("header = {\n'a' : 'b\n}"), "x.rmap:2");
  EXPECT_EQ(place_of_error("header = {\n'a' : (1,\n"), "x.rmap:3");
  EXPECT_EQ(place_of_error("\nimport os\n"), "x.rmap:2");
  EXPECT_EQ(place_of_error("header = os.system\n"), "x.rmap:1");
  EXPECT_EQ(place_of_error("header = 1 + 2\n"), "x.rmap:1");
  EXPECT_EQ(place_of_error("header = \"\"\"\n\n"), "x.rmap:1");
  EXPECT_EQ(place_of_error("header = 12ab"), "x.rmap:1");
  EXPECT_EQ(place_of_error("header = '\\x4'"), "x.rmap:1");
  EXPECT_EQ(place_of_error("header = '\\U7fffffff'"), "x.rmap:1");
}

TEST(ParseAssignments, RefusesBracketsWithoutEnd) {
  EXPECT_THROW(parse_literal(std::string(100000, '('), "deep"), InputError);
  EXPECT_THROW(parse_literal(std::string(100000, '['), "deep"), InputError);
}

TEST(MappingParse, NeverFallsOverDamagedText) {
  std::string const whole =
      "header = {\n 'parkey' : (('META.A', 'META.B'), ('META.D', 'META.T')),\n 'substitutions' : {'META.A' : {'G' : "
      "'N/A'}},\n"
      " 'rmap_relevance' : '(META.A != \"X\")',\n}\nselector = Match({\n ('A|B', 'BETWEEN 1 2') : UseAfter({\n"
      "  '2020-01-01 00:00:00' : 'a.fits',\n }),\n ('(x.)', '# >1 AND <5 #') : 'N/A',\n})\n";
  ASSERT_NO_THROW(Mapping::parse(whole, "whole.rmap"));
  std::mt19937 random(7);
  std::string const letters = "()[]{}'\"\\,:=#|>< AN0.\n\xff";
  int thrown = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::string text = whole;
    for (unsigned k = 0, count = 1 + random() % 3; k < count; ++k) {
      auto const at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = letters[random() % letters.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 5);
          break;
        default:
          text.insert(at, 1, letters[random() % letters.size()]);
      }
    }
    try {
      Mapping::parse(text, "damaged.rmap");
    } catch (InputError const&) {
      ++thrown;
    }
  }
  EXPECT_GT(thrown, 1000);
}

}  // namespace

}  // namespace tessera::refs
