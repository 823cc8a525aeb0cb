#include "tessera/config/resolve.hpp"

#include "support/test_files.hpp"
#include "tessera/config/toml_file.hpp"

using namespace tessera;
using namespace tessera::config;

namespace {

Value from_json(nlohmann::json const& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    Value::List list;
    for (auto const& each : json) list.push_back(from_json(each));
    return list;
  }
  Value::Table table;
  for (auto const& [key, each] : json.items()) table.push_back({key, from_json(each)});
  return table;
}

}  // namespace

TEST(ResolveValue, AgreesWithTheVectors) {
  auto const cases = test::read_vector("pj_config_names.json").at("parameter_resolution");
  ASSERT_EQ(cases.size(), 19u);
  for (auto const& entry : cases) {
    Band const band = parse_band(entry.at("band").get<std::string>());
    int const levels = entry.at("max_level").is_null() ? unlimited_levels : entry.at("max_level").get<int>();
    auto const target = entry.at("target").get<std::string>();
    auto const result = resolve_value(from_json(entry.at("value")), target, &band, levels);
    auto const& expected = entry.at("result");
    if (expected == "<default>") {
      EXPECT_FALSE(result) << entry;
      continue;
    }
    ASSERT_TRUE(result) << entry;
    if (expected.is_number_float())
      EXPECT_NEAR(result->number(), expected.get<double>(), 1e-12) << entry;
    else
      EXPECT_EQ(*result, from_json(expected)) << entry;
  }
}

TEST(ResolveValue, PrefersTargetThenBandThenChannelThenInstrument) {
  Value const value = parse_toml("t = 1\nF200W = 2\nnircam_short = 3\nnircam = 4", "x");
  Band const f200w = parse_band("F200W_bgr"), f150w = parse_band("F150W"), f300m = parse_band("F300M");
  EXPECT_EQ(resolve_value(value, "t", &f200w)->integer(), 1);
  EXPECT_EQ(resolve_value(value, "u", &f200w)->integer(), 2);
  EXPECT_EQ(resolve_value(value, "u", &f150w)->integer(), 3);
  EXPECT_EQ(resolve_value(value, "u", &f300m)->integer(), 4);
  EXPECT_FALSE(resolve_value(value, "u", nullptr));
}

TEST(ResolveValue, DoesNotGoBackUpWhenALevelHasNoKey) {
  Value const value = parse_toml("t.miri = 1\nnircam = 2", "x");
  Band const band = parse_band("F200W");
  EXPECT_FALSE(resolve_value(value, "t", &band));
}

TEST(PixelCount, NeedsANumber) {
  EXPECT_EQ(pixel_count("2.5pix"), 2.5);
  EXPECT_EQ(pixel_count("2.5 pix"), 2.5);
  for (auto const* other : {"pix", "pixfrac", "2.5", "2.5pixels", ""}) EXPECT_FALSE(pixel_count(other)) << other;
}
