#include "tessera/store/inventory.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"

namespace tessera::store {
namespace {

/// Eleven sources: a broken one, a missing one, one of another type, one with a note; rank 0 writes them.
std::vector<ExposureSource> write_sources(std::filesystem::path const& folder, parallel::Communicator const& world) {
  std::vector<ExposureSource> sources;
  for (int k = 0; k < 11; ++k) {
    auto const path = folder / fmt::format("exposure{:02d}_cal.fits", k);
    sources.push_back({"ngc0628", "", path.string(), "", ""});
    if (!world.is_root()) continue;
    auto primary = test::nircam_primary(k % 2 ? "F300M" : "F335M");
    if (k == 4) primary.set("EXP_TYPE", "NRC_TACQ");
    if (k == 6) primary.set("VISITSTA", "SKIPPED");
    if (k != 9) test::write_nircam(path, 8, 8, 30 + 0.001 * k, 10, primary);
    if (k == 2) std::filesystem::resize_file(path, 5900);
  }
  sources.push_back(sources[2]);  // the broken one is offered twice, as by two targets
  world.barrier();
  return sources;
}

std::vector<std::string> names(std::vector<ExposureRecord> const& records) {
  std::vector<std::string> all;
  for (auto const& record : records) all.push_back(record.identity.exposure);
  return all;
}

TEST(TakeInventory, IsTheSameOnAllRanksAndForAnyNumberOfThem) {
  auto const world = parallel::Communicator::world();
  test::ScratchFolder const scratch("inventory");
  auto const sources = write_sources(scratch.path(), world);
  auto const inventory = take_inventory(world, sources), alone = take_inventory(parallel::Communicator(), sources);
  EXPECT_EQ(names(inventory.records),
            (std::vector<std::string>{"exposure00", "exposure01", "exposure03", "exposure05", "exposure06",
                                      "exposure07", "exposure08", "exposure10"}));
  ASSERT_EQ(inventory.records.size(), alone.records.size());
  for (std::size_t k = 0; k < alone.records.size(); ++k)
    EXPECT_EQ(pack_record(inventory.records[k]), pack_record(alone.records[k]));
  ASSERT_EQ(inventory.broken.size(), 2u);
  EXPECT_EQ(inventory.broken[0].path, sources[2].path);
  EXPECT_NE(inventory.broken[0].text.find("truncated"), std::string::npos) << inventory.broken[0].text;
  EXPECT_EQ(inventory.broken[1].path, sources[9].path);
  ASSERT_EQ(inventory.notes.size(), 2u);
  EXPECT_TRUE(inventory.notes[0].left_out);
  EXPECT_EQ(inventory.notes[1].path, sources[6].path);
}

TEST(TakeInventory, TakesWhatTheFilterWantsAndSaysNothingOfTheRest) {
  auto const world = parallel::Communicator::world();
  test::ScratchFolder const scratch("inventory-filter");
  auto const sources = write_sources(scratch.path(), world);
  auto const inventory =
      take_inventory(world, sources, [](ExposureRecord const& record) { return record.filter == "F300M"; });
  EXPECT_EQ(names(inventory.records),
            (std::vector<std::string>{"exposure01", "exposure03", "exposure05", "exposure07"}));
  EXPECT_EQ(inventory.broken.size(), 2u);
  for (auto const& note : inventory.notes) EXPECT_TRUE(note.left_out) << note.text;
}

TEST(TakeInventory, OfNothingIsEmpty) {
  auto const inventory = take_inventory(parallel::Communicator::world(), {});
  EXPECT_TRUE(inventory.records.empty() && inventory.notes.empty() && inventory.broken.empty());
}

}  // namespace
}  // namespace tessera::store
