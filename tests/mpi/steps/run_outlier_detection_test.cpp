// The outlier_detection step on several ranks: what it finds, the same bits, and what bad input leads to.
#include <gtest/gtest.h>

#include <numeric>

#include "outlier_survey.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::steps {
namespace {

using Flags = std::vector<std::vector<std::uint8_t>>;

/// Six dithers of F300M turned against each other, two detectors each, and four of F1000W with levels of their own.
struct TwoBands {
  explicit TwoBands(std::string const& name) : survey(name) {
    for (int k = 0; k < 6; ++k)
      for (int detector = 0; detector < 2; ++detector) {
        images.emplace_back(2 * k + detector, 1.7 * k + 24.0 * detector, 1.1 * k - 0.3 * detector, 13.0 * k);
        survey.add("F300M", fmt::format("jw02107041001_02105_{:05d}_nrc{}long", k + 1, detector == 0 ? "a" : "b"),
                   fmt::format("jw02107041001_02105_{}", k + 1), images.back());
      }
    for (int k = 0; k < 4; ++k) {
      images.emplace_back(50 + k, 0.9 * k, 1.3 * k, 90.0 * k, 0.4 * k);
      images.back().header.set("BKGLEVEL", 0.4 * k);
      images.back().header.set("BKGSUB", false);
      survey.add("F1000W", fmt::format("jw02107041001_04101_{:05d}_mirimage", k + 1),
                 fmt::format("jw02107041001_04101_{}", k + 1), images.back());
    }
  }

  Flags all_flags() const {
    Flags flags;
    for (std::size_t k = 0; k < survey.records.size(); ++k) flags.push_back(survey.flags(k));
    return flags;
  }

