#include "tessera/io/asdf_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "asdf_files.hpp"
#include "support/test_files.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::io {
namespace {

AsdfDocument write_and_read(AsdfValue const& tree) { return AsdfDocument::parse(write_asdf(tree), "written.asdf"); }

TEST(AsdfWriter, WritesScalarsThatReadBackTheSame) {
  std::vector<double> const reals{0, -0.0, 1, 1e-5, 1e300, 0.1, 1.0 / 3, 123456789012345680.0, -2.5e-310};
  std::vector<std::string> const texts{"",       "plain", "true", "null",       "1.5",      "1e5",         "-",
                                       "a: b",   "x#y",   "[a]",  "'q'",        "\"d\"",    "back\\slash", "two\nlines",
                                       "tab\t",  " lead", "~",    "2022-07-01", "custom:x", "fits:SCI,1",  "&anchor",
                                       "*alias", "!tag",  "%",    "...",        "---"};
  AsdfValue tree = AsdfValue::mapping();
  tree.set("reals", AsdfValue::Sequence(reals.begin(), reals.end()));
  tree.set("texts", AsdfValue::Sequence(texts.begin(), texts.end()));
  tree.set("special", AsdfValue::Sequence{HUGE_VAL, -HUGE_VAL, std::nan(""), true, false, AsdfValue(), 42});
  tree.set("empty", AsdfValue::mapping({{"m", AsdfValue::mapping()}, {"s", AsdfValue::sequence()}}));
  tree.set("odd key: #1", 1);
  AsdfValue const inner = AsdfValue::Sequence{AsdfValue::mapping({{"c", 2}})};
  tree.set("nested", AsdfValue::Sequence{AsdfValue::mapping({{"a", 1}, {"b", inner}})});
  auto const document = write_and_read(tree);
  auto const& reals_read = *document.at("reals").sequence_items();
  for (std::size_t k = 0; k < reals.size(); ++k) EXPECT_EQ(reals_read[k].real(), reals[k]);
  for (std::size_t k = 0; k < texts.size(); ++k) {
    auto const& item = (*document.at("texts").sequence_items())[k];
    ASSERT_TRUE(item.string()) << texts[k];
    EXPECT_EQ(*item.string(), texts[k]);
  }
  EXPECT_EQ(document.at("special.1").real(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(document.at("special.2").real()));
  EXPECT_TRUE(*document.at("special.3").boolean());
  EXPECT_TRUE(document.at("special.5").is_null());
  EXPECT_EQ(*document.at("special.6").integer(), 42);
  EXPECT_TRUE(document.at("empty.m").entries()->empty());
  EXPECT_TRUE(document.at("empty.s").sequence_items()->empty());
  EXPECT_EQ(*document.tree().find("odd key: #1")->integer(), 1);
  EXPECT_EQ(*document.at("nested.0.b.0.c").integer(), 2);
  EXPECT_EQ(*document.at("asdf_library.name").string(), "tessera");
}

TEST(AsdfWriter, WritesArraysAsBlocks) {
  auto const document = write_and_read(
      AsdfValue::mapping({{"a", AsdfArray::of({1, 2, 3, 4, 5, 6}, {2, 3})}, {"b", AsdfArray::of({7}, {1})}}));
  EXPECT_EQ(document.block_count(), 2u);
  EXPECT_EQ(document.array("a").shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(document.array("a").to_doubles(), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(document.array("b").to_doubles(), (std::vector<double>{7}));
}

void expect_same_wcs(sky::Gwcs const& wcs, sky::Gwcs const& again) {
  EXPECT_EQ(again.description(), wcs.description());
  auto const box = *wcs.bounding_box(), box_again = *again.bounding_box();
  EXPECT_EQ(box.x_low, box_again.x_low);
  EXPECT_EQ(box.y_high, box_again.y_high);
  for (double const x : {0.0, 333.3, 2047.0})
    for (double const y : {0.0, 1023.0}) {
      auto const sky = wcs.pixel_to_sky(sky::PixelPoint{x, y}), sky_again = again.pixel_to_sky(sky::PixelPoint{x, y});
      EXPECT_NEAR(sky.ra, sky_again.ra, 1e-13);
      EXPECT_NEAR(sky.dec, sky_again.dec, 1e-13);
      auto const pixel = wcs.sky_to_pixel(sky), pixel_again = again.sky_to_pixel(sky);
      EXPECT_NEAR(pixel.x, pixel_again.x, 1e-9);
      EXPECT_NEAR(pixel.y, pixel_again.y, 1e-9);
    }
}

TEST(AsdfWriter, WritesWcsObjectsThatEvaluateTheSame) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  for (auto const* name : {"nrcb1-wcs.asdf", "mosaic_long_i2d_gwcs.asdf", "miriwcs.asdf", "nircamwcs_legacy.asdf"}) {
    SCOPED_TRACE(name);
    auto const wcs = read_wcs(AsdfDocument::read(test::shared_dir() / "data/wcs" / name));
    auto const document = write_and_read(make_datamodel_tree({}, wcs.get(), {}));
    expect_same_wcs(*wcs, *read_wcs(document));
  }
}

TEST(AsdfWriter, WritesCorrectionsThatAreFoundAgain) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  auto const wcs = read_wcs(AsdfDocument::read(test::shared_dir() / "data/wcs/nrcb1-wcs.asdf"));
  auto const plane = sky::correction_plane(*wcs, {});
  model::WcsCorrection const correction{
      {{{1.0001, 0.0002}, {-0.0003, 0.9998}}}, {1e-6, -2e-6}, plane.v2_ref, plane.v3_ref, plane.roll_ref};
  auto const corrected = std::dynamic_pointer_cast<sky::Gwcs const>(sky::correct_wcs(wcs, correction));
  ASSERT_TRUE(corrected);
  auto const again = read_wcs(write_and_read(make_datamodel_tree({}, corrected.get(), {})));
  expect_same_wcs(*corrected, *again);
  auto const stored = sky::stored_correction(*again);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->matrix, correction.matrix);
  EXPECT_EQ(stored->shift, correction.shift);
}

TEST(AsdfWriter, WritesEveryTransform) {
  using namespace sky;
  auto const shift = std::make_shared<Shift>(0.25);
  PolynomialRange const range{{0, 2}, {-1, 1}};
  std::vector<TransformPointer> const transforms{
      join(std::make_shared<Scale>(2.0, Scale::Kind::Multiply), std::make_shared<Linear1D>(2.0, 3.0)),
      join(std::make_shared<Polynomial1D>(std::vector<double>{1, 2, 3}, range), shift),
      chain(std::make_shared<RemapAxes>(std::vector<int>{0, 1, 0, 1}),
            join(std::make_shared<Polynomial2D>(1, std::vector<double>{1, 2, 3, 0},
                                                std::array<PolynomialRange, 2>{range, {}}),
                 std::make_shared<Constant>(4.5, 2))),
      std::make_shared<Affine>(Affine::Matrix{{{1, 2}, {3, 4}}}, std::array<double, 2>{5, 6}),
      std::make_shared<Rotate2D>(31.0),
      std::make_shared<RotateSequence3D>(std::vector<double>{1, 2, 3}, "xyz", RotateSequence3D::Kind::Spherical),
      std::make_shared<Rotate3D>(10, 20, 30, "native2celestial"),
      std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky),
      std::make_shared<Arithmetic>(Arithmetic::Operation::Multiply, std::make_shared<Identity>(2), join(shift, shift)),
      std::make_shared<FixInputs>(std::make_shared<Identity>(3), std::vector<std::pair<int, double>>{{1, 7.0}})};
  for (auto const& transform : transforms) {
    auto const again =
        read_transform(write_and_read(AsdfValue::mapping({{"model", make_transform_value(*transform)}})));
    ASSERT_EQ(again->tag(), transform->tag());
    double const x = 0.7, y = -1.3;
    std::array<double, 3> a{}, b{};
    double const* const in[] = {&x, &y};
    double* const to_a[] = {&a[0], &a[1], &a[2]};
    double* const to_b[] = {&b[0], &b[1], &b[2]};
    transform->evaluate(1, in, to_a);
    again->evaluate(1, in, to_b);
    EXPECT_EQ(a, b) << transform->tag();
  }
}

TEST(DatamodelTree, RefersToTheArraysOfTheFitsFile) {
  auto const document =
      write_and_read(make_datamodel_tree(AsdfValue::mapping({{"telescope", "JWST"}}), nullptr,
                                         {{"data", "SCI", 1, "float32", {4, 5}}, {"dq", "DQ", 1, "uint32", {4, 5}}}));
  EXPECT_EQ(AsdfDocument::fits_source(document.at("dq")), "DQ,1");
  EXPECT_EQ(*document.at("data.shape.1").integer(), 5);
  EXPECT_EQ(*document.at("meta.telescope").string(), "JWST");
  EXPECT_FALSE(document.find("meta.wcs"));
}

}  // namespace
}  // namespace tessera::io
