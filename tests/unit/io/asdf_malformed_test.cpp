#include <gtest/gtest.h>

#include <random>

#include "asdf_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/asdf_wcs.hpp"

namespace tessera::io {
namespace {

using test::asdf_block;
using test::asdf_text;
using test::big_endian;
using test::parse_text;

/// The message of the InputError that reading `key` as an array gives.
std::string array_error(std::string const& text, std::string const& key = "a") {
  try {
    parse_text(text).array(key);
  } catch (InputError const& error) {
    return error.what();
  }
  return "no error";
}

std::string array_yaml(std::string const& rest) { return "a: !core/ndarray-1.0.0 {source: 0, " + rest + "}\n"; }
std::string const EightBytes = array_yaml("datatype: uint8, byteorder: little, shape: [8]");

void expect_says(std::string const& message, std::string const& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_NE(message.find("test.asdf"), std::string::npos) << message;
}

TEST(MalformedAsdf, IsRefusedWhenItIsNoAsdfOrCutOff) {
  expect_says(array_error(""), "not an ASDF file");
  expect_says(array_error("SIMPLE  = T"), "not an ASDF file");
  std::string const whole = asdf_text(EightBytes, asdf_block("12345678"));
  EXPECT_EQ(array_error(whole), "no error");
  auto const tree_end = whole.find("\n...\n");
  expect_says(array_error(whole.substr(0, tree_end)), "no end");
  // Cut anywhere after the tree: no block at all, a cut header, cut data.
  for (std::size_t length = tree_end + 5; length < whole.size(); ++length)
    EXPECT_NE(array_error(whole.substr(0, length)), "no error") << length;
  expect_says(array_error(whole.substr(0, whole.size() - 1)), "cut off");
}

TEST(MalformedAsdf, BlockSizesAreNotBelieved) {
  expect_says(array_error(asdf_text(EightBytes, asdf_block("12345678", "", 8, ~0ull, ~0ull))), "cut off");
  expect_says(array_error(asdf_text(EightBytes, asdf_block("12345678", "", 4, 8, 8))), "impossible sizes");
  expect_says(array_error(asdf_text(EightBytes, asdf_block("12345678", "", 8, 8, 9))), "differ");
  for (auto const* kind : {"zlib", "bzp2", "lz4"})
    expect_says(array_error(asdf_text(EightBytes, asdf_block("12345678", kind, 8, 8, ~0ull))),
                "cannot be decompressed");
  expect_says(array_error(asdf_text(EightBytes, asdf_block("12345678", "zstd", 8, 8, 8))), "unknown compression");
}

TEST(MalformedAsdf, BrokenCompressedBlocksAreRefused) {
  auto const with = [](std::string const& stored) {
    return array_error(asdf_text(EightBytes, asdf_block(stored, "lz4", stored.size(), stored.size(), 8)));
  };
  std::string const little_eight("\x08\x00\x00\x00", 4);
  std::string const good = big_endian(4 + 9, 4) + little_eight +
                           "\x80"
                           "12345678";
  EXPECT_EQ(with(good), "no error");
  expect_says(with(good.substr(0, good.size() - 1)), "beyond its block");
  expect_says(with(big_endian(2, 4) + little_eight), "beyond its block");
  expect_says(with(big_endian(4 + 9, 4) + little_eight +
                   "\xF0"
                   "12345678"),
              "broken");
  expect_says(with(big_endian(4 + 1, 4) + std::string("\xFF\xFF\xFF\x7F", 4) + "x"), "more data");
  expect_says(with(good + good), "more data");
  expect_says(with("123"), "chunk header");
  SKIP_WITHOUT_SHARED("data/asdf/basic_zlib.asdf");
  for (auto const* kind : {"zlib", "bzp2", "lz4"}) {
    auto text = test::read_text(test::shared_dir() / "data/asdf" / (std::string("basic_") + kind + ".asdf"));
    auto const block = text.find(
        "\xD3"
        "BLK");
    text[block + 54 + 12] = static_cast<char>(text[block + 54 + 12] ^ 0x5A);
    EXPECT_NE(array_error(text), "no error") << kind;
  }
}

TEST(MalformedAsdf, ViewsBeyondTheirBlockAreRefused) {
  auto const with = [](std::string const& rest) {
    return array_error(asdf_text(array_yaml("byteorder: little, " + rest), asdf_block("12345678")));
  };
  EXPECT_EQ(with("datatype: uint16, shape: [2, 2]"), "no error");
  expect_says(with("datatype: uint16, shape: [5]"), "beyond its block");
  expect_says(with("datatype: uint16, shape: [4], offset: 1"), "beyond its block");
  expect_says(with("datatype: uint16, shape: [2], strides: [-2]"), "beyond its block");
  expect_says(with("datatype: uint16, shape: [4611686018427387904, 4]"), "beyond its block");
  expect_says(with("datatype: uint8, shape: [1000000000000], strides: [0]"), "too large");
  expect_says(with("datatype: uint8, shape: [-1]"), "impossible extent");
  expect_says(with("datatype: uint8, shape: [2], strides: [1, 1]"), "strides");
  expect_says(with("datatype: uint8, shape: [2], offset: -1"), "impossible offset");
  expect_says(with("datatype: float128, shape: [1]"), "unknown datatype");
  expect_says(with("datatype: [ascii, 0], shape: [1]"), "without size");
  expect_says(array_error(asdf_text("a: !core/ndarray-1.0.0 {source: 3, datatype: uint8, shape: [1]}\n")),
              "no such block");
  expect_says(array_error(asdf_text("a: !core/ndarray-1.0.0 {source: -1, datatype: uint8, shape: [1]}\n")),
              "no such block");
  expect_says(array_error(asdf_text("a: [[1, 2], [3]]\n")), "differ in length");
  expect_says(array_error(asdf_text("a: 4\n")), "not an array");
  expect_says(array_error(asdf_text("b: 4\n")), "missing");
}

TEST(MalformedAsdf, TreesThatAreEndlessOrNoYamlAreRefused) {
  expect_says(array_error(asdf_text("a: &x [*x]\n")), "contains itself");
  expect_says(array_error(asdf_text("a: [1, 2\nb: }\n")), "not valid YAML");
  std::string bomb = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 12; ++level) {
    std::string const below = "*l" + std::to_string(level - 1);
    bomb += "l" + std::to_string(level) + ": &l" + std::to_string(level) + " [" + below;
    for (int k = 1; k < 10; ++k) bomb += ", " + below;
    bomb += "]\n";
  }
  expect_says(array_error(asdf_text(bomb)), "too large");
  expect_says(array_error(asdf_text("a: " + std::string(400, '[') + std::string(400, ']') + "\n")), "nested");
}

std::string transform_error(std::string const& yaml) {
  try {
    read_transform(parse_text(asdf_text(yaml)));
  } catch (InputError const& error) {
    return error.what();
  }
  return "no error";
}

TEST(MalformedTransforms, AreRefusedNamingTheNode) {
  expect_says(transform_error("model: !transform/spline-1.0.0 {}\n"), "unknown transform");
  expect_says(transform_error("model: 3\n"), "not a transform");
  expect_says(transform_error("model: !transform/shift-1.0.0 {}\n"), "without 'offset'");
  expect_says(transform_error("model: !transform/shift-1.0.0 {offset: far}\n"), "node model.offset");
  expect_says(transform_error("model: !transform/compose-1.0.0 {forward: [!transform/shift-1.0.0 {offset: 1}]}\n"),
              "a list of 2");
  expect_says(transform_error("model: !transform/compose-1.0.0\n  forward:\n  - !transform/shift-1.0.0 {offset: 1}\n"
                              "  - !transform/identity-1.0.0 {n_dims: 2}\n"),
              "do not fit");
  expect_says(transform_error("model: !transform/identity-1.0.0 {n_dims: 1000000}\n"), "number of axes");
  expect_says(transform_error("model: !transform/remap_axes-1.0.0 {mapping: [0, 99]}\n"), "impossible axis");
  expect_says(transform_error("model: !transform/remap_axes-1.0.0 {mapping: [0, 2], n_inputs: 2}\n"), "n_inputs");
  expect_says(transform_error("model: !transform/polynomial-1.0.0 {coefficients: [[1, 2, 3], [4, 5, 6]]}\n"),
              "wrong shape");
  expect_says(transform_error("model: !transform/polynomial-1.0.0 {coefficients: [1, 2], domain: [1, 1]}\n"), "empty");
  expect_says(transform_error("model: !transform/affine-1.0.0 {matrix: [[1, 2, 3]]}\n"), "wrong size");
  expect_says(transform_error("model: !transform/rotate_sequence_3d-1.0.0 {angles: [1, 2], axes_order: zyx, "
                              "rotation_type: cartesian}\n"),
              "do not fit the angles");
  expect_says(transform_error("model: !transform/shift-1.0.0 {offset: 1, bounding_box: [1]}\n"), "not an interval");
  expect_says(transform_error("model: !transform/shift-1.0.0 {offset: 1, inverse: !transform/identity-1.0.0 "
                              "{n_dims: 2}}\n"),
              "inverse does not fit");
  std::string deep = "!transform/shift-1.0.0 {offset: 1}";
  for (int level = 0; level < 80; ++level)
    deep = "!transform/compose-1.0.0 {forward: [" + deep + ", !transform/shift-1.0.0 {offset: 1}]}";
  expect_says(transform_error("model: " + deep + "\n"), "nested too deeply");
}

TEST(MalformedWcs, IsRefusedNamingTheNode) {
  auto const error_of = [](std::string const& yaml) -> std::string {
    try {
      read_wcs(parse_text(asdf_text(yaml)));
    } catch (InputError const& error) {
      return error.what();
    }
    return "no error";
  };
  expect_says(error_of("meta: {}\n"), "there is no WCS");
  expect_says(error_of("wcs: {steps: []}\n"), "not a WCS");
  std::string const tag = "wcs: !<tag:stsci.edu:gwcs/wcs-1.0.0>\n  steps:\n";
  expect_says(error_of(tag + "  - {transform: null}\n"), "without a frame");
  expect_says(error_of(tag + "  - {frame: detector, transform: !transform/identity-1.0.0 {n_dims: 3}}\n"
                             "  - {frame: world}\n"),
              "not an imaging gwcs");
}

TEST(MalformedAsdf, RandomDamageNeverDoesMoreThanThrow) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  auto const whole = test::read_text(test::shared_dir() / "data/wcs/nrcb1-wcs.asdf");
  std::mt19937 generator(11);
  int read = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::string damaged = whole;
    for (int k = 0; k < 3; ++k) damaged[1700 + generator() % (damaged.size() - 1700)] = static_cast<char>(generator());
    try {
      auto const wcs = read_wcs(parse_text(damaged));
      wcs->pixel_to_sky(sky::PixelPoint{100, 100});
      ++read;
    } catch (InputError const&) {
    }
  }
  EXPECT_LT(read, 60);
}

}  // namespace
}  // namespace tessera::io
