#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "fits_bytes.hpp"
#include "support/test_files.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

class ReadFits : public testing::Test {
 protected:
  tessera::test::ScratchFolder folder_{"read-fits"};
  std::filesystem::path path_ = folder_.path() / "file.fits";

  FitsFile open(std::string const& bytes) {
    write_bytes(path_, bytes);
    return FitsFile::open(path_, folder_.path() / "scratch");
  }
  template <class Value>
  std::vector<Value> rows(FitsFile const& file, Hdu const& hdu, std::int64_t y0, std::int64_t y1,
                          std::int64_t plane = 0) {
    std::vector<Value> values(static_cast<std::size_t>((y1 - y0) * hdu.nx()));
    file.read_rows(hdu, y0, y1, values.data(), plane);
    return values;
  }
  template <class Value>
  std::vector<Value> image(int bitpix, std::vector<std::string> const& cards, std::string const& pixels,
                           long long count) {
    auto const file = open(primary_header(bitpix, {count, 1}, cards) + padded(pixels, 2880, '\0'));
    return rows<Value>(file, file.hdus()[0], 0, 1);
  }
  Problem problem(std::string const& bytes) {
    try {
      open(bytes);
    } catch (InputError const& error) {
      return error.problem();
    }
    ADD_FAILURE() << "no InputError";
    return {};
  }
};

TEST_F(ReadFits, FindsEveryHduAndItsPlace) {
  auto const file = open(
      primary_header(8, {}) + extension_header("sci", -32, {3, 2}) + padded(words(4, {0, 0, 0, 0, 0, 0}), 2880, '\0') +
      extension_header("SCI", 16, {5}, {integer_card("EXTVER", 2)}) + padded(words(2, {1, 2, 3, 4, 5}), 2880, '\0'));
  ASSERT_EQ(file.hdus().size(), 3u);
  EXPECT_EQ(file.hdus()[0].extname, "PRIMARY");
  EXPECT_EQ(file.hdus()[0].kind, Hdu::Kind::None);
  auto const& first = file.require("Sci");
  EXPECT_EQ(first.index, 1);
  EXPECT_EQ(first.extname, "SCI");
  EXPECT_EQ(first.header.text("EXTNAME"), "sci");  // the card itself stays as it was
  EXPECT_THAT(first.axes, ElementsAre(3, 2));
  EXPECT_EQ(first.header_offset, 2880);
  EXPECT_EQ(first.data_offset, 5760);
  EXPECT_EQ(first.data_bytes, 24);
  auto const* second = file.find("SCI", 2);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->data_offset, 3 * 2880 + 2880);
  EXPECT_EQ(file.find("SCI", 3), nullptr);
}

TEST_F(ReadFits, NamesTheExtensionsThereAreWhenOneIsMissing) {
  auto const file = open(primary_header(8, {}) + extension_header("SCI", 8, {}));
  try {
    file.require("SCO");
    FAIL();
  } catch (InputError const& error) {
    EXPECT_EQ(error.problem().expected, "SCO");
    EXPECT_EQ(error.problem().found, "PRIMARY, SCI");
    EXPECT_EQ(error.problem().where, path_.string());
    EXPECT_THAT(error.problem().remedy, HasSubstr("SCI"));
  }
}

TEST_F(ReadFits, ReadsEveryStoredTypeAsFloat) {
  EXPECT_THAT(image<float>(8, {}, words(1, {0, 127, 255}), 3), ElementsAre(0, 127, 255));
  EXPECT_THAT(image<float>(16, {}, words(2, {0, -1, -32768}), 3), ElementsAre(0, -1, -32768));
  EXPECT_THAT(image<float>(32, {}, words(4, {7, -7, 1 << 24}), 3), ElementsAre(7, -7, 16777216));
  EXPECT_THAT(image<float>(64, {}, words(8, {std::int64_t{1} << 40, -3}), 2), ElementsAre(1099511627776.0f, -3));
  auto const single = [](float value) { return std::int64_t{std::bit_cast<std::int32_t>(value)}; };
  auto const values = image<float>(-32, {}, words(4, {single(1.5f), single(-0.0f), single(NAN), single(INFINITY)}), 4);
  EXPECT_EQ(values[0], 1.5f);
  EXPECT_TRUE(std::signbit(values[1]));
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_TRUE(std::isinf(values[3]));
  EXPECT_THAT(image<float>(-64, {}, words(8, {std::bit_cast<std::int64_t>(0.1), std::bit_cast<std::int64_t>(-2.5)}), 2),
              ElementsAre(0.1f, -2.5f));
}

