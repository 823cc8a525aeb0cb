// Star lists with centres from PSFs measured from the exposures, on several ranks.
#include "../../../src/steps/psf_centroids.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "support/optics_psf.hpp"
#include "support/step_survey.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"
#include "tessera/exchange/effective_psf.hpp"
#include "tessera/exchange/exposure_stars.hpp"

namespace tessera::steps {
namespace {

constexpr std::int64_t Side = 200;

struct Truth {
  double x, y, flux;
};

/// F300M exposures of two detectors, undersampled (1.6 pixels), with emission, noise, bad pixels and a saturated star.
class PsfSurvey : public test::StepSurvey {
 public:
  explicit PsfSurvey(std::string const& name, int stars_an_exposure = 45) : StepSurvey(name, "tweakreg", 4) {
    for (int k = 0; k < 4; ++k)
      add_field(fmt::format("jw02107041001_02105_{:05d}_{}", k / 2 + 1, k % 2 == 0 ? "nrcalong" : "nrcblong"),
                k % 2 == 0 ? "NRCALONG" : "NRCBLONG", stars_an_exposure);
  }

  void add_field(std::string const& exposure, std::string const& detector, int count) {
    auto const number = static_cast<std::uint32_t>(records.size());
    test::VectorNoise random(100 + number);
    auto const pixels = static_cast<std::size_t>(Side * Side);
    std::vector<double> light(pixels);
    std::vector<Truth> stars;
    for (int k = 0; k < count; ++k) {
      Truth const star{8 + (Side - 17) * random.uniform(), 8 + (Side - 17) * random.uniform(),
                       1000 * std::pow(6.0, random.uniform())};
      stars.push_back(star);
      for (auto row = static_cast<std::int64_t>(star.y) - 7; row <= static_cast<std::int64_t>(star.y) + 8; ++row)
        for (auto column = static_cast<std::int64_t>(star.x) - 7; column <= static_cast<std::int64_t>(star.x) + 8;
             ++column)
          light[static_cast<std::size_t>(row * Side + column)] +=
              star.flux * optics_.at(static_cast<double>(column) - star.x, static_cast<double>(row) - star.y);
    }
    truth[exposure] = stars;
    std::vector<float> sci(pixels), error(pixels);
    std::vector<std::uint32_t> flags(pixels, 0);
    for (std::size_t k = 0; k < pixels; ++k) {
      auto const x = static_cast<double>(static_cast<std::int64_t>(k) % Side),
                 y = static_cast<double>(static_cast<std::int64_t>(k) / Side);
      double const noise = std::sqrt(1 + light[k] / 3);
      double const emission = 30 + 8 * std::sin(x / 25) * std::cos(y / 31);
      sci[k] = static_cast<float>(light[k] + emission + noise * random.deviate());
      error[k] = static_cast<float>(noise);
      if (random.uniform() < 0.002) flags[k] = dq::DoNotUse;
      if (flags[k] != 0) sci[k] = NAN;
    }
    for (std::int64_t row = -1; row <= 1; ++row)  // the core of the first star
      for (std::int64_t column = -1; column <= 1; ++column)
        flags[static_cast<std::size_t>((std::llround(stars[0].y) + row) * Side + std::llround(stars[0].x) + column)] |=
            dq::Saturated;
    model::Header image;
    test::set_tan(image, Side, Side, 30 + 0.01 * number, 10, 0.063);
    auto primary = test::nircam_primary();
    primary.set("DETECTOR", detector);
    add_planes("F300M", exposure, exposure.substr(0, 25), Side, Side, image,
               {{"SCI", sci}, {"ERR", error}, {"DQ", {}, flags}}, primary);
  }

  std::vector<BandTask> tasks() const {
    return tasks_with([](BandTask const&) { return config::ResolvedParameters{}; });
  }

  std::map<std::string, std::vector<Truth>> truth;

