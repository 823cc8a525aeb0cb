#include "tessera/io/asdf_document.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "asdf_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {
namespace {

using test::asdf_block;
using test::asdf_text;
using test::parse_text;

std::vector<double> flatten(nlohmann::json const& nested) {
  std::vector<double> values;
  if (nested.is_array())
    for (auto const& item : nested)
      for (double const value : flatten(item)) values.push_back(value);
  else
    values.push_back(nested.get<double>());
  return values;
}

nlohmann::json expected_values() {
  return nlohmann::json::parse(test::read_text(test::shared_dir() / "data/asdf/expected.json"));
}

TEST(AsdfDocument, ReadsTheSameTreeWhateverTheCompression) {
  SKIP_WITHOUT_SHARED("data/asdf/expected.json");
  auto const expected = expected_values();
  for (auto const* kind : {"none", "zlib", "bzp2", "lz4", "inline"}) {
    SCOPED_TRACE(kind);
    auto const document =
        AsdfDocument::read(test::shared_dir() / "data/asdf" / (std::string("basic_") + kind + ".asdf"));
    for (auto const* key : {"a", "b", "c", "base", "view"}) {
      auto const array = document.array(key);
      EXPECT_EQ(array.to_doubles(), flatten(expected.at(key))) << key;
      EXPECT_EQ(array.shape[0], expected.at(key).size()) << key;
    }
    EXPECT_EQ(document.array("shared.1").to_doubles(), flatten(expected.at("a")));
    EXPECT_EQ(document.array("a").shape, (std::vector<std::size_t>{3, 4}));
    EXPECT_EQ(*document.at("n").integer(), 42);
    EXPECT_EQ(document.at("x").real(), 0.0015);
    EXPECT_EQ(document.at("inf").real(), HUGE_VAL);
    EXPECT_TRUE(*document.at("flag").boolean());
    EXPECT_TRUE(document.at("none").is_null());
    EXPECT_EQ(*document.at("text").string(), "hello world");
    EXPECT_EQ(*document.at("nested.k.2.z").string(), "y");
  }
}

TEST(AsdfDocument, ReadsAStreamedBlockToTheEndOfTheFile) {
  SKIP_WITHOUT_SHARED("data/asdf/streamed.asdf");
  auto const array = AsdfDocument::read(test::shared_dir() / "data/asdf/streamed.asdf").array("s");
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{3, 4}));
  EXPECT_EQ(array.to_doubles(), flatten(expected_values().at("streamed")));
}

TEST(AsdfDocument, ReadsParameterReferences) {
  SKIP_WITHOUT_SHARED("data/asdf/synthetic_pars-image2pipeline.asdf");
  auto const document = AsdfDocument::read(test::shared_dir() / "data/asdf/synthetic_pars-image2pipeline.asdf");
  EXPECT_EQ(*document.at("steps.0.name").string(), "bkg_subtract");
  EXPECT_EQ(document.at("steps.0.parameters.sigma").real(), 2.5);
  EXPECT_TRUE(*document.at("steps.1.parameters.skip").boolean());
}

