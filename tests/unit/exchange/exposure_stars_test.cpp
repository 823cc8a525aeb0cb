#include "tessera/exchange/exposure_stars.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "support/vector_noise.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/sky/grid_gwcs.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::exchange {
namespace {

constexpr std::int64_t Nx = 300, Ny = 260;
constexpr double Fwhm = 2.5;

struct Truth {
  double x, y, amplitude;
};

/// Stars on a grid, every one at another part of a pixel, brighter with x.
std::vector<Truth> make_truth() {
  std::vector<Truth> truth;
  for (int j = 0; j < 8; ++j)
    for (int i = 0; i < 9; ++i)
      truth.push_back({20.0 + 31 * i + 0.11 * j, 18.0 + 30 * j + 0.07 * i, 40.0 + 10 * i + j});
  return truth;
}

struct Planes {
  std::vector<float> sci;
  std::vector<std::uint32_t> dq;
};

/// The stars on a sloping sky of noise 0.5.
Planes make_planes() {
  Planes planes{std::vector<float>(Nx * Ny), std::vector<std::uint32_t>(Nx * Ny, 0)};
  test::VectorNoise random(5);
  double const two_sigma2 = Fwhm * Fwhm / (4 * std::log(2.0));
  for (std::size_t k = 0; k < planes.sci.size(); ++k) {
    auto const x = static_cast<double>(k % Nx), y = static_cast<double>(k / Nx);
    planes.sci[k] = static_cast<float>(20 + 0.02 * x - 0.01 * y + 0.5 * random.deviate());
    for (auto const& star : make_truth())
      if (std::abs(x - star.x) < 12 && std::abs(y - star.y) < 12)
        planes.sci[k] += static_cast<float>(
            star.amplitude * std::exp(-(std::pow(x - star.x, 2) + std::pow(y - star.y, 2)) / two_sigma2));
  }
  return planes;
}

class ExposureStars : public testing::Test {
 protected:
  store::ExposureRecord write(Planes const& planes, sky::Gwcs const* gwcs = nullptr) {
    model::Header image;
    test::set_tan(image, Nx, Ny, 30, 10);
    auto const path = scratch_.path() / "a_cal.fits";
    test::write_exposure(path, Nx, Ny, test::nircam_primary(), image,
                         {{"SCI", planes.sci}, {"ERR", std::vector<float>(Nx * Ny, 0.5f)}, {"DQ", {}, planes.dq}},
                         gwcs);
    std::vector<store::InputNote> notes;
    return store::examine_exposure({"ngc0628", "F300M", path.string(), "", ""}, notes).value();
  }

  static ExposureStarOptions options_of(StarFinderName finder) {
    ExposureStarOptions options;
    options.starfinder = finder;
    options.bkg_boxsize = 50;
    options.finder.fwhm = Fwhm;
    if (finder == StarFinderName::Dao)
      options.finder.roundlo = -1, options.finder.roundhi = 1, options.finder.sharplo = 0.2;
    return options;
  }

  std::vector<model::Star> find(Planes const& planes, ExposureStarOptions const& options) {
    auto const record = write(planes);
    return find_exposure_stars(store::ExposureReader(record, {}), options);
  }

