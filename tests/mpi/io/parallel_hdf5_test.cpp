#include <gmock/gmock.h>

#include <algorithm>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::io {
namespace {

using model::BlockGrid;
using parallel::Communicator;

std::vector<float> pixels(BlockGrid const& grid, std::int64_t block) {
  std::vector<float> values;
  auto const box = grid.box(block);
  for (auto y = box.y0; y < box.y1; ++y)
    for (auto x = box.x0; x < box.x1; ++x) values.push_back(static_cast<float>(y * grid.nx + x));
  return values;
}

class ParallelHdf5 : public testing::Test {
 protected:
  /// One rank makes an empty file with SCI and CON, as tile owners find it.
  void create(BlockGrid const& grid) {
    if (world_.is_root()) {
      Hdf5File file(path_, Hdf5File::Mode::Create);
      file.create_image("SCI", Hdf5Type::Float32, grid.ny, grid.nx);
      file.create_image("CON", Hdf5Type::UInt32, grid.ny, grid.nx, 2);
      file.close();
    }
    world_.barrier();
  }
  void write_block(Hdf5File& file, BlockGrid const& grid, std::int64_t block) {
    auto const values = pixels(grid, block);
    file.write_box("SCI", grid.box(block), std::span<float const>(values));
    std::vector<std::uint32_t> const bits(values.size(), static_cast<std::uint32_t>(block));
    file.write_box("CON", grid.box(block), std::span<std::uint32_t const>(bits), 1);
  }
  void expect_all_pixels(std::filesystem::path const& path, BlockGrid const& grid) {
    Hdf5File const file(path, Hdf5File::Mode::ReadOnly);
    std::vector<float> image(static_cast<std::size_t>(grid.nx * grid.ny));
    file.read_box("SCI", {0, 0, grid.nx, grid.ny}, std::span(image));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < image.size(); ++i) wrong += image[i] != static_cast<float>(i);
    EXPECT_EQ(wrong, 0u);
    for (std::int64_t block = 0; block < grid.count(); ++block) {
      std::vector<std::uint32_t> bits(pixels(grid, block).size());
      file.read_box("CON", grid.box(block), std::span(bits), 1);
      EXPECT_THAT(bits, testing::Each(static_cast<std::uint32_t>(block)));
    }
  }

  Communicator const world_ = Communicator::world();
  test::ScratchFolder folder_{"parallel-hdf5"};
  std::filesystem::path const path_ = folder_.path() / "mosaic.h5";
};

TEST_F(ParallelHdf5, RanksWriteWholeBlocksThatOneRankReadsBack) {
  for (BlockGrid const grid : {BlockGrid{1030, 700}, BlockGrid{512, 768}, BlockGrid{100, 90}}) {
    create(grid);
    {
      Hdf5File file(path_, Hdf5File::Mode::ReadWrite, world_);
      for (auto block = static_cast<std::int64_t>(world_.rank()); block < grid.count(); block += world_.size())
        write_block(file, grid, block);
      file.close();
    }
    world_.barrier();
    if (world_.is_root()) expect_all_pixels(path_, grid);
    world_.barrier();
  }
}

TEST_F(ParallelHdf5, RanksMayWriteDifferentNumbersOfBlocksAndNoneAtAll) {
  BlockGrid const grid{600, 600};
  create(grid);
  {
    Hdf5File file(path_, Hdf5File::Mode::ReadWrite, world_);
    if (world_.rank() == world_.size() - 1)
      for (std::int64_t block = 0; block < grid.count(); ++block) write_block(file, grid, block);
  }
  world_.barrier();
  if (world_.is_root()) expect_all_pixels(path_, grid);
}

TEST_F(ParallelHdf5, AllRanksReadWhatTheyLikeIndependently) {
  BlockGrid const grid{520, 300};
  create(grid);
  if (world_.is_root()) {
    Hdf5File file(path_, Hdf5File::Mode::ReadWrite);
    for (std::int64_t block = 0; block < grid.count(); ++block) write_block(file, grid, block);
  }
  world_.barrier();
  Hdf5File const file(path_, Hdf5File::Mode::ReadOnly, world_);
  EXPECT_THAT(file.image_axes("CON"), testing::ElementsAre(520, 300, 2));
  for (int block = 0; block <= world_.rank(); ++block) {
    std::vector<float> values(pixels(grid, block).size());
    file.read_box("SCI", grid.box(block), std::span(values));
    EXPECT_EQ(values, pixels(grid, block));
  }
}

TEST_F(ParallelHdf5, IsWrittenByPartOfTheRanks) {
  BlockGrid const grid{512, 512};
  create(grid);
  bool const is_owner = world_.rank() < std::max(1, world_.size() - 1);
  auto const owners = world_.split(is_owner ? 0 : -1);
  if (is_owner) {
    Hdf5File file(path_, Hdf5File::Mode::ReadWrite, owners);
    for (auto block = static_cast<std::int64_t>(owners.rank()); block < grid.count(); block += owners.size())
      write_block(file, grid, block);
    file.close();
  }
  world_.barrier();
  if (world_.is_root()) expect_all_pixels(path_, grid);
}

TEST_F(ParallelHdf5, CanBeReadAndContinuedAfterItsWritersWereKilled) {
  BlockGrid const grid{1030, 700};
  create(grid);
  auto const copy = folder_.path() / "left_behind.h5";
  {
    Hdf5File file(path_, Hdf5File::Mode::ReadWrite, world_);
    for (auto block = static_cast<std::int64_t>(world_.rank()); block < grid.count() / 2; block += world_.size())
      write_block(file, grid, block);
    world_.barrier();  // no flush and no close: what lies on disk now is what a kill leaves behind
    if (world_.is_root()) std::filesystem::copy_file(path_, copy);
    world_.barrier();
  }
  {
    Hdf5File file(copy, Hdf5File::Mode::ReadWrite, world_);
    for (auto block = grid.count() / 2 + world_.rank(); block < grid.count(); block += world_.size())
      write_block(file, grid, block);
  }
  world_.barrier();
  if (world_.is_root()) expect_all_pixels(copy, grid);
}

TEST_F(ParallelHdf5, AllRanksSayThatAFileIsMissing) {
  EXPECT_THROW(Hdf5File(folder_.path() / "absent.h5", Hdf5File::Mode::ReadWrite, world_), IoError);
}

}  // namespace
}  // namespace tessera::io
