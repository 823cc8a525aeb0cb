// Sharpness and roundness of the DAO finder at given places (spec 30, 1.4).
#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/kernels/source_shape.hpp"

namespace tessera::kernels {
namespace {

TEST(Pointedness, IsThatOfTheDaoFinderAtItsPeaks) {
  auto const vectors = test::read_vector("starfind_cases.json");
  auto plane = test::read_plane(vectors.at("image"));
  for (auto& value : plane.values) value -= 2.3f;
  for (char const* name : {"dao_default", "dao_fwhm4"}) {
    auto const& one = vectors.at("finders").at(name);
    auto const kernel = make_finder_kernel(one.at("fwhm"), one.at("sigma_radius"));
    ImageWindow const window{plane.values.data(), nullptr, {0, 0, plane.nx, plane.ny}, plane.nx, plane.ny};
    auto const& peaks = one.at("all_peaks_before_filtering");
    std::size_t compared = 0;
    for (std::size_t k = 0; k < peaks.at("peak_xy").size(); ++k) {
      double const x = peaks.at("peak_xy")[k][0], y = peaks.at("peak_xy")[k][1];
      auto const found = measure_pointedness(window, x + 0.3, y - 0.3, kernel);
      if (!std::isfinite(found.sharpness) || !std::isfinite(found.roundness)) continue;  // near the NaN
      EXPECT_NEAR(found.sharpness, peaks.at("sharpness")[k], 1e-4) << name << " " << k;
      EXPECT_NEAR(found.roundness, peaks.at("roundness1")[k], 1e-4) << name << " " << k;
      ++compared;
    }
    EXPECT_GE(compared, 14u);
  }
}

TEST(Pointedness, DoesNotDependOnTheLevelAndTurnsWithTheSource) {
  std::vector<float> tall(41 * 41), wide(41 * 41), raised(41 * 41);
  for (int y = 0; y < 41; ++y)
    for (int x = 0; x < 41; ++x) {
      double const u = x - 20, v = y - 20;
      auto const k = static_cast<std::size_t>(41 * y + x);
      tall[k] = static_cast<float>(std::exp(-(u + v) * (u + v) / 4 - (u - v) * (u - v) / 16));
      wide[k] = static_cast<float>(std::exp(-(u - v) * (u - v) / 4 - (u + v) * (u + v) / 16));
      raised[k] = tall[k] + 5;
    }
  auto const kernel = make_finder_kernel(2.5, 1.5);
  auto const look = [&](std::vector<float> const& image) {
    return measure_pointedness({image.data(), nullptr, {0, 0, 41, 41}, 41, 41}, 20, 20, kernel);
  };
  EXPECT_NEAR(look(tall).roundness, -look(wide).roundness, 1e-5);
  EXPECT_GT(std::abs(look(tall).roundness), 0.05);
  EXPECT_NEAR(look(tall).sharpness, look(wide).sharpness, 1e-5);
  EXPECT_NEAR(look(raised).sharpness, look(tall).sharpness, 1e-4);
  EXPECT_TRUE(
      std::isnan(measure_pointedness({tall.data(), nullptr, {0, 0, 41, 41}, 41, 41}, NAN, 20, kernel).sharpness));
}

}  // namespace
}  // namespace tessera::kernels
