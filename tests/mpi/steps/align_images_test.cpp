// Star lists of many exposures on the rank that aligns them: in order, journaled, and without those that failed.
#include "../../../src/steps/align_images.hpp"

#include <gtest/gtest.h>

#include "star_survey.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

/// Five exposures without stars: what is listed of them is made up.
void fill(StarSurvey& survey) {
  StarField const none(0);
  for (int k = 0; k < 5; ++k)
    survey.add(k < 3 ? "F300M" : "F335M", fmt::format("jw02107041001_02105_{:05d}_nrcalong", k + 1),
               fmt::format("jw02107041001_02105_{:05d}", k + 1), none, {0.5 * k, 0, 0, 0, 10, 0});
}

/// Three stars by the number of the exposure, and some that cannot be used.
std::vector<model::Star> made_up(store::ExposureReader const& reader) {
  double const number = reader.record().identity.exposure.at(24) - '0';
  std::vector<model::Star> stars(6);
  for (std::size_t k = 0; k < 3; ++k) {
    stars[k].x = 10 * number + static_cast<double>(k);
    stars[k].y = 50;
    stars[k].flux = number;
  }
  stars[3].x = NAN;  // no position
  stars[3].y = 5;
  stars[4].x = -0.5;  // on the edge of the box
  stars[4].y = 100;
  stars[5].x = 30;
  stars[5].y = 4000;  // beyond it
  return stars;
}

struct Collected {
  CollectedImages images;
  StepCounts counts;
};

Collected collect(StarSurvey& survey, test::StepRun& run, std::vector<BandTask> const& tasks, ListStars const& list) {
  Collected collected;
  StepContext context{run.world, run.control, run.budget, run.records, 0, {}, false};
  collected.images = collect_align_images(
      context, tasks, list,
      [](store::ExposureRecord const& record, BandTask const&) { return "group of " + record.group_id; },
      collected.counts);
  survey.world.barrier();
  return collected;
}

TEST(CollectAlignImages, BringsThemToTheirAlignerInOrder) {
  StarSurvey survey("align-images");
  fill(survey);
  test::StepRun run(survey.records, survey.world);
  auto const tasks = survey.tasks({});
  auto const [images, counts] =
      collect(survey, run, tasks, [](auto const& reader, BandTask const&) { return made_up(reader); });
  EXPECT_TRUE(images.failures.empty());
  EXPECT_FALSE(images.stopped);
  EXPECT_EQ(survey.world.sum(counts.items), 5);
  ASSERT_EQ(images.images.size(), 2u);
  for (std::size_t t = 0; t < 2; ++t) {
    if (aligner_of(t, survey.world.size()) != survey.world.rank()) {
      EXPECT_TRUE(images.images[t].empty());
      continue;
    }
    EXPECT_EQ(images.members[t], t == 0 ? (std::vector<int>{0, 1, 2}) : (std::vector<int>{3, 4}));
    for (std::size_t k = 0; k < images.images[t].size(); ++k) {
      auto const& image = images.images[t][k];
      auto const& record = survey.records[static_cast<std::size_t>(images.members[t][k])];
      EXPECT_EQ(image.name, record.identity.label());
      EXPECT_EQ(image.group, "group of " + record.group_id);
      EXPECT_EQ(image.visit, "jw02107041001");
      EXPECT_EQ(image.detector, "NRCALONG");
      EXPECT_NEAR(image.pixel_scale, StarSurvey::Scale, 1e-6);
      EXPECT_EQ(image.corners.size(), 4u);
      ASSERT_EQ(image.stars.size(), 3u);
      EXPECT_EQ(image.stars[1].x, 10.0 * (images.members[t][k] + 1) + 1);
      auto const sky = store::ExposureReader(record, {}).wcs()->pixel_to_sky({image.stars[1].x, image.stars[1].y});
      EXPECT_EQ(image.stars[1].ra, sky.ra);
      EXPECT_EQ(image.stars[1].dec, sky.dec);
    }
  }
}

TEST(CollectAlignImages, GoesOnWhereItWasCutOff) {
  StarSurvey survey("align-images-again");
  fill(survey);
  auto const tasks = survey.tasks({});
  std::int64_t before = 0;
  {
    test::StepRun run(survey.records, survey.world);
    auto const [images, counts] = collect(survey, run, tasks, [&](auto const& reader, BandTask const&) {
      run.control.raise(parallel::StopRequest::FinishItems);  // the one in flight is finished
      return made_up(reader);
    });
    EXPECT_TRUE(images.stopped);
    before = survey.world.sum(counts.items);
    EXPECT_GT(before, 0);
  }
  test::StepRun run(survey.records, survey.world);
  auto const [images, counts] =
      collect(survey, run, tasks, [](auto const& reader, BandTask const&) { return made_up(reader); });
  EXPECT_FALSE(images.stopped);
  EXPECT_EQ(survey.world.sum(counts.items), 5 - before);
  std::int64_t found = 0;
  for (auto const& of_task : images.images) found += static_cast<std::int64_t>(of_task.size());
  EXPECT_EQ(survey.world.sum(found), 5);
}

TEST(CollectAlignImages, AFailedExposureIsLeftOut) {
  StarSurvey survey("align-images-failed");
  fill(survey);
  test::StepRun run(survey.records, survey.world);
  auto const tasks = survey.tasks({});
  auto const [images, counts] = collect(survey, run, tasks, [](auto const& reader, BandTask const&) {
    if (reader.record().identity.exposure.at(24) == '2') throw InputError({.what = "no good"});
    return made_up(reader);
  });
  ASSERT_EQ(images.failures.size(), 1u);
  EXPECT_EQ(images.failures[0].item, survey.records[1].identity.label());
  if (survey.world.is_root()) {
    EXPECT_EQ(images.members[0], (std::vector<int>{0, 2}));
  }
}

TEST(CollectAlignImages, StarListsBeyondTheBudgetAreRefusedOnAllRanks) {
  StarSurvey survey("align-images-budget");
  fill(survey);
  test::StepRun run(survey.records, survey.world, 1000);
  auto const tasks = survey.tasks({});
  EXPECT_THROW(collect(survey, run, tasks, [](auto const& reader, BandTask const&) { return made_up(reader); }), Error);
  survey.world.barrier();
}

}  // namespace
}  // namespace tessera::steps
