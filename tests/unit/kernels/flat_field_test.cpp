// Flat field and flux unit: against the official results (flat_field_cases.json, photom_cases.json) to 3e-7, DQ exact
// (spec 20, section 8), and what must hold of any.
#include "tessera/kernels/flat_field.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/dq.hpp"

namespace tessera::kernels {
namespace {

using nlohmann::json;
using test::read_plane;

constexpr double Tolerance = 3e-7;
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

std::vector<std::uint32_t> read_flags(json const& rows) {
  std::vector<std::uint32_t> flags;
  for (auto const& row : rows)
    for (auto const& value : row) flags.push_back(value.get<std::uint32_t>());
  return flags;
}

model::RowBand read_image(json const& one) {
  auto const sci = read_plane(one.at("data"));
  model::RowBand image;
  image.nx = sci.nx;
  image.y1 = sci.ny;
  image.sci = sci.values;
  image.err = read_plane(one.at("err")).values;
  image.dq = read_flags(one.at("dq"));
  image.var_poisson = read_plane(one.at("var_poisson")).values;
  image.var_rnoise = read_plane(one.at("var_rnoise")).values;
  if (one.contains("var_flat")) image.var_flat = read_plane(one.at("var_flat")).values;
  return image;
}

void expect_close(char const* plane, std::vector<float> const& found, json const& expected_rows) {
  auto const expected = read_plane(expected_rows).values;
  ASSERT_EQ(found.size(), expected.size()) << plane;
  for (std::size_t k = 0; k < found.size(); ++k) {
    ASSERT_EQ(std::isnan(found[k]), std::isnan(expected[k])) << plane << " " << k;
    if (std::isnan(expected[k])) continue;
    ASSERT_NEAR(found[k], expected[k], Tolerance * std::abs(static_cast<double>(expected[k]))) << plane << " " << k;
  }
}

void expect_image(model::RowBand const& found, json const& expected) {
  expect_close("SCI", found.sci, expected.at("data"));
  expect_close("ERR", found.err, expected.at("err"));
  expect_close("VAR_POISSON", found.var_poisson, expected.at("var_poisson"));
  expect_close("VAR_RNOISE", found.var_rnoise, expected.at("var_rnoise"));
  expect_close("VAR_FLAT", found.var_flat, expected.at("var_flat"));
  EXPECT_EQ(found.dq, read_flags(expected.at("dq")));
}

/// Cut of rows of a plane at 0-based (x0, y0).
template <class T>
std::vector<T> cut(std::vector<T> const& values, std::int64_t width, std::int64_t x0, std::int64_t y0, std::int64_t nx,
                   std::int64_t ny) {
  std::vector<T> part;
  for (std::int64_t y = y0; y < y0 + ny; ++y)
    for (std::int64_t x = x0; x < x0 + nx; ++x) part.push_back(values.at(static_cast<std::size_t>(y * width + x)));
  return part;
}

TEST(FlatFieldVectors, AgreeWithBothVersionsOfTheReference) {
  auto const all = test::read_vector("flat_field_cases.json");
  ASSERT_EQ(all.size(), 4u);
  int old = 0;
  for (auto const& one : all) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    auto const image = read_image(one.at("science"));
    auto const sci = read_plane(one.at("flat").at("data")), err = read_plane(one.at("flat").at("err"));
    std::int64_t const x0 = one.at("sci_subarray")[0].get<std::int64_t>() - 1,
                       y0 = one.at("sci_subarray")[1].get<std::int64_t>() - 1, ny = image.y1;
    auto const flat = cut(sci.values, sci.nx, x0, y0, image.nx, ny),
               flat_err = cut(err.values, sci.nx, x0, y0, image.nx, ny);
    auto const flat_dq = cut(read_flags(one.at("flat").at("dq")), sci.nx, x0, y0, image.nx, ny);
    bool const inverse = one.at("inverse");
    auto newest = image;
    flat_field(flat, flat_err, flat_dq, newest, {.inverse = inverse});
    expect_image(newest, one.at("out"));
    if (!one.contains("out_1_13_4")) continue;
    ++old;
    auto earlier = image;
    flat_field(flat, flat_err, flat_dq, earlier, {.inverse = inverse, .before_version_1_16 = true});
    expect_image(earlier, one.at("out_1_13_4"));
  }
  EXPECT_EQ(old, 3);
}

TEST(PhotomVectors, ConversionOfThePixelsAgreesWithTheReference) {
  auto const all = test::read_vector("photom_cases.json").at("cases");
  int converted = 0;
  for (auto const& one : all) {
    if (!one.contains("PHOTMJSR") || one.at("PHOTMJSR").is_null()) continue;
    SCOPED_TRACE(one.at("name").get<std::string>());
    auto image = read_image(one.at("in"));
    convert_unit(image, one.at("PHOTMJSR"), one.at("inverse"));
    expect_image(image, one.at("out"));
    ++converted;
  }
  EXPECT_EQ(converted, 12);
}

model::RowBand one_pixel() {
  model::RowBand image;
  image.nx = image.y1 = 1;
  image.sci = {2};
  image.err = {99};  // made anew of the variances
  image.dq = {0};
  image.var_poisson = {0.01f};
  image.var_rnoise = {0.004f};
  return image;
}

TEST(FlatField, DividesAsTheHandCheckedExampleSays) {
  auto image = one_pixel();
  flat_field(std::vector{0.8f}, std::vector{0.01f}, std::vector{0u}, image);
  EXPECT_NEAR(image.sci[0], 2.5, 1e-6);
  EXPECT_NEAR(image.var_flat[0], 9.765625e-4, 1e-9);
  EXPECT_NEAR(image.var_poisson[0], 0.015625, 1e-8);
  EXPECT_NEAR(image.var_rnoise[0], 0.00625, 1e-8);
  EXPECT_NEAR(image.err[0], 0.151167, 1e-6);
}

TEST(FlatField, MultiplyingUndoesDividing) {
  auto image = one_pixel();
  std::vector const flat{0.8f}, err{0.0f};
  std::vector const bits{0u};
  flat_field(flat, err, bits, image);
  flat_field(flat, err, bits, image, {.inverse = true});
  EXPECT_NEAR(image.sci[0], 2, 1e-6);
  EXPECT_NEAR(image.var_poisson[0], 0.01, 1e-8);
  EXPECT_NEAR(image.err[0], std::sqrt(0.014), 1e-7);
}

TEST(FlatField, AFlatOfZerosLeavesNothingToUse) {
  for (float const value : {0.0f, NaN}) {
    model::RowBand image = one_pixel();
    flat_field(std::vector{value}, std::vector{0.0f}, std::vector{0u}, image);
    EXPECT_EQ(image.dq[0], dq::DoNotUse | dq::NoFlatField);
    EXPECT_TRUE(std::isnan(image.sci[0]));
    EXPECT_TRUE(std::isnan(image.var_flat[0]));
  }
}

TEST(FlatField, BeforeVersion116NonScienceIsNotForUseAndValuesStay) {
  auto image = one_pixel();
  flat_field(std::vector{1.0f}, std::vector{0.0f}, std::vector{dq::NonScience}, image, {.before_version_1_16 = true});
  EXPECT_EQ(image.dq[0], dq::NonScience | dq::DoNotUse);
  EXPECT_EQ(image.sci[0], 2);
  image = one_pixel();
  flat_field(std::vector{1.0f}, std::vector{0.0f}, std::vector{dq::NonScience}, image);
  EXPECT_EQ(image.dq[0], dq::NonScience);
}

TEST(FlatField, OfOtherShapeIsAContractViolation) {
  auto image = one_pixel();
  std::vector const two{1.0f, 1.0f};
  EXPECT_THROW(flat_field(two, two, std::vector{0u, 0u}, image), ContractViolation);
}

TEST(DivideByFlat, IsNotANumberWhereTheFlatCorrectsNothing) {
  std::vector<float> sci{6, 6, 6, 6, 6};
  divide_by_flat(std::vector{2.0f, 0.0f, NaN, 2.0f, 3.0f},
                 std::vector<std::uint32_t>{0, 0, 0, dq::NoFlatField, dq::UnreliableFlat}, sci);
  EXPECT_EQ(sci[0], 3);
  EXPECT_EQ(sci[4], 2);
  for (std::size_t const k : {1u, 2u, 3u}) EXPECT_TRUE(std::isnan(sci[k])) << k;
}

TEST(ConvertUnit, InverseUndoesIt) {
  auto image = one_pixel();
  image.var_flat = {0.5f};
  convert_unit(image, 0.35);
  EXPECT_NEAR(image.sci[0], 0.7, 1e-7);
  EXPECT_NEAR(image.var_flat[0], 0.5 * 0.35 * 0.35, 1e-8);
  convert_unit(image, 0.35, true);
  EXPECT_NEAR(image.sci[0], 2, 1e-6);
  EXPECT_NEAR(image.err[0], 99, 1e-5);
  EXPECT_NEAR(image.var_flat[0], 0.5, 1e-7);
}

TEST(ConvertUnit, BeforeVersion116LeavesPixelsNotForUse) {
  auto image = one_pixel();
  image.dq = {dq::DoNotUse};
  convert_unit(image, 2, false, true);
  EXPECT_EQ(image.sci[0], 4);
  convert_unit(image, 2);
  EXPECT_TRUE(std::isnan(image.sci[0]));
}

TEST(MatchInvalid, AHoleInAnyPlaneIsAHoleInAll) {
  for (int plane = 0; plane < 5; ++plane) {
    auto image = one_pixel();
    image.var_flat = {0.5f};
    std::vector<float>* planes[] = {&image.sci, &image.err, &image.var_poisson, &image.var_rnoise, &image.var_flat};
    (*planes[plane])[0] = NaN;
    match_invalid(image);
    EXPECT_EQ(image.dq[0], dq::DoNotUse);
    for (auto const* values : planes) EXPECT_TRUE(std::isnan((*values)[0]));
  }
}

TEST(MatchInvalid, LeavesInfinityAndAbsentPlanes) {
  auto image = one_pixel();
  image.sci = {std::numeric_limits<float>::infinity()};
  match_invalid(image);
  EXPECT_EQ(image.dq[0], 0u);
  EXPECT_TRUE(image.var_flat.empty());
}

}  // namespace
}  // namespace tessera::kernels
