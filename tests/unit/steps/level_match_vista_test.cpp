// level_match on six real frames whose levels differ by thousands of counts.
#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/exchange/loaded_exposure.hpp"
#include "tessera/kernels/pair_difference.hpp"
#include "tessera/sky/comparison_grid.hpp"
#include "tessera/steps/level_match/level_match_step.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {
namespace {

TEST(RunLevelMatch, LeavesNoStepsBetweenTheVistaFrames) {
  SKIP_WITHOUT_SHARED("data/real/vircam/propane_image_1.fits");
  test::ScratchFolder const scratch("level-vista");
  std::vector<store::ExposureRecord> records;
  std::vector<store::InputNote> notes;
  for (int const number : {1, 2, 3, 4, 6, 7}) {
    auto const path = test::shared_dir() / fmt::format("data/real/vircam/propane_image_{}.fits", number);
    records.push_back(store::examine_exposure({"field", "F300M", path.string(), "", ""}, notes).value());
  }
  BandTask task;
  task.target = "field";
  task.band = "F300M";
  task.band_facts = config::parse_band(task.band);
  config::Survey survey;
  survey.parameters = config::Value(config::Value::Table{});
  task.parameters = survey.resolve("level_match", task.target, &task.band_facts);
  task.parameters.by_key.at("weight_method").value = config::Value("rms");
  for (int k = 0; k < 6; ++k) task.members.push_back(k);
  task.order = 5;
  task.step = "level_match";
  task.ledger_file = scratch.path() / "ledger" / "05_level_match.h5";
  task.products = scratch.path() / "level_match";
  task.scratch = scratch.path() / "scratch";
  task.manifest.step = "level_match";
  task.key = task.manifest.key();

  parallel::Communicator const alone;
  parallel::ControlChannel control(alone);
  parallel::MemoryBudget budget(std::int64_t{900} << 20);
  StepContext context{alone, control, budget, records, 0, {}};
  auto const outcome = run_level_match(context, {task});
  ASSERT_TRUE(outcome.failures.empty());
  EXPECT_LE(budget.peak(), budget.limit());

  auto const ledger = store::Ledger::of({{"level_match", task.ledger_file}});
  std::vector<sky::CommonGridMember> members;
  for (auto const& record : records)
    members.push_back(
        sky::make_common_grid_member(*store::ExposureReader(record, ledger).wcs(), record.nx, record.ny, {}));
  auto const grid = sky::make_common_grid(members, true);
  std::vector<exchange::Cutout> cutouts;
  for (auto const& record : records)
    cutouts.push_back(exchange::reproject_exposure(
        exchange::load_exposure(store::ExposureReader(record, ledger), false), grid, kernels::Reprojection::Interp));
  int pairs = 0;
  for (std::size_t i = 0; i < cutouts.size(); ++i)
    for (std::size_t j = i + 1; j < cutouts.size(); ++j, ++pairs) {
      kernels::PairPixels<float> pixels({});
      auto const view = [](exchange::Cutout const& c) {
        return kernels::GridImage<float>{c.value.data(), nullptr, c.box};
      };
      pixels.add(view(cutouts[i]), view(cutouts[j]));
      auto const difference = pixels.measure();
      // The scatter of the difference is that of two frames.
      double const noise = difference.rms / std::sqrt(2.0);
      EXPECT_LT(std::abs(difference.median), 0.02 * noise) << i << " " << j << ": noise " << noise;
      EXPECT_GT(difference.n_pix, 1000000);
    }
  EXPECT_EQ(pairs, 15);
}

}  // namespace
}  // namespace tessera::steps
