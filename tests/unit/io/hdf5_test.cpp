#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>

#include "support/test_files.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::io {
namespace {

using model::BlockGrid;
using model::PixelBox;
using testing::ElementsAre;
using testing::HasSubstr;

/// A value that tells which pixel it belongs to.
float value_at(std::int64_t x, std::int64_t y) { return static_cast<float>(x) + 0.5f * static_cast<float>(y); }

std::vector<float> pixels(PixelBox const& box) {
  std::vector<float> values;
  for (auto y = box.y0; y < box.y1; ++y)
    for (auto x = box.x0; x < box.x1; ++x) values.push_back(value_at(x, y));
  return values;
}

void write_block(Hdf5File& file, BlockGrid const& grid, std::int64_t block) {
  file.write_box("SCI", grid.box(block), std::span<float const>(pixels(grid.box(block))));
}

class Hdf5 : public testing::Test {
 protected:
  std::filesystem::path path(std::string const& name = "file.h5") const { return folder_.path() / name; }
  template <class Work>
  std::string message_of(Work const& work) {
    try {
      work();
    } catch (IoError const& error) {
      return error.what();
    }
    return "no IoError";
  }
  test::ScratchFolder folder_{"hdf5"};
};

TEST_F(Hdf5, KeepsImagesOfAnyShapeWrittenBlockByBlock) {
  for (auto const& [nx, ny] : {std::pair{1, 1}, {5, 300}, {256, 256}, {257, 511}, {600, 30}}) {
    BlockGrid const grid{nx, ny};
    {
      Hdf5File file(path(), Hdf5File::Mode::Create);
      file.create_image("SCI", Hdf5Type::Float32, ny, nx);
      file.close();
    }
    {
      Hdf5File file(path(), Hdf5File::Mode::ReadWrite);
      for (auto block = grid.count() - 1; block >= 0; --block) write_block(file, grid, block);
      file.close();
    }
    Hdf5File const file(path(), Hdf5File::Mode::ReadOnly);
    EXPECT_THAT(file.image_axes("SCI"), ElementsAre(nx, ny));
    PixelBox const all{0, 0, nx, ny};
    std::vector<float> read(static_cast<std::size_t>(nx * ny));
    file.read_box("SCI", all, std::span(read));
    EXPECT_EQ(read, pixels(all));
    PixelBox const part{nx / 3, ny / 4, nx, ny - ny / 5};  // across blocks
    read.resize(static_cast<std::size_t>(part.width() * part.height()));
    file.read_box("SCI", part, std::span(read));
    EXPECT_EQ(read, pixels(part));
  }
}

TEST_F(Hdf5, KeepsPlanesAndOtherTypes) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.create_image("deep/er/CON", Hdf5Type::UInt32, 7, 9, 3);
  PixelBox const box{2, 1, 5, 3};
  std::vector<std::uint32_t> const values{1, 2, 0xFFFFFFFFu, 4, 5, 0x80000000u};
  for (int plane = 0; plane < 3; ++plane) {
    auto shifted = values;
    shifted[0] = static_cast<std::uint32_t>(plane);
    file.write_box("deep/er/CON", box, std::span<std::uint32_t const>(shifted), plane);
  }
  EXPECT_THAT(file.image_axes("deep/er/CON"), ElementsAre(9, 7, 3));
  std::vector<std::uint32_t> read(6);
  file.read_box("deep/er/CON", box, std::span(read), 1);
  EXPECT_THAT(read, ElementsAre(1u, 2u, 0xFFFFFFFFu, 4u, 5u, 0x80000000u));
  file.read_box("deep/er/CON", box, std::span(read), 2);
  EXPECT_EQ(read[0], 2u);
}

TEST_F(Hdf5, KeepsNaNAndInfinity) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.create_image("SCI", Hdf5Type::Float32, 1, 3);
  std::vector<float> const values{std::nanf(""), std::numeric_limits<float>::infinity(), -0.0f};
  file.write_box("SCI", {0, 0, 3, 1}, std::span<float const>(values));
  std::vector<float> read(3);
  file.read_box("SCI", {0, 0, 3, 1}, std::span(read));
  EXPECT_TRUE(std::isnan(read[0]));
  EXPECT_EQ(read[1], values[1]);
  EXPECT_TRUE(std::signbit(read[2]));
}

TEST_F(Hdf5, ConvertsToTheTypeOfTheDataset) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.create_image("count", Hdf5Type::UInt8, 1, 3);
  std::vector<std::uint32_t> const values{1, 255, 256};
  file.write_box("count", {0, 0, 3, 1}, std::span<std::uint32_t const>(values));
  std::vector<std::uint32_t> read(3);
  file.read_box("count", {0, 0, 3, 1}, std::span(read));
  EXPECT_THAT(read, ElementsAre(1u, 255u, 255u));
}

