// Flat fields and pixel areas as files: windows, flags, and what is wrong with them.
#include "tessera/refs/image_references.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference_files.hpp"
#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"

namespace tessera::refs {
namespace {

using model::DetectorWindow;
using test::ReferenceFile;
using testing::HasSubstr;

/// Values 100 row + column, all 0-based.
std::vector<float> numbered(std::int64_t nx, std::int64_t ny) {
  std::vector<float> values;
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) values.push_back(static_cast<float>(100 * y + x));
  return values;
}

class ImageReferences : public testing::Test {
 protected:
  std::filesystem::path path(std::string const& name = "flat.fits") const { return folder_.path() / name; }
  static ReferenceFile make(int nx = 8, int ny = 6) {
    ReferenceFile file;
    file.primary.set("INSTRUME", "MIRI");
    test::set_window(file.primary, 1, 1, nx, ny);
    file.add_plane("SCI", nx, ny, numbered(nx, ny));
    return file;
  }
  std::string message(DetectorWindow const& window) const {
    try {
      read_flat(path(), window);
    } catch (InputError const& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  test::ScratchFolder folder_{"image_references"};
};

TEST_F(ImageReferences, AFlatOfTheSameWindowIsReadAsItIs) {
  make()
      .add_plane("ERR", 8, 6, std::vector<float>(48, 0.5f))
      .add_flags("DQ", 8, 6, std::vector<std::uint32_t>(48, dq::UnreliableFlat))
      .write(path());
  auto const flat = read_flat(path(), {1, 1, 8, 6});
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->sci, numbered(8, 6));
  EXPECT_EQ(flat->err, std::vector<float>(48, 0.5f));
  EXPECT_EQ(flat->dq, std::vector<std::uint32_t>(48, dq::UnreliableFlat));
  EXPECT_DOUBLE_EQ(flat->usable_fraction, 47.0 / 48);  // one value is 0
}

TEST_F(ImageReferences, ASubarrayIsCutOutOfAFullFrame) {
  auto const all = test::read_vector("flat_field_cases.json");
  for (auto const& one : all) {
    if (one.at("name") != "subarray_from_fullframe_flat") continue;
    auto const sci = test::read_plane(one.at("flat").at("data"));
    auto const window = one.at("sci_subarray");
    ReferenceFile file;
    test::set_window(file.primary, 1, 1, static_cast<int>(sci.nx), static_cast<int>(sci.ny));
    std::vector<std::uint32_t> flags;
    for (auto const& row : one.at("flat").at("dq"))
      for (auto const& value : row) flags.push_back(value);
    file.add_plane("SCI", sci.nx, sci.ny, sci.values).add_flags("DQ", sci.nx, sci.ny, flags).write(path());
    auto const flat = read_flat(path(), {window[0], window[1], window[2], window[3]});
    ASSERT_TRUE(flat);
    auto const in = test::read_plane(one.at("science").at("data")), out = test::read_plane(one.at("out").at("data"));
    ASSERT_EQ(flat->sci.size(), out.values.size());
    for (std::size_t k = 0; k < out.values.size(); ++k) {
      EXPECT_EQ((flat->dq[k] & (dq::DoNotUse | dq::NoFlatField)) != 0, std::isnan(out.values[k])) << k;
      if (!std::isnan(out.values[k])) {
        EXPECT_NEAR(in.values[k] / flat->sci[k], out.values[k], 3e-7 * out.values[k]) << k;
      }
    }
    return;
  }
  FAIL() << "no such case";
}

TEST_F(ImageReferences, ASubarrayOfTheReferenceHasItsOwnOrigin) {
  ReferenceFile file;
  test::set_window(file.primary, 11, 21, 8, 6);
  file.add_plane("SCI", 8, 6, numbered(8, 6)).write(path());
  auto const flat = read_flat(path(), {13, 24, 2, 3});
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->sci, (std::vector<float>{302, 303, 402, 403, 502, 503}));
}

TEST_F(ImageReferences, MoreRowsThanAreReadAtOnceAreCutAlike) {
  make(5, 200).write(path());
  auto const flat = read_flat(path(), {3, 11, 2, 150});
  ASSERT_TRUE(flat);
  for (std::size_t y = 0; y < 150; ++y) {
    ASSERT_EQ(flat->sci[2 * y], static_cast<float>(100 * (y + 10) + 2));
    ASSERT_EQ(flat->sci[2 * y + 1], static_cast<float>(100 * (y + 10) + 3));
  }
}

TEST_F(ImageReferences, WithoutErrorsAndFlagsTheyAreZero) {
  make().write(path());
  auto const flat = read_flat(path(), {2, 2, 3, 2});
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->err, std::vector<float>(6, 0));
  EXPECT_EQ(flat->dq, std::vector<std::uint32_t>(6, 0));
  EXPECT_EQ(flat->usable_fraction, 1);
}

TEST_F(ImageReferences, BitsAreTranslatedByTheirNames) {
  std::vector<std::uint32_t> bits(48, 0);
  bits[1] = 1;
  bits[2] = 2;
  bits[3] = 4 | 2147483648u;
  bits[4] = 8;
  make()
      .add_flags("DQ", 8, 6, bits)
      .add_table("DQ_DEF", {{.name = "BIT",
                             .unit = {},
                             .description = {},
                             .values = std::vector<std::int64_t>{0, 1, 2, 3, 31},
                             .format = {}},
                            {.name = "VALUE",
                             .unit = {},
                             .description = {},
                             .values = std::vector<std::int64_t>{1, 2, 4, 8, -2147483648LL},
                             .format = {}},
                            {.name = "NAME",
                             .unit = {},
                             .description = {},
                             .values = std::vector<std::string>{"DO_NOT_USE", "NO_FLAT_FIELD", "UNRELIABLE_FLAT",
                                                                "LOCAL_NAME", "LOW_QE"},
                             .format = {}}})
      .write(path());
  auto const flat = read_flat(path(), {1, 1, 8, 6});
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->dq[0], 0u);
  EXPECT_EQ(flat->dq[1], dq::DoNotUse);
  EXPECT_EQ(flat->dq[2], dq::NoFlatField);
  EXPECT_EQ(flat->dq[3], dq::UnreliableFlat | dq::LowQe);
  EXPECT_EQ(flat->dq[4], 0u);
  EXPECT_DOUBLE_EQ(flat->usable_fraction, 45.0 / 48);
}

