// Stars of two real frames of M13 that drifted between them: noisy, with hot pixels that do not drift.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/test_files.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/kernels/find_stars.hpp"
#include "tessera/kernels/match_stars.hpp"
#include "tessera/kernels/segmentation.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera {
namespace {

using kernels::StarFinder;

constexpr double Seeing = 6;     ///< FWHM of the stars, pixels
constexpr double Tolerance = 5;  ///< of a pair, pixels

struct Frame {
  std::int64_t nx = 0, ny = 0;
  std::vector<model::Star> stars;
};

double take_background(std::vector<float>& image, std::int64_t nx, std::int64_t ny) {
  auto const mesh = kernels::measure_background(image.data(), nullptr, nx, ny, {.box_y = 64, .box_x = 64});
  std::vector<float> background(image.size());
  mesh.rows(0, ny, nullptr, background.data(), nullptr);
  for (std::size_t k = 0; k < image.size(); ++k) image[k] -= background[k];
  return mesh.median_rms();
}

/// Background off, smoothed by the seeing: in a pixel no star stands out of the noise by much.
Frame find_frame_stars(std::string const& name, StarFinder finder, double fwhm, double snr) {
  auto const file = io::FitsFile::open(test::shared_dir() / "data/real/m13" / name);
  auto const& hdu = file.hdus().front();
  Frame frame;
  frame.nx = hdu.nx();
  frame.ny = hdu.ny();
  std::vector<float> image(static_cast<std::size_t>(frame.nx * frame.ny));
  file.read_rows(hdu, 0, frame.ny, image.data());
  take_background(image, frame.nx, frame.ny);
  image = kernels::smooth_for_detection(image.data(), nullptr, frame.nx, frame.ny, Seeing);
  double const noise = take_background(image, frame.nx, frame.ny);
  bool const is_dao = finder == StarFinder::Dao;
  kernels::StarFinderOptions options;
  options.finder = finder;
  options.fwhm = fwhm;
  options.threshold = snr * noise;
  if (is_dao) options.threshold /= kernels::make_finder_kernel(fwhm, options.sigma_radius).relative_error;
  options.min_separation = Seeing;
  options.sharplo = 0.2, options.sharphi = is_dao ? 1.4 : 1.5;
  options.roundlo = is_dao ? -1 : 0, options.roundhi = is_dao ? 1 : 0.3;
  frame.stars = kernels::find_stars(image.data(), nullptr, frame.nx, frame.ny, options);
  return frame;
}

std::vector<kernels::PlanePosition> positions_of(std::vector<model::Star> const& stars) {
  std::vector<kernels::PlanePosition> positions;
  for (auto const& star : stars) positions.push_back({star.x, star.y});
  return positions;
}

struct Drift {
  std::size_t pairs = 0;
  double by_chance = 0;  ///< pairs that unrelated positions would make
  double x = 0, y = 0;   ///< medians, pixels
  double scatter = 0;    ///< robust, along one axis
};

Drift measure_drift(StarFinder finder, double fwhm, double snr) {
  auto const first = find_frame_stars("M13_blue_0001.fits", finder, fwhm, snr),
             second = find_frame_stars("M13_blue_0002.fits", finder, fwhm, snr);
  auto const one = positions_of(first.stars), two = positions_of(second.stars);
  kernels::MatchOptions options;
  options.searchrad = 30;
  options.separation = 8;
  options.tolerance = Tolerance;
  auto const match = kernels::match_stars(two, one, options);
  std::vector<double> dx, dy, residuals;
  for (auto const& pair : match.pairs) {
    auto const &image = two[static_cast<std::size_t>(pair.first)],
               &reference = one[static_cast<std::size_t>(pair.second)];
    dx.push_back(image.x - reference.x);
    dy.push_back(image.y - reference.y);
  }
  Drift drift;
  drift.pairs = match.pairs.size();
  drift.by_chance = static_cast<double>(one.size() * two.size()) * std::numbers::pi * Tolerance * Tolerance /
                    static_cast<double>(first.nx * first.ny);
  drift.x = kernels::median_in_place(std::span(dx));
  drift.y = kernels::median_in_place(std::span(dy));
  for (double const d : dx) residuals.push_back(std::abs(d - drift.x));
  for (double const d : dy) residuals.push_back(std::abs(d - drift.y));
  drift.scatter = 1.4826 * kernels::median_in_place(std::span(residuals));
  return drift;
}

void expect_drift(Drift const& drift) {
  testing::Test::RecordProperty("pairs", static_cast<int>(drift.pairs));
  testing::Test::RecordProperty("scatter_millipixels", static_cast<int>(1000 * drift.scatter));
  EXPECT_GE(drift.pairs, 10u);
  EXPECT_LT(drift.by_chance, 0.5);
  // A centre is known to the sigma of its profile over the significance, which is 3.5 at least; blends in the cluster
  // add to that. Half of the sigma for each frame; pairs that have nothing in common scatter by 0.6 of the tolerance.
  double const sigma = Seeing / 2.3548;
  EXPECT_LT(drift.scatter, std::numbers::sqrt2 * sigma / 2);
}

TEST(M13Stars, MatchInPixelsWithinTheirNoise) {
  SKIP_WITHOUT_SHARED("data/real/m13/M13_blue_0001.fits");
  auto const iraf = measure_drift(StarFinder::Iraf, 7, 3.5), dao = measure_drift(StarFinder::Dao, 8.5, 4.5);
  expect_drift(iraf);
  expect_drift(dao);
  auto const error = [](Drift const& drift) {
    return 1.25 * drift.scatter / std::sqrt(static_cast<double>(drift.pairs));
  };
  double const both = std::hypot(error(iraf), error(dao));
  EXPECT_NEAR(iraf.x, dao.x, 3 * both);
  EXPECT_NEAR(iraf.y, dao.y, 3 * both);
}

}  // namespace
}  // namespace tessera
