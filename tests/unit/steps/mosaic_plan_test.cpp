#include "tessera/steps/resample/mosaic_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/small_mosaic.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/steps/resample/resample_memory.hpp"
#include "tessera/steps/resample/resample_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {
namespace {

/// Every block that a pixel of a member lies on, pixel centres and corners, must name that member; and not many more
/// do.
void expect_superset_of_truth(MosaicPlan const& plan, std::vector<store::ExposureRecord> const& records,
                              double most_excess) {
  auto const grid = sky::make_grid_wcs(plan.grid);
  auto const blocks = plan.grid.blocks();
  std::size_t truths = 0, claims = 0;
  for (auto const& members : plan.block_members) claims += members.size();
  for (std::size_t k = 0; k < records.size(); ++k) {
    auto const wcs = store::ExposureReader(records[k], {}).wcs();
    std::vector<bool> reached(static_cast<std::size_t>(blocks.count()), false);
    for (std::int64_t y = 0; y <= 2 * records[k].ny; ++y)
      for (std::int64_t x = 0; x <= 2 * records[k].nx; ++x) {  // half-pixel steps from edge to edge
        auto const p =
            grid->sky_to_pixel(wcs->pixel_to_sky({static_cast<double>(x) / 2 - 0.5, static_cast<double>(y) / 2 - 0.5}));
        auto const column = static_cast<std::int64_t>(std::floor((p.x + 0.5) / 256)),
                   row = static_cast<std::int64_t>(std::floor((p.y + 0.5) / 256));
        if (p.x < -0.5 || p.y < -0.5 || column >= blocks.columns() || row >= blocks.rows()) continue;
        reached[static_cast<std::size_t>(row * blocks.columns() + column)] = true;
      }
    for (std::size_t block = 0; block < reached.size(); ++block) {
      if (!reached[block]) continue;
      ++truths;
      auto const& members = plan.block_members[block];
      EXPECT_TRUE(std::binary_search(members.begin(), members.end(), static_cast<int>(k)))
          << "member " << k << ", block " << block;
    }
  }
  EXPECT_GE(truths, records.size());  // each reaches one block at least
  EXPECT_LT(static_cast<double>(claims), most_excess * static_cast<double>(truths));
}

TEST(PlanMosaic, EveryBlockKnowsAllExposuresThatReachIt) {
  test::ScratchFolder const scratch("plan");
  auto const records = write_scattered(scratch.path(), 9, 90, 60);
  for (double const rotation : {0.0, 33.0, 250.0}) {
    auto request = request_all(records, scratch.path());
    request.options.grid.rotation = rotation;
    request.options.grid.pixel_scale_ratio = 0.25;
    expect_superset_of_truth(plan_of(request, records), records, 1.6);
  }
}

TEST(PlanMosaic, HoldsNearThePoleAndForCoarsePixels) {
  test::ScratchFolder const scratch("plan-pole");
  auto const records = write_scattered(scratch.path(), 6, 80, 80, 89.5);
  for (double const ratio : {0.2, 1.0, 3.0}) {
    auto request = request_all(records, scratch.path());
    request.options.grid.pixel_scale_ratio = ratio;
    expect_superset_of_truth(plan_of(request, records), records, 2.5);
  }
}

TEST(PlanMosaic, CountsItsContextPlanesAndBytes) {
  test::ScratchFolder const scratch("plan-bytes");
  auto const records = write_scattered(scratch.path(), 40, 30, 30);
  auto request = request_all(records, scratch.path());
  auto const plan = plan_of(request, records);
  std::int64_t planes = 0;
  for (std::size_t block = 0; block < plan.block_members.size(); ++block) {
    EXPECT_EQ(plan.context_offset[block], planes);
    planes += static_cast<std::int64_t>((plan.block_members[block].size() + 31) / 32);
  }
  EXPECT_EQ(plan.context_planes, planes);
  EXPECT_EQ(plan.dense_context_planes(), 2);
  std::int64_t const pixels = plan.grid.nx * plan.grid.ny;
  EXPECT_GE(plan.bytes_fits(), pixels * 4 * (6 + 2));
  EXPECT_EQ(plan.bytes_hdf5(), plan.grid.blocks().count() * 65536 * 4 * 6 + planes * 65536 * 4);
  auto order = plan.order;
  std::sort(order.begin(), order.end());
  for (std::size_t k = 0; k < order.size(); ++k) EXPECT_EQ(order[k], static_cast<std::int64_t>(k));
  EXPECT_EQ(order.size(), plan.block_members.size());
  request.options.dense_context_limit = pixels * 8 - 1;
  EXPECT_FALSE(plan_of(request, records).writes_dense_context());
  request.options.dense_context_limit = pixels * 8;
  EXPECT_TRUE(plan_of(request, records).writes_dense_context());
}

TEST(PlanMosaic, TheKeyIsOfGridParametersLedgerAndMembers) {
  test::ScratchFolder const scratch("plan-key");
  auto records = write_scattered(scratch.path(), 3, 30, 30);
  auto request = request_all(records, scratch.path());
  auto const key = plan_of(request, records).key;
  auto other = request;
  other.folder = "/elsewhere";
  other.product = "renamed";
  other.options.keep_hdf5 = other.options.quicklook = true;
  EXPECT_EQ(plan_of(other, records).key, key);
  other = request;
  other.options.pixfrac = 0.5;
  EXPECT_NE(plan_of(other, records).key, key);
  other = request;
  other.options.grid.rotation = 5;
  EXPECT_NE(plan_of(other, records).key, key);
  other = request;
  std::swap(other.members[0], other.members[1]);
  EXPECT_NE(plan_of(other, records).key, key);
  records[1].header_hash = "changed";
  EXPECT_NE(plan_of(request, records).key, key);
}

TEST(DivideBlocks, CoversEveryBlockOnceInRunsOfTheCurve) {
  std::vector<MosaicPlan> plans(3);
  std::int64_t const counts[] = {17, 1, 40};
  for (std::size_t k = 0; k < 3; ++k) {
    plans[k].grid.nx = counts[k] * 256;
    plans[k].grid.ny = 256;
    plans[k].order = model::hilbert_order(plans[k].grid.blocks());
    plans[k].block_cost.resize(plans[k].order.size());
    for (std::size_t b = 0; b < plans[k].block_cost.size(); ++b)
      plans[k].block_cost[b] = 0.1 + static_cast<double>((b * 7) % 5);
  }
  std::vector<MosaicPlan const*> pointers;
  for (auto const& plan : plans) pointers.push_back(&plan);
  for (int const ranks : {1, 2, 3, 7, 58, 100}) {
    auto const runs = divide_blocks(pointers, ranks);
    ASSERT_EQ(runs.size(), static_cast<std::size_t>(ranks));
    std::vector<std::size_t> next(3, 0);
    double heaviest = 0, total = 0, dearest = 0;
    for (auto const& mine : runs) {
      double load = 0;
      int previous = -1;
      for (auto const& run : mine) {
        EXPECT_GT(run.mosaic, previous) << "ascending: the groups of ranks meet in this order";
        previous = run.mosaic;
        auto const m = static_cast<std::size_t>(run.mosaic);
        EXPECT_EQ(run.begin, next[m]);
        EXPECT_LT(run.begin, run.end);
        next[m] = run.end;
        for (std::size_t k = run.begin; k < run.end; ++k) {
          double const cost = plans[m].block_cost[static_cast<std::size_t>(plans[m].order[k])];
          load += cost;
          dearest = std::max(dearest, cost);
        }
      }
      heaviest = std::max(heaviest, load);
      total += load;
    }
    for (std::size_t m = 0; m < 3; ++m) EXPECT_EQ(next[m], plans[m].order.size());
    EXPECT_LE(heaviest, total / ranks + dearest);
  }
  EXPECT_EQ(divide_blocks({}, 4).size(), 4u);
}

TEST(DivideMemory, StaysWithinTheBudgetAndUsesIt) {
  test::ScratchFolder const scratch("memory");
  auto const records = write_scattered(scratch.path(), 5, 120, 900);
  auto request = request_all(records, scratch.path());
  request.options.grid.pixel_scale_ratio = 0.1;
  auto const plan = plan_of(request, records);
  std::int64_t const resident = 50 << 20;
  std::int64_t previous = 0;
  for (std::int64_t budget : {200ll << 20, 300ll << 20, 1ll << 30, 16ll << 30}) {
    auto const memory = divide_memory(plan, records, budget, resident, 2);
    EXPECT_LE(memory.total(), budget);
    EXPECT_GE(memory.fixed_bytes, resident);
    EXPECT_GE(memory.blocks, 1);
    EXPECT_LE(memory.blocks, plan.grid.blocks().count());
    EXPECT_GE(memory.blocks, previous) << "more memory, larger waves";
    EXPECT_GE(memory.rows, 512);
    EXPECT_LE(memory.rows, 900);
    previous = memory.blocks;
  }
  EXPECT_EQ(previous, plan.grid.blocks().count());
}

TEST(DivideMemory, RefusesTooLittleNamingTheLeastThatWorks) {
  test::ScratchFolder const scratch("memory-least");
  auto const records = write_scattered(scratch.path(), 3, 120, 900);
  auto const plan = plan_of(request_all(records, scratch.path()), records);
  std::int64_t const resident = 20 << 20;
  try {
    divide_memory(plan, records, 8 << 20, resident, 1);
    FAIL();
  } catch (BudgetError const& error) {
    std::string const text = error.what();
    auto const at = text.find("at least ");
    ASSERT_NE(at, std::string::npos) << text;
    std::int64_t const least = std::stoll(text.substr(at + 9)) << 20;
    EXPECT_GT(least, resident);
    EXPECT_NO_THROW(divide_memory(plan, records, least, resident, 1)) << text;
    EXPECT_THROW(divide_memory(plan, records, least - (2 << 20), resident, 1), BudgetError);
  }
}

}  // namespace
}  // namespace tessera::steps
