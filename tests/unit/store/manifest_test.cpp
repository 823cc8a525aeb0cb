#include "tessera/store/manifest.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/test_files.hpp"

namespace tessera::store {
namespace {

Manifest make_manifest() {
  Manifest manifest;
  manifest.product = "field_i2d.fits";
  manifest.step = "resample";
  manifest.algorithm = 3;
  manifest.parameters = R"({"kernel":"square","pixfrac":1.0})";
  manifest.inputs = {{"a", "11"}, {"b", "22"}};
  manifest.program = "tessera 1 (abc)";
  return manifest;
}

TEST(ManifestKey, IsOfWhatDecidesThePixelsAlone) {
  auto const key = make_manifest().key();
  EXPECT_EQ(key.size(), 64u);
  auto same = make_manifest();
  same.product = "other.fits";
  same.program = "tessera 2";
  same.parameters = R"({ "pixfrac": 1.0, "kernel": "square" })";
  EXPECT_EQ(same.key(), key);
  for (auto const change : {0, 1, 2, 3, 4}) {
    auto other = make_manifest();
    if (change == 0) other.step = "drizzle";
    if (change == 1) other.algorithm = 4;
    if (change == 2) other.parameters = R"({"kernel":"square","pixfrac":0.9})";
    if (change == 3) other.inputs[1].second = "23";
    if (change == 4) std::swap(other.inputs[0], other.inputs[1]);
    EXPECT_NE(other.key(), key) << change;
  }
}

TEST(ManifestFile, ReadsBackWithTheSameKey) {
  test::ScratchFolder const scratch("manifest");
  auto const product = scratch.path() / "field_i2d.fits";
  EXPECT_FALSE(read_manifest(product));
  write_manifest(product, make_manifest());
  EXPECT_EQ(manifest_path(product).filename(), "field_i2d.fits.manifest.json");
  auto const back = read_manifest(product);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->key(), make_manifest().key());
  EXPECT_EQ(back->inputs, make_manifest().inputs);
  EXPECT_EQ(back->program, make_manifest().program);
}

TEST(ManifestFile, ABrokenOneCountsAsNone) {
  test::ScratchFolder const scratch("manifest");
  for (char const* text : {"{", "[]", R"({"product": 3})", ""}) {
    std::ofstream(manifest_path(scratch.path() / "a.fits")) << text;
    EXPECT_FALSE(read_manifest(scratch.path() / "a.fits")) << text;
  }
}

TEST(DescribeDifference, NamesTheFirstThingThatChanged) {
  auto const before = make_manifest();
  auto now = before;
  EXPECT_EQ(describe_difference(before, now), "");
  now.inputs = {{"b", "22"}, {"a", "11"}};
  EXPECT_EQ(describe_difference(before, now), "order of the inputs");
  now.inputs = {{"a", "11"}};
  EXPECT_EQ(describe_difference(before, now), "input b: no longer there");
  now.inputs = {{"a", "11"}, {"b", "22"}, {"c", "33"}};
  EXPECT_EQ(describe_difference(before, now), "input c: new");
  now.inputs = {{"a", "12"}, {"b", "22"}};
  EXPECT_EQ(describe_difference(before, now), "input a: changed");
  now.parameters = R"({"kernel":"turbo","pixfrac":1.0})";
  EXPECT_EQ(describe_difference(before, now), R"(parameter kernel: "square" -> "turbo")");
  now.parameters = R"({"kernel":"square","pixfrac":1.0,"rotation":2})";
  EXPECT_EQ(describe_difference(before, now), R"(parameter rotation: "not set" -> 2)");
  now.parameters = R"({"kernel":"square"})";
  EXPECT_EQ(describe_difference(before, now), "parameter pixfrac: 1.0 -> not set");
  now.algorithm = 4;
  EXPECT_EQ(describe_difference(before, now), "algorithm of resample: 3 -> 4");
  now.step = "other";
  EXPECT_EQ(describe_difference(before, now), "step: resample -> other");
}

TEST(DescribeDifference, SaysSomethingWhenAnInputIsListedTwice) {
  auto const before = make_manifest();
  auto now = before;
  now.inputs.push_back({"b", "22"});
  EXPECT_NE(before.key(), now.key());
  EXPECT_NE(describe_difference(before, now), "");
}

}  // namespace
}  // namespace tessera::store
