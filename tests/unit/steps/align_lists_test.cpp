// Matching a mosaic's stars to a catalogue: known solutions come out, and what is none is refused.
#include "../../../src/steps/astrometric_align/align_lists.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../../../src/steps/astrometric_align/match_chance.hpp"

namespace tessera::steps {
namespace {

using exchange::AlignStatus;

constexpr Field Whole{-1000, 1000, -800, 800};

/// Uniform in [low, high), the same everywhere.
class Uniform {
 public:
  explicit Uniform(unsigned seed) : random_(seed) {}
  double operator()(double low, double high) {
    return low + (high - low) * static_cast<double>(random_()) / 4294967296.0;
  }
  double normal() {
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += (*this)(0, 1);
    return sum;
  }
  PlanePosition point() { return {(*this)(Whole.x_low, Whole.x_high), (*this)(Whole.y_low, Whole.y_high)}; }

 private:
  std::mt19937 random_;
};

/// A sky of stars, and the image of it: reference = R(angle) image + shift.
struct Scene {
  std::vector<PlanePosition> image, reference;

  Scene(unsigned seed, int common, int only_image, int only_reference, double dx, double dy, double angle_deg,
        double noise = 0.1) {
    Uniform random(seed);
    double const a = angle_deg * 0.017453292519943295, c = std::cos(a), s = std::sin(a);
    for (int k = 0; k < common; ++k) {
      auto const p = random.point();
      image.push_back(p);
      reference.push_back(
          {c * p.x - s * p.y + dx + noise * random.normal(), s * p.x + c * p.y + dy + noise * random.normal()});
    }
    for (int k = 0; k < only_image; ++k) image.push_back(random.point());
    for (int k = 0; k < only_reference; ++k) reference.push_back(random.point());
  }
};

/// PHANGS' iterations for the long channel (spec 40, 0.9).
std::vector<AlignIteration> phangs() {
  AlignIteration first, second;
  first.name = "iteration1";
  first.searchrad = 20;
  first.separation = 1;
  first.tolerance = 2;
  first.geometry = kernels::FitGeometry::Shift;
  first.nclip = 5;
  second = first;
  second.name = "iteration2";
  second.searchrad = 2;
  second.tolerance = 0.5;
  second.use2dhist = false;
  second.geometry = kernels::FitGeometry::Rshift;
  second.minobj = 2;
  return {first, second};
}

ListAlignment align(Scene const& scene, std::vector<AlignIteration> const& iterations = phangs()) {
  return align_lists(scene.image, scene.reference, {}, Whole, iterations);
}

/// How far the solution is off at the corners.
double error_of(ListAlignment const& found, double dx, double dy, double angle_deg) {
  double const a = angle_deg * 0.017453292519943295, c = std::cos(a), s = std::sin(a);
  double largest = 0;
  for (double const x : {Whole.x_low, Whole.x_high})
    for (double const y : {Whole.y_low, Whole.y_high}) {
      auto const& m = found.matrix;
      largest = std::max(largest, std::hypot(m[0][0] * x + m[0][1] * y + found.shift[0] - (c * x - s * y + dx),
                                             m[1][0] * x + m[1][1] * y + found.shift[1] - (s * x + c * y + dy)));
    }
  return largest;
}

TEST(AlignLists, FindsAShiftAndARotation) {
  Scene const scene(1, 120, 150, 100, 7.3, -4.1, 0.02);
  auto const found = align(scene);
  ASSERT_EQ(found.status, AlignStatus::Success) << found.reason;
  EXPECT_LT(error_of(found, 7.3, -4.1, 0.02), 0.1);
  EXPECT_NEAR(found.rmse, 0.1 * std::sqrt(2), 0.03);
  EXPECT_GT(found.matches, 100);
  EXPECT_LT(found.log10_chance, -20);
  EXPECT_EQ(found.iterations.size(), 2u);
  EXPECT_EQ(found.pairs.size(), found.used.size());
  for (auto const& [i, r] : found.pairs) EXPECT_TRUE(i >= 120 || r >= 120 || i == r);
}

TEST(AlignLists, NoneOfManyRandomFieldsIsMatchedWrongly) {
  int aligned = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    Uniform random(1000 + seed);
    int const common = static_cast<int>(random(0, 40));
    double const dx = random(-19, 19), dy = random(-19, 19), angle = random(-0.01, 0.01);
    Scene const scene(seed, common, static_cast<int>(random(0, 400)), static_cast<int>(random(0, 400)), dx, dy, angle);
    auto const found = align(scene);
    if (found.status != AlignStatus::Success) {
      EXPECT_FALSE(found.reason.empty());
      EXPECT_EQ(found.matrix, (kernels::Matrix2{{{1, 0}, {0, 1}}}));
      EXPECT_EQ(found.shift, (std::array<double, 2>{0, 0}));
      continue;
    }
    ++aligned;
    EXPECT_LT(error_of(found, dx, dy, angle), 1.5) << seed << ": " << common << " stars in common";
  }
  EXPECT_GT(aligned, 150);
}

TEST(AlignLists, ListsThatHaveNothingInCommonAreNotMatched) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Uniform random(5000 + seed);
    Scene const scene(seed, 0, static_cast<int>(random(1, 1000)), static_cast<int>(random(1, 1000)), 0, 0, 0);
    auto const found = align(scene);
    EXPECT_NE(found.status, AlignStatus::Success) << seed << ": " << found.matches << " matches";
  }
}

