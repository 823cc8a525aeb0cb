// tweakreg's two stages against align_cases.json, and on surveys whose errors are known.
#include "tessera/exchange/align_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "align_scene.hpp"
#include "support/test_files.hpp"

namespace tessera::exchange {
namespace {

using test::AlignScene;

/// The detector model of group_alignment in the vectors.
struct VectorDetector {
  std::array<double, 2> centre{}, boresight{};  ///< arcsec, V2 V3
  double ra = 0, dec = 0, roll = 0;             ///< degrees, as reported

  explicit VectorDetector(nlohmann::json const& one)
      : centre(one.at("detector_v2v3_center_arcsec")),
        boresight(one.at("boresight_v2_ref_v3_ref_arcsec")),
        ra(one.at("reported_ra_dec_roll_deg").at(0)),
        dec(one.at("reported_ra_dec_roll_deg").at(1)),
        roll(one.at("reported_ra_dec_roll_deg").at(2)) {}

  model::SkyPoint to_sky(double x, double y) const {
    double const u = x - 127.5, w = y - 127.5, k = 1e-6, t = 0.5 * sky::RadiansPerDegree;
    double const p = u + k * (u * u - u * w + 0.5 * w * w), q = w + k * (-u * u + 0.7 * u * w + w * w);
    double const v2 = centre[0] + 0.13 * (-std::cos(t) * p + std::sin(t) * q);
    double const v3 = centre[1] + 0.13 * (std::sin(t) * p + std::cos(t) * q);
    return sky::to_sky(rotate(sky::to_vector(v2 / 3600, v3 / 3600)));
  }

  AlignImage image(nlohmann::json const& one) const {
    AlignImage image;
    image.name = one.at("name");
    image.group = one.at("group_id");
    image.plane = {{ra, dec}, boresight[0], boresight[1], roll};
    auto const x = one.at("catalog_x").get<std::vector<double>>(), y = one.at("catalog_y").get<std::vector<double>>();
    for (std::size_t k = 0; k < x.size(); ++k) {
      auto& star = image.stars.emplace_back();
      auto const sky = to_sky(star.x = x[k], star.y = y[k]);
      star.ra = sky.ra;
      star.dec = sky.dec;
    }
    return image;
  }

  /// Of the pixel in the middle of the array: the tangent point of the first detector of each exposure.
  double pixel_scale() const {
    auto const at = [&](double x, double y) { return sky::to_vector(to_sky(x, y)); };
    auto const along = at(128, 127.5) - at(127, 127.5), up = at(127.5, 128) - at(127.5, 127);
    return std::sqrt(sky::length(sky::cross(along, up))) * sky::DegreesPerRadian * 3600;
  }

