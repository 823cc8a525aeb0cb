#include "tessera/sky/transforms.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tessera::sky {
namespace {

std::vector<double> evaluate_point(Transform const& transform, std::vector<double> const& in) {
  std::vector<double> out(static_cast<std::size_t>(transform.output_count()));
  std::vector<double const*> from;
  std::vector<double*> to;
  for (double const& value : in) from.push_back(&value);
  for (double& value : out) to.push_back(&value);
  transform.evaluate(1, from.data(), to.data());
  return out;
}

void expect_values(Transform const& transform, std::vector<double> const& in, std::vector<double> const& expected,
                   double tolerance = 1e-13) {
  auto const out = evaluate_point(transform, in);
  ASSERT_EQ(out.size(), expected.size());
  for (std::size_t k = 0; k < out.size(); ++k) EXPECT_NEAR(out[k], expected[k], tolerance) << transform.tag();
}

TEST(SimpleTransforms, GiveHandWorkedValues) {
  expect_values(Shift(1.5), {2}, {3.5});
  expect_values(Scale(-2), {3}, {-6});
  expect_values(Linear1D(2, 1), {3}, {7});
  expect_values(Constant(4.5, 2), {1, 2}, {4.5});
  expect_values(Identity(3), {1, 2, 3}, {1, 2, 3});
  expect_values(RemapAxes({1, 0, 1}), {5, 6}, {6, 5, 6});
  expect_values(Affine({{{1, 2}, {3, 4}}}, {10, 20}), {1, 1}, {13, 27});
  expect_values(Rotate2D(90), {1, 0}, {0, 1});
}

TEST(Polynomials, GiveHandWorkedValues) {
  expect_values(Polynomial1D({1, 2, 3}), {2}, {1 + 4 + 12});
  // 1 + 2y + 3y^2 + 4x + 5xy + 6x^2 at x = 2, y = 3; the entries beyond the degree (7, 8, 9) are ignored.
  expect_values(Polynomial2D(2, {1, 2, 3, 4, 5, 7, 6, 8, 9}), {2, 3}, {1 + 6 + 27 + 8 + 30 + 24});
}

TEST(Polynomials, MapInputsFromDomainToWindow) {
  PolynomialRange const range{{0, 10}, {-1, 1}};
  expect_values(Polynomial1D({0, 1}, range), {7.5}, {0.5});
  expect_values(Polynomial2D(1, {0, 1, 1, 0}, {range, PolynomialRange{}}), {10, 0.25}, {1.25});
}

TEST(CombinedTransforms, GiveHandWorkedValues) {
  auto const shift = std::make_shared<Shift>(1), by_two = std::make_shared<Shift>(2);
  auto const scale = std::make_shared<Scale>(3);
  expect_values(*chain(shift, scale), {2}, {9});
  expect_values(*join(shift, scale), {2, 5}, {3, 15});
  expect_values(Arithmetic(Arithmetic::Operation::Subtract, scale, by_two), {5}, {15 - 7});
  expect_values(Arithmetic(Arithmetic::Operation::Divide, scale, by_two), {4}, {2});
  expect_values(Arithmetic(Arithmetic::Operation::Power, scale, by_two), {1}, {27});
  expect_values(
      FixInputs(std::make_shared<Affine>(Affine::Matrix{{{1, 2}, {3, 4}}}, std::array<double, 2>{0, 0}), {{0, 10.0}}),
      {1}, {12, 34});
}

TEST(SkyTransforms, GiveHandWorkedValues) {
  using Kind = SphericalCartesian::Kind;
  expect_values(SphericalCartesian(Kind::SphericalToCartesian), {90, 0}, {0, 1, 0});
  expect_values(SphericalCartesian(Kind::CartesianToSpherical, 360), {0, -1, 0}, {270, 0});
  expect_values(SphericalCartesian(Kind::CartesianToSpherical, 180), {0, -1, 0}, {-90, 0});
  // A frame rotation about z by 30 degrees lowers longitudes by 30.
  expect_values(RotateSequence3D({30}, "z", RotateSequence3D::Kind::Spherical), {50, 20}, {20, 20});
  // The native pole falls on the fiducial point, and with psi = 180 north is towards native longitude 180.
  Rotate3D const to_sky(40, -25, 180, "native2celestial");
  expect_values(to_sky, {123, 90}, {40, -25}, 1e-12);
  expect_values(to_sky, {180, 80}, {40, -15}, 1e-12);
  expect_values(Gnomonic(Gnomonic::Direction::PixelToSky), {0, -DegreesPerRadian}, {0, 45});
  expect_values(Gnomonic(Gnomonic::Direction::SkyToPixel), {90, 45}, {DegreesPerRadian, 0}, 1e-12);
}

TEST(Gnomonic, HasNoImageBelowTheHorizon) {
  for (double const latitude : {0.0, -30.0, -90.0})
    EXPECT_TRUE(std::isnan(evaluate_point(Gnomonic(Gnomonic::Direction::SkyToPixel), {20, latitude})[0]));
}

std::vector<TransformPointer> invertible_transforms() {
  using Spherical = SphericalCartesian::Kind;
  return {
      std::make_shared<Shift>(3.25),
      std::make_shared<Scale>(0.03),
      std::make_shared<Linear1D>(-2.0, 5.0),
      std::make_shared<Identity>(2),
      std::make_shared<RemapAxes>(std::vector<int>{1, 0, 1}),
      std::make_shared<Affine>(Affine::Matrix{{{0.9, 0.2}, {-0.3, 1.1}}}, std::array<double, 2>{4, -7}),
      std::make_shared<Rotate2D>(33.0),
      std::make_shared<RotateSequence3D>(std::vector<double>{10, -20, 200, 45, -70}, "zyxyz",
                                         RotateSequence3D::Kind::Cartesian),
      std::make_shared<RotateSequence3D>(std::vector<double>{10, -20, 50}, "zyx", RotateSequence3D::Kind::Spherical),
      std::make_shared<SphericalCartesian>(Spherical::SphericalToCartesian, 180),
      std::make_shared<Rotate3D>(310, 62, 170, "native2celestial"),
      std::make_shared<Rotate3D>(10, 20, 30, "zxz"),
      std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky),
      chain(join(std::make_shared<Shift>(1.0), std::make_shared<Scale>(2.0)), std::make_shared<Rotate2D>(12.0))};
}

