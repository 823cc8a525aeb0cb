// Binary tables of a FITS file, one by one.
#include "tessera/io/fits_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {
namespace {

SourceTable make_table(std::vector<std::string> names, std::vector<double> values) {
  SourceTable table;
  table.columns = {{"name", "", "", std::move(names), ""}, {"value", "", "", std::move(values), ""}};
  return table;
}

TEST(FitsTable, EveryTableOfAFileIsReadByItsExtension) {
  test::ScratchFolder const folder("fits_table");
  auto const path = folder.path() / "tables.fits";
  auto const first = make_table_hdu(make_table({"a", "bcd"}, {1.5, -2}), "FIRST"),
             second = make_table_hdu(make_table({"x"}, {7}), "SECOND"),
             empty = make_table_hdu(make_table({}, {}), "NONE");
  HduPlan image;
  image.extname = "SCI";
  image.bitpix = -32;
  image.axes = {1, 1};
  write_fits(path, {HduPlan{}, first.plan, image, second.plan, empty.plan},
             {{}, first.data, std::vector<std::byte>(4), second.data, empty.data});
  auto const file = FitsFile::open(path);
  auto const one = read_fits_table(file, file.require("FIRST")), two = read_fits_table(file, file.require("SECOND"));
  EXPECT_EQ(std::get<std::vector<std::string>>(one.find("NAME")->values), (std::vector<std::string>{"a", "bcd"}));
  EXPECT_EQ(one.numbers("value", "x"), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(two.numbers("value", "x"), std::vector<double>{7});
  EXPECT_EQ(read_fits_table(file, file.require("NONE")).rows(), 0u);
  try {
    read_fits_table(file, file.require("SCI"));
    FAIL();
  } catch (InputError const& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("tables.fits[SCI]"));
  }
}

}  // namespace
}  // namespace tessera::io
