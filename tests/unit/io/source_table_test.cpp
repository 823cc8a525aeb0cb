#include "tessera/io/source_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "fits_bytes.hpp"
#include "support/test_files.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {
namespace {

using tessera::test::data_dir;
using tessera::test::shared_dir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsNan;

using Integers = std::vector<std::int64_t>;
using Reals = std::vector<double>;
using Texts = std::vector<std::string>;
using Booleans = std::vector<bool>;

template <class Values>
Values const& values_of(SourceTable const& table, std::string const& name) {
  auto const* column = table.find(name);
  if (!column) throw std::runtime_error("no column " + name);
  return std::get<Values>(column->values);
}

std::string message_of(auto action) {
  try {
    action();
  } catch (InputError const& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// What tests/data/tables/make_tables.py put into both files.
void expect_astropy_table(SourceTable const& table) {
  ASSERT_EQ(table.rows(), 3u);
  EXPECT_EQ(values_of<Integers>(table, "id"), (Integers{1, 2, 3}));
  EXPECT_EQ(values_of<Texts>(table, "label"), (Texts{"a b", "", "x\"y"}));
  EXPECT_THAT(values_of<Reals>(table, "flux"), ElementsAre(1.5, IsNan(), -2e-300));
  EXPECT_EQ(values_of<Booleans>(table, "is_extended"), (Booleans{true, false, true}));
  EXPECT_EQ(values_of<Integers>(table, "u2"), (Integers{1, 40000, 65535}));
  EXPECT_EQ(values_of<Integers>(table, "u8"), (Integers{1, 2, std::numeric_limits<std::int64_t>::max()}));
  EXPECT_THAT(values_of<Reals>(table, "big"), ElementsAre(1, 2, 18446744073709551615.0));
  EXPECT_THAT(values_of<Reals>(table, "mi"), ElementsAre(7, IsNan(), 9));
  EXPECT_THAT(values_of<Reals>(table, "mf"), ElementsAre(7, IsNan(), 9));
  EXPECT_EQ(values_of<Reals>(table, "sky_centroid.ra"), (Reals{10, 20, 30}));
  EXPECT_EQ(values_of<Reals>(table, "sky_centroid.dec"), (Reals{-5, 0, 5}));
  EXPECT_EQ(table.find("SKY_centroid.RA")->unit, "deg");
  EXPECT_EQ(table.find("vec"), nullptr);
  EXPECT_THAT(table.meta, testing::Contains(testing::Pair("WHO", "astropy")));
  EXPECT_THAT(table.meta, testing::Contains(testing::Pair("N", "3")));
  EXPECT_EQ(table.numbers("id", "x"), (Reals{1, 2, 3}));
  EXPECT_EQ(table.numbers("IS_EXTENDED", "x"), (Reals{1, 0, 1}));
}

TEST(ReadTable, ReadsWhatAstropyWroteAsFits) {
  auto const table = read_table(data_dir() / "tables" / "astropy_table.fits");
  expect_astropy_table(table);
  EXPECT_EQ(table.find("flux")->unit, "MJy sr-1");
  EXPECT_EQ(values_of<Reals>(table, "f4"), (Reals{0.1f, 0.2f, 0.3f}));
}

TEST(ReadTable, ReadsWhatAstropyWroteAsEcsv) {
  auto const table = read_table(data_dir() / "tables" / "astropy_table.ecsv");
  expect_astropy_table(table);
  EXPECT_EQ(table.find("flux")->unit, "MJy / sr");
  EXPECT_EQ(table.find("flux")->description, "sum: \"all\"");
  EXPECT_EQ(values_of<Reals>(table, "f4"), (Reals{0.1, 0.2, 0.3}));
  EXPECT_EQ(values_of<Integers>(table, "i1"), (Integers{-5, 0, 100}));  // astropy makes booleans of these in FITS
}

class TableFiles : public testing::Test {
 protected:
  std::filesystem::path write(std::string const& name, std::string const& text) {
    test::write_bytes(folder_.path() / name, text);
    return folder_.path() / name;
  }
  std::string refusal(std::string const& text) {
    auto const path = write("table.txt", text);
    return message_of([&] { read_table(path); });
  }
  tessera::test::ScratchFolder folder_{"source-table"};
};

TEST_F(TableFiles, ReadsCsvWithTheTypesThatItsFieldsHave) {
  auto const table = read_table(write("stars.fits",
                                      "# stars\r\nra, dec ,name,n,good\r\n1.5,-2,\"a, b\",7,True\r\n\r\n"
                                      "2,+3.25e1,c,,False\r\n"));
  EXPECT_EQ(values_of<Reals>(table, "ra"), (Reals{1.5, 2}));
  EXPECT_EQ(values_of<Reals>(table, "dec"), (Reals{-2, 32.5}));
  EXPECT_EQ(values_of<Texts>(table, "name"), (Texts{"a, b", "c"}));
  EXPECT_THAT(values_of<Reals>(table, "n"), ElementsAre(7, IsNan()));
  EXPECT_EQ(values_of<Booleans>(table, "good"), (Booleans{true, false}));
}

TEST_F(TableFiles, ReadsColumnsBetweenBlanksTabsAndSemicolons) {
  for (std::string const text : {"x y\n1 2\n3 4", "x   y \n  1 2\n3\t4\n", "x\ty\n1\t2\n3\t4\n", "x;y\n1;2\n3;4\n"}) {
    auto const table = read_table(write("stars.txt", text));
    EXPECT_EQ(values_of<Integers>(table, "x"), (Integers{1, 3})) << text;
    EXPECT_EQ(values_of<Integers>(table, "y"), (Integers{2, 4})) << text;
  }
}

TEST_F(TableFiles, ACsvFileMayEndInAnEmptyField) {
  auto const table = read_table(write("stars.csv", "x,y\n1,\n2,3\n"));
  EXPECT_THAT(values_of<Reals>(table, "y"), ElementsAre(IsNan(), 3));
}

TEST_F(TableFiles, WhatIsNoTableIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal(std::string("\x89PNG\r\n\x1a\n\0\0", 10)), HasSubstr("is no table"));
  EXPECT_THAT(refusal("<?xml version=\"1.0\"?>\n<VOTABLE>\n"), HasSubstr("is no table with a header line"));
  EXPECT_THAT(refusal("1.0 2.0\n3.0 4.0\n"), HasSubstr("names of columns in its first line"));
  EXPECT_THAT(refusal("# only\n# comments\n"), HasSubstr("the file holds no table"));
  EXPECT_THAT(message_of([&] { read_table(folder_.path() / "absent.fits"); }), HasSubstr("absent.fits"));
  EXPECT_THAT(message_of([&] { read_table(folder_.path()); }), HasSubstr(folder_.path().string()));
}

TEST_F(TableFiles, RaggedRowsAndOpenQuotesAreRefusedWithTheirLine) {
  EXPECT_THAT(refusal("x,y\n1,2\n3\n"), testing::AllOf(HasSubstr("line 3"), HasSubstr("wrong number of fields")));
  EXPECT_THAT(refusal("x y\n1 2\n3 4 5\n"), testing::AllOf(HasSubstr("line 3"), HasSubstr("expected 2")));
  EXPECT_THAT(refusal("x,y\n1,\"2\n"), HasSubstr("a quoted field does not end"));
  EXPECT_THAT(refusal("x,y\n1,\"2\"3\n"), HasSubstr("text after a quoted field"));
}

TEST_F(TableFiles, TextInANumericEcsvColumnIsRefused) {
  std::string const header = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: x, datatype: float64}\nx\n";
  EXPECT_EQ(values_of<Reals>(read_table(write("good.ecsv", header + "1e3\n")), "x"), Reals{1000});
  EXPECT_THAT(refusal(header + "1\nabc\n"), testing::AllOf(HasSubstr("line 7"), HasSubstr("'abc'")));
  EXPECT_THAT(refusal(header + "1 2\n"), HasSubstr("wrong number of fields"));
}

TEST_F(TableFiles, BrokenEcsvHeadersAreRefused) {
  EXPECT_THAT(refusal("# %ECSV 1.0\n# ---\n# datatype: [\nx\n1\n"), HasSubstr("valid YAML"));
  EXPECT_THAT(refusal("# %ECSV 1.0\n# ---\n# meta: {}\nx\n1\n"), HasSubstr("'datatype'"));
  EXPECT_THAT(refusal("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: x, datatype: colour}\nx\n1\n"),
              HasSubstr("'colour'"));
  EXPECT_THAT(refusal("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: x, datatype: int32}\ny\n1\n"), HasSubstr("found y"));
  EXPECT_THAT(refusal("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: x, datatype: int32}\n"),
              HasSubstr("the end of the file"));
}

TEST_F(TableFiles, ATruncatedFitsTableIsRefused) {
  auto const bytes = test::read_bytes(data_dir() / "tables" / "astropy_table.fits");
  EXPECT_THAT(refusal(bytes.substr(0, 9000)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(bytes.substr(0, 2880)), HasSubstr("holds no table"));
  EXPECT_THAT(refusal(bytes.substr(0, 40)), HasSubstr("truncated"));
}

TEST_F(TableFiles, AFitsHeaderThatContradictsItsRowsIsRefused) {
  auto bytes = test::read_bytes(data_dir() / "tables" / "astropy_table.fits");
  auto const change = [&](std::string const& from, std::string const& to) {
    auto copy = bytes;
    auto const at = copy.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return copy.replace(at, from.size(), to);
  };
  EXPECT_THAT(refusal(change("TFORM3  = 'D  ", "TFORM3  = 'E  ")), HasSubstr("rows and columns disagree"));
  EXPECT_THAT(refusal(change("TFORM3  = 'D  ", "TFORM3  = '99D")), HasSubstr("TFORM3"));
  EXPECT_THAT(refusal(change("TFORM3  = 'D  ", "TFORM3  = '?  ")), HasSubstr("TFORM3"));
}

TEST_F(TableFiles, AColumnThatIsMissingOrTextNamesWhatThereIs) {
  auto const table = read_table(data_dir() / "tables" / "astropy_table.ecsv");
  EXPECT_THAT(message_of([&] { table.numbers("flus", "cat.ecsv"); }),
              testing::AllOf(HasSubstr("cat.ecsv"), HasSubstr("flus"), HasSubstr("is_extended"),
                             HasSubstr("did you mean 'flux'?")));
  EXPECT_THAT(message_of([&] { table.numbers("label", "cat.ecsv"); }), HasSubstr("holds texts"));
}

SourceTable small_table() {
  SourceTable table;
  table.columns = {{"id", "", "number", Integers{1, -2}, ""},
                   {"sky_centroid.ra", "deg", "right ascension: \"ICRS\"", Reals{0.1, std::nan("")}, ""},
                   {"flux", "MJy / sr", "", Reals{1.23456789, 1e-30}, "{:.3f}"},
                   {"good", "", "", Booleans{true, false}, ""},
                   {"name", "", "", Texts{"a \"b\"", ""}, ""},
                   {"yes", "", "", Texts{"#1", "x"}, ""}};
  table.meta = {{"VERSION", "1.2: 3"}, {"long keyword", "x"}};
  return table;
}

TEST_F(TableFiles, WrittenEcsvReadsBack) {
  auto const path = folder_.path() / "out.ecsv";
  write_table(path, small_table());
  auto const table = read_table(path);
  EXPECT_EQ(values_of<Integers>(table, "id"), (Integers{1, -2}));
  EXPECT_THAT(values_of<Reals>(table, "sky_centroid.ra"), ElementsAre(0.1, IsNan()));
  EXPECT_EQ(values_of<Reals>(table, "flux"), (Reals{1.235, 0}));
  EXPECT_EQ(values_of<Booleans>(table, "good"), (Booleans{true, false}));
  EXPECT_EQ(values_of<Texts>(table, "name"), (Texts{"a \"b\"", ""}));
  EXPECT_EQ(values_of<Texts>(table, "yes"), (Texts{"#1", "x"}));
  EXPECT_EQ(table.find("flux")->unit, "MJy / sr");
  EXPECT_EQ(table.find("sky_centroid.ra")->description, "right ascension: \"ICRS\"");
  EXPECT_EQ(table.meta, small_table().meta);
}

TEST_F(TableFiles, WrittenFitsReadsBack) {
  auto const path = folder_.path() / "out.fits";
  write_table(path, small_table(), "CATALOG");
  auto const table = read_table(path);
  EXPECT_EQ(FitsFile::open(path).require("CATALOG").ny(), 2);
  EXPECT_EQ(values_of<Integers>(table, "id"), (Integers{1, -2}));
  EXPECT_THAT(values_of<Reals>(table, "sky_centroid.ra"), ElementsAre(0.1, IsNan()));
  EXPECT_EQ(values_of<Reals>(table, "flux"), (Reals{1.23456789, 1e-30}));
  EXPECT_EQ(values_of<Booleans>(table, "good"), (Booleans{true, false}));
  EXPECT_EQ(values_of<Texts>(table, "name"), (Texts{"a \"b\"", ""}));
  EXPECT_EQ(table.find("flux")->unit, "MJy / sr");
  EXPECT_THAT(table.meta, testing::Contains(testing::Pair("VERSION", "1.2: 3")));
}

TEST_F(TableFiles, ATableWithoutRowsIsWrittenAndRead) {
  SourceTable empty;
  empty.columns = {{"x", "pix", "", Reals{}, ""}, {"name", "", "", Texts{}, ""}};
  for (char const* name : {"empty.fits", "empty.ecsv"}) {
    write_table(folder_.path() / name, empty);
    auto const table = read_table(folder_.path() / name);
    EXPECT_EQ(table.rows(), 0u) << name;
    EXPECT_TRUE(table.numbers("x", name).empty()) << name;
  }
}

TEST_F(TableFiles, ColumnsOfDifferentLengthsAreNotWritten) {
  SourceTable table;
  table.columns = {{"x", "", "", Reals{1, 2}, ""}, {"y", "", "", Reals{1}, ""}};
  EXPECT_THROW(write_table(folder_.path() / "x.fits", table), ContractViolation);
  EXPECT_THROW(write_table(folder_.path() / "x.txt", SourceTable()), ContractViolation);
}

TEST(ReadTable, ReadsTheAgbListsAndTheGaiaChunks) {
  SKIP_WITHOUT_SHARED("data/real/gaia");
  auto const agb = read_table(shared_dir() / "data/real/catalogues/ngc7496_agb_cat.fits");
  EXPECT_EQ(agb.rows(), 98u);
  EXPECT_EQ(agb.columns.size(), 4u);
  auto const gaia = read_table(shared_dir() / "data/real/gaia/testcase6_chunk-03687.fits");
  EXPECT_EQ(gaia.rows(), 897u);
  EXPECT_EQ(gaia.columns.size(), 33u);
  auto const pmra = gaia.numbers("pmra", "gaia");
  EXPECT_EQ(std::count_if(pmra.begin(), pmra.end(), [](double value) { return std::isnan(value); }), 82);
}

}  // namespace
}  // namespace tessera::io