TEST(AlignLists, ClustersThatHaveNothingInCommonAreNotMatched) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    Uniform random(7000 + seed);
    Scene scene(seed, 0, 50, 50, 0, 0, 0);
    for (int cluster = 0; cluster < 5; ++cluster) {
      auto const centre = random.point();
      for (auto* list : {&scene.image, &scene.reference})
        for (int k = 0; k < 30; ++k) list->push_back({centre.x + 8 * random.normal(), centre.y + 8 * random.normal()});
    }
    EXPECT_NE(align(scene).status, AlignStatus::Success) << seed;
  }
}

TEST(AlignLists, ThreeStarsAreEnoughInAnEmptyField) {
  auto const found = align(Scene(11, 3, 0, 0, 3, -2, 0, 0.02));
  ASSERT_EQ(found.status, AlignStatus::Success) << found.reason;
  EXPECT_LT(error_of(found, 3, -2, 0), 0.2);  // a shift: three stars do not say what the rotation is
  EXPECT_EQ(found.matches, 3);
}

TEST(AlignLists, OneStarProvesNothing) {
  auto const found = align(Scene(12, 1, 0, 0, 3, -2, 0));
  EXPECT_EQ(found.status, AlignStatus::Insignificant);
  EXPECT_FALSE(found.reason.empty());
}

TEST(AlignLists, NoStarsAndACatalogueElsewhereAreSaid) {
  Scene scene(13, 50, 0, 0, 0, 0, 0);
  auto const reference = scene.reference;
  EXPECT_EQ(align_lists({}, reference, {}, Whole, phangs()).status, AlignStatus::NoSources);
  for (auto& p : scene.reference) p.x += 1e6;
  auto const found = align(scene);
  EXPECT_EQ(found.status, AlignStatus::NoOverlap);
  EXPECT_NE(found.reason.find("none of the 50 stars"), std::string::npos) << found.reason;
}

TEST(AlignLists, ACatalogueTurnedByHalfACircleIsNotMatched) {
  Scene scene(14, 100, 20, 20, 0, 0, 0);
  for (auto& p : scene.reference) p = {-p.x, -p.y};
  EXPECT_NE(align(scene).status, AlignStatus::Success);
}

TEST(AlignLists, DuplicatesInTheListsChangeNothing) {
  Scene scene(15, 60, 40, 40, 5, 5, 0.01);
  auto const once = align(scene);
  auto const image = scene.image, reference = scene.reference;
  scene.image.insert(scene.image.end(), image.begin(), image.end());
  scene.reference.insert(scene.reference.end(), reference.begin(), reference.end());
  auto const twice = align(scene);
  ASSERT_EQ(once.status, AlignStatus::Success);
  ASSERT_EQ(twice.status, AlignStatus::Success) << twice.reason;
  EXPECT_EQ(twice.matches, once.matches);
  EXPECT_NEAR(twice.shift[0], once.shift[0], 1e-12);
}

