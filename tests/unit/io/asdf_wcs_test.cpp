#include "tessera/io/asdf_wcs.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "asdf_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/footprint.hpp"
#include "tessera/sky/pointing.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::io {
namespace {

std::shared_ptr<sky::Gwcs const> read_file(std::string const& name) {
  return read_wcs(AsdfDocument::read(test::shared_dir() / "data/wcs" / name));
}

std::array<double, 2> evaluate_pair(sky::Transform const& transform, double first, double second) {
  double a = 0, b = 0;
  double const* const in[] = {&first, &second};
  double* const out[] = {&a, &b};
  transform.evaluate(1, in, out);
  return {a, b};
}

std::array<double, 2> evaluate_to(sky::Gwcs const& wcs, std::string const& frame, double x, double y) {
  double a = 0, b = 0;
  wcs.evaluate_to(frame, {&x, 1}, {&y, 1}, {&a, 1}, {&b, 1});
  return {a, b};
}

void expect_pair(std::array<double, 2> const& found, nlohmann::json const& first, nlohmann::json const& second,
                 double tolerance) {
  EXPECT_NEAR(found[0], first.get<double>(), tolerance);
  EXPECT_NEAR(found[1], second.get<double>(), tolerance);
}

/// 1e-12 deg at the sky, 1e-8 pixel back (spec 25, part 3).
constexpr double SkyTolerance = 1e-12, PixelTolerance = 1e-8, ArcsecTolerance = 1e-9;

TEST(ReadWcs, AgreesWithTheReferenceThroughEveryFrameOfNrcb1) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  auto const wcs = read_file("nrcb1-wcs.asdf");
  auto const vector = test::read_vector("gwcs_nrcb1_points.json");
  for (auto const& point : vector.at("points")) {
    double const x = point.at("x"), y = point.at("y");
    expect_pair(evaluate_to(*wcs, "v2v3", x, y), point.at("v2"), point.at("v3"), ArcsecTolerance);
    expect_pair(evaluate_to(*wcs, "v2v3vacorr", x, y), point.at("v2_va"), point.at("v3_va"), ArcsecTolerance);
    auto const sky = wcs->pixel_to_sky(sky::PixelPoint{x, y});
    expect_pair({sky.ra, sky.dec}, point.at("ra"), point.at("dec"), SkyTolerance);
    auto const pixel = wcs->sky_to_pixel(sky::SkyPoint{point.at("ra"), point.at("dec")});
    expect_pair({pixel.x, pixel.y}, point.at("inv_x"), point.at("inv_y"), PixelTolerance);
  }
  auto const box = wcs->bounding_box();
  ASSERT_TRUE(box);
  for (auto const& point : vector.at("outside_bbox")) {
    EXPECT_FALSE(box->contains(point.at("x"), point.at("y")));
    auto const sky = wcs->pixel_to_sky(sky::PixelPoint{point.at("x"), point.at("y")});
    expect_pair({sky.ra, sky.dec}, point.at("ra_nobb"), point.at("dec_nobb"), SkyTolerance);
  }
  EXPECT_TRUE(box->contains(-0.5, -0.5));
}

/// The files whose vectors have the short form; `files` must all evaluate to the same.
void expect_vector(std::string const& vector_name, std::vector<std::string> const& files) {
  auto const vector = test::read_vector(vector_name);
  for (auto const& file : files) {
    SCOPED_TRACE(file);
    auto const wcs = read_file(file);
    auto const box = wcs->bounding_box();
    ASSERT_TRUE(box);
    auto const& limits = vector.at("bounding_box_xy");
    EXPECT_EQ(box->x_low, limits.at(0).at(0));
    EXPECT_EQ(box->x_high, limits.at(0).at(1));
    EXPECT_EQ(box->y_low, limits.at(1).at(0));
    EXPECT_EQ(box->y_high, limits.at(1).at(1));
    for (auto const& point : vector.at("points")) {
      double const x = point.at("x"), y = point.at("y");
      if (point.contains("v2v3"))
        expect_pair(evaluate_to(*wcs, "v2v3", x, y), point.at("v2v3").at(0), point.at("v2v3").at(1), ArcsecTolerance);
      auto const& world = point.at("world");
      auto const sky = wcs->pixel_to_sky(sky::PixelPoint{x, y});
      expect_pair({sky.ra, sky.dec}, world.at(0), world.at(1), SkyTolerance);
      auto const pixel = wcs->sky_to_pixel(sky::SkyPoint{world.at(0), world.at(1)});
      expect_pair({pixel.x, pixel.y}, point.at("inv").at(0), point.at("inv").at(1), PixelTolerance);
    }
  }
}