TEST_F(Hdf5, KeepsArraysInGroupsAndReplacesThem) {
  std::vector<double> const reals{1.5, -2, 1e300};
  std::vector<float> const singles{1.5f, std::numeric_limits<float>::denorm_min()};
  std::vector<std::int64_t> const integers{std::numeric_limits<std::int64_t>::min(), 7};
  std::vector<std::uint8_t> bytes(300000);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  {
    Hdf5File file(path(), Hdf5File::Mode::Create);
    file.write_array("a/b/reals", reals);
    file.write_array("a/b/singles", singles);
    file.write_array("a/integers", integers);
    file.write_array("bytes", bytes, true);
    file.write_array("empty", std::span<double const>());
    file.write_array("no_bytes", std::span<std::uint8_t const>(), true);
  }
  {
    Hdf5File file(path(), Hdf5File::Mode::ReadWrite);
    EXPECT_EQ(file.read_integers("a/integers"), integers);
    file.write_array("a/integers", std::vector<std::int64_t>{4, 5, 6});
    EXPECT_THAT(file.read_integers("a/integers"), ElementsAre(4, 5, 6));
  }
  Hdf5File const file(path(), Hdf5File::Mode::ReadOnly);
  EXPECT_EQ(file.read_doubles("a/b/reals"), reals);
  EXPECT_EQ(file.read_floats("a/b/singles"), singles);
  EXPECT_THAT(file.read_integers("a/integers"), ElementsAre(4, 5, 6));
  EXPECT_EQ(file.read_bytes("bytes"), bytes);
  EXPECT_TRUE(file.read_doubles("empty").empty());
  EXPECT_TRUE(file.read_bytes("no_bytes").empty());
  EXPECT_THAT(file.names(""), ElementsAre("a", "bytes", "empty", "no_bytes"));
  EXPECT_THAT(file.names("a/b"), ElementsAre("reals", "singles"));
  EXPECT_LT(std::filesystem::file_size(path()), 100000u);  // 300000 bytes of a pattern, compressed
}

TEST_F(Hdf5, KnowsWhatItHas) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.write_array("a/b/c", std::vector<double>{1});
  for (auto const* name : {"", "/", "a", "/a", "a/b", "a/b/c", "/a/b/c"}) EXPECT_TRUE(file.has(name)) << name;
  for (auto const* name : {"b", "a/c", "a/b/c/d", "x/y/z"}) EXPECT_FALSE(file.has(name)) << name;
}

TEST_F(Hdf5, KeepsAttributesOfRootGroupsAndDatasets) {
  std::string const long_text(100000, 'x');
  {
    Hdf5File file(path(), Hdf5File::Mode::Create);
    file.write_array("group/data", std::vector<double>{1});
    file.set_attribute("", "origin", std::string("µ-test"));
    file.set_attribute("/", "origin", "tessera");
    file.set_attribute("group", "history", long_text);
    file.set_attribute("group", "nothing", "");
    file.set_attribute("group/data", "scale", 0.1);
    file.set_attribute("group/data", "count", std::int64_t{1} << 62);
    file.set_attribute("group/data", "small", 3);
  }
  Hdf5File const file(path(), Hdf5File::Mode::ReadOnly);
  EXPECT_EQ(file.text_attribute("/", "origin"), "tessera");
  EXPECT_EQ(file.text_attribute("group", "history"), long_text);
  EXPECT_EQ(file.text_attribute("group", "nothing"), "");
  EXPECT_EQ(file.real_attribute("group/data", "scale"), 0.1);
  EXPECT_EQ(file.integer_attribute("group/data", "count"), std::int64_t{1} << 62);
  EXPECT_EQ(file.integer_attribute("group/data", "small"), 3);
  EXPECT_EQ(file.real_attribute("group/data", "small"), 3.0);
}

TEST_F(Hdf5, SaysWhichFileIsMissing) {
  auto const message = message_of([&] { Hdf5File file(path("absent.h5"), Hdf5File::Mode::ReadOnly); });
  EXPECT_THAT(message, HasSubstr("absent.h5"));
  EXPECT_THAT(message, HasSubstr("No such file or directory"));
}

TEST_F(Hdf5, SaysThatAFileIsNoHdf5) {
  std::ofstream(path("text.h5")) << "SIMPLE  = T, a FITS file by mistake";
  EXPECT_THAT(message_of([&] { Hdf5File file(path("text.h5"), Hdf5File::Mode::ReadOnly); }), HasSubstr("text.h5"));
}

TEST_F(Hdf5, SaysWhichDatasetIsMissingAndWhichIsNear) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.write_array("group/levels", std::vector<double>{1});
  auto const message = message_of([&] { file.read_doubles("group/level"); });
  EXPECT_THAT(message, HasSubstr("file.h5:/group/level"));
  EXPECT_THAT(message, HasSubstr("did you mean 'levels'?"));
  EXPECT_THAT(message_of([&] { file.read_doubles("none/x"); }), HasSubstr("/none/x"));
  EXPECT_THAT(message_of([&] { file.names("nowhere"); }), HasSubstr("/nowhere"));
  EXPECT_THAT(message_of([&] { file.text_attribute("group", "origin"); }), HasSubstr("file.h5:/group@origin"));
}

