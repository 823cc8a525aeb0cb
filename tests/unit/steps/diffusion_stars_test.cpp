// Star lists after a constrained diffusion: stars among clouds.
#include "../../../src/steps/get_wcs_adjust/diffusion_stars.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {
namespace {

constexpr std::int64_t Side = 160;

struct Spot {
  double x, y, peak, sigma;
};

class DiffusionStarsTest : public testing::Test {
 protected:
  /// Stars on a jittered grid and clouds with steep sides, noise of 0.05.
  void make_sky() {
    std::mt19937 random(4);
    auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    for (int j = 0; j < 6; ++j)
      for (int i = 0; i < 6; ++i)
        stars_.push_back({20 + 24 * i + 4 * uniform(), 20 + 24 * j + 4 * uniform(), 3 + 10 * uniform(), 0.8493});
    std::vector<Spot> all = stars_;
    for (int k = 0; k < 12; ++k) all.push_back({Side * uniform(), Side * uniform(), 4, 9 + 6 * uniform()});
    sci_.assign(static_cast<std::size_t>(Side * Side), 0.0f);
    for (std::int64_t y = 0; y < Side; ++y)
      for (std::int64_t x = 0; x < Side; ++x) {
        double value = 1;
        for (auto const& spot : all) {
          double const u = static_cast<double>(x) - spot.x, v = static_cast<double>(y) - spot.y;
          value += spot.peak * std::exp(-0.5 * (u * u + v * v) / (spot.sigma * spot.sigma));
        }
        double noise = -6;
        for (int n = 0; n < 12; ++n) noise += uniform();
        sci_[static_cast<std::size_t>(y * Side + x)] = static_cast<float>(value + 0.05 * noise);
      }
  }

  std::vector<model::Star> list(bool with_error, std::vector<std::uint32_t> dq = {}, DiffusionStars options = {}) {
    auto const path = scratch_.path() / "jw02107041001_02101_00001_nrcalong_cal.fits";
    model::Header image;
    test::set_tan(image, Side, Side, 30, 10, 0.063);
    std::vector<test::TestPlane> planes{{"SCI", sci_}};
    if (with_error) planes.push_back({"ERR", std::vector<float>(sci_.size(), 0.05f)});
    if (dq.empty()) dq.assign(sci_.size(), 0);
    planes.push_back({"DQ", {}, dq});
    test::write_exposure(path, Side, Side, test::nircam_primary(), image, planes);
    std::vector<store::InputNote> notes;
    auto const record = store::examine_exposure({"galaxy", "F300M", path.string(), "", ""}, notes).value();
    store::Ledger const ledger;
    return list_diffusion_stars(store::ExposureReader(record, ledger), options);
  }

  test::ScratchFolder scratch_{"diffusion-stars"};
  std::vector<Spot> stars_;
  std::vector<float> sci_;
};

}  // namespace

TEST_F(DiffusionStarsTest, FindsStarsAmongClouds) {
  make_sky();
  auto const found = list(true);
  int right = 0;
  for (auto const& star : found)
    for (auto const& truth : stars_) right += std::hypot(star.x - truth.x, star.y - truth.y) < 0.25;
  EXPECT_GE(right, 30) << "of 36: shape limits are strict";
  EXPECT_EQ(static_cast<int>(found.size()), right) << "corners of the image are no stars";
  for (std::size_t k = 1; k < found.size(); ++k) EXPECT_GE(found[k - 1].flux, found[k].flux);
  EXPECT_EQ(list(true, {}, {.max_sources = 5}).size(), 5u);
}

TEST_F(DiffusionStarsTest, ListsNothingWhereNothingIsGood) {
  make_sky();
  EXPECT_TRUE(list(true, std::vector<std::uint32_t>(sci_.size(), 1)).empty());
  std::fill(sci_.begin(), sci_.end(), std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(list(true).empty());
}

TEST_F(DiffusionStarsTest, NeedsErrors) {
  make_sky();
  EXPECT_THROW(list(false), InputError);
}

}  // namespace tessera::steps