 private:
  static sky::Vector3 about_z(double degrees, sky::Vector3 v) {
    double const c = std::cos(degrees * sky::RadiansPerDegree), s = std::sin(degrees * sky::RadiansPerDegree);
    return {c * v.x + s * v.y, -s * v.x + c * v.y, v.z};
  }
  static sky::Vector3 about_y(double degrees, sky::Vector3 v) {
    double const c = std::cos(degrees * sky::RadiansPerDegree), s = std::sin(degrees * sky::RadiansPerDegree);
    return {c * v.x - s * v.z, v.y, s * v.x + c * v.z};
  }
  static sky::Vector3 about_x(double degrees, sky::Vector3 v) {
    double const c = std::cos(degrees * sky::RadiansPerDegree), s = std::sin(degrees * sky::RadiansPerDegree);
    return {v.x, c * v.y + s * v.z, -s * v.y + c * v.z};
  }
  /// Rz(-ra) Ry(dec) Rx(roll) Ry(-v3) Rz(v2), spec 30, 1.7.
  sky::Vector3 rotate(sky::Vector3 v) const {
    return about_z(-ra, about_y(dec, about_x(roll, about_y(-boresight[1] / 3600, about_z(boresight[0] / 3600, v)))));
  }
};

/// Images of group_alignment with the positions of its corner_pixels as corners.
std::vector<AlignImage> vector_images(nlohmann::json const& group) {
  std::vector<AlignImage> images;
  for (auto const& one : group.at("exposures")) {
    VectorDetector const detector(one);
    auto& image = images.emplace_back(detector.image(one));
    image.pixel_scale = detector.pixel_scale();
    for (auto const& pixel : group.at("corner_pixels"))
      image.corners.push_back(detector.to_sky(pixel.at(0), pixel.at(1)));
  }
  return images;
}

void set_parameters(StageOptions& stage, nlohmann::json const& parameters) {
  stage.minobj = parameters.at("minobj");
  stage.searchrad = parameters.at("searchrad");
  stage.separation = parameters.at("separation");
  stage.tolerance = parameters.at("tolerance");
  stage.fitgeometry = kernels::parse_fit_geometry(parameters.at("fitgeometry").get<std::string>());
  stage.nclip = parameters.at("nclip");
  stage.sigma = parameters.at("sigma");
}

void expect_fit(GroupFit const& fit, nlohmann::json const& expected) {
  EXPECT_EQ(fit.matches, expected.at("nmatches"));
  for (std::size_t row = 0; row < 2; ++row) {
    EXPECT_NEAR(fit.shift[row], expected.at("shift_arcsec").at(row), 1e-7);
    for (std::size_t column = 0; column < 2; ++column)
      EXPECT_NEAR(fit.matrix[row][column], expected.at("matrix").at(row).at(column), 1e-10);
  }
  EXPECT_NEAR(fit.rmse, expected.at("rmse_arcsec"), 1e-7);
}

void expect_corners(std::vector<AlignImage> const& images, nlohmann::json const& expected, double tolerance_deg) {
  for (auto const& image : images)
    for (std::size_t k = 0; k < image.corners.size(); ++k) {
      EXPECT_NEAR(image.corners[k].ra, expected.at(image.name).at(k).at(0), tolerance_deg) << image.name;
      EXPECT_NEAR(image.corners[k].dec, expected.at(image.name).at(k).at(1), tolerance_deg) << image.name;
    }
}

TEST(AlignGroups, BothStagesAgreeWithTheReference) {
  auto const vector = test::read_vector("align_cases.json");
  auto const& group = vector.at("group_alignment");
  auto images = vector_images(group);
  TweakregOptions options;
  set_parameters(options.relative, group.at("relative").at("parameters"));
  set_parameters(options.absolute, group.at("absolute_after_relative").at("parameters"));

  auto const relative = align_relative(images, options);
  EXPECT_EQ(relative.problem, "");
  ASSERT_EQ(relative.groups.size(), 2u);
  EXPECT_EQ(relative.groups[0].status, AlignStatus::Reference);
  EXPECT_EQ(relative.groups[1].status, AlignStatus::Success);
  auto const& expected = group.at("relative").at("expected");
  expect_fit(relative.groups[1], expected.at("fit").at("B0"));
  for (std::size_t k = 0; k < images.size(); ++k) {
    ASSERT_EQ(relative.corrections[k].has_value(), images[k].group == "B");
    if (!relative.corrections[k]) continue;
    auto const& applied = expected.at("fit").at(images[k].name);
    for (std::size_t row = 0; row < 2; ++row) {
      EXPECT_NEAR(relative.corrections[k]->shift[row] * sky::DegreesPerRadian * 3600,
                  applied.at("applied_shift_arcsec").at(row), 1e-7);
      for (std::size_t column = 0; column < 2; ++column)
        EXPECT_NEAR(relative.corrections[k]->matrix[row][column], applied.at("applied_matrix").at(row).at(column),
                    1e-10);
    }
  }
  apply_alignment(images, relative);
  expect_corners(images, expected.at("corner_radec"), 2e-9);

  std::vector<model::Star> catalogue;
  auto const& table = group.at("reference_catalog");
  for (std::size_t k = 0; k < table.at("RA").size(); ++k) {
    catalogue.emplace_back().ra = table.at("RA").at(k);
    catalogue.back().dec = table.at("DEC").at(k);
  }
  auto const absolute = align_absolute(images, catalogue, options);
  EXPECT_EQ(absolute.problem, "");
  auto const& after = group.at("absolute_after_relative").at("expected");
  expect_fit(absolute.groups.front(), after.at("fit"));
  apply_alignment(images, absolute);
  expect_corners(images, after.at("corner_radec"), 3e-8);

  // Both in one go are the same corrections of the images as they came.
  auto whole = vector_images(group);
  auto const both = align(whole, catalogue, options);
  ASSERT_EQ(both.groups.size(), 3u);
  EXPECT_EQ(both.groups.back().group, AbsoluteGroup);
  apply_alignment(whole, both);
  for (std::size_t k = 0; k < whole.size(); ++k)
    for (std::size_t c = 0; c < whole[k].corners.size(); ++c) {
      EXPECT_NEAR(whole[k].corners[c].ra, images[k].corners[c].ra, 1e-11);
      EXPECT_NEAR(whole[k].corners[c].dec, images[k].corners[c].dec, 1e-11);
    }
}

/// Options with which the scenes below are matched.
TweakregOptions scene_options() {
  TweakregOptions options;
  options.relative.minobj = 5;
  options.absolute.minobj = 5;
  return options;
}

TEST(AlignRelative, RecoversKnownShiftsAndRotationsOfAllGroups) {
  AlignScene scene(21, 2000);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0.004, 0.001}, {0.61, -0.42}, 0.02);
  scene.add_group("c", {-0.003, 0.004}, {-1.20, 0.33}, -0.05);
  auto const alignment = align_relative(scene.images(), scene_options());
  EXPECT_EQ(alignment.problem, "");
  auto images = scene.images();
  apply_alignment(images, alignment);
  for (std::size_t k = 0; k < images.size(); ++k) EXPECT_LT(scene.largest_error(images[k]), 2e-6) << images[k].name;
  EXPECT_GT(scene.largest_error(scene.images()[1]), 0.5);
  EXPECT_NEAR(alignment.groups[1].rms_before, std::hypot(0.61, 0.42), 0.05);
}

