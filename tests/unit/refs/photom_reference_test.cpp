// Photom references: the official results (photom_cases.json) to 3e-7 (spec 20, section 8), and what is wrong with
// them.
#include "tessera/refs/photom_reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "reference_files.hpp"
#include "support/test_files.hpp"
#include "support/vector_plane.hpp"
#include "tessera/core/error.hpp"
#include "tessera/refs/image_references.hpp"

namespace tessera::refs {
namespace {

using nlohmann::json;
using test::ReferenceFile;
using testing::HasSubstr;

io::TableColumn texts(std::string const& name, std::vector<std::string> values) {
  return {name, "", "", std::move(values), ""};
}
io::TableColumn numbers(std::string const& name, std::vector<double> values) {
  return {name, "", "", std::move(values), ""};
}

/// Columns of a table of a vector: rows of texts and numbers.
std::vector<io::TableColumn> read_columns(json const& names, json const& rows) {
  std::vector<io::TableColumn> columns;
  for (std::size_t k = 0; k < names.size(); ++k) {
    std::vector<std::string> words;
    std::vector<double> values;
    for (auto const& row : rows)
      if (row[k].is_string())
        words.push_back(row[k]);
      else
        values.push_back(row[k]);
    columns.push_back(words.empty() ? numbers(names[k], values) : texts(names[k], words));
  }
  return columns;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

class PhotomReference : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "photom.fits"; }
  static model::Header miri(std::string const& filter = "F770W", std::string const& subarray = "FULL") {
    model::Header header;
    header.set("INSTRUME", "MIRI");
    header.set("DETECTOR", "MIRIMAGE");
    header.set("FILTER", filter);
    header.set("SUBARRAY", subarray);
    header.set("EXPMID", 59800.5);
    return header;
  }
  static ReferenceFile two_rows() {
    ReferenceFile file;
    file.add_table("PHOTOM", {texts("filter", {"F770W", "F1000W"}), texts("subarray", {"FULL", "GENERIC"}),
                              numbers("photmjsr", {0.35, 0.5}), numbers("uncertainty", {0.01, 0.01})});
    return file;
  }
  std::string message(model::Header const& primary) const {
    try {
      read_photom(path(), primary);
    } catch (InputError const& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  test::ScratchFolder folder_{"photom_reference"};
};

TEST_F(PhotomReference, AgreesWithTheReference) {
  auto const all = test::read_vector("photom_cases.json").at("cases");
  ASSERT_EQ(all.size(), 14u);
  int none = 0, errors = 0;
  for (auto const& one : all) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    bool const is_miri = one.at("pupil").is_null();
    ReferenceFile file;
    file.primary.set("PIXAR_SR", one.at("photom_pixar")[0].get<double>());
    file.primary.set("PIXAR_A2", one.at("photom_pixar")[1].get<double>());
    file.add_table("PHOTOM", read_columns(one.at("columns"), one.at("phot_table")));
    for (auto const& [name, table] : one.at("time_tables").items())
      file.add_table(upper(name), read_columns(table.at("columns"), table.at("rows")));
    file.write(path());
    auto primary = miri(one.at("filter"), one.at("subarray"));
    if (!is_miri) {
      primary.set("INSTRUME", "NIRCAM");
      primary.set("PUPIL", one.at("pupil").get<std::string>());
    }
    primary.set("EXPMID", one.at("mid_time_mjd").get<double>());
    if (one.contains("exception")) {
      EXPECT_THAT(message(primary), HasSubstr("several rows"));
      ++errors;
      continue;
    }
    auto const found = read_photom(path(), primary, one.at("apply_time_correction"));
    ASSERT_EQ(found.photmjsr.has_value(), !one.at("PHOTMJSR").is_null());
    if (!found.photmjsr) {
      ++none;
    } else {
      double const expected = one.at("PHOTMJSR"), per_area = one.at("PHOTUJA2");
      EXPECT_NEAR(*found.photmjsr, expected, 3e-7 * expected);
      EXPECT_NEAR(*found.photmjsr * 23.50443053909789, per_area, 3e-7 * per_area);
    }
    EXPECT_EQ(found.pixar_sr, one.at("photom_pixar")[0].get<double>());
    EXPECT_EQ(found.pixar_a2, one.at("photom_pixar")[1].get<double>());
  }
  EXPECT_EQ(none, 1);
  EXPECT_EQ(errors, 1);
}

TEST_F(PhotomReference, AreasOfTheCasesAreCutAsTheReferenceDoes) {
  int checked = 0;
  auto const all = test::read_vector("photom_cases.json").at("cases");
  for (auto const& one : all) {
    if (!one.contains("AREA") || one.at("AREA").is_null()) continue;
    auto const data = test::read_plane(one.at("area_ref").at("data")), expected = test::read_plane(one.at("AREA"));
    ReferenceFile file;
    file.add_plane("SCI", data.nx, data.ny, data.values).write(path());
    // Where the cut lies in the reference: the vector gives no window, but values that occur once.
    auto const at = std::find(data.values.begin(), data.values.end(), expected.values.front()) - data.values.begin();
    ASSERT_LT(at, static_cast<std::ptrdiff_t>(data.values.size()));
    auto const area = read_area(path(), {at % data.nx + 1, at / data.nx + 1, expected.nx, expected.ny});
    EXPECT_EQ(area.area, expected.values);
    ++checked;
  }
  EXPECT_EQ(checked, 12);
}

TEST_F(PhotomReference, TheAdditiveFormOfOlderFilesAgreesWithTheReference) {
  auto const all = test::read_vector("photom_cases.json").at("miri_imager_1_13_4");
  ASSERT_EQ(all.size(), 2u);
  for (auto const& one : all) {
    ReferenceFile file;
    file.add_table("PHOTOM", {texts("FILTER", {"F560W", "F770W"}), texts("SUBARRAY", {"FULL", "FULL"}),
                              numbers("PHOTMJSR", {9, one.at("photmjsr")}), numbers("UNCERTAINTY", {0, 0})});
    file.add_table("TIMECOEFF", {numbers("amplitude", {7, one.at("amplitude")}), numbers("tau", {7, one.at("tau")}),
                                 numbers("t0", {7, one.at("t0")})});
    file.write(path());
    auto primary = miri();
    primary.set("EXPMID", one.at("mid_time").get<double>());
    double const expected = one.at("PHOTMJSR");
    auto const found = read_photom(path(), primary);
    ASSERT_TRUE(found.photmjsr);
    EXPECT_NEAR(*found.photmjsr, expected, 3e-7 * expected);
    EXPECT_NEAR(*found.photmjsr * found.correction, one.at("photmjsr").get<double>(), 1e-12);
    EXPECT_NEAR(*read_photom(path(), primary, false).photmjsr, one.at("photmjsr").get<double>(), 1e-15);

    // Newer tables count instead of it.
    file.add_table("TIMECOEFF_LINEAR", {numbers("t0", {59800.5, one.at("mid_time")}), numbers("lossperyear", {1, 1})});
    file.write(path());
    EXPECT_EQ(*read_photom(path(), primary).photmjsr, one.at("photmjsr").get<double>());
  }
}

TEST_F(PhotomReference, ComparesInUpperCaseWithoutBlanksAtTheEnd) {
  ReferenceFile file;
  file.add_table("PHOTOM", {texts("Filter", {"f770w  ", "F1000W"}), texts("SubArray", {"full ", "FULL"}),
                            numbers("PhotMJSR", {0.35, 0.5})});
  file.write(path());
  EXPECT_EQ(read_photom(path(), miri("F770w", "Full")).photmjsr, 0.35);
}

TEST_F(PhotomReference, WithoutARowSaysWhatWasLookedFor) {
  two_rows().write(path());
  auto const found = read_photom(path(), miri("F2550W", "SUB64"));
  EXPECT_FALSE(found.photmjsr);
  EXPECT_EQ(found.row, "FILTER=F2550W SUBARRAY=SUB64");
  EXPECT_EQ(found.correction, 1);
}

TEST_F(PhotomReference, ATableWithoutRowsHasNoneThatFits) {
  ReferenceFile file;
  file.add_table("PHOTOM", {texts("filter", {}), texts("subarray", {}), numbers("photmjsr", {})});
  file.write(path());
  EXPECT_FALSE(read_photom(path(), miri()).photmjsr);
}

TEST_F(PhotomReference, WithoutTableOrColumnsItIsSaid) {
  ReferenceFile().add_plane("SCI", 2, 1, {1, 1}).write(path());
  EXPECT_THAT(message(miri()), HasSubstr("PHOTOM"));
  ReferenceFile().add_plane("PHOTOM", 2, 1, {1, 1}).write(path());
  EXPECT_THAT(message(miri()), HasSubstr("no binary table"));
  ReferenceFile().add_table("PHOTOM", {texts("filter", {"F770W"}), numbers("photmjsr", {1})}).write(path());
  EXPECT_THAT(message(miri()), HasSubstr("'subarray'"));
  ReferenceFile().add_table("PHOTOM", {texts("filter", {"F770W"}), texts("subarray", {"FULL"})}).write(path());
  EXPECT_THAT(message(miri()), HasSubstr("photmjsr"));
  ReferenceFile()
      .add_table("PHOTOM", {numbers("filter", {770}), texts("subarray", {"FULL"}), numbers("photmjsr", {1})})
      .write(path());
  EXPECT_THAT(message(miri()), HasSubstr("a column of numbers"));
}

TEST_F(PhotomReference, AnExposureWithoutItsKeywordsIsSaid) {
  auto file = two_rows();
  file.add_table("TIMECOEFF_LINEAR", {numbers("t0", {59000, 59000}), numbers("lossperyear", {0.01, 0.01})});
  file.write(path());
  auto primary = miri();
  primary.remove("EXPMID");
  EXPECT_THAT(message(primary), HasSubstr("EXPMID"));
  EXPECT_EQ(read_photom(path(), primary, false).photmjsr, 0.35);
  primary = miri();
  primary.remove("FILTER");
  EXPECT_THAT(message(primary), HasSubstr("FILTER"));
}

TEST_F(PhotomReference, TimeTablesThatDoNotGoWithItAreSaid) {
  auto file = two_rows();
  file.add_table("TIMECOEFF_LINEAR", {numbers("t0", {59000}), numbers("lossperyear", {0.01})});
  file.write(path());
  EXPECT_THAT(message(miri()), HasSubstr("2 rows, as in PHOTOM"));
  file = two_rows();
  file.add_table("TIMECOEFF_LINEAR", {texts("filter", {"F1000W", "F770W"}), numbers("t0", {59000, 59000}),
                                      numbers("lossperyear", {0.01, 0.01})});
  file.write(path());
  EXPECT_THAT(message(miri()), HasSubstr("filter 'F770W' in row 1"));
  file = two_rows();
  file.add_table("TIMECOEFF_EXPONENTIAL", {numbers("t0", {59000, 59000}), numbers("amplitude", {0.1, 0.1})});
  file.write(path());
  EXPECT_THAT(message(miri()), HasSubstr("tau"));
}

TEST_F(PhotomReference, AConversionThatIsNoPositiveNumberIsSaid) {
  for (double const value : {0.0, -1.0, std::nan("")}) {
    ReferenceFile()
        .add_table("PHOTOM", {texts("filter", {"F770W"}), texts("subarray", {"FULL"}), numbers("photmjsr", {value})})
        .write(path());
    EXPECT_THAT(message(miri()), HasSubstr("photmjsr is no positive number"));
  }
  auto file = two_rows();  // all is lost after a year
  file.add_table("TIMECOEFF_LINEAR", {numbers("t0", {59000, 59000}), numbers("lossperyear", {1, 1})});
  file.write(path());
  EXPECT_THAT(message(miri()), HasSubstr("the conversion at MJD 59800.5"));
}

}  // namespace
}  // namespace tessera::refs