TEST(Transforms, ForwardThenInverseIsIdentity) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<double> coordinate(-40, 40);
  for (auto const& transform : invertible_transforms()) {
    auto const inverse = transform->inverse();
    ASSERT_TRUE(inverse) << transform->tag();
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<double> point(static_cast<std::size_t>(transform->input_count()));
      for (double& value : point) value = coordinate(generator);
      auto const back = evaluate_point(*inverse, evaluate_point(*transform, point));
      ASSERT_EQ(back.size(), point.size()) << transform->tag();
      for (std::size_t k = 0; k < point.size(); ++k) EXPECT_NEAR(back[k], point[k], 1e-11) << transform->tag();
    }
  }
}

TEST(Transforms, WithoutAnInverseSaySo) {
  EXPECT_FALSE(Scale(0).inverse());
  EXPECT_FALSE(Constant(1).inverse());
  EXPECT_FALSE(Polynomial1D({0, 1}).inverse());
  EXPECT_FALSE(RemapAxes({0}, 2).inverse());
  EXPECT_FALSE(Affine({{{1, 2}, {2, 4}}}, {0, 0}).inverse());
  EXPECT_FALSE(chain(std::make_shared<Shift>(1), std::make_shared<Scale>(0))->inverse());
}

TEST(Transforms, ExplicitInverseOverridesTheDerivedOneAtAnyLevel) {
  auto const shift = std::make_shared<Shift>(1);
  shift->common.explicit_inverse = std::make_shared<Shift>(-1.25);
  expect_values(*chain(shift, std::make_shared<Scale>(2))->inverse(), {4}, {0.75});
}

TEST(Transforms, DoNotDependOnHowManyPointsAreGiven) {
  auto const polynomial = std::make_shared<Polynomial2D>(
      3, std::vector<double>{0.1, 1.2, 2e-3, 1e-6, 1, 3e-3, 1e-6, 0, 2e-4, 1e-6, 0, 0, 1e-7, 0, 0, 0});
  auto const both = std::make_shared<RemapAxes>(std::vector<int>{0, 1, 1, 0});
  auto const tree =
      chain(chain(both, join(polynomial, polynomial)), std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky));
  std::size_t const count = 3 * BlockPoints + 17;
  std::vector<double> x(count), y(count), a(count), b(count);
  for (std::size_t k = 0; k < count; ++k) {
    x[k] = 0.37 * static_cast<double>(k) - 100;
    y[k] = 50 - 0.11 * static_cast<double>(k);
  }
  double const* const in[] = {x.data(), y.data()};
  double* const out[] = {a.data(), b.data()};
  tree->evaluate(count, in, out);
  for (std::size_t k = 0; k < count; ++k) {
    auto const single = evaluate_point(*tree, {x[k], y[k]});
    ASSERT_EQ(single[0], a[k]) << k;
    ASSERT_EQ(single[1], b[k]) << k;
  }
}

TEST(AxisNames, ComeFromTheNodeOrItsKind) {
  auto const tree = chain(join(std::make_shared<Shift>(1), std::make_shared<Shift>(2)),
                          std::make_shared<Gnomonic>(Gnomonic::Direction::PixelToSky));
  EXPECT_EQ(input_names(*tree), (std::vector<std::string>{"x0", "x1"}));
  EXPECT_EQ(output_names(*tree), (std::vector<std::string>{"phi", "theta"}));
  tree->common.input_names = {"column", "row"};
  EXPECT_EQ(input_names(*tree), (std::vector<std::string>{"column", "row"}));
}

}  // namespace
}  // namespace tessera::sky
