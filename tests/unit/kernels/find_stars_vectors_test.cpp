// The IRAF and DAO star finders (spec 30, 1.4) against the vectors: centres to 1e-4 pixel, fluxes to 1e-5.
#include <gtest/gtest.h>

#include "../../../src/kernels/stars/convolved_rows.hpp"
#include "../../../src/kernels/stars/peak_shapes.hpp"
#include "starfind_vector.hpp"
#include "tessera/kernels/find_stars.hpp"

namespace tessera {
namespace {

constexpr double Infinity = std::numeric_limits<double>::infinity();

void expect_close(double found, nlohmann::json const& expected, char const* what) {
  auto const value = expected.get<double>();
  EXPECT_NEAR(found, value, 1e-5 * std::max(1.0, std::abs(value))) << what;
}

class FinderVector : public testing::TestWithParam<char const*> {
 protected:
  FinderVector()
      : all_(test::read_vector("starfind_cases.json")),
        case_(all_["finders"][GetParam()]),
        image_(all_["image"], 2.3),
        mask_(test::mask_rectangles(all_["mask_rectangles_y0y1x0x1"], image_.nx, image_.ny)) {
    options_.finder = is_iraf() ? kernels::StarFinder::Iraf : kernels::StarFinder::Dao;
    options_.threshold = case_["threshold"];
    options_.fwhm = case_["fwhm"];
    options_.sigma_radius = case_["sigma_radius"];
    options_.min_separation = case_["min_separation"];
    options_.sharplo = case_["sharpness_range"][0];
    options_.sharphi = case_["sharpness_range"][1];
    options_.roundlo = case_["roundness_range"][0];
    options_.roundhi = case_["roundness_range"][1];
    if (!case_["peak_max"].is_null()) options_.peakmax = case_["peak_max"].get<double>();
    if (!case_["n_brightest"].is_null()) options_.brightest = case_["n_brightest"].get<int>();
  }
  bool is_iraf() const { return case_["finder"] == "iraf"; }
  std::vector<model::Star> find(kernels::StarFinderOptions const& options) const {
    return kernels::find_stars(image_.values.data(), mask_.data(), image_.nx, image_.ny, options);
  }
  kernels::FinderKernel kernel() const { return kernels::make_finder_kernel(options_.fwhm, options_.sigma_radius); }

  /// Pixels about peak k, and about it in the convolved image.
  struct Cuts {
    kernels::Cut data, convolved;
  };
  Cuts cut(std::size_t peak) const {
    auto const kernel_used = kernel();
    kernels::ConvolvedRows const convolved({image_.values.data(), nullptr, image_.nx, image_.ny, 0, image_.ny},
                                           kernel_used, 0, image_.ny);
    auto const& xy = case_["all_peaks_before_filtering"]["peak_xy"][peak];
    std::int64_t const x = xy[0], y = xy[1], r = kernel_used.radius;
    Cuts cuts;
    for (std::int64_t j = y - r; j <= y + r; ++j)
      for (std::int64_t i = x - r; i <= x + r; ++i) {
        bool const outside = i < 0 || j < 0 || i >= image_.nx || j >= image_.ny;
        cuts.data.push_back(outside ? 0.0
                                    : static_cast<double>(image_.values[static_cast<std::size_t>(j * image_.nx + i)]));
        cuts.convolved.push_back(outside ? 0.0 : convolved.row(j)[i]);
      }
    return cuts;
  }

  nlohmann::json all_, case_;
  test::VectorImage image_;
  std::vector<std::uint8_t> mask_;
  kernels::StarFinderOptions options_;
};

TEST_P(FinderVector, HasItsKernel) {
  auto const found = kernel();
  auto const& expected = case_["kernel"];
  ASSERT_EQ(static_cast<std::size_t>(found.side()), expected["data"].size());
  for (std::size_t y = 0; y < expected["data"].size(); ++y)
    for (std::size_t x = 0; x < expected["data"].size(); ++x) {
      auto const k = y * expected["data"].size() + x;
      EXPECT_NEAR(found.weights[k], expected["data"][y][x].get<double>(), 1e-11);
      EXPECT_EQ(found.footprint[k], expected["mask"][y][x].get<int>());
    }
  EXPECT_NEAR(found.relative_error, expected["rel_err"].get<double>(), 1e-12);
}

TEST_P(FinderVector, HasItsTable) {
  auto const stars = find(options_);
  auto const& expected = case_["expected_table"];
  ASSERT_EQ(stars.size(), expected["id"].size());
  for (std::size_t k = 0; k < stars.size(); ++k) {
    EXPECT_NEAR(stars[k].x, expected["x_centroid"][k].get<double>(), 1e-4);
    EXPECT_NEAR(stars[k].y, expected["y_centroid"][k].get<double>(), 1e-4);
    auto const flux = expected["flux"][k].get<double>();
    EXPECT_NEAR(stars[k].flux, flux, 1e-5 * flux);
    expect_close(stars[k].peak, expected["peak"][k], "peak");
    expect_close(stars[k].sharpness, expected["sharpness"][k], "sharpness");
    if (!is_iraf()) continue;
    expect_close(stars[k].roundness, expected["roundness"][k], "roundness");
    expect_close(stars[k].fwhm, expected["fwhm"][k], "fwhm");
  }
}

TEST_P(FinderVector, HasItsPeaksWithoutLimits) {
  auto options = options_;
  options.sharplo = options.roundlo = -Infinity;
  options.sharphi = options.roundhi = Infinity;
  options.peakmax.reset();
  options.brightest.reset();
  auto const stars = find(options);
  auto const& expected = case_["all_peaks_before_filtering"];
  ASSERT_EQ(stars.size(), expected["peak_xy"].size());
  for (std::size_t k = 0; k < stars.size(); ++k) {
    auto const flux = expected["flux"][k].get<double>();
    EXPECT_NEAR(stars[k].flux, flux, 1e-5 * flux);
    expect_close(stars[k].sharpness, expected["sharpness"][k], "sharpness");
  }
}

TEST_P(FinderVector, HasItsShapes) {
  auto const& expected = case_["all_peaks_before_filtering"];
  for (std::size_t k = 0; k < expected["peak_xy"].size(); ++k) {
    auto const [data, convolved] = cut(k);
    if (is_iraf()) {
      auto const shape = kernels::measure_iraf_shape(data, kernel(), options_.fwhm);
      expect_close(shape.sky, expected["sky"][k], "sky");
      expect_close(shape.fwhm, expected["fwhm"][k], "fwhm");
      expect_close(shape.roundness, expected["roundness"][k], "roundness");
      expect_close(shape.peak, expected["peak"][k], "peak");
    } else {
      auto const shape = kernels::measure_dao_shape(data, convolved, kernel());
      expect_close(shape.roundness1, expected["roundness1"][k], "roundness1");
      expect_close(shape.roundness2, expected["roundness2"][k], "roundness2");
      expect_close(shape.height_x, expected["hx"][k], "hx");
      expect_close(shape.height_y, expected["hy"][k], "hy");
      expect_close(shape.peak, expected["peak"][k], "peak");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, FinderVector,
                         testing::Values("iraf_default", "iraf_sep5_rad25", "iraf_brightest4_peakmax", "dao_default",
                                         "dao_fwhm4"));

}  // namespace
}  // namespace tessera