TEST(ReadWcs, AgreesWithTheReferenceOnAMosaic) {
  SKIP_WITHOUT_SHARED("data/wcs/mosaic_long_i2d_gwcs.asdf");
  expect_vector("gwcs_mosaic_points.json", {"mosaic_long_i2d_gwcs.asdf"});
}
TEST(ReadWcs, AgreesWithTheReferenceOnMiriInBothSyntaxes) {
  SKIP_WITHOUT_SHARED("data/wcs/miriwcs_legacy.asdf");
  expect_vector("gwcs_miri_points.json", {"miriwcs.asdf", "miriwcs_legacy.asdf"});
}
TEST(ReadWcs, AgreesWithTheReferenceOnNircamInBothSyntaxes) {
  SKIP_WITHOUT_SHARED("data/wcs/nircamwcs_legacy.asdf");
  expect_vector("gwcs_nircam_old_points.json", {"nircamwcs.asdf", "nircamwcs_legacy.asdf"});
}

TEST(ReadWcs, FindsTheWcsOfAProduct) {
  SKIP_WITHOUT_SHARED("data/asdf/synthetic_cal.fits");
  auto const text = test::read_text(test::shared_dir() / "data/asdf/synthetic_cal.fits");
  auto const wcs = read_wcs(test::parse_text(text.substr(text.rfind("#ASDF 1."))));
  EXPECT_EQ(wcs->description(), "gwcs detector>v2v3>v2v3vacorr>world");
}

TEST(ReadWcs, ReadsTheListFormOfABoundingBoxLastInputFirst) {
  SKIP_WITHOUT_SHARED("data/wcs/miri_i2d_lonlat_gwcs.asdf");
  auto const box = read_file("miri_i2d_lonlat_gwcs.asdf")->bounding_box();
  ASSERT_TRUE(box);
  EXPECT_EQ(box->y_high, 1068.1386794829318);
  EXPECT_EQ(box->x_high, 1061.5249600917186);
}

void expect_distortion(std::string const& vector_name) {
  auto const vector = test::read_vector(vector_name);
  auto const model = read_transform(AsdfDocument::read(test::shared_dir() / vector.at("file").get<std::string>()));
  auto const inverse = model->inverse();
  ASSERT_TRUE(inverse);
  for (auto const& point : vector.at("points")) {
    expect_pair(evaluate_pair(*model, point.at("x"), point.at("y")), point.at("out").at(0), point.at("out").at(1),
                1e-11);
    expect_pair(evaluate_pair(*inverse, point.at("out").at(0), point.at("out").at(1)), point.at("inv").at(0),
                point.at("inv").at(1), 1e-11);
  }
}

TEST(ReadTransform, AgreesWithTheReferenceOnAMiriDistortion) {
  SKIP_WITHOUT_SHARED("data/wcs/miri_imager_distortion_2016_example.asdf");
  expect_distortion("distortion_miri_points.json");
}
TEST(ReadTransform, AgreesWithTheReferenceOnANirissDistortion) {
  SKIP_WITHOUT_SHARED("data/wcs/niriss_distortion_2018_example.asdf");
  expect_distortion("distortion_niriss_points.json");
}

TEST(ReadTransform, ReadsRealMiriDistortions) {
  SKIP_WITHOUT_SHARED("data/wcs/jwst_miri_distortion_0028.asdf");
  for (auto const* name : {"jwst_miri_distortion_0028.asdf", "jwst_miri_imager_distortion_flt1.asdf"}) {
    auto const model = read_transform(AsdfDocument::read(test::shared_dir() / "data/wcs" / name));
    auto const v2v3 = evaluate_pair(*model, 500, 500);
    auto const pixel = evaluate_pair(*model->inverse(), v2v3[0], v2v3[1]);
    EXPECT_NEAR(pixel[0], 500, 0.1) << name;  // the stored inverses are fits
    EXPECT_NEAR(pixel[1], 500, 0.1) << name;
  }
}

TEST(ReadFilterOffsets, ReadsNewAndOldFiles) {
  SKIP_WITHOUT_SHARED("data/wcs/synthetic_nircam_filteroffset.asdf");
  auto const nircam =
      read_filter_offsets(AsdfDocument::read(test::shared_dir() / "data/wcs/synthetic_nircam_filteroffset.asdf"));
  ASSERT_EQ(nircam.size(), 3u);
  EXPECT_EQ(nircam[0].filter, "F150W");
  EXPECT_EQ(nircam[0].pupil, "CLEAR");
  EXPECT_EQ(nircam[0].column_offset, 1.016);
  EXPECT_EQ(nircam[0].row_offset, 1.625);
  auto const miri =
      read_filter_offsets(AsdfDocument::read(test::shared_dir() / "data/wcs/jwst_miri_filteroffset_0004.asdf"));
  EXPECT_EQ(miri.at(2).filter, "F1000W");
  EXPECT_EQ(miri.at(2).row_offset, -0.62);
  auto const not_available = read_filter_offsets(test::parse_text(
      test::asdf_text("filters: [{filter: F070W, pupil: CLEAR, column_offset: N/A, row_offset: N/A}]\n")));
  EXPECT_FALSE(not_available.at(0).column_offset);
}