TEST(AsdfTree, ResolvesScalarsAsYamlDoes) {
  auto const document = parse_text(asdf_text(
      "a: 1.5e-05\nb: -.inf\nc: .nan\nd: ~\ne: 'true'\nf: \"1\"\ng: 0x1F\nh: -7\ni: 2018-05-16T12:00:00\n"
      "j: !unit/unit-1.0.0 deg\nk: word\n  folded\nl: !unknown/thing-9.9.9 {a: 1}\nm: 1e3\nn: 99999999999999999999\n"));
  EXPECT_EQ(document.at("a").real(), 1.5e-5);
  EXPECT_EQ(document.at("b").real(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(document.at("c").real()));
  EXPECT_TRUE(document.at("d").is_null());
  EXPECT_EQ(*document.at("e").string(), "true");
  EXPECT_EQ(*document.at("f").string(), "1");
  EXPECT_EQ(*document.at("g").integer(), 31);
  EXPECT_EQ(*document.at("h").integer(), -7);
  EXPECT_TRUE(document.at("i").string());
  EXPECT_EQ(*document.at("j").string(), "deg");
  EXPECT_EQ(document.at("j").tag_name(), "unit/unit");
  EXPECT_EQ(*document.at("k").string(), "word folded");
  EXPECT_EQ(document.at("l").tag_name(), "unknown/thing");
  EXPECT_EQ(document.at("m").real(), 1000);
  EXPECT_EQ(document.at("n").real(), 1e20);
}

TEST(AsdfTree, ExpandsBothFormsOfTags) {
  auto const document = parse_text(asdf_text("a: !transform/shift-1.2.0 {}\nb: !<tag:stsci.edu:gwcs/step-1.1.0> {}\n"));
  EXPECT_EQ(document.at("a").tag_name(), "transform/shift");
  EXPECT_EQ(document.at("a").tag(), "tag:stsci.edu:asdf/transform/shift-1.2.0");
  EXPECT_EQ(document.at("b").tag_name(), "gwcs/step");
}

TEST(AsdfDocument, AcceptsWindowsLinesPaddingAndAnAbsentTree) {
  auto const document =
      parse_text("#ASDF 1.0.0\r\n%YAML 1.1\r\n---\r\na: 1\r\n...\r\n  padding  " + asdf_block("abcd"));
  EXPECT_EQ(*document.at("a").integer(), 1);
  EXPECT_EQ(document.block_count(), 1u);
  EXPECT_EQ(parse_text("#ASDF 1.0.0\n" + asdf_block("abcd") + asdf_block("xy")).block_count(), 2u);
  EXPECT_TRUE(parse_text("#ASDF 1.0.0\n").tree().is_null());
}

TEST(AsdfArrays, SwapBytesAndFollowNegativeStrides) {
  std::string const block = asdf_block(std::string("\x00\x01\x00\x02\x00\x03", 6));
  auto const document = parse_text(asdf_text(
      "a: !core/ndarray-1.0.0 {source: 0, datatype: uint16, byteorder: big, shape: [3], offset: 4, strides: [-2]}\n",
      block));
  EXPECT_EQ(document.array("a").to_doubles(), (std::vector<double>{3, 2, 1}));
}

TEST(AsdfArrays, ReadRecordsAndTexts) {
  std::string const records(
      "\x01\x00"
      "ab"
      "\x00\x00\x80\x3f"
      "\x02\x00"
      "c\0"
      "\x00\x00\x00\x40",
      16);
  auto const document = parse_text(asdf_text(
      "t: !core/ndarray-1.0.0\n  source: 0\n  byteorder: little\n  shape: [2]\n  datatype:\n"
      "  - {name: id, datatype: int16}\n  - {name: label, datatype: [ascii, 2]}\n  - {name: flux, datatype: float32}\n",
      asdf_block(records)));
  EXPECT_EQ(document.table_column("t", "id").to_doubles(), (std::vector<double>{1, 2}));
  EXPECT_EQ(document.table_column("t", "label").to_strings(), (std::vector<std::string>{"ab", "c"}));
  EXPECT_EQ(document.table_column("t", "flux").to_doubles(), (std::vector<double>{1, 2}));
  EXPECT_THROW(document.table_column("t", "absent"), InputError);
}

TEST(AsdfArrays, ReadTablesOfColumns) {
  auto const document = parse_text(
      asdf_text("m: {filter: [F770W, F1000W], value: [1.5, 2]}\n"
                "t: {columns: [{name: filter, data: [F770W]}, {name: value, data: !core/ndarray-1.0.0 [3]}]}\n"));
  EXPECT_EQ(document.table_column("m", "filter").to_strings(), (std::vector<std::string>{"F770W", "F1000W"}));
  EXPECT_EQ(document.table_column("m", "value").to_doubles(), (std::vector<double>{1.5, 2}));
  EXPECT_EQ(document.table_column("t", "value").to_doubles(), (std::vector<double>{3}));
}

TEST(AsdfInFits, ReadsTheExtensionOfAProduct) {
  SKIP_WITHOUT_SHARED("data/asdf/synthetic_cal.fits");
  auto const text = test::read_text(test::shared_dir() / "data/asdf/synthetic_cal.fits");
  auto const start = text.rfind("#ASDF 1.");
  ASSERT_NE(start, std::string::npos);
  auto const document = parse_text(text.substr(start));  // with the padding of the HDU
  EXPECT_EQ(AsdfDocument::fits_source(document.at("data")), "SCI,1");
  EXPECT_EQ(AsdfDocument::fits_source(document.at("dq")), "DQ,1");
  EXPECT_EQ(document.at("meta.wcs").tag_name(), "gwcs/wcs");
  EXPECT_THROW(document.array("data"), InputError);
}

}  // namespace
}  // namespace tessera::io