TEST(AlignRelative, WhatAGroupOfTwoDetectorsNeedsIsOneCorrection) {
  AlignScene scene(22, 2000);
  scene.add_group("a", {0, 0}, {0, 0}, 0, 2);
  scene.add_group("b", {0.003, 0.001}, {0.5, 0.4}, 0.03, 2);
  auto images = scene.images();
  images[3].stars.clear();  // it moves with the other
  auto const alignment = align_relative(images, scene_options());
  ASSERT_TRUE(alignment.corrections[2] && alignment.corrections[3]);
  auto moved = scene.images();
  apply_alignment(moved, alignment);
  EXPECT_LT(scene.largest_error(moved[3]), 1e-5);
}

TEST(AlignRelative, DoesNotDependOnTheOrderOfStarsInTheirLists) {
  AlignScene scene(23, 2500, 0.02);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0.003, 0.002}, {0.3, -0.9}, 0.01);
  auto const first = align_relative(scene.images(), scene_options());
  std::mt19937 random(1);
  auto images = scene.images();
  for (auto& image : images) std::shuffle(image.stars.begin(), image.stars.end(), random);
  auto const second = align_relative(images, scene_options());
  ASSERT_TRUE(first.corrections[1] && second.corrections[1]);
  EXPECT_EQ(first.corrections[1]->shift, second.corrections[1]->shift);
  EXPECT_EQ(first.corrections[1]->matrix, second.corrections[1]->matrix);
}

