#include "tessera/core/dq.hpp"

#include <fmt/format.h>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;

TEST(DqBits, HaveTheOfficialNumbers) {
  // Spot values of the table in spec 10, section 3.
  EXPECT_EQ(dq::find_bit("DROPOUT"), 8u);
  EXPECT_EQ(dq::find_bit("CHARGELOSS"), 128u);
  EXPECT_EQ(dq::find_bit("NON_SCIENCE"), 512u);
  EXPECT_EQ(dq::find_bit("TELEGRAPH"), 32768u);
  EXPECT_EQ(dq::find_bit("NONLINEAR"), 65536u);
  EXPECT_EQ(dq::find_bit("NO_FLAT_FIELD"), 262144u);
  EXPECT_EQ(dq::find_bit("NO_SAT_CHECK"), 2097152u);
  EXPECT_EQ(dq::find_bit("UNRELIABLE_FLAT"), 33554432u);
  EXPECT_EQ(dq::find_bit("FLUX_ESTIMATED"), 268435456u);
  EXPECT_EQ(dq::find_bit("OTHER_BAD_PIXEL"), 1073741824u);
  EXPECT_EQ(dq::find_bit("REFERENCE_PIXEL"), 2147483648u);
  EXPECT_EQ(dq::find_bit("RESERVED"), 256u);
  EXPECT_EQ(dq::find_bit("GOOD"), 0u);
  EXPECT_FALSE(dq::find_bit("NICE"));
}

TEST(DqBits, AreThirtyTwoAndInOrder) {
  auto const bits = dq::all_bits();
  ASSERT_EQ(bits.size(), 32u);
  for (std::size_t number = 0; number < 32; ++number) EXPECT_EQ(bits[number].bit, 1u << number) << bits[number].name;
}

TEST(BadBits, ReadsTheTextsOfTheOfficialPipeline) {
  EXPECT_EQ(dq::bad_bits("~DO_NOT_USE+NON_SCIENCE"), 513u);
  EXPECT_EQ(dq::bad_bits("~DO_NOT_USE"), 1u);
  EXPECT_EQ(dq::bad_bits("~(DO_NOT_USE, NON_SCIENCE)"), 513u);
  EXPECT_EQ(dq::bad_bits("~1+512"), 513u);
  EXPECT_EQ(dq::bad_bits("none"), 0u);
  EXPECT_EQ(dq::bad_bits("None"), 0u);
  EXPECT_EQ(dq::bad_bits(""), 0u);
  EXPECT_EQ(dq::bad_bits("0"), 0xffffffffu);
  EXPECT_EQ(dq::bad_bits("~0"), 0u);
  EXPECT_EQ(dq::bad_bits("16,4"), ~20u);
  EXPECT_EQ(dq::bad_bits("20"), ~20u);
  EXPECT_EQ(dq::bad_bits("OUTLIER | jump_det"), ~20u);
}

TEST(BadBits, NamesTheUnknownFlagAndTheNearest) {
  try {
    dq::bad_bits("~DO_NOT_USE+NON_SCIENCES");
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_NE(error.problem().found.find("NON_SCIENCES"), std::string::npos);
    EXPECT_EQ(error.problem().remedy, "did you mean 'NON_SCIENCE'?");
  }
  EXPECT_THROW(dq::bad_bits("~"), ConfigError);
  EXPECT_THROW(dq::bad_bits("1+"), ConfigError);
  EXPECT_THROW(dq::bad_bits("-1"), ConfigError);
  EXPECT_THROW(dq::bad_bits("4294967296"), ConfigError);
}

TEST(DescribeBits, InvertsTheNames) {
  EXPECT_EQ(dq::describe_bits(513), "DO_NOT_USE+NON_SCIENCE");
  EXPECT_EQ(dq::describe_bits(0), "GOOD");
  for (auto const& [name, bit] : dq::all_bits())
    EXPECT_EQ(dq::bad_bits(fmt::format("~{}", dq::describe_bits(bit | 1u))), bit | 1u);
}

TEST(DqBits, AgreeWithThePjpipeTestOfBadPixels) {
  auto const cases = test::read_vector("pj_config_names.json").at("dq");
  ASSERT_EQ(cases.size(), 11u);
  for (auto const& entry : cases) {
    auto const value = entry.at("dq").get<std::uint32_t>();
    EXPECT_EQ((value & dq::ResampleBad) != 0, entry.at("recommended_bad").get<bool>()) << value;
    EXPECT_EQ((value & dq::Pjpipe121Bad) != 0, entry.at("v121_bad").get<bool>()) << value;
  }
}