  OutlierSurvey survey;
  std::vector<RayImage> images;
};

/// The least budget that the step names when it is given none.
std::int64_t least_budget(OutlierSurvey& survey) {
  survey.label = "refused";
  auto const outcome = survey.run({}, survey.world, 1 << 20);
  survey.world.barrier();
  std::int64_t least = 0;
  for (auto const& failure : outcome.failures) {
    auto const at = failure.message.find("at least ");
    EXPECT_NE(at, std::string::npos) << failure.message;
    least = std::max<std::int64_t>(least, std::stoll(failure.message.substr(at + 9)) << 20);
  }
  EXPECT_GT(least, 0);
  return least;
}

TEST(RunOutlierDetection, FindsTheRaysOnSmoothSkyAndLittleElse) {
  TwoBands bands("outliers");
  auto const outcome = bands.survey.run();
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures[0].message;
  EXPECT_FALSE(outcome.stopped);
  std::int64_t rays = 0, found = 0, clean = 0, wrong = 0;
  for (std::size_t k = 0; k < bands.images.size(); ++k) {
    auto const& image = bands.images[k];
    auto const flags = bands.survey.flags(k);
    for (std::int64_t y = 0; y < image.ny; ++y)
      for (std::int64_t x = 0; x < image.nx; ++x) {
        auto const at = static_cast<std::size_t>(y * image.nx + x);
        // At the rim of a dither pattern only one exposure sees the sky: nothing to compare with.
        bool const inner = x > 60 && x < image.nx - 60 && y > 60 && y < image.ny - 60;
        if (image.struck[at] == 1 && inner) {
          ++rays;
          found += flags[at];
        } else if (image.struck[at] == 0) {
          ++clean;
          wrong += flags[at];
        }
      }
  }
  EXPECT_GT(rays, 1500);
  EXPECT_GE(static_cast<double>(found), 0.995 * static_cast<double>(rays)) << found << " of " << rays;
  EXPECT_LT(static_cast<double>(wrong), 0.001 * static_cast<double>(clean)) << wrong << " of " << clean;
}

TEST(RunOutlierDetection, FlagsTheSamePixelsOnAnyNumberOfRanksAndWithAnyMemory) {
  TwoBands bands("outliers-same");
  auto& survey = bands.survey;
  auto const budget = least_budget(survey);
  survey.label = "together";
  ASSERT_TRUE(survey.run().failures.empty());
  auto const expected = bands.all_flags();
  EXPECT_GT(std::accumulate(expected[0].begin(), expected[0].end(), 0), 50);

  survey.label = "little";
  auto const little = survey.run({}, survey.world, budget);
  survey.world.barrier();
  ASSERT_TRUE(little.failures.empty()) << little.failures[0].message;
  EXPECT_EQ(bands.all_flags(), expected);

  survey.label = fmt::format("alone{}", survey.world.rank());
  ASSERT_TRUE(survey.run({}, parallel::Communicator()).failures.empty());
  EXPECT_EQ(bands.all_flags(), expected);
  survey.world.barrier();
}

TEST(RunOutlierDetection, AStackDeeperThanTheMemoryGivesTheSameFlags) {
  OutlierSurvey survey("outliers-deep");
  for (int k = 0; k < 40; ++k)
    survey.add("F300M", fmt::format("exposure{:02d}", k), fmt::format("{}", k),
               RayImage(k, 0.11 * (k % 7), 0.13 * (k % 5), 9.0 * k, 0, 110, 100));
  auto const all_flags = [&] {
    Flags flags;
    for (std::size_t k = 0; k < survey.records.size(); ++k) flags.push_back(survey.flags(k));
    return flags;
  };
  auto const budget = least_budget(survey);  // room for some rows of the stack: 40 planes of a block are 10 MB
  for (bool const resample : {true, false}) {
    survey.label = fmt::format("ample{}", resample);
    ASSERT_TRUE(survey.run({{"resample_data", resample}}).failures.empty());
    auto const expected = all_flags();
    EXPECT_GT(std::accumulate(expected[0].begin(), expected[0].end(), 0), 50);
    survey.label = fmt::format("little{}", resample);
    auto const outcome = survey.run({{"resample_data", resample}}, survey.world, budget);
    survey.world.barrier();
    ASSERT_TRUE(outcome.failures.empty()) << outcome.failures[0].message;
    EXPECT_EQ(all_flags(), expected);
  }
}

TEST(RunOutlierDetection, LeavesFlagsAloneThatAreInTheFile) {
  TwoBands bands("outliers-dq");
  ASSERT_TRUE(bands.survey.run().failures.empty());
  for (std::size_t k = 0; k < bands.images.size(); ++k) {
    auto const& record = bands.survey.records[k];
    store::ExposureReader const reader(record, bands.survey.ledger(record.identity.band));
    model::RowBand band;
    reader.read_rows(0, record.ny, {model::Plane::Dq}, band);
    auto const& before = bands.images[k].dq;
    for (std::size_t p = 0; p < before.size(); ++p) {
      if (before[p] != 0) {
        ASSERT_EQ(band.dq[p], before[p]) << "what is bad already is not compared";
      } else {
        ASSERT_TRUE(band.dq[p] == 0 || band.dq[p] == 17) << band.dq[p];
      }
    }
  }
}

TEST(RunOutlierDetection, WithoutResamplingComparesPixelByPixel) {
  OutlierSurvey survey("outliers-detector");
  std::vector<RayImage> images;
  for (int k = 0; k < 5; ++k) {
    images.emplace_back(k, 0, 0, 0);
    survey.add("F300M", fmt::format("jw02107041001_02105_{:05d}_nrcalong", k + 1), "all of one group", images.back());
  }
  auto const outcome = survey.run({{"resample_data", false}});
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures[0].message;
  // The same in plain loops: all weights are equal, so that no pixel but the bad ones is below its threshold.
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto const flags = survey.flags(k);
    for (std::size_t p = 0; p < flags.size(); ++p) {
      std::vector<float> values;
      for (auto const& image : images)
        if (image.dq[p] == 0) values.push_back(image.sci[p]);
      std::sort(values.begin(), values.end());
      float const low = values[(values.size() - 1) / 2], high = values[values.size() / 2];
      float const median = values.size() % 2 == 1 ? low : (low + high) / 2;
      bool const expected = std::abs(images[k].sci[p] - median) > 5 * RayImage::Error;
      ASSERT_EQ(flags[p] != 0, expected) << "exposure " << k << ", pixel " << p;
    }
  }
}

TEST(RunOutlierDetection, WithoutResamplingRefusesExposuresOfDifferentShapes) {
  OutlierSurvey survey("outliers-shapes");
  survey.add("F300M", "first", "1", RayImage(1, 0, 0, 0));
  survey.add("F300M", "second", "2", RayImage(2, 0, 0, 0, 0, 290, 280));
  survey.add("F360M", "third", "3", RayImage(3, 0, 0, 0));
  survey.add("F360M", "fourth", "4", RayImage(4, 0, 0, 0));
  auto const outcome = survey.run({{"resample_data", false}});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, "ngc0628 F300M");
  EXPECT_NE(outcome.failures[0].message.find("290 x 280"), std::string::npos) << outcome.failures[0].message;
  EXPECT_FALSE(survey.has_ledger("F300M"));
  EXPECT_TRUE(survey.has_ledger("F360M"));
}

TEST(RunOutlierDetection, OneExposureIsComparedWithNothing) {
  OutlierSurvey survey("outliers-one");
  survey.add("F300M", "only", "1", RayImage(1, 0, 0, 0));
  survey.add("F360M", "a", "2", RayImage(2, 0, 0, 0));
  survey.add("F360M", "b", "2", RayImage(3, 30, 0, 0));
  auto const outcome = survey.run();
  EXPECT_TRUE(outcome.failures.empty());
  for (char const* band : {"F300M", "F360M"}) EXPECT_TRUE(survey.has_ledger(band));
  for (std::size_t k = 0; k < 3; ++k) {
    auto const flags = survey.flags(k);
    EXPECT_EQ(std::accumulate(flags.begin(), flags.end(), 0), 0);
  }
}