TEST(AlignRelative, AChainNeedsAGrowingReference) {
  AlignScene scene(24, 6000);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("c", {0.012, 0}, {0.8, 0.1}, 0);  // does not see a
  scene.add_group("b", {0.006, 0}, {-0.4, 0.6}, 0);
  auto options = scene_options();
  auto const fixed = align_relative(scene.images(), options);
  EXPECT_EQ(fixed.groups[1].status, AlignStatus::NoOverlap);
  EXPECT_EQ(fixed.groups[2].status, AlignStatus::Success);

  options.expand_refcat = true;
  auto const grown = align_relative(scene.images(), options);
  EXPECT_EQ(grown.groups[2].status, AlignStatus::Reference);  // overlaps both others
  auto images = scene.images();
  apply_alignment(images, grown);
  // All are in the frame of b now.
  for (auto const& image : images) EXPECT_NEAR(scene.mean_error(image)[0], scene.mean_error(images[2])[0], 1e-5);

  options.enforce_user_order = true;  // grows too, but c comes before b
  auto const in_order = align_relative(scene.images(), options);
  EXPECT_EQ(in_order.groups[0].status, AlignStatus::Reference);
  EXPECT_EQ(in_order.groups[1].status, AlignStatus::NoOverlap);
}

TEST(AlignRelative, TwoGroupsAreTakenInListOrderWhateverTheirOverlap) {
  AlignScene scene(25, 2000);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0.003, 0}, {0.2, 0.2}, 0);
  auto options = scene_options();
  options.expand_refcat = true;
  EXPECT_EQ(align_relative(scene.images(), options).groups[0].status, AlignStatus::Reference);
}

TEST(AlignRelative, GroupsThatCannotBeAlignedSaySoAndTheRestIsDone) {
  AlignScene scene(26, 3000);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("none", {0.002, 0}, {0.3, 0}, 0);
  scene.add_group("three", {0.002, 0}, {0.3, 0}, 0);
  scene.add_group("turned", {0.001, 0.001}, {0, 0}, 180);
  scene.add_group("elsewhere", {0.02, 0.02}, {0, 0}, 0);
  scene.add_group("good", {-0.002, 0.001}, {-0.7, 0.5}, 0.01);
  auto images = scene.images();
  images[1].stars.clear();
  images[2].stars.resize(3);
  auto const alignment = align_relative(images, scene_options());
  EXPECT_EQ(alignment.problem, "");
  std::vector<AlignStatus> statuses;
  for (auto const& group : alignment.groups) statuses.push_back(group.status);
  EXPECT_EQ(statuses,
            (std::vector<AlignStatus>{AlignStatus::Reference, AlignStatus::NoSources, AlignStatus::TooFewMatches,
                                      AlignStatus::TooFewMatches, AlignStatus::NoOverlap, AlignStatus::Success}));
  for (std::size_t k = 0; k < images.size(); ++k) EXPECT_EQ(alignment.corrections[k].has_value(), k == 5);
  EXPECT_NE(alignment.groups[2].reason.find("3 sources, 5 needed"), std::string::npos);
}

TEST(AlignRelative, MatchesThatChanceGivesAreNotBelieved) {
  int believed = 0;
  for (unsigned trial = 0; trial < 40; ++trial) {
    AlignScene scene(100 + trial, 4000), other(500 + trial, 4000);
    scene.add_group("a", {0, 0}, {0, 0}, 0);
    other.add_group("b", {0, 0}, {0, 0}, 0);  // other stars of the same field
    auto options = scene_options();
    options.relative.minobj = 3;
    std::vector<AlignImage> const images{scene.images()[0], other.images()[0]};
    auto const fit = align_relative(images, options).groups[1];
    EXPECT_GE(fit.matches, 3);  // enough for minobj
    EXPECT_TRUE(fit.status == AlignStatus::Insignificant || fit.status == AlignStatus::Success);
    believed += fit.status == AlignStatus::Success;
  }
  EXPECT_LE(believed, 2);
}

