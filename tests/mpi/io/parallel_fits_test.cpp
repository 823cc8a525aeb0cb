#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::io {
namespace {

using parallel::Communicator;

std::string read_bytes(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Counter-based values, the same for every number of ranks.
std::vector<std::byte> pixels(std::int64_t count, std::uint32_t seed) {
  std::vector<std::uint32_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<std::uint32_t>(i) + seed) * 2654435761u;
  std::vector<std::byte> bytes(4 * values.size());
  to_big_endian_unsigned(values, bytes.data());
  return bytes;
}

struct Example {
  static constexpr std::int64_t Nx = 301, Ny = 207;
  std::vector<HduPlan> plans = std::vector<HduPlan>(4);
  std::vector<std::vector<std::byte>> data = std::vector<std::vector<std::byte>>(4);
  Example() {
    plans[0].header.set("TELESCOP", "JWST");
    plans[1].extname = "SCI";
    plans[1].bitpix = -32;
    plans[1].axes = {Nx, Ny};
    plans[2].extname = "CON";
    plans[2].bitpix = 32;
    plans[2].unsigned_integers = true;
    plans[2].axes = {Nx, Ny, 2};
    plans[3].extname = "ODD";
    plans[3].axes = {4099};  // no multiple of 4 bytes
    data[1] = pixels(Nx * Ny, 1);
    data[2] = pixels(2 * Nx * Ny, 77);
    data[3] = pixels(1025, 5);
    data[3].resize(4099);
  }
};

TEST(ParallelFits, GivesTheBytesOfOneRankForAnyNumberOfRanks) {
  auto const world = Communicator::world();
  tessera::test::ScratchFolder const folder("parallel-fits");
  Example const example;
  auto const path = folder.path() / "together.fits", alone = folder.path() / "alone.fits";
  if (world.is_root()) write_fits(alone, example.plans, example.data);
  {
    ParallelFitsFile file(world, path, example.plans);
    for (std::size_t index = 1; index < example.data.size(); ++index) {
      // Strips dealt out in turn, written last to first.
      std::int64_t const size = static_cast<std::int64_t>(example.data[index].size()), strip = 4 * 997;
      for (std::int64_t part = (size - 1) / strip; part >= 0; --part) {
        if (part % world.size() != world.rank()) continue;
        auto const first = part * strip, count = std::min(strip, size - first);
        file.write(
            index, first,
            std::span(example.data[index]).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
      }
    }
    file.finish();
  }
  world.barrier();
  EXPECT_EQ(read_bytes(path), read_bytes(alone));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
}

TEST(ParallelFits, LeavesUnwrittenBytesZero) {
  auto const world = Communicator::world();
  tessera::test::ScratchFolder const folder("parallel-fits-zero");
  HduPlan plan;
  plan.bitpix = -32;
  plan.axes = {1000, 10};
  auto const path = folder.path() / "zero.fits";
  ParallelFitsFile file(world, path, {plan});
  file.finish();
  world.barrier();
  auto const read = FitsFile::open(path);
  std::vector<float> values(10000, 1.0f);
  read.read_rows(read.hdus()[0], 0, 10, values.data());
  EXPECT_THAT(values, testing::Each(0.0f));
  EXPECT_EQ(read.hdus()[0].header.text("DATASUM"), "0");
}

TEST(ParallelFits, FailsOnAllRanksWhenTheFileCannotBeMade) {
  auto const world = Communicator::world();
  tessera::test::ScratchFolder const folder("parallel-fits-fail");
  EXPECT_THROW(ParallelFitsFile(world, folder.path() / "absent" / "x.fits", Example().plans), IoError);
  // More than any disk here: the size is asked for at once, so that no work is lost.
  HduPlan plan;
  plan.axes = {std::int64_t{1} << 60};
  EXPECT_THROW(ParallelFitsFile(world, folder.path() / "huge.fits", {plan}), IoError);
  world.barrier();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ParallelFits, FailsOnAllRanksWhenOneCannotWrite) {
  auto const world = Communicator::world();
  tessera::test::ScratchFolder const folder("parallel-fits-write");
  HduPlan plan;
  plan.axes = {100000};
  ParallelFitsFile file(world, folder.path() / "x.fits", {plan});
  if (world.rank() == world.size() - 1) {
    struct rlimit before {};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    auto limit = before;
    limit.rlim_cur = 50000;
    auto const old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    file.write(0, 80000, std::vector<std::byte>(20000));
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
  }
  EXPECT_THROW(file.finish(), IoError);
  world.barrier();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ParallelFits, RemovesAnUnfinishedFile) {
  auto const world = Communicator::world();
  tessera::test::ScratchFolder const folder("parallel-fits-unfinished");
  { ParallelFitsFile const file(world, folder.path() / "x.fits", Example().plans); }
  world.barrier();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

/// Several ranks that unpack one file at once all read the same.
TEST(ParallelFits, UnpacksOneGzippedFileOnAllRanksAtOnce) {
  SKIP_WITHOUT_SHARED("data/real/jwst_miri");
  auto const world = Communicator::world();
  tessera::test::ScratchFolder const folder("parallel-unpack");
  auto const source = tessera::test::shared_dir() / "data/real/jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits";
  world.barrier();
  auto const file = FitsFile::open(source, folder.path());
  std::vector<float> values(137 * 129);
  file.read_rows(file.require("SCI"), 0, 129, values.data());
  EXPECT_EQ(values[60 * 137 + 70], 6034.27490234375f);  // astropy: data[60, 70]
  world.barrier();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace tessera::io