TEST(RunOutlierDetection, ExposuresThatDoNotOverlapAreComparedWithThemselves) {
  OutlierSurvey survey("outliers-apart");
  std::vector<RayImage> images;
  for (int k = 0; k < 3; ++k) {
    images.emplace_back(k, 60.0 * k, 0, 0);
    survey.add("F300M", fmt::format("exposure{}", k), fmt::format("{}", k), images.back());
  }
  EXPECT_TRUE(survey.run().failures.empty());
  for (std::size_t k = 0; k < 3; ++k) {
    auto const& image = images[k];
    auto const flags = survey.flags(k);
    // The median is the exposure itself, drizzled and blotted: it differs only at stars and rays, which are steep.
    for (std::int64_t y = 2; y + 2 < image.ny; ++y)
      for (std::int64_t x = 2; x + 2 < image.nx; ++x) {
        bool steep = false;
        for (std::int64_t j = y - 2; j <= y + 2; ++j)
          for (std::int64_t i = x - 2; i <= x + 2; ++i) {
            auto const at = static_cast<std::size_t>(j * image.nx + i);
            steep = steep || image.struck[at] != 0 || image.smooth[at] == 0;
          }
        if (steep) continue;
        ASSERT_EQ(flags[static_cast<std::size_t>(y * image.nx + x)], 0) << x << " " << y;
      }
  }
}

TEST(RunOutlierDetection, AWildWcsFailsItsBandAndNoOther) {
  OutlierSurvey survey("outliers-wild");
  for (int k = 0; k < 4; ++k) {
    RayImage image(k, 1.1 * k, 0.7 * k, 0);
    if (k == 1) image.header.set("CRVAL1", 50.0);
    if (k == 1) image.header.set("CRVAL2", 30.0);
    survey.add(k < 2 ? "F300M" : "F360M", fmt::format("exposure{}", k), fmt::format("{}", k), image);
  }
  auto const outcome = survey.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, "ngc0628 F300M");
  EXPECT_NE(outcome.failures[0].message.find("too far apart"), std::string::npos) << outcome.failures[0].message;
  EXPECT_FALSE(survey.has_ledger("F300M"));
  EXPECT_TRUE(survey.has_ledger("F360M"));
}

TEST(RunOutlierDetection, BadPlanesOfOneExposureDoNotSpoilTheOthers) {
  OutlierSurvey survey("outliers-planes");
  std::vector<RayImage> images;
  for (int k = 0; k < 7; ++k) images.emplace_back(k, 1.3 * k, 0.7 * k, 0);
  auto const nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  std::fill(images[1].dq.begin(), images[1].dq.end(), 1u);                    // all flagged
  std::fill(images[2].sci.begin(), images[2].sci.end(), nan);                 // all NaN
  std::fill(images[3].read_noise.begin(), images[3].read_noise.end(), 0.0f);  // infinite weights: none
  for (std::size_t p = 0; p < images[4].read_noise.size(); p += 2) images[4].read_noise[p] = -1e-3f;
  for (std::size_t p = 0; p < images[5].err.size(); p += 7) images[5].err[p] = infinity;
  for (std::size_t k = 0; k < images.size(); ++k)
    survey.add("F300M", fmt::format("exposure{}", k), fmt::format("{}", k), images[k]);
  auto const outcome = survey.run();
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures[0].message;
  auto const count = [&](std::size_t k) {
    auto const flags = survey.flags(k);
    return std::accumulate(flags.begin(), flags.end(), 0);
  };
  EXPECT_EQ(count(1), 0);
  EXPECT_EQ(count(2), 0);
  for (std::size_t const k : {0ul, 3ul, 6ul}) {
    EXPECT_GT(count(k), 100) << k;
    EXPECT_LT(count(k), 600) << k;
  }
}

TEST(RunOutlierDetection, AnExposureThatIsLostIsNamedAndTheOthersGoOn) {
  TwoBands bands("outliers-lost");
  auto& survey = bands.survey;
  if (survey.world.is_root()) std::filesystem::resize_file(survey.file("jw02107041001_02105_00003_nrcalong"), 200000);
  survey.world.barrier();
  auto const outcome = survey.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_NE(outcome.failures[0].item.find("00003_nrcalong"), std::string::npos) << outcome.failures[0].item;
  EXPECT_TRUE(survey.has_ledger("F300M"));
  EXPECT_TRUE(survey.has_ledger("F1000W"));
  auto const manifest = [&](char const* band) {
    return std::filesystem::exists(store::manifest_path(survey.folder() / "run" / band / "06_outlier_detection.h5"));
  };
  EXPECT_FALSE(manifest("F300M")) << "the next run tries again";
  EXPECT_TRUE(manifest("F1000W"));
  for (std::size_t k = 0; k < bands.images.size(); ++k) {
    if (k == 4) continue;
    auto const flags = survey.flags(k);
    EXPECT_GT(std::accumulate(flags.begin(), flags.end(), 0), 50) << k;
  }
}

