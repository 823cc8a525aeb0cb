// Gzip streams and tile-compressed images, made by gzip(1) here and by tests/data/fits/make_files.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "fits_bytes.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {
namespace {

using namespace test;
using testing::HasSubstr;

class PackedFits : public testing::Test {
 protected:
  tessera::test::ScratchFolder folder_{"packed-fits"};
  std::filesystem::path path_ = folder_.path() / "file.fits.gz";
  std::filesystem::path scratch_ = folder_.path() / "scratch";

  std::string gzip(std::string const& bytes) {
    auto const plain = folder_.path() / "plain";
    write_bytes(plain, bytes);
    EXPECT_EQ(std::system(("gzip -nf " + plain.string()).c_str()), 0);
    return read_bytes(folder_.path() / "plain.gz");
  }
  /// 3 MB that do not compress to nothing: several of the unpacker's buffers.
  std::string large_file() {
    std::string pixels;
    std::uint32_t state = 1;
    for (int i = 0; i < 1000 * 750; ++i)
      pixels += words(4, {std::int64_t{(state = state * 1664525u + 1013904223u) >> 12}});
    return primary_header(32, {1000, 750}) + padded(pixels, 2880, '\0');
  }
};

TEST_F(PackedFits, UnpacksLargeStreamsAndSeveralMembers) {
  auto const plain = large_file();
  write_bytes(path_, gzip(plain));
  EXPECT_EQ(read_bytes(FitsFile::open(path_, scratch_).readable_path()), plain);
  write_bytes(path_, gzip(plain.substr(0, 1000000)) + gzip(plain.substr(1000000)));
  EXPECT_EQ(read_bytes(FitsFile::open(path_, scratch_).readable_path()), plain);
  // Long runs of zeros: more output than input buffers.
  auto const zeros = primary_header(32, {1000, 2000}) + padded(std::string(8000000, '\0'), 2880, '\0');
  write_bytes(path_, gzip(zeros));
  EXPECT_EQ(read_bytes(FitsFile::open(path_, scratch_).readable_path()), zeros);
}

TEST_F(PackedFits, RefusesDamagedStreams) {
  auto const packed = gzip(large_file());
  auto const message = [&](std::string const& bytes) -> std::string {
    write_bytes(path_, bytes);
    try {
      FitsFile::open(path_, scratch_);
    } catch (InputError const& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(packed.substr(0, packed.size() / 2)), HasSubstr("ends too early"));
  EXPECT_THAT(message(packed.substr(0, packed.size() - 4)), HasSubstr("ends too early"));
  auto broken = packed;
  broken[packed.size() / 2] = static_cast<char>(broken[packed.size() / 2] ^ 0x55);
  EXPECT_THAT(message(broken), HasSubstr("damaged"));
  EXPECT_THAT(message(gzip("just text")), HasSubstr("no FITS"));
  EXPECT_THAT(message(gzip("just text")), HasSubstr("file.fits.gz"));  // the name the person knows
}

TEST_F(PackedFits, SaysWhichVariableMovesTheScratchFolder) {
  write_bytes(path_, gzip(large_file()));
  write_bytes(folder_.path() / "no-folder", "x");
  try {
    FitsFile::open(path_, folder_.path() / "no-folder" / "scratch");
    FAIL();
  } catch (IoError const& error) {
    EXPECT_THAT(error.problem().remedy, HasSubstr("TESSERA_SCRATCH"));
  }
}

TEST_F(PackedFits, ReadsCompressedFlagsToTheBit) {
  auto const file = FitsFile::open(tessera::test::data_dir() / "fits/compressed_flags.fits", scratch_);
  auto const& hdu = file.require("DQ");
  ASSERT_EQ(hdu.kind, Hdu::Kind::TileCompressedImage);
  ASSERT_EQ(hdu.nx(), 50);
  std::vector<std::uint32_t> flags(50 * 40);
  file.read_rows(hdu, 0, 40, flags.data());
  for (std::uint32_t i = 0; i < flags.size(); ++i) ASSERT_EQ(flags[i], i * 2654435761u) << i;
}

TEST_F(PackedFits, AppliesScaleAndBlankToCompressedIntegers) {
  auto const file = FitsFile::open(tessera::test::data_dir() / "fits/compressed_blank.fits", scratch_);
  auto const& hdu = file.require("SCI");
  std::vector<float> values(50 * 10);
  file.read_rows(hdu, 30, 40, values.data());
  for (int row = 0; row < 10; ++row)
    for (int column = 0; column < 50; ++column) {
      float const value = values[static_cast<std::size_t>(row * 50 + column)];
      if (column % 7 == 0)
        ASSERT_TRUE(std::isnan(value)) << row << " " << column;
      else
        ASSERT_EQ(value, 100.0f + 0.5f * static_cast<float>(3 * (row + 30) - column)) << row << " " << column;
    }
}

TEST_F(PackedFits, KeepsNaNOfLosslessFloats) {
  auto const file = FitsFile::open(tessera::test::data_dir() / "fits/compressed_float.fits", scratch_);
  std::vector<float> values(50 * 40);
  file.read_rows(file.require("SCI"), 0, 40, values.data());
  for (int row = 0; row < 40; ++row)
    for (int column = 0; column < 50; ++column) {
      float const value = values[static_cast<std::size_t>(row * 50 + column)];
      if (row == column)
        ASSERT_TRUE(std::isnan(value));
      else
        ASSERT_EQ(value, static_cast<float>(row) + static_cast<float>(column) / 64);
    }
}

TEST_F(PackedFits, SaysWhenTilesAreDamaged) {
  auto bytes = read_bytes(tessera::test::data_dir() / "fits/compressed_flags.fits");
  auto const file_path = folder_.path() / "damaged.fits";
  for (std::size_t i = bytes.size() - 2880; i < bytes.size() - 1000; ++i) bytes[i] = static_cast<char>(bytes[i] ^ 0x3c);
  write_bytes(file_path, bytes);
  auto const file = FitsFile::open(file_path, scratch_);
  std::vector<std::uint32_t> flags(50 * 40);
  EXPECT_THROW(file.read_rows(file.require("DQ"), 0, 40, flags.data()), InputError);
}

}  // namespace
}  // namespace tessera::io
