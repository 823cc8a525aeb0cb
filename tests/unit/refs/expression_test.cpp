#include "tessera/refs/expression.hpp"

#include <gtest/gtest.h>

namespace tessera::refs {

namespace {

ExpressionNames const Names{{"META.EXPOSURE.TYPE", "MIR_IMAGE"}, {"META.EXPOSURE.NGROUPS", "8.0"}, {"EMPTY", ""}};

bool is_true(std::string const& text) { return Expression::parse(text, "test").is_true(Names); }

TEST(Expression, HasTheMeaningOfPython) {
  for (auto const* text : {
           "True",
           "META.EXPOSURE.TYPE",
           "not EMPTY",
           "(META.EXPOSURE.TYPE == \"MIR_IMAGE\")",
           "META.EXPOSURE.TYPE in ('MIR_IMAGE', 'NRC_IMAGE')",
           "META.EXPOSURE.TYPE in ['MIR_IMAGE']",
           "META.EXPOSURE.TYPE in 'XMIR_IMAGEX'",
           "META.EXPOSURE.TYPE not in ('MIR_IMAG', 'E')",
           "META.EXPOSURE.TYPE not in ()",
           "not META.EXPOSURE.TYPE != 'MIR_IMAGE'",
           "False or META.EXPOSURE.NGROUPS == '8.0'",
           "META.EXPOSURE.NGROUPS != 8",
           "1 < 2 < 3",
           "2 >= 2 and -1 <= 0",
           "'A' < 'B'",
           "'a' if META.EXPOSURE.TYPE == 'MIR_IMAGE' else ''",
           "'' if META.EXPOSURE.TYPE != 'MIR_IMAGE' else 'b'",
           "not (1 == 2 or 1 > 3)",
           "True == 1",
           "'ab' == 'a' 'b'",
           "(1, 'x') == (1, 'x')",
           "None == None",
       })
    EXPECT_TRUE(is_true(text)) << text;
  for (auto const* text : {
           "False",
           "None",
           "0",
           "()",
           "''",
           "EMPTY",
           "META.EXPOSURE.TYPE == 'mir_image'",
           "META.EXPOSURE.TYPE in ('MIR_IMAG', 'E')",
           "1 < 3 < 2",
           "True and EMPTY",
           "None == 0",
           "not 1",
           "'' if META.EXPOSURE.TYPE == 'MIR_IMAGE' else 'b'",
       })
    EXPECT_FALSE(is_true(text)) << text;
}

TEST(Expression, UnknownNamesMatterOnlyWhereTheyAreLookedAt) {
  EXPECT_TRUE(is_true("True or META.NONE"));
  EXPECT_FALSE(is_true("False and META.NONE"));
  EXPECT_TRUE(is_true("1 if True else META.NONE"));
  EXPECT_THROW(is_true("META.NONE == 'A'"), ExpressionError);
  EXPECT_THROW(is_true("meta.exposure.type == 'MIR_IMAGE'"), ExpressionError);
  EXPECT_THROW(is_true("True and META.NONE"), ExpressionError);
}

TEST(Expression, TextsAndNumbersHaveNoOrder) {
  EXPECT_THROW(is_true("META.EXPOSURE.NGROUPS < 9"), ExpressionError);
  EXPECT_THROW(is_true("1 in 2"), ExpressionError);
  EXPECT_THROW(is_true("-'a'"), ExpressionError);
}

TEST(Expression, RefusesWhatIsNoExpression) {
  for (auto const* text : {"", "(", "A ==", "A = 'b'", "f('x')", "A.startswith('M')", "'abc", "A B", "1.2.3", "A in",
                           "not", "A if B", "lambda: 1", "A + 'b'", "A and or B"})
    EXPECT_THROW(Expression::parse(text, "test"), InputError) << text;
  EXPECT_THROW(Expression::parse(std::string(100000, '('), "test"), InputError);
  std::string many;
  for (int k = 0; k < 20000; ++k) many += "not ";
  EXPECT_THROW(Expression::parse(many + "A", "test"), InputError);
}

}  // namespace

}  // namespace tessera::refs