TEST(AlignLists, ALatticeThatFitsInManyPlacesIsAmbiguous) {
  Scene scene(16, 0, 0, 0, 0, 0, 0);
  for (int y = -20; y <= 20; ++y)
    for (int x = -20; x <= 20; ++x) {
      scene.image.push_back({10.0 * x, 10.0 * y});
      scene.reference.push_back({10.0 * x + 3, 10.0 * y});
    }
  EXPECT_NE(align(scene).status, AlignStatus::Success);
}

TEST(AlignLists, AShiftBeyondTheToleranceIsFoundWithoutAHistogramToo) {
  auto iterations = phangs();
  iterations[0].use2dhist = false;
  iterations[0].tolerance = 1;
  auto const found = align(Scene(17, 80, 60, 60, 12.5, -9.5, 0.005), iterations);
  ASSERT_EQ(found.status, AlignStatus::Success) << found.reason;
  EXPECT_LT(error_of(found, 12.5, -9.5, 0.005), 0.15);
}

TEST(AlignLists, ATighterToleranceIsTriedInACrowd) {
  // Within two pixels chance gives as many matches as there are stars; within half a pixel it does not.
  auto const found = align(Scene(18, 250, 6000, 5000, 6, 2, 0, 0.05));
  ASSERT_EQ(found.status, AlignStatus::Success) << found.reason;
  EXPECT_LT(error_of(found, 6, 2, 0), 0.3);
}

TEST(AlignLists, ALaterIterationThatFindsNothingLeavesTheSolution) {
  auto iterations = phangs();
  iterations[1].tolerance = 0.0005;
  auto const found = align(Scene(19, 60, 20, 20, 4, 4, 0), iterations);
  ASSERT_EQ(found.status, AlignStatus::Success);
  EXPECT_LT(error_of(found, 4, 4, 0), 0.2);
  EXPECT_NE(found.reason.find("iteration2"), std::string::npos) << found.reason;
}

TEST(AlignLists, FewMatchesAreFittedByASimplerGeometry) {
  auto iterations = phangs();
  iterations.resize(1);
  iterations[0].geometry = kernels::FitGeometry::General;
  iterations[0].minobj = 3;
  auto const few = align(Scene(20, 5, 0, 0, 2, 1, 0, 0.3), iterations);
  ASSERT_EQ(few.status, AlignStatus::Success) << few.reason;
  EXPECT_NEAR(few.matrix[0][0] * few.matrix[1][1] - few.matrix[0][1] * few.matrix[1][0], 1, 1e-12);
}

TEST(AlignLists, WeightsCountInTheFit) {
  std::vector<PlanePosition> image, reference;
  std::vector<double> weights;
  for (int k = 0; k < 20; ++k) {
    image.push_back({90.0 * k - 900, 37.0 * ((k * 7) % 20) - 370});
    reference.push_back({image.back().x + (k % 2 ? 1.0 : 1.2), image.back().y});
    weights.push_back(k % 2 ? 3 : 1);
  }
  auto iterations = phangs();
  iterations.resize(1);
  iterations[0].nclip = 0;
  auto const found = align_lists(image, reference, weights, Whole, iterations);
  ASSERT_EQ(found.status, AlignStatus::Success) << found.reason;
  EXPECT_NEAR(found.shift[0], 1.05, 1e-12);
}

TEST(MatchChance, IsThePoissonTail) {
  EXPECT_NEAR(std::pow(10, log10_chance(3, 1)), 1 - 2.5 * std::exp(-1), 1e-12);
  EXPECT_NEAR(std::pow(10, log10_chance(1, 0.001)), 1 - std::exp(-0.001), 1e-12);
  EXPECT_EQ(log10_chance(3, 5), 0);
  EXPECT_EQ(log10_chance(0, 0), 0);
  EXPECT_LT(log10_chance(200, 10), -100);
  EXPECT_EQ(log10_chance(2, 0), -300);
}

TEST(MatchChance, IsMeasuredFromListsMovedApart) {
  Scene const scene(21, 0, 3000, 2000, 0, 0, 0);
  double const area = 2000.0 * 1600;
  double const measured = pairs_by_chance(scene.image, scene.reference, {0, 0}, 3, 1, area);
  double const by_density = 3000 * (1 - std::exp(-2000 * 3.14159265 * 9 / area));
  EXPECT_NEAR(measured, by_density, 0.1 * by_density);
}

}  // namespace
}  // namespace tessera::steps
