// Backgrounds against the official pipeline's results (bkg_subtract_cases.json): to 2e-7 (spec 20, section 8), DQ
// exact.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/test_files.hpp"
#include "tessera/kernels/combine_backgrounds.hpp"

namespace tessera::kernels {
namespace {

using nlohmann::json;

/// One exposure of a vector: planes of all its integrations, [integration][y][x].
struct VectorExposure {
  std::int64_t nx = 0, ny = 0, x_start = 1, y_start = 1;
  std::size_t integrations = 1;
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;
  std::size_t pixels() const { return static_cast<std::size_t>(nx * ny); }
};

void append(json const& values, std::vector<float>& out) {
  if (values.is_array())
    for (auto const& value : values) append(value, out);
  else
    out.push_back(values.is_null() ? std::numeric_limits<float>::quiet_NaN() : values.get<float>());
}
void append(json const& values, std::vector<std::uint32_t>& out) {
  if (values.is_array())
    for (auto const& value : values) append(value, out);
  else
    out.push_back(values.get<std::uint32_t>());
}

VectorExposure read_exposure(json const& one) {
  VectorExposure exposure;
  json const* rows = &one.at("data");
  if (rows->at(0).at(0).is_array()) {
    exposure.integrations = rows->size();
    rows = &rows->at(0);
  }
  exposure.ny = static_cast<std::int64_t>(rows->size());
  exposure.nx = static_cast<std::int64_t>(rows->at(0).size());
  exposure.x_start = one.value("xstart", 1);
  exposure.y_start = one.value("ystart", 1);
  append(one.at("data"), exposure.sci);
  append(one.at("err"), exposure.err);
  append(one.at("dq"), exposure.dq);
  return exposure;
}

/// `background` as it lies on the pixels of `science`: NaN, and no flags, where it has none (spec 20, 2.3).
VectorExposure place(VectorExposure const& background, VectorExposure const& science) {
  VectorExposure placed = science;
  placed.sci.assign(science.pixels(), std::numeric_limits<float>::quiet_NaN());
  placed.err = placed.sci;
  placed.dq.assign(science.pixels(), 0);
  for (std::int64_t y = 0; y < science.ny; ++y)
    for (std::int64_t x = 0; x < science.nx; ++x) {
      std::int64_t const from_x = x + science.x_start - background.x_start,
                         from_y = y + science.y_start - background.y_start;
      if (from_x < 0 || from_y < 0 || from_x >= background.nx || from_y >= background.ny) continue;
      auto const from = static_cast<std::size_t>(from_y * background.nx + from_x),
                 to = static_cast<std::size_t>(y * science.nx + x);
      placed.sci[to] = background.sci[from];
      placed.err[to] = background.err[from];
      placed.dq[to] = background.dq[from];
    }
  return placed;
}

void expect_close(std::vector<float> const& found, json const& expected_rows, double tolerance) {
  std::vector<float> expected;
  append(expected_rows, expected);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    ASSERT_EQ(std::isnan(found[k]), std::isnan(expected[k])) << k;
    if (std::isnan(expected[k])) continue;
    ASSERT_NEAR(found[k], expected[k], tolerance * std::abs(static_cast<double>(expected[k]))) << k;
  }
}

std::vector<std::uint32_t> flags_of(json const& rows) {
  std::vector<std::uint32_t> flags;
  append(rows, flags);
  return flags;
}

CombinedBackground combine(json const& one, VectorExposure const& science) {
  BackgroundClip clip{.sigma = one.at("sigma"), .maxiters = std::nullopt};
  if (!one.at("maxiters").is_null()) clip.maxiters = one.at("maxiters").get<int>();
  std::vector<VectorExposure> placed;
  for (auto const& entry : one.at("backgrounds")) {
    auto exposure = read_exposure(entry);
    if (exposure.sci.size() > exposure.pixels() || science.integrations > 1) {
      VectorExposure flat = exposure;
      collapse_integrations(exposure.sci, exposure.err, exposure.dq, exposure.integrations, clip, flat.sci, flat.err,
                            flat.dq);
      exposure = flat;
    }
    placed.push_back(place(exposure, science));
  }
  std::vector<BackgroundPixels> backgrounds;
  for (auto const& exposure : placed)
    backgrounds.push_back({.sci = exposure.sci, .err = exposure.err, .dq = exposure.dq, .masked = {}});
  return combine_backgrounds(backgrounds, clip);
}

class BackgroundVectors : public testing::TestWithParam<int> {};

TEST_P(BackgroundVectors, AgreeWithTheReference) {
  auto const all = test::read_vector("bkg_subtract_cases.json");
  ASSERT_EQ(all.size(), 11u);
  auto const& one = all.at(static_cast<std::size_t>(GetParam()));
  SCOPED_TRACE(one.at("name").get<std::string>());
  auto const science = read_exposure(one.at("science"));
  auto const combined = combine(one, science);
  expect_close(combined.sci, one.at("combined").at("data"), 2e-7);
  expect_close(combined.err, one.at("combined").at("err"), 2e-7);
  EXPECT_EQ(combined.dq, flags_of(one.at("combined").at("dq")));

  // Each integration of the science has the same background.
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;
  for (std::size_t plane = 0; plane < science.integrations; ++plane) {
    auto const cut = [&](auto const& values) {
      auto const begin = values.begin() + static_cast<std::ptrdiff_t>(plane * science.pixels());
      return std::decay_t<decltype(values)>(begin, begin + static_cast<std::ptrdiff_t>(science.pixels()));
    };
    model::RowBand image;
    image.nx = science.nx;
    image.y1 = science.ny;
    image.sci = cut(science.sci);
    image.err = cut(science.err);
    image.dq = cut(science.dq);
    subtract_background(combined.sci, combined.dq, image);
    sci.insert(sci.end(), image.sci.begin(), image.sci.end());
    err.insert(err.end(), image.err.begin(), image.err.end());
    dq.insert(dq.end(), image.dq.begin(), image.dq.end());
  }
  expect_close(sci, one.at("result").at("data"), 2e-7);
  expect_close(err, one.at("result").at("err"), 0);
  EXPECT_EQ(dq, flags_of(one.at("result").at("dq")));
}

INSTANTIATE_TEST_SUITE_P(AllCases, BackgroundVectors, testing::Range(0, 11));

}  // namespace
}  // namespace tessera::kernels
