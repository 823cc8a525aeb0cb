// Stamps cut from exposures, and centres fitted on them.
#include "tessera/exchange/effective_psf.hpp"

#include <gtest/gtest.h>

#include "support/exposure_files.hpp"
#include "support/optics_psf.hpp"
#include "support/test_files.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera {
namespace {

constexpr std::int64_t Nx = 300, Ny = 620;  // more rows than are read at a time

/// An exposure of stars of an undersampled PSF in a file.
class StarExposure {
 public:
  StarExposure(std::string const& name, std::vector<model::Star> stars_given, bool with_error = true)
      : stars(std::move(stars_given)), scratch_(name), with_error_(with_error) {
    auto const pixels = static_cast<std::size_t>(Nx * Ny);
    std::vector<double> light(pixels);
    for (auto const& star : stars)
      for (std::int64_t y = 0; y < Ny; ++y)
        for (std::int64_t x = 0; x < Nx; ++x)
          if (std::abs(static_cast<double>(x) - star.x) < 8 && std::abs(static_cast<double>(y) - star.y) < 8)
            light[place(x, y)] +=
                star.flux * optics_.at(static_cast<double>(x) - star.x, static_cast<double>(y) - star.y);
    test::VectorNoise random(3);
    for (double const value : light) {
      double const noise = std::sqrt(1 + value / 3);
      sci.push_back(static_cast<float>(20 + value + noise * random.deviate()));
      err.push_back(static_cast<float>(noise));
    }
    dq.assign(pixels, 0);
  }

  static std::size_t place(std::int64_t x, std::int64_t y) { return static_cast<std::size_t>(y * Nx + x); }

  store::ExposureRecord write() const {
    auto const path = scratch_.path() / "jw02107041001_02105_00001_nrcalong_cal.fits";
    model::Header image;
    test::set_tan(image, Nx, Ny, 30, 10, 0.063);
    std::vector<test::TestPlane> planes{{"SCI", sci}, {"DQ", {}, dq}};
    if (with_error_) planes.insert(planes.begin() + 1, {"ERR", err});
    test::write_exposure(path, Nx, Ny, test::nircam_primary(), image, planes);
    std::vector<store::InputNote> notes;
    return store::examine_exposure({"ngc0628", "F300M", path.string(), "", ""}, notes).value();
  }

  std::vector<model::Star> stars;
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;