TEST_F(ReadFits, ScalesInDoubleAndMakesBlankNaN) {
  auto const values =
      image<float>(16, {"BSCALE  = 0.1", "BZERO   = 1000000.0", "BLANK   = -32768"}, words(2, {1, 7, -32768}), 3);
  EXPECT_EQ(values[0], static_cast<float>(1000000.0 + 0.1));
  EXPECT_EQ(values[1], static_cast<float>(1000000.0 + 0.1 * 7));
  EXPECT_TRUE(std::isnan(values[2]));
}

TEST_F(ReadFits, ReadsFlagsExactly) {
  EXPECT_THAT(image<std::uint32_t>(32, {"BZERO   = 2147483648", "BSCALE  = 1"},
                                   words(4, {INT32_MIN, INT32_MIN + 5, -1, 0, INT32_MAX}), 5),
              ElementsAre(0u, 5u, 0x7fffffffu, 0x80000000u, 0xffffffffu));
  EXPECT_THAT(image<std::uint32_t>(32, {}, words(4, {-1, INT32_MIN, 5}), 3), ElementsAre(0xffffffffu, 0x80000000u, 5u));
  EXPECT_THAT(image<std::uint32_t>(16, {"BZERO   = 32768.0"}, words(2, {-32768, 0, 32767}), 3),
              ElementsAre(0u, 32768u, 65535u));
  EXPECT_THAT(image<std::uint32_t>(8, {}, words(1, {0, 255}), 2), ElementsAre(0u, 255u));
  EXPECT_THAT(image<std::uint32_t>(64, {}, words(8, {4294967295, -1}), 2), ElementsAre(0xffffffffu, 0xffffffffu));
  EXPECT_THAT(image<std::uint32_t>(64, {"BZERO   = 9223372036854775808"}, words(8, {INT64_MIN + 3}), 1),
              ElementsAre(3u));
}

TEST_F(ReadFits, RefusesFlagsThatAreNone) {
  EXPECT_THROW(image<std::uint32_t>(-32, {}, words(4, {0}), 1), InputError);
  EXPECT_THROW(image<std::uint32_t>(16, {"BSCALE  = 0.5"}, words(2, {0}), 1), InputError);
  EXPECT_THROW(image<std::uint32_t>(64, {}, words(8, {4294967296}), 1), InputError);
}

TEST_F(ReadFits, ReadsAnyRowsOfAnyPlane) {
  // A 4-dimensional cube, 700 columns so that rows straddle the reader's pieces: the value is the flat index.
  long long const nx = 700, ny = 300, n3 = 2, n4 = 2;
  std::string pixels;
  for (std::int64_t i = 0; i < nx * ny * n3 * n4; ++i) pixels += words(4, {i});
  auto const file = open(primary_header(32, {nx, ny, n3, n4}) + padded(pixels, 2880, '\0'));
  auto const& hdu = file.hdus()[0];
  for (std::int64_t plane = 0; plane < 4; ++plane)
    for (auto const& [y0, y1] : {std::pair<std::int64_t, std::int64_t>{0, 300}, {17, 19}, {299, 300}, {5, 5}}) {
      auto const flags = rows<std::uint32_t>(file, hdu, y0, y1, plane);
      auto const values = rows<float>(file, hdu, y0, y1, plane);
      for (std::size_t i = 0; i < flags.size(); ++i) {
        ASSERT_EQ(flags[i], static_cast<std::uint32_t>((plane * ny + y0) * nx) + i);
        ASSERT_EQ(values[i], static_cast<float>(flags[i]));
      }
    }
  EXPECT_THROW(rows<float>(file, hdu, 0, 301), ContractViolation);
  EXPECT_THROW(rows<float>(file, hdu, 0, 1, 4), ContractViolation);
}

TEST_F(ReadFits, KnowsTablesAndReadsTheirBytes) {
  auto const table =
      header_of({"XTENSION= 'BINTABLE'", integer_card("BITPIX", 8), integer_card("NAXIS", 2), integer_card("NAXIS1", 5),
                 integer_card("NAXIS2", 1), integer_card("PCOUNT", 3), integer_card("GCOUNT", 1),
                 integer_card("TFIELDS", 1), "TFORM1  = '5B'", "EXTNAME = 'ASDF'"});
  auto const file = open(primary_header(8, {}) + table + padded("#ASDFxyz", 2880, '\0'));
  auto const& hdu = file.require("ASDF");
  EXPECT_EQ(hdu.kind, Hdu::Kind::BinaryTable);
  auto const bytes = file.read_data(hdu);
  EXPECT_EQ(std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()), "#ASDFxyz");  // heap too
}

