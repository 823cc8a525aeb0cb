#include "tessera/core/byte_size.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tessera/core/error.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace tessera
