// single_tile_destripe on real images: a GLIMPSE mosaic without stripes, and noise of real NIRCam detectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../../src/steps/single_tile_destripe/measure_tile.hpp"
#include "single_tile_parameters.hpp"
#include "support/test_files.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/kernels/remove_diffuse.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera::steps {
namespace {

struct RealImage {
  std::int64_t nx = 0, ny = 0;
  std::vector<float> sci;
  std::vector<std::uint8_t> bad;

  explicit RealImage(std::string const& file) {
    auto const fits = io::FitsFile::open(test::shared_dir() / file);
    auto const& hdu = fits.hdus().front();
    nx = hdu.nx();
    ny = hdu.ny();
    sci.resize(static_cast<std::size_t>(nx * ny));
    fits.read_rows(hdu, 0, ny, sci.data());
    for (float const value : sci) bad.push_back(!std::isfinite(value) || value == 0);
  }

  StripeLayout layout(int amplifiers) const {
    StripeLayout made;
    made.nx = nx;
    made.ny = ny;
    for (int a = 0; a <= amplifiers; ++a) made.bounds.push_back(a * nx / amplifiers);
    return made;
  }
};

double rms_of(std::vector<double> const& values) {
  double squares = 0;
  for (double const value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double correlation(std::vector<double> const& a, std::vector<double> const& b) {
  double const count = static_cast<double>(a.size());
  double const mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count;
  double const mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    ab += (a[k] - mean_a) * (b[k] - mean_b);
    aa += (a[k] - mean_a) * (a[k] - mean_a);
    bb += (b[k] - mean_b) * (b[k] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

TEST(SingleTileDestripe, FindsNextToNothingInAnImageWithoutStripes) {
  SKIP_WITHOUT_SHARED("data/real/irac/spitzer_example_image.fits");
  RealImage const image("data/real/irac/spitzer_example_image.fits");
  auto const layout = image.layout(1);
  auto const stripes = measure_tile(image.sci, image.bad, layout, tried_options(), 1);

  // The pixels that medians are taken of, and how they scatter.
  auto filtered = image.sci;
  auto const sources = kernels::make_source_mask(filtered.data(), nullptr, image.nx, image.ny, {.dilate = 7});
  kernels::DiffuseOptions diffuse;
  diffuse.dilate = 7;
  auto const mask = kernels::remove_diffuse(std::span(filtered), sources, image.bad, image.nx, image.ny, diffuse);
  std::vector<float> used;
  for (std::size_t k = 0; k < mask.size(); ++k)
    if (mask[k] == 0) used.push_back(filtered[k]);
  auto const count = static_cast<double>(used.size());
  double const sigma = kernels::sigma_clip(used, 3, 5).std;
  auto const floor_of = [&](std::int64_t lines) {
    return 1.2533 * sigma / std::sqrt(count / static_cast<double>(lines));
  };

  std::vector<double> model, sky;
  for (std::size_t k = 0; k < image.sci.size(); ++k) {
    if (image.bad[k]) continue;
    auto const nx = static_cast<std::size_t>(image.nx);
    model.push_back(stripes.profile.rows[0][k / nx] + stripes.profile.columns[k % nx]);
    sky.push_back(static_cast<double>(image.sci[k]));
  }
  EXPECT_LT(rms_of(stripes.profile.rows[0]), 2 * floor_of(image.ny));
  EXPECT_LT(rms_of(stripes.profile.columns), 2 * floor_of(image.nx));
  EXPECT_LT(std::abs(correlation(model, sky)), 0.05);
  RecordProperty("rows_in_floors", std::to_string(rms_of(stripes.profile.rows[0]) / floor_of(image.ny)));
  RecordProperty("columns_in_floors", std::to_string(rms_of(stripes.profile.columns) / floor_of(image.nx)));
  RecordProperty("correlation", std::to_string(correlation(model, sky)));
}

/// rms of the row medians of the amplifiers about a running mean of 64 rows: the noise of rows.
double row_noise(RealImage const& image, std::vector<std::uint8_t> const& mask, StripeProfile const* stripes) {
  std::vector<double> noise;
  for (int a = 0; a < 4; ++a) {
    std::vector<double> medians;
    for (std::int64_t y = 0; y < image.ny; ++y) {
      std::vector<double> row;
      for (auto x = a * image.nx / 4; x < (a + 1) * image.nx / 4; ++x) {
        auto const k = static_cast<std::size_t>(y * image.nx + x);
        double stripe = 0;
        if (stripes)
          stripe =
              stripes->rows[stripes->rows.size() == 1 ? 0 : static_cast<std::size_t>(a)][static_cast<std::size_t>(y)] +
              stripes->columns[static_cast<std::size_t>(x)];
        if (mask[k] == 0 && image.bad[k] == 0) row.push_back(static_cast<double>(image.sci[k]) - stripe);
      }
      if (row.size() > 50) medians.push_back(kernels::median_in_place(row));
    }
    std::vector<double> smooth(medians.size());
    kernels::running_mean(medians, 63, kernels::ExtendMode::Reflect, smooth);
    for (std::size_t y = 0; y < medians.size(); ++y) noise.push_back(medians[y] - smooth[y]);
  }
  return rms_of(noise);
}

TEST(SingleTileDestripe, QuietsTheRowsOfRealDetectors) {
  for (char const* file : {"jw01185002001_01101_00001-seg006_nrca3_rateints_I01226.fits",
                           "jw01366002001_01101_00001-seg004_nrca3_rateints_I00372.fits"}) {
    auto const path = std::string("data/real/jwst_nircam_rateints/") + file;
    SKIP_WITHOUT_SHARED(path);
    RealImage const image(path);
    auto const mask = kernels::make_source_mask(image.sci.data(), nullptr, image.nx, image.ny, {.dilate = 7});
    double const before = row_noise(image, mask, nullptr);
    auto const stripes = measure_tile(image.sci, image.bad, image.layout(4), tried_options(), 1);
    double const after = row_noise(image, mask, &stripes.profile);
    RecordProperty(std::string(file).substr(0, 9) + "_before", std::to_string(before));
    RecordProperty(std::string(file).substr(0, 9) + "_after", std::to_string(after));
    EXPECT_LT(after, before / 4);
    auto const whole = measure_tile(image.sci, image.bad, image.layout(1), tried_options(), 1);
    EXPECT_LT(after, 0.6 * row_noise(image, mask, &whole.profile)) << "each amplifier has noise of its own";
  }
}

}  // namespace
}  // namespace tessera::steps