TEST_F(ImageReferences, ADefinitionOfBitsWithoutItsColumnsIsSaid) {
  make()
      .add_flags("DQ", 8, 6, std::vector<std::uint32_t>(48, 0))
      .add_table(
          "DQ_DEF",
          {{.name = "VALUE", .unit = {}, .description = {}, .values = std::vector<std::int64_t>{1}, .format = {}}})
      .write(path());
  EXPECT_THAT(message({1, 1, 8, 6}), HasSubstr("a column NAME of text"));
}

TEST_F(ImageReferences, AFlatOfZerosOrNansIsReadAndSaysSo) {
  ReferenceFile file;
  test::set_window(file.primary, 1, 1, 2, 1);
  file.add_plane("SCI", 2, 1, {0, std::numeric_limits<float>::quiet_NaN()}).write(path());
  auto const flat = read_flat(path(), {1, 1, 2, 1});
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->usable_fraction, 0);
}

TEST_F(ImageReferences, AFlatSmallerThanTheExposureIsNone) {
  make().write(path());
  EXPECT_FALSE(read_flat(path(), {1, 1, 9, 6}));
  EXPECT_FALSE(read_flat(path(), {1, 1, 8, 7}));
}

TEST_F(ImageReferences, AWindowOutsideIsSaid) {
  make().write(path());
  EXPECT_THAT(message({4, 1, 6, 6}), HasSubstr("columns 4 to 9 and rows 1 to 6"));
  EXPECT_THAT(message({1, 3, 8, 5}), HasSubstr("columns 1 to 8 and rows 1 to 6"));
}

TEST_F(ImageReferences, WithoutPixelsOrWithOthersItIsSaid) {
  ReferenceFile().add_plane("ERR", 8, 6, numbered(8, 6)).write(path());
  EXPECT_THAT(message({1, 1, 8, 6}), HasSubstr("SCI"));
  make().add_plane("ERR", 6, 8, numbered(6, 8)).write(path());
  EXPECT_THAT(message({1, 1, 8, 6}), HasSubstr("another shape than SCI"));
  make().add_flags("DQ", 8, 5, std::vector<std::uint32_t>(40, 0)).write(path());
  EXPECT_THAT(message({1, 1, 8, 6}), HasSubstr("another shape than SCI"));
  EXPECT_THROW(read_flat(path("absent.fits"), {1, 1, 8, 6}), InputError);
}

TEST_F(ImageReferences, ATableInsteadOfPixelsIsSaid) {
  ReferenceFile()
      .add_table(
          "SCI",
          {{.name = "VALUE", .unit = {}, .description = {}, .values = std::vector<std::int64_t>{1}, .format = {}}})
      .write(path());
  EXPECT_THAT(message({1, 1, 1, 1}), HasSubstr("no image"));
}

TEST_F(ImageReferences, AnAreaIsCutAsFromPixelOne) {
  auto file = make();
  test::set_window(file.primary, 3, 3, 8, 6);  // does not count
  file.primary.set("PIXAR_SR", 2.84e-13);
  file.write(path());
  auto const area = read_area(path(), {2, 3, 2, 2});
  EXPECT_EQ(area.area, (std::vector<float>{201, 202, 301, 302}));
  EXPECT_EQ(area.pixar_sr, 2.84e-13);
  EXPECT_FALSE(area.pixar_a2);
  EXPECT_THROW(read_area(path(), {2, 3, 8, 2}), InputError);
}

TEST(DetectorWindow, IsTheFullFrameWhereNothingIsSaid) {
  model::Header header;
  header.set("INSTRUME", "MIRI");
  EXPECT_EQ(detector_window("x", header, 1032, 1024), (DetectorWindow{1, 1, 1032, 1024}));
  EXPECT_THROW(detector_window("x", header, 2048, 2048), InputError);
  header.set("INSTRUME", "NIRCAM");
  EXPECT_EQ(detector_window("x", header, 2048, 2048), (DetectorWindow{1, 1, 2048, 2048}));
  EXPECT_THROW(detector_window("x", header, 1032, 1024), InputError);
}

TEST(DetectorWindow, NamesWhatIsMissing) {
  model::Header header;
  test::set_window(header, 5, 7, 32, 16);
  header.remove("SUBSTRT2");
  try {
    detector_window("flat.fits", header, 32, 16);
    FAIL();
  } catch (InputError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("no SUBSTRT2"));
  }
}

TEST(DetectorWindow, TakesTheSizeOfTheArrayAndNoOriginBelowOne) {
  model::Header header;
  test::set_window(header, 5, 7, 99, 16);
  EXPECT_EQ(detector_window("x", header, 32, 16), (DetectorWindow{5, 7, 32, 16}));
  header.set("SUBSTRT1", 0);
  EXPECT_THROW(detector_window("x", header, 32, 16), InputError);
}

}  // namespace
}  // namespace tessera::refs
