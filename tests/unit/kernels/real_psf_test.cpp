// Stars simulated with measured JWST PSFs: the effective PSF built from them gives back their centres.
#include "support/real_psf.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "psf_fits.hpp"
#include "support/test_files.hpp"

namespace tessera {
namespace {

struct RealCase {
  char const* name;
  char const* file;
  double fwhm;  ///< of the optics, pixels
};

struct Measured {
  test::CentreErrors fitted, found;
  kernels::BuiltPsf built;
};

/// A PSF built from 300 stars on a slope, and the centres of 300 others, by it and by the finder.
Measured measure(test::RealPsf const& truth, double fwhm) {
  auto const options = test::options_for(fwhm);
  int const side = 2 * options.radius + 1;
  auto const stamps = test::make_stamps(truth, 300, side, 3000, {.slope_x = 2, .slope_y = -1}, 61);
  Measured measured;
  measured.built = kernels::build_effective_psf(test::stars_of(stamps), options);
  auto const others = test::make_stamps(truth, 300, side, 3000, {}, 67);
  if (!measured.built.psf.is_empty()) measured.fitted = test::fit_all(others, measured.built, options.fit_radius);
  measured.found = test::find_all(others, fwhm);
  return measured;
}

class RealPsfStars : public testing::TestWithParam<RealCase> {};

TEST_P(RealPsfStars, AreCentredWithoutATraceOfThePixelPhase) {
  auto const& one = GetParam();
  std::string const path = std::string("data/real/psf/") + one.file;
  SKIP_WITHOUT_SHARED(path);
  auto const [fitted, found, built] = measure(test::RealPsf(test::shared_dir() / path, 2, true), one.fwhm);
  ASSERT_EQ(built.problem, "");
  EXPECT_EQ(fitted.size(), 300U);
  RecordProperty("epsf", fmt::format("rms {:.4f} phase {:.4f} pull {:.3f} FWHM {:.2f}", fitted.rms(),
                                     fitted.phase_bias(), fitted.pull(), built.psf.fwhm()));
  RecordProperty("finder", fmt::format("rms {:.4f} phase {:.4f}", found.rms(), found.phase_bias()));
  EXPECT_LT(fitted.rms(), found.rms() / 4);
  EXPECT_LT(fitted.phase_bias(), found.phase_bias() / 12);
  EXPECT_NEAR(fitted.pull(), 1, 0.15);
}

/// With the noise of the files, which is finer than a pixel lets through: the smoothing takes it for noise.
TEST_P(RealPsfStars, AreCentredBetterThanByTheFinderEvenWithDetailThatNoPixelLetsThrough) {
  auto const& one = GetParam();
  std::string const path = std::string("data/real/psf/") + one.file;
  SKIP_WITHOUT_SHARED(path);
  auto const [fitted, found, built] = measure(test::RealPsf(test::shared_dir() / path, 2, false), one.fwhm);
  ASSERT_EQ(built.problem, "");
  EXPECT_LT(fitted.rms(), found.rms() / 2.5);
  EXPECT_LT(fitted.phase_bias(), found.phase_bias() / 2.5);
}

INSTANTIATE_TEST_SUITE_P(Files, RealPsfStars,
                         testing::Values(RealCase{"F115W", "epsf_F115W_moda.fits", 1.8},
                                         RealCase{"F356W", "epsf_F356W_moda.fits", 2.1},
                                         RealCase{"F356WModuleB", "epsf_F356W_modb.fits", 2.1},
                                         RealCase{"F560W", "MIRI_F560W_LMC_55mas_emp_final_psf.fits", 1.9}),
                         [](auto const& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace tessera