TEST_F(Hdf5, RefusesToReadAnythingAsSomethingElse) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.create_image("SCI", Hdf5Type::Float32, 2, 2);
  file.write_array("levels", std::vector<double>{1});
  file.set_attribute("", "count", 3);
  file.set_attribute("", "name", "x");
  std::vector<float> values(1);
  EXPECT_THROW(file.read_floats("SCI"), IoError);
  EXPECT_THROW(file.read_box("levels", {0, 0, 1, 1}, std::span(values)), IoError);
  EXPECT_THROW(file.text_attribute("", "count"), IoError);
  EXPECT_THROW(file.integer_attribute("", "name"), IoError);
  EXPECT_THROW(file.create_image("SCI", Hdf5Type::Float32, 2, 2), IoError);
}

TEST_F(Hdf5, RefusesWritingToAFileOpenedForReading) {
  { Hdf5File(path(), Hdf5File::Mode::Create).create_image("SCI", Hdf5Type::Float32, 2, 2); }
  Hdf5File file(path(), Hdf5File::Mode::ReadOnly);
  std::vector<float> const values(4);
  EXPECT_THROW(file.write_box("SCI", {0, 0, 2, 2}, std::span<float const>(values)), IoError);
  EXPECT_THROW(file.write_array("x", std::vector<double>{1}), IoError);
}

TEST_F(Hdf5, TreatsBoxesOutsideTheImageAsBugs) {
  Hdf5File file(path(), Hdf5File::Mode::Create);
  file.create_image("SCI", Hdf5Type::Float32, 4, 4);
  std::vector<float> values(4);
  EXPECT_THROW(file.read_box("SCI", {3, 3, 5, 5}, std::span(values)), ContractViolation);
  EXPECT_THROW(file.read_box("SCI", {0, 0, 3, 3}, std::span(values)), ContractViolation);
  EXPECT_THROW(file.read_box("SCI", {0, 0, 2, 2}, std::span(values), 1), ContractViolation);
  EXPECT_NO_THROW(file.read_box("SCI", {2, 2, 2, 2}, std::span<float>()));
}

TEST_F(Hdf5, CanBeReadAfterItsWriterWasKilled) {
  BlockGrid const grid{600, 300};
  { Hdf5File(path(), Hdf5File::Mode::Create).create_image("SCI", Hdf5Type::Float32, grid.ny, grid.nx); }
  // A copy taken while the writer is at work is what a kill leaves behind.
  Hdf5File writer(path(), Hdf5File::Mode::ReadWrite);
  for (std::int64_t block = 0; block < 2; ++block) write_block(writer, grid, block);
  std::filesystem::copy_file(path(), path("left_behind.h5"));
  write_block(writer, grid, 2);

  Hdf5File again(path("left_behind.h5"), Hdf5File::Mode::ReadWrite);
  for (std::int64_t block = 0; block < 2; ++block) {
    std::vector<float> read(pixels(grid.box(block)).size());
    again.read_box("SCI", grid.box(block), std::span(read));
    EXPECT_EQ(read, pixels(grid.box(block)));
  }
  EXPECT_NO_THROW(write_block(again, grid, 5));
}

TEST_F(Hdf5, CanBeReadAfterAFlushWhileItIsBeingMade) {
  Hdf5File writer(path(), Hdf5File::Mode::Create);
  writer.write_array("ledger/levels", std::vector<double>{1, 2});
  writer.set_attribute("ledger", "step", "match_levels");
  writer.flush();
  std::filesystem::copy_file(path(), path("copy.h5"));
  Hdf5File const copy(path("copy.h5"), Hdf5File::Mode::ReadOnly);
  EXPECT_THAT(copy.read_doubles("ledger/levels"), ElementsAre(1, 2));
  EXPECT_EQ(copy.text_attribute("ledger", "step"), "match_levels");
}

TEST_F(Hdf5, MakesTheSameBytesTwice) {
  auto const make = [&](std::string const& name) {
    Hdf5File file(path(name), Hdf5File::Mode::Create);
    file.create_image("SCI", Hdf5Type::Float32, 300, 300);
    BlockGrid const grid{300, 300};
    for (std::int64_t block = 0; block < grid.count(); ++block) write_block(file, grid, block);
    file.set_attribute("", "origin", "tessera");
  };
  make("one.h5");
  make("two.h5");
  auto const bytes = [&](std::string const& name) {
    std::ifstream stream(path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  EXPECT_TRUE(bytes("one.h5") == bytes("two.h5"));
}

}  // namespace
}  // namespace tessera::io
