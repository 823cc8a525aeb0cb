#include "tessera/model/header.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tessera/core/contract.hpp"

namespace tessera::model {
namespace {

Card card(std::string text) {
  text.resize(80, ' ');
  return {text};
}

Header header_of(std::vector<std::string> const& texts) {
  Header header;
  for (auto const& text : texts) header.append(card(text));
  return header;
}

TEST(HeaderRead, TellsTheTypesApart) {
  auto const header =
      header_of({"SIMPLE  =                    T / conforms", "NAXIS   =                   +2",
                 "EXPTIME =              1.5D+02 / [s] time", "TARGET  = 'O''Neil''s  '    / it's a name",
                 "EMPTY   =", "BLANKSTR= '   '", "DOT     = .5", "ONLYDOT = 3.", "NOTFIX  = 7/tight"});
  EXPECT_EQ(header.logical("SIMPLE"), true);
  EXPECT_EQ(header.integer("NAXIS"), 2);
  EXPECT_EQ(header.real("NAXIS"), 2.0);
  EXPECT_EQ(header.real("EXPTIME"), 150.0);
  EXPECT_FALSE(header.integer("EXPTIME"));
  EXPECT_EQ(header.text("TARGET"), "O'Neil's");
  EXPECT_EQ(header.comment("TARGET"), "it's a name");
  EXPECT_FALSE(header.real("TARGET"));
  EXPECT_FALSE(header.text("NAXIS"));
  EXPECT_FALSE(header.integer("SIMPLE"));
  EXPECT_TRUE(header.has("EMPTY"));
  EXPECT_FALSE(header.text("EMPTY"));
  EXPECT_FALSE(header.real("EMPTY"));
  EXPECT_EQ(header.text("BLANKSTR"), "");
  EXPECT_EQ(header.real("DOT"), 0.5);
  EXPECT_EQ(header.real("ONLYDOT"), 3.0);
  EXPECT_EQ(header.integer("NOTFIX"), 7);
  EXPECT_EQ(header.comment("NOTFIX"), "tight");
  EXPECT_FALSE(header.has("ABSENT"));
  EXPECT_FALSE(header.text("ABSENT"));
}

TEST(HeaderRead, RefusesWhatIsNoNumber) {
  auto const header =
      header_of({"A       = NaN", "B       = inf", "C       = 1.5x", "D       = 99999999999999999999",
                 "E       = 1E400", "F       = 1E-400", "G       = -", "H       = (1.0, 2.0)", "I = 'open"});
  for (char const* keyword : {"A", "B", "C", "E", "G", "H"}) EXPECT_FALSE(header.real(keyword)) << keyword;
  EXPECT_FALSE(header.integer("D"));
  EXPECT_EQ(header.real("D"), 1e20);
  EXPECT_EQ(header.real("F"), 0.0);
}

TEST(HeaderRead, JoinsContinueCards) {
  // FITS standard 4.0, 4.2.1.2: a blank before the ampersand counts, quotes are doubled.
  auto const header = header_of({"WEATHER = 'Partly cloudy during the evening f&'",
                                 "CONTINUE  'ollowed by cloudy &' / first part", "CONTINUE  'skies / overnight.&'",
                                 "CONTINUE  ' Low 21C, it''s cold.'   / second part", "AFTER   = 1"});
  EXPECT_EQ(header.text("WEATHER"),
            "Partly cloudy during the evening followed by cloudy skies / overnight. Low 21C, it's cold.");
  EXPECT_EQ(header.comment("WEATHER"), "first part second part");
  EXPECT_EQ(header.integer("AFTER"), 1);
}

TEST(HeaderRead, KeepsAnAmpersandThatNothingContinues) {
  EXPECT_EQ(header_of({"A       = 'salt &'", "B       = 1"}).text("A"), "salt &");
}

TEST(HeaderRead, TakesTheFirstOfTwoCardsAndIgnoresLetterCase) {
  auto const header = header_of({"exptime = 1.0", "EXPTIME = 2.0"});
  EXPECT_EQ(header.real("EXPTIME"), 1.0);
  EXPECT_EQ(header.real("Exptime"), 1.0);
}

TEST(HeaderRead, FindsHierarchCardsByName) {
  auto const header = header_of({"HIERARCH ESO TEL ALT = 67.25 / [deg] altitude", "HIERARCH ESO OBS NAME = 'x = 1'"});
  EXPECT_EQ(header.cards()[0].keyword(), "HIERARCH");
  EXPECT_EQ(header.real("ESO TEL ALT"), 67.25);
  EXPECT_EQ(header.real("HIERARCH ESO TEL ALT"), 67.25);
  EXPECT_EQ(header.comment("ESO TEL ALT"), "[deg] altitude");
  EXPECT_EQ(header.text("ESO OBS NAME"), "x = 1");
  EXPECT_FALSE(header.has("ESO TEL AZ"));
}

TEST(HeaderRead, NeverTakesCommentaryForAValue) {
  auto const header = header_of({"COMMENT = 'not a value'", "HISTORY made by x", "", "        = 5"});
  EXPECT_FALSE(header.text("HISTORY"));
  EXPECT_TRUE(header.has("HISTORY"));
  EXPECT_EQ(header.cards()[2].keyword(), "");
}

TEST(HeaderRead, SurvivesShortAndBrokenCards) {
  Header header;
  for (char const* text :
       {"", "A", "ABCDEFGH", "B       =", "C       = '", "D       = ''", "HIERARCH", "HIERARCH=", "CONTINUE"})
    header.append(Card{text});
  EXPECT_FALSE(header.text("A"));
  EXPECT_FALSE(header.text("B"));
  EXPECT_EQ(header.text("C"), "");
  EXPECT_EQ(header.text("D"), "");
}

TEST(HeaderSet, LeavesOtherCardsUntouchedToTheByte) {
  auto header = header_of(
      {"ODD     =   1.50000E+00  /  strangely   spaced", "B       =                    2 / two", "C       = 'x'"});
  auto const before = header.cards();
  header.set("B", 3);
  EXPECT_EQ(header.cards()[0].text, before[0].text);
  EXPECT_EQ(header.cards()[2].text, before[2].text);
  EXPECT_EQ(header.cards()[1].text, card("B       =                    3 / two").text);
  header.set("B", 4, "four");
  EXPECT_EQ(header.cards()[1].text, card("B       =                    4 / four").text);
}

TEST(HeaderSet, WritesFixedFormat) {
  Header header;
  header.set("SIMPLE", true, "conforms");
  header.set("EXTNAME", "SCI");
  header.set("EXPTIME", 10.0, "[s]");
  header.set("QUOTE", "it's");
  header.set_undefined("NOTHING", "none");
  EXPECT_EQ(header.cards()[0].text, card("SIMPLE  =                    T / conforms").text);
  EXPECT_EQ(header.cards()[1].text, card("EXTNAME = 'SCI     '").text);
  EXPECT_EQ(header.cards()[2].text, card("EXPTIME =                 10.0 / [s]").text);
  EXPECT_EQ(header.cards()[3].text, card("QUOTE   = 'it''s   '").text);
  EXPECT_EQ(header.cards()[4].text, card("NOTHING =                      / none").text);
  EXPECT_FALSE(header.real("NOTHING"));
  EXPECT_EQ(header.comment("NOTHING"), "none");
}

TEST(HeaderSet, ReadsBackEveryDoubleExactly) {
  Header header;
  for (double const value : {0.1, 1.0 / 3, 1e23, -1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 0.0, -0.0,
                             1e5, 123456789012345680.0, 6.02214076e23, 24.171234567890123}) {
    header.set("VALUE", value);
    auto const text = header.cards()[0].text;
    auto const field = text.substr(10);
    EXPECT_NE(field.find('.'), std::string::npos) << text;  // or a reader would call it an integer
    EXPECT_EQ(header.real("VALUE"), value) << text;
    EXPECT_EQ(std::signbit(*header.real("VALUE")), std::signbit(value));
    EXPECT_FALSE(header.integer("VALUE"));
    EXPECT_EQ(text.size(), 80u);
  }
  header.set("VALUE", 1e23);
  EXPECT_EQ(header.cards()[0].text, card("VALUE   =              1.0E+23").text);
  header.set("VALUE", std::numeric_limits<double>::quiet_NaN(), "undefined");
  EXPECT_TRUE(header.has("VALUE"));
  EXPECT_FALSE(header.real("VALUE"));
}

TEST(HeaderSet, SplitsLongStringsAndJoinsThemAgain) {
  for (std::size_t length = 60; length < 300; ++length) {
    std::string value;
    while (value.size() < length)
      value += value.size() % 7 == 3 ? '\'' : value.size() % 11 == 5 ? ' ' : char('a' + value.size() % 26);
    value.back() = '&';
    Header header;
    header.set("BEFORE", 1);
    header.set("LONG", "short", "kept comment");
    header.set("AFTER", 2);
    header.set("LONG", value);
    EXPECT_EQ(header.text("LONG"), value);
    for (auto const& each : header.cards()) EXPECT_EQ(each.text.size(), 80u);
    EXPECT_EQ(header.cards()[0].keyword(), "BEFORE");
    EXPECT_EQ(header.cards()[1].keyword(), "LONG");
    EXPECT_EQ(header.cards().back().keyword(), "AFTER");
    header.set("LONG", "short");
    ASSERT_EQ(header.cards().size(), 3u);  // no CONTINUE card stays behind
    EXPECT_EQ(header.text("LONG"), "short");
  }
}

TEST(HeaderSet, FitsSixtyEightCharactersInOneCard) {
  Header header;
  header.set("A", std::string(68, 'x'));
  EXPECT_EQ(header.cards().size(), 1u);
  header.set("A", std::string(69, 'x'), "note");
  EXPECT_EQ(header.cards().size(), 2u);
  EXPECT_EQ(header.text("A"), std::string(69, 'x'));
  EXPECT_EQ(header.comment("A"), "note");
}

TEST(HeaderSet, ReplacesCharactersThatFitsForbids) {
  Header header;
  header.set("A", "tab\there");
  EXPECT_EQ(header.text("A"), "tab?here");
}

TEST(HeaderSet, RefusesKeywordsThatCannotBe) {
  Header header;
  for (char const* keyword : {"", "TOOLONGKEY", "lower", "A B", "HISTORY", "COMMENT", "END", "CONTINUE", "HIERARCH"})
    EXPECT_THROW(header.set(keyword, 1), ContractViolation) << keyword;
}

TEST(HeaderRemove, TakesContinueCardsAlong) {
  auto header = header_of({"A       = 'x&'", "CONTINUE  'y'", "B       = 1", "A       = 2"});
  auto copy = header;
  header.remove("A");
  ASSERT_EQ(header.cards().size(), 1u);
  EXPECT_EQ(header.cards()[0].keyword(), "B");
  copy.remove_if([](std::string const& keyword) { return keyword == "A"; });
  EXPECT_EQ(copy.cards().size(), 1u);
}

TEST(HeaderHistory, WrapsAtSeventyTwoColumns) {
  Header header;
  header.add_history(std::string(72, 'a') + "b");
  header.add_comment("one\ntwo");
  header.add_history("");
  ASSERT_EQ(header.cards().size(), 5u);
  EXPECT_EQ(header.cards()[0].text, "HISTORY " + std::string(72, 'a'));
  EXPECT_EQ(header.cards()[1].text, card("HISTORY b").text);
  EXPECT_EQ(header.cards()[2].text, card("COMMENT one").text);
  EXPECT_EQ(header.cards()[3].text, card("COMMENT two").text);
  EXPECT_EQ(header.cards()[4].text, card("HISTORY").text);
}

}  // namespace
}  // namespace tessera::model