TEST(RunOutlierDetection, AStopRequestKeepsWhatIsDoneAndARestartGivesTheSameFlags) {
  TwoBands bands("outliers-stop");
  auto& survey = bands.survey;
  ASSERT_TRUE(survey.run().failures.empty());
  auto const expected = bands.all_flags();
  survey.label = "again";
  for (auto const request : {parallel::StopRequest::FinishItems, parallel::StopRequest::Abandon}) {
    auto const stopped = survey.run({}, survey.world, std::int64_t{1} << 30, request);
    survey.world.barrier();
    EXPECT_TRUE(stopped.stopped);
    EXPECT_FALSE(survey.has_ledger("F300M"));
  }
  auto const outcome = survey.run();
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(bands.all_flags(), expected);
  EXPECT_FALSE(std::filesystem::exists(survey.folder() / "again" / "F300M" / "scratch")) << "nothing is left behind";
}

TEST(RunOutlierDetection, ImagesWithoutErrorsGetThemFromTheirNoise) {
  OutlierSurvey survey("outliers-plain");
  std::vector<RayImage> images;
  for (int k = 0; k < 6; ++k) {
    images.emplace_back(k, 0.9 * k, 1.3 * k, 20.0 * k);
    survey.add("F300M", fmt::format("plain{}", k), fmt::format("{}", k), images[static_cast<std::size_t>(k)].nx,
               images[static_cast<std::size_t>(k)].ny, images[static_cast<std::size_t>(k)].header,
               {{"IMAGE", images[static_cast<std::size_t>(k)].sci}}, {});
  }
  auto const outcome = survey.run();
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures[0].message;
  std::int64_t rays = 0, found = 0, wrong = 0;
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto const flags = survey.flags(k);
    for (std::size_t p = 0; p < flags.size(); ++p) {
      auto const x = static_cast<std::int64_t>(p) % 300, y = static_cast<std::int64_t>(p) / 300;
      bool const inner = x > 60 && x < 240 && y > 60 && y < 220;
      if (images[k].struck[p] == 1 && inner && !std::isnan(images[k].sci[p])) {
        ++rays;
        found += flags[p];
      }
      wrong += images[k].struck[p] == 0 && flags[p] != 0;
    }
  }
  EXPECT_GT(rays, 400);
  // The background has a gradient: its clipped deviation is some 6 times the noise of a pixel.
  EXPECT_GT(static_cast<double>(found), 0.6 * static_cast<double>(rays)) << found << " of " << rays;
  EXPECT_LT(wrong, 300);
}

TEST(RunOutlierDetection, WritesTheMediansWhenAskedTo) {
  TwoBands bands("outliers-save");
  ASSERT_TRUE(bands.survey.run({{"save_intermediate_results", true}}).failures.empty());
  auto const file =
      io::FitsFile::open(bands.survey.folder() / "run" / "F300M" / "outlier_detection" / "ngc0628_F300M_median.fits");
  auto const& hdu = file.require("SCI");
  std::vector<float> values(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
  file.read_rows(hdu, 0, hdu.ny(), values.data());
  auto const grid = sky::make_fits_wcs(hdu.header, hdu.nx(), hdu.ny());
  std::size_t compared = 0;
  for (std::int64_t y = 0; y < hdu.ny(); ++y)
    for (std::int64_t x = 0; x < hdu.nx(); ++x) {
      auto const value = static_cast<double>(values[static_cast<std::size_t>(y * hdu.nx() + x)]);
      if (std::isnan(value)) continue;
      auto const sky = grid->pixel_to_sky({static_cast<double>(x), static_cast<double>(y)});
      double const u = (sky.ra - 30) * 3600 * std::cos(10 * 0.017453292519943295), v = (sky.dec - 10) * 3600;
      if (std::hypot(u - 4 * std::round(u / 4), v - 4 * std::round(v / 4)) < 0.8) continue;
      if (std::hypot(u - 4, v - 3) > 8) continue;  // all six dithers are here
      ASSERT_NEAR(value, 1 + 0.02 * u + 0.01 * v, 5 * 0.05) << x << " " << y;
      ++compared;
    }
  EXPECT_GT(compared, 10000u);
}

}  // namespace
}  // namespace tessera::steps
