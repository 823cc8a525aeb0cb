#include "tessera/sky/output_grid.hpp"

#include <gmock/gmock.h>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/grid_wcs.hpp"

namespace tessera::sky {
namespace {

struct Case {
  std::vector<SkyPolygon> footprints;
  ReferencePointing reference;
  OutputGridOptions options;
  nlohmann::json expected;
};

Case read_case(nlohmann::json const& json) {
  Case c;
  for (auto const& polygon : json["footprints_radec_deg"]) {
    c.footprints.emplace_back();
    for (auto const& p : polygon) c.footprints.back().push_back({p[0], p[1]});
  }
  auto const& info = json["wcsinfo"];
  c.reference = {info["ra_ref"], info["dec_ref"], info["roll_ref"], info["v3yangle"], info["vparity"]};
  auto const& options = json["options"];
  c.options.pixel_scale = options["pscale"].get<double>() * 3600;  // the vectors hold degrees
  if (options.contains("rotation")) c.options.rotation = options["rotation"].get<double>();
  if (options.contains("crval")) c.options.crval = SkyPoint{options["crval"][0], options["crval"][1]};
  if (options.contains("crpix")) c.options.crpix = PixelPoint{options["crpix"][0], options["crpix"][1]};
  if (options.contains("shape"))
    c.options.output_shape = {{options["shape"][1], options["shape"][0]}};  // rows first there
  c.expected = json["expected"];
  return c;
}

TEST(MakeOutputGrid, AgreesWithTheReferenceCases) {
  auto const vectors = test::read_vector("outputwcs_cases.json");
  ASSERT_EQ(vectors["cases"].size(), 5U);
  for (auto const& json : vectors["cases"]) {
    SCOPED_TRACE(json["name"].get<std::string>());
    auto const c = read_case(json);
    auto const grid = make_output_grid(c.footprints, c.reference, 1, 1, c.options);
    auto const& e = c.expected;
    EXPECT_EQ(grid.nx, e["shape_nx_ny"][0]);
    EXPECT_EQ(grid.ny, e["shape_nx_ny"][1]);
    EXPECT_NEAR(grid.crpix.x + 1, e["crpix_1based"][0], 1e-5);
    EXPECT_NEAR(grid.crpix.y + 1, e["crpix_1based"][1], 1e-5);
    EXPECT_NEAR(grid.crval.ra, e["crval_deg"][0], 1e-11);
    EXPECT_NEAR(grid.crval.dec, e["crval_deg"][1], 1e-11);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(grid.cdelt[i], e["cdelt_deg"][i], 1e-18);
      for (std::size_t j = 0; j < 2; ++j) {
        EXPECT_NEAR(grid.pc[i][j], e["pc"][i][j], 1e-14);
        EXPECT_EQ(grid.bounding_box[i][j], e["bounding_box"][i][j]);
      }
    }
    auto const wcs = make_grid_wcs(grid);
    for (std::size_t k = 0; k < e["sky_at_pixels"]["pixels"].size(); ++k) {
      auto const& p = e["sky_at_pixels"]["pixels"][k];
      auto const sky = wcs->pixel_to_sky(PixelPoint{p[0], p[1]});
      EXPECT_NEAR(sky.ra, e["sky_at_pixels"]["radec"][k][0], 1e-10);  // printed to 1e-11, crpix known to 1e-9 pixel
      EXPECT_NEAR(sky.dec, e["sky_at_pixels"]["radec"][k][1], 1e-10);
    }
  }
}

std::vector<SkyPolygon> around(SkyPoint centre, double half) {
  return {{{centre.ra - half, centre.dec - half},
           {centre.ra - half, centre.dec + half},
           {centre.ra + half, centre.dec + half},
           {centre.ra + half, centre.dec - half}}};
}

TEST(MakeOutputGrid, HoldsEveryFootprintButForTheLastHalfPixel) {
  for (auto const& centre : {SkyPoint{24, 15}, SkyPoint{0, -60}, SkyPoint{200, 88}}) {
    auto const footprints = around(centre, 0.02);
    auto const grid = make_output_grid(footprints, {0, 0, 33, 1.5, -1}, 1e-5, 1, {});
    auto const wcs = make_grid_wcs(grid);
    for (auto const& vertex : footprints[0]) {
      auto const p = wcs->sky_to_pixel(vertex);
      EXPECT_GE(p.x, -1e-6);
      EXPECT_GE(p.y, -1e-6);
      EXPECT_LE(p.x, static_cast<double>(grid.nx) + 0.5);
      EXPECT_LE(p.y, static_cast<double>(grid.ny) + 0.5);
    }
  }
}

TEST(MakeOutputGrid, ScalesByTheRatioUnlessAScaleIsGiven) {
  auto const footprints = around({24, 15}, 0.02);
  auto const by_ratio = make_output_grid(footprints, {}, 1e-5, 1, {.pixel_scale_ratio = 0.5});
  EXPECT_DOUBLE_EQ(by_ratio.cdelt[0], 5e-6);
  EXPECT_EQ(by_ratio.pixel_scale_ratio, 0.5);
  double const native = 1e-5 * RadiansPerDegree;
  auto const by_scale =
      make_output_grid(footprints, {}, 1e-5, native * native, {.pixel_scale_ratio = 0.5, .pixel_scale = 0.072});
  EXPECT_DOUBLE_EQ(by_scale.cdelt[1], 2e-5);
  EXPECT_NEAR(by_scale.pixel_scale_ratio, 2, 1e-12);
}

TEST(MakeOutputGrid, RefusesAGridThatIsTooSmallAndFootprintsOffTheSky) {
  auto const footprints = around({24, 15}, 0.02);
  EXPECT_THROW(make_output_grid(footprints, {}, 1, 1, {}), InputError);
  auto broken = footprints;
  broken[0][2].dec = std::nan("");
  EXPECT_THROW(make_output_grid(broken, {}, 1e-5, 1, {}), InputError);
  EXPECT_THROW(make_output_grid({}, {}, 1e-5, 1, {}), InputError);
  auto two = footprints;
  two.push_back(around({204, -15}, 0.02)[0]);
  EXPECT_THROW(make_output_grid(two, {}, 1e-5, 1, {.crval = SkyPoint{24, 15}}), InputError);
}

model::SkyGrid square_grid(double scale_x, double scale_y) {
  model::SkyGrid grid;
  grid.nx = grid.ny = 400;
  grid.crpix = {199.5, 199.5};
  grid.crval = {0.0, 70};
  grid.cdelt = {scale_x, scale_y};
  return grid;
}

TEST(NativeScale, IsTheGeometricMeanOfTheTwoSteps) {
  EXPECT_NEAR(native_scale(*make_grid_wcs(square_grid(1e-5, 4e-5)), {0.0, 70}) / 2e-5, 1, 1e-8);
  EXPECT_THROW(native_scale(*make_grid_wcs(square_grid(1e-5, 4e-5)), {180.0, -70}), InputError);
}

TEST(MeanPixelArea, IsTheSolidAngleOfAPixel) {
  double const expected = 1e-5 * 4e-5 * RadiansPerDegree * RadiansPerDegree;
  EXPECT_NEAR(mean_pixel_area(*make_grid_wcs(square_grid(1e-5, 4e-5)), 400, 400) / expected, 1, 1e-7);
}

/// A grid whose first columns have no sky.
class Holed : public Wcs {
 public:
  explicit Holed(WcsPointer whole) : whole_(std::move(whole)) {}
  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override {
    whole_->pixel_to_sky(x, y, ra, dec);
    for (std::size_t k = 0; k < x.size(); ++k)
      if (x[k] < 10) ra[k] = dec[k] = std::nan("");
  }
  void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const override {
    whole_->sky_to_pixel(ra, dec, x, y);
  }
  std::optional<BoundingBox> bounding_box() const override { return std::nullopt; }
  std::string description() const override { return "holed"; }

 private:
  WcsPointer whole_;
};

TEST(MeanPixelArea, LeavesOutSidesWithoutSky) {
  double const expected = 1e-5 * 4e-5 * RadiansPerDegree * RadiansPerDegree;
  Holed const wcs(make_grid_wcs(square_grid(1e-5, 4e-5)));
  EXPECT_NEAR(mean_pixel_area(wcs, 400, 400) / expected, 1, 1e-7);
  EXPECT_THROW(mean_pixel_area(wcs, 9, 400), InputError);
}

}  // namespace
}  // namespace tessera::sky