TEST(AlignRelative, AFewStarsAreEnoughWhereTheyAreAlone) {
  AlignScene scene(41, 12);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0, 0}, {0.7, -0.4}, 0);
  auto images = scene.images();
  for (auto& image : images) {  // three stars, far apart
    image.stars.clear();
    for (auto const& [x, y] : {std::pair{-9.0, -3.0}, {2.0, 10.0}, {8.0, -7.0}}) {
      double const degree = 1.0 / 3600, shift = image.group == "b" ? 0.7 * degree : 0;
      auto& star = image.stars.emplace_back();
      star.ra = image.plane.tangent.ra + (x * degree + shift) / std::cos(2.2 * sky::RadiansPerDegree);
      star.dec = image.plane.tangent.dec + y * degree;
    }
  }
  auto options = scene_options();
  options.relative.minobj = 3;
  auto const fit = align_relative(images, options).groups[1];
  EXPECT_EQ(fit.status, AlignStatus::Success) << fit.reason;
  EXPECT_NEAR(fit.shift[0], -0.7, 1e-5);
}

TEST(AlignRelative, NothingToAlignIsAProblem) {
  AlignScene scene(27, 1000);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  EXPECT_NE(align_relative(scene.images(), scene_options()).problem.find("only one group"), std::string::npos);
  scene.add_group("b", {0.001, 0}, {0.1, 0}, 0);
  auto images = scene.images();
  images[0].stars.clear();
  EXPECT_NE(align_relative(images, scene_options()).problem.find("fewer than two groups"), std::string::npos);
  auto options = scene_options();
  options.relative.tolerance = 0.8;  // sqrt(2) times that is more than the separation
  EXPECT_NE(align_relative(scene.images(), options).problem.find("separation"), std::string::npos);
  EXPECT_NE(align_relative({}, options).problem, "");
}

TEST(AlignRelative, ACorrectionBeyondTheSearchUndoesThemAll) {
  AlignScene scene(28, 6000);
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0.001, 0}, {0.5, 0}, 0);
  scene.add_group("c", {0, 0}, {0, 0}, 5);
  auto images = scene.images();
  // Stars in the middle hardly move by the roll; the corners do, by 1.85 arcsec.
  std::erase_if(images[2].stars, [&](model::Star const& star) {
    return sky::separation(sky::to_vector(star.ra, star.dec), sky::to_vector(images[2].plane.tangent)) >
           6 * sky::RadiansPerDegree / 3600;
  });
  auto options = scene_options();
  options.relative.use2dhist = false;
  auto const alignment = align_relative(images, options);
  EXPECT_NE(alignment.problem.find("c0 would move by 1.8"), std::string::npos) << alignment.problem;
  EXPECT_NE(alignment.problem.find("1.400 are allowed"), std::string::npos) << alignment.problem;
  EXPECT_EQ(alignment.groups[1].status, AlignStatus::TooLarge);
  EXPECT_EQ(alignment.groups[2].status, AlignStatus::TooLarge);
  for (auto const& correction : alignment.corrections) EXPECT_FALSE(correction);
  options.relative.xoffset = 1;  // more is searched for now, and allowed
  options.relative.tolerance = 1.2;
  options.relative.separation = 1.8;
  EXPECT_EQ(align_relative(images, options).problem, "");
}

TEST(AlignAbsolute, MovesAllImagesAsOneOntoTheCatalogue) {
  AlignScene scene(29, 3000);
  scene.add_group("a", {0, 0}, {1.5, 2.5}, 0);
  scene.add_group("b", {0.003, 0.002}, {1.5, 2.5}, 0);
  auto const alignment = align_absolute(scene.images(), scene.catalogue(), scene_options());
  EXPECT_EQ(alignment.problem, "");
  ASSERT_EQ(alignment.groups.size(), 1u);
  auto images = scene.images();
  apply_alignment(images, alignment);
  for (auto const& image : images) EXPECT_LT(scene.largest_error(image), 1e-5) << image.name;
}