  test::ScratchFolder scratch_{"exposure_stars"};
};

/// Every true star has one of the list within `tolerance` pixels, and no other is listed.
void expect_truth(std::vector<model::Star> const& stars, std::vector<Truth> const& truth, double tolerance) {
  EXPECT_EQ(stars.size(), truth.size());
  for (auto const& star : truth) {
    auto const near = std::count_if(stars.begin(), stars.end(), [&](model::Star const& found) {
      return std::hypot(found.x - star.x, found.y - star.y) < tolerance;
    });
    EXPECT_EQ(near, 1) << star.x << ", " << star.y;
  }
}

// The faintest have 40 over a noise of 0.5: the noise of a centre is 0.01 pixel; the finders' own bias at this FWHM is
// up to 0.2 (IRAF: moments in a small window), 0.06 (DAO) and 0.05 pixel (segments).
TEST_F(ExposureStars, AreWhereTheyAreByAnyFinder) {
  auto const planes = make_planes();
  expect_truth(find(planes, options_of(StarFinderName::Iraf)), make_truth(), 0.25);
  expect_truth(find(planes, options_of(StarFinderName::Dao)), make_truth(), 0.1);
  expect_truth(find(planes, options_of(StarFinderName::Segmentation)), make_truth(), 0.15);
}

TEST_F(ExposureStars, HavePositionsOnTheSkyAndWidths) {
  auto const record = write(make_planes());
  store::ExposureReader const reader(record, {});
  for (auto const finder : {StarFinderName::Iraf, StarFinderName::Dao, StarFinderName::Segmentation})
    for (auto const& star : find_exposure_stars(reader, options_of(finder))) {
      auto const sky = reader.wcs()->pixel_to_sky({star.x, star.y});
      EXPECT_EQ(star.ra, sky.ra);
      EXPECT_EQ(star.dec, sky.dec);
      EXPECT_GT(star.fwhm, 1.5);
      EXPECT_LT(star.fwhm, 4.0);
      EXPECT_GT(star.peak, 20);
    }
}

TEST_F(ExposureStars, AreTheBrightestInOrder) {
  auto options = options_of(StarFinderName::Iraf);
  options.finder.brightest = 12;
  auto const stars = find(make_planes(), options);
  ASSERT_EQ(stars.size(), 12u);
  for (std::size_t k = 1; k < stars.size(); ++k) EXPECT_GE(stars[k - 1].flux, stars[k].flux);
  for (auto const& star : stars) EXPECT_GT(star.x, 200) << "amplitudes grow with x";
  // row-major order without it
  auto const all = find(make_planes(), options_of(StarFinderName::Iraf));
  for (std::size_t k = 1; k < all.size(); ++k) EXPECT_GT(all[k].y, all[k - 1].y - 1.5);
}

TEST_F(ExposureStars, AreNotWhereFlagsSayNo) {
  auto planes = make_planes();
  for (std::int64_t y = 0; y < Ny; ++y)
    for (std::int64_t x = 0; x < 150; ++x)
      planes.dq[static_cast<std::size_t>(y * Nx + x)] = x % 2 ? dq::NonScience : dq::DoNotUse;
  planes.dq[static_cast<std::size_t>(100 * Nx + 200)] = dq::JumpDet;  // says nothing of the kind
  std::vector<Truth> kept;
  for (auto const& star : make_truth())
    if (star.x > 150) kept.push_back(star);
  for (auto const finder : {StarFinderName::Iraf, StarFinderName::Dao})
    expect_truth(find(planes, options_of(finder)), kept, 0.25);
}

TEST_F(ExposureStars, AreFoundWhereMostOfTheExposureIsMasked) {
  // the median of the rms is that of the zeros under the mask: noise would be listed by the hundred
  auto planes = make_planes();
  std::vector<Truth> kept;
  for (std::int64_t y = 0; y < Ny; ++y)
    for (std::int64_t x = 0; x < 200; ++x) planes.dq[static_cast<std::size_t>(y * Nx + x)] = dq::DoNotUse;
  for (auto const& star : make_truth())
    if (star.x > 200) kept.push_back(star);
  expect_truth(find(planes, options_of(StarFinderName::Iraf)), kept, 0.25);
}

TEST_F(ExposureStars, AreNoneWhereNothingIsGood) {
  auto planes = make_planes();
  std::fill(planes.dq.begin(), planes.dq.end(), dq::DoNotUse);
  for (auto const finder : {StarFinderName::Iraf, StarFinderName::Dao, StarFinderName::Segmentation})
    EXPECT_TRUE(find(planes, options_of(finder)).empty());
  std::fill(planes.dq.begin(), planes.dq.end(), 0u);
  std::fill(planes.sci.begin(), planes.sci.end(), NAN);
  EXPECT_TRUE(find(planes, options_of(StarFinderName::Iraf)).empty());
}

TEST_F(ExposureStars, AreNoneOnABareSky) {
  Planes planes{std::vector<float>(Nx * Ny), std::vector<std::uint32_t>(Nx * Ny, 0)};
  test::VectorNoise random(9);
  for (auto& value : planes.sci) value = static_cast<float>(3 + 0.1 * random.deviate());
  for (auto const finder : {StarFinderName::Iraf, StarFinderName::Dao, StarFinderName::Segmentation})
    EXPECT_TRUE(find(planes, options_of(finder)).empty());
}

TEST_F(ExposureStars, DoNotFeelALevelOrASlope) {
  auto planes = make_planes();
  auto const before = find(planes, options_of(StarFinderName::Iraf));
  for (std::size_t k = 0; k < planes.sci.size(); ++k) planes.sci[k] += 4096;  // exact in float32 to 2^-11
  auto const after = find(planes, options_of(StarFinderName::Iraf));
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t k = 0; k < before.size(); ++k) {
    EXPECT_NEAR(after[k].x, before[k].x, 1e-3);
    EXPECT_NEAR(after[k].flux, before[k].flux, 1e-3 * before[k].flux);
  }
}

TEST_F(ExposureStars, AreKeptStrictlyInsideTheBoundingBox) {
  model::SkyGrid grid;
  grid.nx = Nx;
  grid.ny = Ny;
  grid.crval = {30, 10};
  grid.crpix = {150, 130};
  grid.cdelt = {-0.1 / 3600, 0.1 / 3600};
  grid.pc = {{{1, 0}, {0, 1}}};
  grid.bounding_box = {{{-0.5, Nx - 0.5}, {-0.5, Ny - 0.5}}};
  auto const find_with_box = [&] {
    auto const wcs = sky::make_grid_gwcs(grid);
    auto const record = write(make_planes(), wcs.get());
    return find_exposure_stars(store::ExposureReader(record, {}), options_of(StarFinderName::Iraf));
  };
  auto const all = find_with_box();
  ASSERT_EQ(all.size(), make_truth().size());
  // one star lies on the edge exactly
  double const edge = all[all.size() / 2].x;
  grid.bounding_box[0] = {edge, 250.5};
  auto const kept = find_with_box();
  std::size_t inside = 0;
  for (auto const& star : all)
    if (star.x > edge && star.x < 250.5) ++inside;
  EXPECT_EQ(kept.size(), inside);
  EXPECT_LT(inside, all.size() - 9);
  for (auto const& star : kept) EXPECT_GT(star.x, edge);
}

TEST(MedianRms, TakesMaskedPixelsAsZerosUnlessTheyAreMost) {
  std::vector<float> few{0, 3, 1, 2, 4};
  EXPECT_EQ(median_rms(few), 2);
  std::vector<float> most{0, 0, 0, 5, 7};
  EXPECT_EQ(median_rms(most), 6);
  std::vector<float> all{0, 0};
  EXPECT_EQ(median_rms(all), 0);
}

}  // namespace
}  // namespace tessera::exchange
