#include "tessera/simulate/run_simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/test_files.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::simulate {
namespace {

config::SimulationSettings make_settings() {
  config::SimulationSettings settings;
  settings.bands = {"F300M", "F1000W"};
  settings.targets = {{"one", 24.1, 15.8, 60}, {"two", 359.99, -40, 40}};
  settings.dithers.count = 2;
  settings.detectors.nircam_size = 128;
  settings.detectors.miri_size = 96;
  settings.scene.member_stars = 200;
  settings.scene.ionised_regions = 20;
  settings.truth_planes = true;
  return settings;
}

std::map<std::string, std::string> hash_files(std::filesystem::path const& folder) {
  std::map<std::string, std::string> hashes;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename() != "local.toml")  // it names the folder
      hashes[std::filesystem::relative(entry.path(), folder).string()] = io::sha256_of_file(entry.path());
  return hashes;
}

TEST(RunSimulation, WritesTheSameBitsForAnyNumberOfRanks) {
  auto const world = parallel::Communicator::world();
  test::ScratchFolder const scratch("simulate-ranks");
  auto const summary = run_simulation(world, make_settings(), scratch.path() / "world");
  EXPECT_EQ(summary.exposure_count, 2u * 2 * 3);
  EXPECT_EQ(summary.pixel_count, 2 * 2 * (2 * 128 * 128 + 96 * 96));
  if (world.is_root()) {
    run_simulation(parallel::Communicator(), make_settings(), scratch.path() / "alone");
    auto const ours = hash_files(scratch.path() / "world"), alone = hash_files(scratch.path() / "alone");
    EXPECT_EQ(ours, alone);
    // Exposures and truth planes, two catalogues a target, truth.json, config.toml.
    EXPECT_EQ(ours.size(), 2u * 12 + 2 * 2 + 2);
  }
  world.barrier();
}

TEST(RunSimulation, WritesTheSameRatesAndReferencesForAnyNumberOfRanks) {
  auto const world = parallel::Communicator::world();
  test::ScratchFolder const scratch("simulate-rates-ranks");
  auto settings = make_settings();
  settings.targets.resize(1);
  settings.detectors.use = {"nrcalong", "mirimage"};
  settings.off_exposures = 2;
  settings.off_late = 1;
  settings.rates.on = true;
  run_simulation(world, settings, scratch.path() / "world");
  if (world.is_root()) {
    run_simulation(parallel::Communicator(), settings, scratch.path() / "alone");
    auto const ours = hash_files(scratch.path() / "world"), alone = hash_files(scratch.path() / "alone");
    EXPECT_EQ(ours, alone);
    // Of each detector flat, photom, area, distortion and filteroffset; two parameter references an instrument, and a
    // mapping of each of these seven types; .pmap, two .imap, two files of configuration.
    auto const of_cache =
        std::count_if(ours.begin(), ours.end(), [](auto const& f) { return f.first.starts_with("crds/"); });
    EXPECT_EQ(of_cache, 2 * 5 + 2 * 2 + 2 * 7 + 3 + 2);
    // Exposures and truth planes, two catalogues, truth.json, config.toml.
    EXPECT_EQ(ours.size() - static_cast<std::size_t>(of_cache), 2u * 6 + 2 + 2);
  }
  world.barrier();
}

TEST(RunSimulation, ChangesWithTheSeed) {
  auto const world = parallel::Communicator::world();
  test::ScratchFolder const scratch("simulate-seed");
  auto settings = make_settings();
  settings.targets.resize(1);
  settings.truth_planes = false;
  run_simulation(world, settings, scratch.path() / "first");
  settings.seed = 2;
  run_simulation(world, settings, scratch.path() / "second");
  if (world.is_root()) {
    auto const first = hash_files(scratch.path() / "first"), second = hash_files(scratch.path() / "second");
    for (auto const& [name, hash] : first)
      if (name.ends_with("_cal.fits")) {
        EXPECT_NE(hash, second.at(name)) << name;
      }
  }
  world.barrier();
}

}  // namespace
}  // namespace tessera::simulate
