#include "tessera/config/value.hpp"

#include <limits>

#include "support/test_files.hpp"
#include "tessera/config/toml_file.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::config;

TEST(ParseToml, KeepsKindsAndPlaces) {
  Value const file = parse_toml("a = 1\nb.c = [1.5, 'x', true]\n", "some.toml");
  EXPECT_EQ(file.find("a")->integer(), 1);
  Value const& list = *file.find("b")->find("c");
  EXPECT_EQ(list, Value(Value::List{1.5, "x", true}));
  EXPECT_EQ(list.place().text(), "some.toml:2:3");
  EXPECT_EQ(list.list()[1].place().text(), "some.toml:2:13");
  EXPECT_EQ(file.find("absent"), nullptr);
}

TEST(ParseToml, TakesDottedKeysAndSubTablesAsTheSame) {
  EXPECT_EQ(parse_toml("a.b.c = 1", "x"), parse_toml("[a.b]\nc = 1", "y"));
}

TEST(ParseToml, SaysLineAndColumnOfASyntaxError) {
  try {
    parse_toml("a = 1\nb = = 2\n", "some.toml");
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().where.substr(0, 12), "some.toml:2:") << error.what();
  }
  EXPECT_THROW(parse_toml("a = 1\na = 2\n", "x"), ConfigError);
  EXPECT_THROW(parse_toml("a = 1979-05-27\n", "x"), ConfigError);
}

TEST(ReadToml, NamesAFileThatIsNotThere) {
  try {
    read_toml("/no/such/file.toml");
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().where, "/no/such/file.toml");
  }
}

TEST(ValueJson, ReadsBackTheSame) {
  Value const value(Value::Table{{"text", "quote \" slash \\ tab \t bell \a"},
                                 {"one", 1},
                                 {"real", 1.0},
                                 {"tenth", 0.1},
                                 {"small", 1e-300},
                                 {"none", Value()},
                                 {"list", Value::List{true, Value::List{}, Value::Table{}}}});
  auto const json = nlohmann::json::parse(value.json());
  EXPECT_EQ(json.at("text"), "quote \" slash \\ tab \t bell \a");
  EXPECT_TRUE(json.at("one").is_number_integer());
  EXPECT_TRUE(json.at("real").is_number_float());
  EXPECT_EQ(json.at("tenth").get<double>(), 0.1);
  EXPECT_EQ(json.at("small").get<double>(), 1e-300);
  EXPECT_TRUE(json.at("none").is_null());
  EXPECT_EQ(json.at("list"), nlohmann::json::parse("[true, [], {}]"));
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).json(), "\"inf\"");
  EXPECT_EQ(Value(std::numeric_limits<double>::quiet_NaN()).json(), "\"nan\"");
}

TEST(Value, RefusesToBeReadAsAnotherKind) {
  EXPECT_THROW(Value("x").number(), ContractViolation);
  EXPECT_THROW(Value(1.0).integer(), ContractViolation);
  EXPECT_EQ(Value(1).number(), 1.0);
  EXPECT_EQ(Value("x").find("y"), nullptr);
}
