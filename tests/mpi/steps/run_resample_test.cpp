// The resample step on several ranks: the same bits, and one mosaic that fails on some of them only.
#include <gtest/gtest.h>

#include <cmath>

#include "support/small_mosaic.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"
#include "tessera/steps/resample/resample_step.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {
namespace {

constexpr int Count = 8;

/// Two mosaics, of the first and the last four exposures, three times finer than their pixels.
struct TwoMosaics {
  explicit TwoMosaics(std::string const& name) : scratch(name) {
    if (world.is_root()) write_scattered_files(scratch.path(), Count, 100, 80, 10);
    world.barrier();
    records = examine_scattered(scratch.path(), Count);
    for (int half = 0; half < 2; ++half) {
      auto request = request_all(records, scratch.path());
      request.product = half == 0 ? "first" : "second";
      request.members = half == 0 ? std::vector{0, 1, 2, 3} : std::vector{4, 5, 6, 7};
      request.options.grid.pixel_scale_ratio = 0.3;
      request.options.enable_err = false;
      plans.push_back(plan_of(request, records));
    }
    world.barrier();  // all have looked at the files before a test breaks one
  }

  StepOutcome run() {
    parallel::ControlChannel control(world);
    parallel::MemoryBudget budget(std::int64_t{1} << 30);
    auto const no_ledger = [](std::string const&, std::string const&) { return store::Ledger(); };
    StepContext context{world, control, budget, records, 0, no_ledger};
    auto outcome = run_resample(context, plans);
    world.barrier();
    return outcome;
  }

  std::vector<float> sci(std::size_t mosaic) const {
    auto const file = io::FitsFile::open(i2d_path(plans[mosaic]));
    auto const& hdu = file.require("SCI");
    std::vector<float> values(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
    file.read_rows(hdu, 0, hdu.ny(), values.data());
    return values;
  }

  parallel::Communicator world = parallel::Communicator::world();
  test::ScratchFolder scratch;
  std::vector<store::ExposureRecord> records;
  std::vector<MosaicPlan> plans;
};

TEST(RunResample, AConstantSkyStaysConstantOnAnyNumberOfRanks) {
  TwoMosaics mosaics("resample");
  auto const outcome = mosaics.run();
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_FALSE(outcome.stopped);
  for (std::size_t mosaic = 0; mosaic < 2; ++mosaic) {
    auto values = mosaics.sci(mosaic);
    std::erase_if(values, [](float value) { return std::isnan(value); });
    EXPECT_GT(values.size(), 2u * 100 * 80 * 10);  // four exposures of 11 output pixels a pixel, which overlap
    for (float const value : values) ASSERT_NEAR(value, 1.0f, 1e-6);
    EXPECT_FALSE(std::filesystem::exists(unfinished_mosaic_path(mosaics.plans[mosaic])));
  }
  EXPECT_EQ(mosaics.run().counts.items, 0) << "both are up to date";
}

TEST(RunResample, AnExposureLostOnTheWayFailsItsMosaicOnAllRanksAndNoOther) {
  TwoMosaics mosaics("resample-lost");
  if (mosaics.world.is_root()) std::filesystem::resize_file(scattered_path(mosaics.scratch.path(), 5), 6000);
  mosaics.world.barrier();
  auto const outcome = mosaics.run();
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].item, "second");
  EXPECT_EQ(outcome.failures[0].status, static_cast<int>(ExitStatus::Refused));
  EXPECT_NE(outcome.failures[0].message.find("exposure005.fits"), std::string::npos) << outcome.failures[0].message;
  EXPECT_TRUE(std::filesystem::exists(i2d_path(mosaics.plans[0])));
  EXPECT_FALSE(std::filesystem::exists(i2d_path(mosaics.plans[1])));
}

}  // namespace
}  // namespace tessera::steps