 private:
  test::OpticsPsf optics_{1.51};
  test::ScratchFolder scratch_;
  bool with_error_;
};

model::Star star_at(double x, double y, double flux) {
  model::Star star;
  star.x = x;
  star.y = y;
  star.flux = flux;
  return star;
}

/// A grid of stars far from each other, at many phases, across the rows that are read at a time.
std::vector<model::Star> star_grid() {
  std::vector<model::Star> stars;
  test::VectorNoise random(5);
  for (int row = 0; row < 20; ++row)
    for (int column = 0; column < 9; ++column)
      stars.push_back(star_at(20 + 32 * column + random.uniform(), 15 + 31 * row + random.uniform(),
                              2000 * std::pow(5.0, random.uniform())));
  return stars;
}

TEST(PsfSize, GrowsWithThePsf) {
  auto const narrow = exchange::psf_size(1.3), broad = exchange::psf_size(7.3), unknown = exchange::psf_size(0);
  EXPECT_EQ(narrow.fit_radius, 4);
  EXPECT_EQ(narrow.stamp_side(), 11);
  EXPECT_NEAR(broad.fit_radius, 2.5 * 7.3, 0.2);
  EXPECT_GT(broad.radius, broad.fit_radius + 0.5);
  EXPECT_EQ(unknown.fwhm, 2.5);
}

TEST(CutPsfStamps, TakesTheBrightestThatAreAloneAndWhole) {
  std::vector<model::Star> stars{star_at(50.3, 50.2, 5000),   star_at(100.1, 60.4, 9000),   // good
                                 star_at(150.2, 80.6, 7000),  star_at(154.2, 82.6, 4000),   // a pair
                                 star_at(3.2, 100.4, 8000),   star_at(200.3, 617.1, 8000),  // at the border
                                 star_at(60.3, 300.1, 8000),  star_at(120.3, 300.4, 8000),
                                 star_at(180.2, 300.3, 8000),                             // saturated, dead, zero
                                 star_at(240.4, 300.2, 20),                               // faint
                                 star_at(60.2, 400.3, 6000),  star_at(64.3, 402.2, 50)};  // a neighbour that is nothing
  StarExposure exposure("cut-stamps", stars);
  exposure.dq[StarExposure::place(60, 300)] = dq::Saturated;
  exposure.dq[StarExposure::place(121, 300)] = dq::DoNotUse;
  exposure.sci[StarExposure::place(180, 301)] = 0;
  store::ExposureReader const reader(exposure.write(), {});
  auto const size = exchange::psf_size(1.587);
  auto const stamps = exchange::cut_psf_stamps(reader, stars, size, 50);
  ASSERT_EQ(stamps.size(), 3U);
  EXPECT_EQ(stamps[0].star.x, 100.1);
  EXPECT_EQ(stamps[1].star.x, 60.2);
  EXPECT_EQ(stamps[2].star.x, 50.3);
  EXPECT_EQ(exchange::cut_psf_stamps(reader, stars, size, 2).size(), 2U);
  for (auto const& stamp : stamps)
    for (int row = 0; row < stamp.side; ++row)
      for (int column = 0; column < stamp.side; ++column) {
        auto const here = StarExposure::place(stamp.x0 + column, stamp.y0 + row);
        auto const k = static_cast<std::size_t>(row * stamp.side + column);
        EXPECT_EQ(stamp.value[k], exposure.sci[here]);
        EXPECT_EQ(stamp.error[k], exposure.err[here]);
      }
}

TEST(FitCentres, FindsStarsAnywhereInTheExposure) {
  for (bool const with_error : {true, false}) {
    auto const truth = star_grid();
    StarExposure const exposure("fit-centres", truth, with_error);
    store::ExposureReader const reader(exposure.write(), {});
    auto const size = exchange::psf_size(1.587);
    std::vector<model::Star> stars = truth;
    for (auto& star : stars) star.x = std::round(star.x), star.y = std::round(star.y);
    auto const measured = exchange::measure_psf(exchange::cut_psf_stamps(reader, stars, size, 600), size);
    ASSERT_FALSE(measured.psf.is_empty()) << measured.account;
    stars.push_back(star_at(-20, 5, 100));
    stars.push_back(star_at(NAN, NAN, 100));
    auto const counts = exchange::fit_centres(reader, stars, size, measured);
    EXPECT_EQ(counts.kept, 2);
    EXPECT_EQ(counts.fitted, static_cast<std::int64_t>(truth.size()));
    test::CentreErrors errors;
    for (std::size_t k = 0; k < truth.size(); ++k) {
      errors.add(stars[k].x - truth[k].x, truth[k].x, stars[k].error);
      auto const sky = reader.wcs()->pixel_to_sky({stars[k].x, stars[k].y});
      EXPECT_EQ(sky.ra, stars[k].ra);
      EXPECT_EQ(sky.dec, stars[k].dec);
    }
    EXPECT_LT(errors.rms(), 0.012);
    if (with_error) {
      EXPECT_NEAR(errors.pull(), 1, 0.15);
    } else {
      EXPECT_LT(errors.pull(), 2);  // the noise of the sky is all that can be seen, not that of the light
    }
    EXPECT_EQ(stars[truth.size()].error, 0);
    EXPECT_EQ(stars[truth.size()].x, -20);
  }
}

TEST(StampBytes, ComeBackAsTheyWere) {
  exchange::StampList list;
  list.stars = {star_at(1.5, 2.5, 3), star_at(4, 5, 6)};
  list.stamps.push_back({star_at(7, 8, 9), 3, 4, 2, {1, 2, NAN, 4}, {5, 6, 7, 8}});
  auto const bytes = exchange::pack_stamps(list);
  auto const back = exchange::unpack_stamps(bytes);
  EXPECT_EQ(back.stars.size(), 2U);
  EXPECT_EQ(back.stars[0].y, 2.5);
  ASSERT_EQ(back.stamps.size(), 1U);
  EXPECT_EQ(back.stamps[0].side, 2);
  EXPECT_EQ(back.stamps[0].y0, 4);
  EXPECT_EQ(back.stamps[0].value[3], 4);
  EXPECT_TRUE(std::isnan(back.stamps[0].value[2]));
  EXPECT_EQ(back.stamps[0].error, list.stamps[0].error);
  for (std::size_t cut : {std::size_t{0}, std::size_t{7}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_THROW(exchange::unpack_stamps(std::span(bytes).first(cut)), IoError) << cut;
}

TEST(PsfBytes, ComeBackAsTheyWere) {
  exchange::MeasuredPsf measured{kernels::make_gaussian_psf(4, 0.8), 0.02, "a PSF"};
  measured.psf.set_centre(0.1, -0.2);
  auto const back = exchange::unpack_psf(exchange::pack_psf(measured));
  EXPECT_EQ(back.psf.samples(), measured.psf.samples());
  EXPECT_EQ(back.psf.centre_y(), -0.2);
  EXPECT_EQ(back.psf.at(0.3, 0.4).value, measured.psf.at(0.3, 0.4).value);
  EXPECT_EQ(back.model_error, 0.02);
  EXPECT_EQ(back.account, "a PSF");
  auto const none = exchange::unpack_psf(exchange::pack_psf({{}, 0, "12 usable stars, 20 needed"}));
  EXPECT_TRUE(none.psf.is_empty());
  EXPECT_EQ(none.account, "12 usable stars, 20 needed");
}

}  // namespace
}  // namespace tessera