TEST_F(ReadFits, ForgivesMissingPaddingAndTrailingRubbish) {
  auto const header = primary_header(16, {2, 2});
  EXPECT_EQ(open(header + words(2, {1, 2, 3, 4})).hdus().size(), 1u);
  EXPECT_EQ(open(header + padded(words(2, {1, 2, 3, 4}), 2880, '\0') + std::string(2880, '\0')).hdus().size(), 1u);
  EXPECT_EQ(open(header + padded(words(2, {1, 2, 3, 4}), 2880, '\0') + "rubbish").hdus().size(), 1u);
}

TEST_F(ReadFits, SaysWhereAFileIsTruncated) {
  auto const whole = primary_header(8, {}) + extension_header("SCI", -32, {100, 100}) + std::string(40000, '\0');
  auto const in_data = problem(whole.substr(0, 2 * 2880 + 39996));
  EXPECT_THAT(in_data.where, testing::EndsWith("file.fits[SCI]"));
  EXPECT_EQ(in_data.expected, "40000 bytes of data");
  EXPECT_EQ(in_data.found, "39996 bytes");
  auto const in_header = problem(whole.substr(0, 2880 + 200));
  EXPECT_THAT(in_header.where, testing::EndsWith("file.fits[1]"));
  EXPECT_THAT(in_header.what, HasSubstr("within a header"));
  EXPECT_THAT(problem(whole.substr(0, 100)).what, HasSubstr("within a header"));
  EXPECT_THAT(problem(primary_header(8, {}) + "XTEN").what, HasSubstr("within a header"));
}

TEST_F(ReadFits, RefusesWhatIsNoFits) {
  EXPECT_THAT(problem("").what, HasSubstr("empty"));
  EXPECT_THAT(problem("\x89HDF\r\n and more").what, HasSubstr("no FITS"));
  EXPECT_THAT(problem("SIMPLE").what, HasSubstr("no FITS"));
  EXPECT_THROW(FitsFile::open(folder_.path() / "absent.fits"), InputError);
  EXPECT_THROW(FitsFile::open(folder_.path() / "absent" / "x.fits"), InputError);
  try {
    FitsFile::open(folder_.path());
    FAIL();
  } catch (InputError const& error) {
    EXPECT_THAT(error.problem().what, HasSubstr("folder"));
  }
}

TEST_F(ReadFits, RefusesBrokenHeaders) {
  EXPECT_THAT(problem(header_of({"SIMPLE  = T", "BITPIX  = 16"})).what, HasSubstr("NAXIS"));
  EXPECT_THAT(problem(header_of({"SIMPLE  = T", "NAXIS   = 0"})).what, HasSubstr("BITPIX"));
  EXPECT_THAT(problem(primary_header(17, {})).what, HasSubstr("BITPIX"));
  EXPECT_THAT(problem(primary_header(8, {3, -1})).what, HasSubstr("NAXIS2"));
  EXPECT_THAT(problem(header_of({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1000"})).what, HasSubstr("NAXIS"));
  EXPECT_THAT(problem(header_of({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 'two'"})).found, HasSubstr("something else"));
  EXPECT_THAT(problem(header_of({"SIMPLE  = F", "BITPIX  = 8", "NAXIS   = 0"})).expected, HasSubstr("SIMPLE"));
  EXPECT_THAT(problem(header_of({"SIMPLE  = T", "BITPIX  = 8", std::string("NAXIS   \0 0", 12)})).found,
              HasSubstr("card 3"));
}

TEST_F(ReadFits, RefusesSizesThatOverflow) {
  long long const huge = 1LL << 62;
  EXPECT_THAT(problem(primary_header(64, {huge, huge})).what, HasSubstr("more data"));
  EXPECT_THAT(problem(primary_header(64, {huge})).what, HasSubstr("more data"));
  EXPECT_THAT(problem(primary_header(8, {INT64_MAX})).what, HasSubstr("within the data"));
  EXPECT_THAT(problem(primary_header(8, {}) + extension_header("X", 8, {INT64_MAX / 2, 2})).what,
              HasSubstr("within the data"));
}

}  // namespace
}  // namespace tessera::io
