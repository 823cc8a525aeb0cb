// How outlier_detection divides a rank's memory.
#include "../../../src/steps/outlier_detection/outlier_memory.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

/// `count` exposures of nx x ny pixels, all on every block of a grid of 3 x 3.
class OutlierMemoryOf : public testing::Test {
 protected:
  OutlierMemory divide(std::int64_t budget_bytes, std::size_t count, std::int64_t nx, std::int64_t ny) {
    records_.assign(count, {});
    for (auto& record : records_) {
      record.nx = nx;
      record.ny = ny;
      record.native_scale_deg = 1e-5;
    }
    task_.members.resize(count);
    std::iota(task_.members.begin(), task_.members.end(), 0);
    OutlierPlan plan;
    plan.task = &task_;
    plan.options.drizzle.context = plan.options.drizzle.variances = false;
    plan.sky.grid.nx = plan.sky.grid.ny = 3 * model::BlockSize;
    plan.sky.grid.cdelt = {1e-5, 1e-5};
    parallel::MemoryBudget budget(budget_bytes);
    parallel::ControlChannel control{parallel::Communicator()};
    StepContext const context{parallel::Communicator(), control, budget, records_, 0, {}, false};
    accumulator_ = accumulator_bytes(plan);
    return divide_outlier_memory(context, plan);
  }

  static constexpr std::int64_t MegaByte = 1 << 20;
  BandTask task_;
  std::vector<store::ExposureRecord> records_;
  std::int64_t accumulator_ = 0;
};

TEST_F(OutlierMemoryOf, StaysWithinTheBudget) {
  for (std::int64_t const budget : {150, 300, 1000, 16000})
    for (std::size_t const count : {2ul, 64ul, 2000ul}) {
      auto const memory = divide(budget * MegaByte, count, 2048, 2048);
      EXPECT_LT(memory.total(), budget * MegaByte) << budget << " MB, " << count << " exposures";
      EXPECT_GE(memory.rows, 448);  // under a block that is turned by 45 degrees
      EXPECT_GE(memory.wave_bytes, accumulator_ + static_cast<std::int64_t>(count) * model::BlockSize * 4);
      EXPECT_GE(memory.compared_rows, 16);
      EXPECT_GE(memory.kept_open, 1u);
    }
}

TEST_F(OutlierMemoryOf, DoesNotTakeWhatBringsNothing) {
  EXPECT_LT(divide(64000 * MegaByte, 64, 2048, 2048).total(), 300 * MegaByte);
  EXPECT_LT(divide(1000 * MegaByte, 100000, 2048, 2048).total(), 300 * MegaByte) << "however many exposures";
}

TEST_F(OutlierMemoryOf, RefusesTooLittleNamingTheLeastThatWorks) {
  try {
    divide(8 * MegaByte, 64, 2048, 2048);
    FAIL();
  } catch (BudgetError const& error) {
    std::string const text = error.what();
    auto const at = text.find("at least ");
    ASSERT_NE(at, std::string::npos) << text;
    std::int64_t const least = std::stoll(text.substr(at + 9)) * MegaByte;
    EXPECT_NO_THROW(divide(least, 64, 2048, 2048));
    EXPECT_THROW(divide(least - 2 * MegaByte, 64, 2048, 2048), BudgetError);
  }
}

}  // namespace
}  // namespace tessera::steps
