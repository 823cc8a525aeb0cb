// Pairs of two lists and the peak of their histogram against align_cases.json, and what must hold for any lists.
#include "tessera/kernels/match_stars.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "support/test_files.hpp"

namespace tessera::kernels {
namespace {

std::vector<PlanePosition> positions(nlohmann::json const& rows) {
  std::vector<PlanePosition> list;
  for (auto const& row : rows) list.push_back({row.at(0), row.at(1)});
  return list;
}

std::pair<std::vector<int>, std::vector<int>> columns(StarMatch const& match) {
  std::pair<std::vector<int>, std::vector<int>> both;
  for (auto const& [image, reference] : match.pairs) {
    both.first.push_back(image);
    both.second.push_back(reference);
  }
  return both;
}

/// Stars at least `apart` from each other, in a square of 120 arcsec.
std::vector<PlanePosition> random_stars(std::mt19937& random, std::size_t count, double apart) {
  std::uniform_real_distribution<double> place(-60, 60);
  std::vector<PlanePosition> stars;
  while (stars.size() < count) {
    PlanePosition const star{place(random), place(random)};
    auto const is_near = [&](PlanePosition const& other) {
      return std::hypot(star.x - other.x, star.y - other.y) < apart;
    };
    if (std::none_of(stars.begin(), stars.end(), is_near)) stars.push_back(star);
  }
  return stars;
}

TEST(MatchStars, FindsThePairsOfTheReference) {
  auto const vector = test::read_vector("align_cases.json");
  auto const& one = vector.at("match_and_fit");
  auto const& expected = one.at("expected");
  MatchOptions options;
  options.searchrad = one.at("searchrad");
  options.tolerance = one.at("tolerance");
  options.separation = one.at("separation");
  options.pixel_scale = one.at("pixel_scale");
  auto const match = match_stars(positions(one.at("img_xy")), positions(one.at("ref_xy")), options);
  EXPECT_NEAR(match.first_shift[0], expected.at("initial_offset_img_minus_ref").at(0), 1e-9);
  EXPECT_NEAR(match.first_shift[1], expected.at("initial_offset_img_minus_ref").at(1), 1e-9);
  auto const [image, reference] = columns(match);
  EXPECT_EQ(image, expected.at("matched_img_index").get<std::vector<int>>());
  EXPECT_EQ(reference, expected.at("matched_ref_index").get<std::vector<int>>());
  EXPECT_FALSE(match.confused);
}

TEST(MatchStars, PairsAndThinsASmallListAsTheReference) {
  auto const vector = test::read_vector("align_cases.json");
  auto const& one = vector.at("xyxymatch_small");
  MatchOptions options;
  options.use2dhist = false;
  options.tolerance = one.at("tolerance");
  options.separation = one.at("separation");
  options.xoffset = one.at("offset").at(0);
  options.yoffset = one.at("offset").at(1);
  auto const [image, reference] = columns(match_stars(positions(one.at("img")), positions(one.at("ref")), options));
  EXPECT_EQ(image, one.at("expected_img_idx").get<std::vector<int>>());
  EXPECT_EQ(reference, one.at("expected_ref_idx").get<std::vector<int>>());
}

TEST(FindHistogramPeak, IsWhereTheReferenceFindsIt) {
  auto const vector = test::read_vector("align_cases.json");
  for (auto const& one : vector.at("peak_finder")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    auto const rows = one.at("hist").get<std::vector<std::vector<double>>>();
    std::vector<double> counts;
    for (auto const& row : rows) counts.insert(counts.end(), row.begin(), row.end());
    auto const peak = find_histogram_peak(counts, static_cast<std::int64_t>(rows.front().size()),
                                          static_cast<std::int64_t>(rows.size()));
    EXPECT_NEAR(peak.x, one.at("expected_xy").at(0), 1e-10);
    EXPECT_NEAR(peak.y, one.at("expected_xy").at(1), 1e-10);
    auto const status = one.at("status").get<std::string>();
    EXPECT_EQ(peak.how, status == "SUCCESS"        ? HistogramPeak::How::Fit
                        : status == "WARNING:EDGE" ? HistogramPeak::How::Edge
                                                   : HistogramPeak::How::CentreOfMass);
  }
}

TEST(FindHistogramPeak, SaysThatNothingOrOneBinIsFilled) {
  std::vector<double> counts(81, 0.0);
  EXPECT_EQ(find_histogram_peak(counts, 9, 9).how, HistogramPeak::How::Empty);
  counts[3 * 9 + 7] = 4;
  auto const peak = find_histogram_peak(counts, 9, 9);
  EXPECT_EQ(peak.how, HistogramPeak::How::SingleBin);
  EXPECT_EQ(peak.x, 7);
  EXPECT_EQ(peak.y, 3);
}

TEST(MatchStars, FindsAKnownShiftWhateverItIsWithinTheSearch) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> shift(-1.9, 1.9);
  for (int trial = 0; trial < 50; ++trial) {
    auto const reference = random_stars(random, 60, 1.5);
    double const dx = shift(random), dy = shift(random);
    std::vector<PlanePosition> image;
    for (auto const& star : reference) image.push_back({star.x + dx, star.y + dy});
    MatchOptions options;
    options.pixel_scale = 0.063;
    auto const match = match_stars(image, reference, options);
    ASSERT_EQ(match.pairs.size(), reference.size()) << dx << ' ' << dy;
    for (auto const& [i, j] : match.pairs) EXPECT_EQ(i, j);
    EXPECT_NEAR(match.first_shift[0], dx, 0.07);  // a pixel
    EXPECT_NEAR(match.first_shift[1], dy, 0.07);
  }
}

TEST(MatchStars, DoesNotDependOnTheOrderOfTheLists) {
  std::mt19937 random(5);
  auto const reference = random_stars(random, 80, 0.3);
  std::vector<PlanePosition> image;
  std::normal_distribution<double> noise(0, 0.05);
  for (auto const& star : reference) image.push_back({star.x + 0.4 + noise(random), star.y - 0.7 + noise(random)});
  MatchOptions options;
  options.pixel_scale = 0.031;
  auto const positions_of = [](StarMatch const& match, auto const& a, auto const& b) {
    std::vector<std::array<double, 4>> found;
    for (auto const& [i, j] : match.pairs)
      found.push_back({a[static_cast<std::size_t>(i)].x, a[static_cast<std::size_t>(i)].y,
                       b[static_cast<std::size_t>(j)].x, b[static_cast<std::size_t>(j)].y});
    return found;
  };
  auto const first = positions_of(match_stars(image, reference, options), image, reference);
  ASSERT_GT(first.size(), 40u);
  for (int trial = 0; trial < 10; ++trial) {
    auto other_image = image, other_reference = reference;
    std::shuffle(other_image.begin(), other_image.end(), random);
    std::shuffle(other_reference.begin(), other_reference.end(), random);
    EXPECT_EQ(positions_of(match_stars(other_image, other_reference, options), other_image, other_reference), first);
  }
}

TEST(MatchStars, LeavesOutStarsThatStandTooCloseToTellApart) {
  std::vector<PlanePosition> const reference{{0, 0}, {0.9, 0}, {10, 0}};  // the second is within the separation
  std::vector<PlanePosition> const image{{0.9, 0.01}, {10.05, 0}};
  MatchOptions options;
  options.use2dhist = false;
  auto const match = match_stars(image, reference, options);
  ASSERT_EQ(match.pairs.size(), 1u);  // the second star is gone, so nothing but the third has a partner in reach
  EXPECT_EQ(match.pairs[0], (std::pair<int, int>{1, 2}));
}

TEST(MatchStars, MorePairsThanImagePointsAreAConfusion) {
  std::vector<PlanePosition> const image{{0, 0}};
  std::vector<PlanePosition> const reference{{-0.6, 0}, {0.6, 0}};
  MatchOptions options;
  options.use2dhist = false;
  auto const match = match_stars(image, reference, options);
  EXPECT_TRUE(match.confused);
  EXPECT_TRUE(match.pairs.empty());
}

TEST(MatchStars, ExactDuplicatesCountOnce) {
  std::vector<PlanePosition> const image{{1, 1}, {1, 1}, {5, 5}}, reference{{1.1, 1}, {1.1, 1}, {1.1, 1}, {5.1, 5}};
  MatchOptions options;
  options.use2dhist = false;
  EXPECT_EQ(match_stars(image, reference, options).pairs.size(), 2u);
}

TEST(MatchStars, EmptyListsAndListsElsewhereHaveNoPairs) {
  std::vector<PlanePosition> const image{{0, 0}, {3, 3}}, far{{500, 0}, {503, 3}}, none;
  EXPECT_TRUE(match_stars(image, none, {}).pairs.empty());
  EXPECT_TRUE(match_stars(none, image, {}).pairs.empty());
  auto const match = match_stars(image, far, {});
  EXPECT_TRUE(match.pairs.empty());
  EXPECT_EQ(match.first_shift, (std::array<double, 2>{0, 0}));
}

}  // namespace
}  // namespace tessera::kernels