 private:
  test::OpticsPsf optics_{1.51};
};

std::vector<model::Star> find(store::ExposureReader const& reader, BandTask const&) {
  exchange::ExposureStarOptions options;
  options.bkg_boxsize = 50;
  options.finder.fwhm = 1.587;
  options.finder.roundhi = 1;
  return exchange::find_exposure_stars(reader, options);
}

/// Star lists of all exposures, by label; on every rank.
std::map<std::string, std::vector<model::Star>> run(PsfSurvey& survey, std::vector<BandTask> const& tasks,
                                                    parallel::Communicator const& communicator, bool with_psf,
                                                    ListStars const& finder = find) {
  test::StepRun one(survey.records, communicator);
  StepContext context{one.world, one.control, one.budget, one.records, 0, {}, false};
  StepCounts counts;
  auto const centroids =
      centre_by_psf(context, tasks, std::vector<PsfWanted>(tasks.size(), {with_psf, 0}), finder, counts);
  EXPECT_FALSE(centroids.stopped);
  auto const collected = collect_align_images(
      context, tasks, centroids.list,
      [](store::ExposureRecord const& record, BandTask const&) { return record.group_id; }, counts, centroids.variants);
  exchange::StampList list;  // to send
  std::string names;
  for (auto const& images : collected.images)
    for (auto const& image : images) {
      names += image.name + "\n";
      list.stars.insert(list.stars.end(), image.stars.begin(), image.stars.end());
      list.stars.push_back({});  // ends a list: flux 0
    }
  std::map<std::string, std::vector<model::Star>> lists;
  auto const all_names = communicator.all_gather(names);
  auto const all_stars = communicator.all_gather(exchange::pack_stamps(list));
  for (std::size_t rank = 0; rank < all_names.size(); ++rank) {
    std::istringstream lines(all_names[rank]);
    auto const stars = exchange::unpack_stamps(all_stars[rank]).stars;
    std::size_t next = 0;
    for (std::string name; std::getline(lines, name); ++next)
      for (; stars[next].flux != 0; ++next) lists[name].push_back(stars[next]);
  }
  return lists;
}

bool same_bits(std::vector<model::Star> const& a, std::vector<model::Star> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(model::Star)) == 0;
}

test::CentreErrors errors_of(PsfSurvey const& survey, std::map<std::string, std::vector<model::Star>> const& lists) {
  test::CentreErrors errors;
  for (auto const& record : survey.records) {
    auto const list = lists.find(record.identity.label());
    if (list == lists.end()) continue;
    for (auto const& truth : survey.truth.at(record.identity.exposure))
      for (auto const& star : list->second) {
        double const distance = std::hypot(star.x - truth.x, star.y - truth.y);
        if (distance < 0.5 && truth.flux > 1500) errors.add(star.x - truth.x, truth.x, star.error > 0 ? star.error : 1);
      }
  }
  return errors;
}

TEST(CentreByPsf, IsFarBetterThanTheFinder) {
  PsfSurvey survey("psf-better");
  survey.label = "finder";
  auto const found = errors_of(survey, run(survey, survey.tasks(), survey.world, false));
  survey.label = "epsf";
  auto const lists = run(survey, survey.tasks(), survey.world, true);
  auto const fitted = errors_of(survey, lists);
  ASSERT_EQ(lists.size(), 4U);
  EXPECT_GT(fitted.size(), 100U);
  EXPECT_NEAR(static_cast<double>(fitted.size()), static_cast<double>(found.size()), 3);
  EXPECT_LT(fitted.rms(), found.rms() / 2.5);
  EXPECT_LT(fitted.phase_bias(), found.phase_bias() / 2.5);
  survey.world.barrier();
}

TEST(CentreByPsf, PlacesTheNewCentresOnTheSky) {
  PsfSurvey survey("psf-sky");
  auto const lists = run(survey, survey.tasks(), survey.world, true);
  ASSERT_EQ(lists.size(), survey.records.size());
  for (auto const& record : survey.records) {
    auto const& stars = lists.at(record.identity.label());
    store::ExposureReader const reader(record, {});
    for (auto const& star : stars) {
      auto const sky = reader.wcs()->pixel_to_sky({star.x, star.y});
      EXPECT_NEAR(sky.ra, star.ra, 1e-12);
      EXPECT_NEAR(sky.dec, star.dec, 1e-12);
    }
  }
  survey.world.barrier();
}

TEST(CentreByPsf, IsTheSameOnOneRankAndOnAll) {
  PsfSurvey survey("psf-ranks");
  survey.label = "all";
  auto const all = run(survey, survey.tasks(), survey.world, true);
  survey.label = fmt::format("alone{}", survey.world.rank());
  auto const alone = run(survey, survey.tasks(), {}, true);
  ASSERT_EQ(all.size(), alone.size());
  for (auto const& [name, stars] : all) {
    EXPECT_GT(stars.size(), 20U);
    EXPECT_TRUE(same_bits(stars, alone.at(name))) << name;
  }
  survey.world.barrier();
}

TEST(CentreByPsf, TakesUpWhatAnEarlierRunLeft) {
  PsfSurvey survey("psf-again");
  auto const tasks = survey.tasks();
  auto const first = run(survey, tasks, survey.world, true);
  if (survey.world.is_root()) std::filesystem::remove_all(tasks[0].scratch / "star_lists");  // stamps and PSFs stay
  survey.world.barrier();
  auto const never = [](store::ExposureReader const&, BandTask const&) -> std::vector<model::Star> {
    throw InputError({"searched again"});
  };
  auto const second = run(survey, tasks, survey.world, true, never);
  ASSERT_EQ(second.size(), 4U);
  for (auto const& [name, stars] : first) EXPECT_TRUE(same_bits(stars, second.at(name))) << name;
  survey.world.barrier();
}

TEST(CentreByPsf, LeavesTheFindersCentresWhereStarsAreTooFew) {
  PsfSurvey survey("psf-few", 6);
  survey.label = "finder";
  auto const found = run(survey, survey.tasks(), survey.world, false);
  survey.label = "epsf";
  auto const left = run(survey, survey.tasks(), survey.world, true);
  ASSERT_EQ(found.size(), left.size());
  for (auto const& [name, stars] : found) EXPECT_TRUE(same_bits(stars, left.at(name))) << name;
  survey.world.barrier();
}

TEST(CentreByPsf, EndsEarlyOnAStopRequest) {
  PsfSurvey survey("psf-stop");
  auto const tasks = survey.tasks();
  test::StepRun one(survey.records, survey.world);
  StepContext context{one.world, one.control, one.budget, one.records, 0, {}, false};
  StepCounts counts;
  if (survey.world.is_root()) one.control.raise(parallel::StopRequest::FinishItems);
  EXPECT_TRUE(centre_by_psf(context, tasks, std::vector<PsfWanted>{PsfWanted{true, 0}}, find, counts).stopped);
  EXPECT_FALSE(centre_by_psf(context, tasks, std::vector<PsfWanted>{PsfWanted{false, 0}}, find, counts)
                   .stopped);  // there is nothing to do
  survey.world.barrier();
}

TEST(CentreByPsf, AReadThatFailsOnceIsTriedOnceMore) {
  PsfSurvey survey("psf-once-more");
  survey.label = "clean";
  auto const clean = run(survey, survey.tasks(), survey.world, true);
  survey.label = "failing";
  bool has_failed = false;
  auto const failing = [&](store::ExposureReader const& reader, BandTask const& task) {
    if (!std::exchange(has_failed, true)) throw IoError({"the disk was away"});
    return find(reader, task);
  };
  auto const lists = run(survey, survey.tasks(), survey.world, true, failing);
  ASSERT_EQ(lists.size(), 4U);
  for (auto const& [name, stars] : clean) EXPECT_TRUE(same_bits(stars, lists.at(name))) << name;
  survey.world.barrier();
}

TEST(CentreByPsf, AnExposureWithoutStampsIsNotListedAndTheNextRunIsAsACleanOne) {
  PsfSurvey survey("psf-without");
  survey.label = "clean";
  auto const clean = run(survey, survey.tasks(), survey.world, true);
  survey.label = "parts";
  auto const victim = survey.records[2].identity.label();
  bool has_failed = false;
  auto const failing = [&](store::ExposureReader const& reader, BandTask const& task) {
    if (reader.record().identity.label() == victim && !std::exchange(has_failed, true)) throw InputError({"not now"});
    return find(reader, task);
  };
  auto const first = run(survey, survey.tasks(), survey.world, true, failing);
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(first.count(victim), 0U);
  auto const second = run(survey, survey.tasks(), survey.world, true);
  ASSERT_EQ(second.size(), 4U);
  for (auto const& [name, stars] : clean) EXPECT_TRUE(same_bits(stars, second.at(name))) << name;
  survey.world.barrier();
}

TEST(CentreByPsf, GoesOnWithoutAnExposureThatCannotBeRead) {
  PsfSurvey survey("psf-broken");
  if (survey.world.is_root()) std::filesystem::resize_file(survey.records[1].path, 4000);
  survey.world.barrier();
  auto const lists = run(survey, survey.tasks(), survey.world, true);
  EXPECT_EQ(lists.size(), 3U);
  EXPECT_EQ(lists.count(survey.records[1].identity.label()), 0U);
  survey.world.barrier();
}

}  // namespace
}  // namespace tessera::steps