sky::DetectorGeometry make_detector(nlohmann::json const& row, sky::TransformPointer distortion) {
  sky::DetectorGeometry detector;
  detector.substrt1 = row.at("SUBSTRT1");
  detector.substrt2 = row.at("SUBSTRT2");
  detector.subsize1 = detector.subsize2 = 2048;
  detector.distortion = std::move(distortion);
  return detector;
}

TEST(MakeImagingWcs, AgreesWithTheReferenceForSubarraysAndFilterOffsets) {
  SKIP_WITHOUT_SHARED("data/wcs/synthetic_nircam_distortion.asdf");
  auto const distortion =
      read_transform(AsdfDocument::read(test::shared_dir() / "data/wcs/synthetic_nircam_distortion.asdf"));
  auto const vector = test::read_vector("pointing_cases.json");  // outlives the loop over its part
  for (auto const& row : vector.at("nrcb1_filteroffset_subarray")) {
    auto detector = make_detector(row, distortion);
    if (!row.at("column_offset").is_null())
      detector.filter_offset = sky::PixelPoint{row.at("column_offset"), row.at("row_offset")};
    auto const wcs = sky::make_imaging_wcs(detector, {});
    for (auto const& point : row.at("points"))
      expect_pair(evaluate_to(*wcs, "v2v3", point.at("x"), point.at("y")), point.at("v2"), point.at("v3"),
                  ArcsecTolerance);
  }
}

TEST(MakeImagingWcs, AgreesWithTheReferenceOnAWholeExposure) {
  SKIP_WITHOUT_SHARED("data/wcs/synthetic_nircam_distortion.asdf");
  auto const vector = test::read_vector("assign_wcs_case.json");
  auto const& header = vector.at("header");
  auto const file = [&](char const* key) {
    return AsdfDocument::read(test::shared_dir() / vector.at(key).get<std::string>());
  };
  auto detector = make_detector(header, read_transform(file("distortion")));
  for (auto const& offset : read_filter_offsets(file("filteroffset")))
    if (offset.filter == header.at("FILTER") && offset.pupil == header.at("PUPIL"))
      detector.filter_offset = sky::PixelPoint{*offset.column_offset, *offset.row_offset};
  sky::Pointing const pointing{header.at("V2_REF"), header.at("V3_REF"),  header.at("ROLL_REF"),
                               header.at("RA_REF"), header.at("DEC_REF"), header.at("VA_SCALE").get<double>()};
  auto const wcs = sky::make_imaging_wcs(detector, pointing);
  for (auto const& point : vector.at("expected_points")) {
    auto const sky = wcs->pixel_to_sky(sky::PixelPoint{point.at("x"), point.at("y")});
    expect_pair({sky.ra, sky.dec}, point.at("ra"), point.at("dec"), SkyTolerance);
    auto const pixel = wcs->sky_to_pixel(sky::SkyPoint{point.at("ra"), point.at("dec")});
    expect_pair({pixel.x, pixel.y}, point.at("inv_x"), point.at("inv_y"), PixelTolerance);
  }
  auto const box = wcs->bounding_box();
  ASSERT_TRUE(box);
  EXPECT_EQ(box->x_low, vector.at("expected_bounding_box_xy").at(0).at(0));
  EXPECT_EQ(box->y_high, vector.at("expected_bounding_box_xy").at(1).at(1));
  EXPECT_EQ(sky::format_s_region(sky::footprint(*wcs, 2048, 2048)), vector.at("S_REGION").get<std::string>());
}

// tests/data/asdf/make_fitswcs_imaging.py made the file and the positions with gwcs 1.0.
TEST(ReadWcs, TakesTheMosaicWcsOfPipelineThree) {
  auto const folder = test::data_dir() / "asdf";
  auto const wcs = read_wcs(AsdfDocument::read(folder / "fitswcs_imaging.asdf"));
  auto const box = wcs->bounding_box();
  ASSERT_TRUE(box.has_value());
  EXPECT_EQ(box->x_high, 1023.5);
  EXPECT_EQ(box->y_high, 599.5);
  auto const points = nlohmann::json::parse(test::read_text(folder / "fitswcs_imaging.json"));
  ASSERT_EQ(points.size(), 5u);
  for (auto const& point : points) {
    double const x = point.at("x"), y = point.at("y");
    auto const sky = wcs->sky::Wcs::pixel_to_sky({x, y});
    EXPECT_NEAR(std::remainder(sky.ra - point.at("ra").get<double>(), 360.0), 0, 1e-12);
    EXPECT_NEAR(sky.dec, point.at("dec").get<double>(), 1e-12);
    auto const back = wcs->sky::Wcs::sky_to_pixel(sky);
    EXPECT_NEAR(back.x, x, 1e-8);
    EXPECT_NEAR(back.y, y, 1e-8);
  }
}

}  // namespace
}  // namespace tessera::io