TEST(Align, RelativeThenAbsolutePutsEveryGroupOnTheCatalogue) {
  AlignScene scene(30, 3000);
  scene.add_group("a", {0, 0}, {1.0, 1.5}, 0);
  scene.add_group("b", {0.003, 0.002}, {0.2, 0.5}, 0.02);
  auto const alignment = align(scene.images(), scene.catalogue(), scene_options());
  EXPECT_EQ(alignment.problem, "");
  auto images = scene.images();
  apply_alignment(images, alignment);
  for (auto const& image : images) EXPECT_LT(scene.largest_error(image), 1e-5) << image.name;
}

TEST(Align, ACatalogueElsewhereLeavesTheRelativeSolutionStanding) {
  AlignScene scene(31, 2000), other(32, 2000, 0, {-80, 40});
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0.003, 0.002}, {0.2, 0.5}, 0);
  auto const alone = align_relative(scene.images(), scene_options());
  auto const alignment = align(scene.images(), other.catalogue(), scene_options());
  EXPECT_NE(alignment.problem.find("no absolute alignment"), std::string::npos);
  ASSERT_EQ(alignment.groups.size(), 3u);
  EXPECT_EQ(alignment.groups[2].status, AlignStatus::TooFewMatches);
  ASSERT_TRUE(alignment.corrections[1]);
  EXPECT_EQ(alignment.corrections[1]->shift, alone.corrections[1]->shift);
}

TEST(Align, AShortCatalogueIsAProblem) {
  AlignScene scene(33, 2000);
  scene.add_group("a", {0, 0}, {0.3, 0}, 0);
  auto catalogue = scene.catalogue();
  catalogue.resize(4);
  auto const alignment = align(scene.images(), catalogue, scene_options());
  EXPECT_NE(alignment.problem.find("4 stars"), std::string::npos);
  EXPECT_FALSE(alignment.corrections[0]);
}

TEST(Align, OneGroupCanBeAlignedToACatalogue) {
  AlignScene scene(34, 2000);
  scene.add_group("a", {0, 0}, {0.3, -3.1}, 0.01);
  auto const alignment = align(scene.images(), scene.catalogue(), scene_options());
  EXPECT_EQ(alignment.problem, "");
  EXPECT_NE(alignment.warning.find("only one group"), std::string::npos) << alignment.warning;
  auto images = scene.images();
  apply_alignment(images, alignment);
  EXPECT_LT(scene.largest_error(images[0]), 1e-5);
}

TEST(AlignByGroup, PlacesWhatTheCatalogueCannotByTheOthers) {
  AlignScene scene(35, 3000);
  scene.add_group("a", {0, 0}, {0.3, -0.2}, 0.01);
  scene.add_group("b", {0.004, 0}, {-0.1, 0.4}, -0.02);
  scene.add_group("far", {0.02, 0.02}, {0.3, 0.3}, 0);
  auto options = scene_options();
  options.absolute_by_group = true;
  // The catalogue holds stars of the first alone, but for two.
  double const edge = scene.images()[0].plane.tangent.ra + 15.3 / 3600;
  auto catalogue = scene.catalogue();
  int kept = 0;
  std::erase_if(catalogue, [&](model::Star const& star) { return star.ra > edge && ++kept > 2; });
  auto const alignment = align(scene.images(), catalogue, options);
  EXPECT_EQ(alignment.problem, "");
  ASSERT_EQ(alignment.groups.size(), 3u);
  EXPECT_EQ(alignment.groups[0].status, AlignStatus::Success);
  EXPECT_EQ(alignment.groups[1].status, AlignStatus::Success);
  EXPECT_EQ(alignment.groups[2].status, AlignStatus::NoOverlap);
  EXPECT_FALSE(alignment.corrections[2]);
  auto images = scene.images();
  apply_alignment(images, alignment);
  EXPECT_LT(scene.largest_error(images[0]), 1e-5);
  EXPECT_LT(scene.largest_error(images[1]), 1e-5);
}

TEST(AlignByGroup, DoesNotCarryOnTheErrorOfAGroup) {
  // One group has half of its stars a tenth of an arcsec off; its neighbours have none of it.
  AlignScene scene(36, 3000);
  for (int k = 0; k < 3; ++k)
    scene.add_group(std::string(1, static_cast<char>('a' + k)), {0.004 * k, 0}, {0.1 * k, -0.2}, 0);
  auto images = scene.images();
  for (std::size_t k = 0; k < images[0].stars.size(); k += 2) images[0].stars[k].dec += 0.1 / 3600;
  auto options = scene_options();
  options.relative.nclip = options.absolute.nclip = 0;
  auto const largest = [&](bool by_group) {
    options.absolute_by_group = by_group;
    auto const alignment = align(images, scene.catalogue(), options);
    auto moved = scene.images();
    apply_alignment(moved, alignment);
    return scene.largest_error(moved[2]);
  };
  EXPECT_GT(largest(false), 0.01);
  EXPECT_LT(largest(true), 1e-4);
}

TEST(AlignByGroup, ACatalogueElsewhereLeavesTheRelativeStageAlone) {
  AlignScene scene(37, 2000), other(38, 2000, 0, {-80, 40});
  scene.add_group("a", {0, 0}, {0, 0}, 0);
  scene.add_group("b", {0.003, 0.002}, {0.2, 0.5}, 0);
  auto options = scene_options();
  options.absolute_by_group = true;
  auto const alignment = align(scene.images(), other.catalogue(), options);
  EXPECT_NE(alignment.problem.find("no absolute alignment: no group could be aligned to the catalogue"),
            std::string::npos)
      << alignment.problem;
  ASSERT_EQ(alignment.groups.size(), 2u);
  EXPECT_EQ(alignment.groups[0].status, AlignStatus::Reference);
  EXPECT_TRUE(alignment.corrections[1]);
}

TEST(CarryToImage, AppliesTheSameMotionInThePlaneOfAnotherImage) {
  sky::CorrectionPlane const fitted{{150.1, 2.2}, 86, -493, 25};
  AlignImage image;
  image.plane = {{150.13, 2.19}, 120, -490, 24};
  kernels::Matrix2 const matrix{{{1.0001, 3e-4}, {-2e-4, 0.9999}}};
  auto const correction = carry_to_image(matrix, {0.8, -0.5}, fitted, image);
  EXPECT_EQ(correction.v2_ref, 120);
  // Where a star near the tangent point of the fit goes, either way.
  model::SkyPoint star{150.1005, 2.2003}, same = star;
  auto const move = [](sky::CorrectionPlane const& plane, kernels::Matrix2 const& m, std::array<double, 2> const& s,
                       model::SkyPoint& at) {
    double x = 0, y = 0;
    plane.sky_to_plane({&at.ra, 1}, {&at.dec, 1}, {&x, 1}, {&y, 1});
    double const a = m[0][0] * x + m[0][1] * y + s[0], b = m[1][0] * x + m[1][1] * y + s[1];
    plane.plane_to_sky({&a, 1}, {&b, 1}, {&at.ra, 1}, {&at.dec, 1});
  };
  double const arcsec = sky::RadiansPerDegree / 3600;
  move(fitted, matrix, {0.8 * arcsec, -0.5 * arcsec}, star);
  move(image.plane, correction.matrix, correction.shift, same);
  EXPECT_NEAR(star.ra, same.ra, 1e-9);  // 4 micro-arcsec: the change of planes is linearised
  EXPECT_NEAR(star.dec, same.dec, 1e-9);
}

}  // namespace
}  // namespace tessera::exchange
