#include "tessera/steps/lv2/cal_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "support/distortion_files.hpp"
#include "support/rate_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/steps/lv2/assign_wcs.hpp"

namespace tessera::steps {
namespace {

model::ExposureIdentity const Identity{"target", "F150W", "jw00001001001_02101_00001_nrca1", model::Half::Whole};

std::string bytes_of(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <class T>
bool same_bits(std::vector<T> const& a, std::vector<T> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

std::vector<std::string> names_of(io::FitsFile const& file) {
  std::vector<std::string> names;
  for (auto const& hdu : file.hdus()) names.push_back(hdu.extname);
  return names;
}

std::vector<std::string> texts_of(model::Header const& header, std::string const& keyword) {
  std::vector<std::string> texts;
  for (auto const& card : header.cards())
    if (card.keyword() == keyword) texts.push_back(card.text.substr(8));
  return texts;
}

class CalFile : public ::testing::Test {
 protected:
  test::ScratchFolder folder{"cal_file"};
  test::RateFile rate;
  std::filesystem::path path = folder.path() / "jw00001001001_02101_00001_nrca1_rate.fits";

  model::ExposureImage read() {
    rate.write(path);
    return read_rate(path, Identity);
  }
  std::string complaint() {
    rate.write(path);
    return complaint_of_file();
  }
  std::string complaint_of_file() {
    try {
      read_rate(path, Identity);
    } catch (InputError const& error) {
      return error.what();
    }
    return "taken";
  }
};

TEST_F(CalFile, ReadsARateWhole) {
  auto const image = read();
  EXPECT_EQ(image.identity, Identity);
  EXPECT_EQ(image.path, path.string());
  EXPECT_EQ(image.window, (model::DetectorWindow{1, 1, test::RateWidth, test::RateHeight}));
  EXPECT_EQ(image.planes.nx, test::RateWidth);
  EXPECT_EQ(image.planes.y0, 0);
  EXPECT_EQ(image.planes.y1, test::RateHeight);
  EXPECT_TRUE(same_bits(image.planes.sci, rate.planes[0].values));
  EXPECT_TRUE(same_bits(image.planes.err, rate.planes[1].values));
  EXPECT_TRUE(same_bits(image.planes.dq, rate.planes[2].flags));
  EXPECT_TRUE(same_bits(image.planes.var_poisson, rate.planes[3].values));
  EXPECT_TRUE(same_bits(image.planes.var_rnoise, rate.planes[4].values));
  EXPECT_TRUE(image.planes.var_flat.empty() && image.area.empty());
  EXPECT_EQ(image.extensions, (std::vector<std::string>{"ERR", "DQ", "VAR_POISSON", "VAR_RNOISE"}));
}

TEST_F(CalFile, WritesARateThatReadsBackTheSame) {
  auto const image = read();
  auto const copy = folder.path() / "destriped" / "jw00001001001_02101_00001_nrca1_rate.fits";
  write_rate(copy, image);
  auto const again = read_rate(copy, Identity);
  EXPECT_TRUE(same_bits(again.planes.sci, image.planes.sci));
  EXPECT_TRUE(same_bits(again.planes.dq, image.planes.dq));
  EXPECT_TRUE(same_bits(again.planes.var_rnoise, image.planes.var_rnoise));
  EXPECT_EQ(again.window, image.window);
  EXPECT_EQ(again.sci_header.text("BUNIT"), "DN/s");
  EXPECT_EQ(names_of(io::FitsFile::open(copy)),
            (std::vector<std::string>{"PRIMARY", "SCI", "ERR", "DQ", "VAR_POISSON", "VAR_RNOISE", "ASDF"}));
}

TEST_F(CalFile, WritesTheOfficialExtensionsInTheirOrder) {
  auto image = read();
  image.sci_header.set("BUNIT", "MJy/sr");
  image.planes.var_flat = image.planes.var_poisson;
  image.area.assign(image.planes.sci.size(), 1.25f);
  auto const cal = folder.path() / "x_cal.fits";
  write_cal(cal, image, nullptr);
  auto const file = io::FitsFile::open(cal);
  EXPECT_EQ(names_of(file), (std::vector<std::string>{"PRIMARY", "SCI", "ERR", "DQ", "AREA", "VAR_POISSON",
                                                      "VAR_RNOISE", "VAR_FLAT", "ASDF"}));
  EXPECT_EQ(file.hdus()[0].kind, io::Hdu::Kind::None);
  for (std::size_t k = 1; k < 8; ++k) {
    auto const& hdu = file.hdus()[k];
    EXPECT_EQ(hdu.axes, (std::vector<std::int64_t>{test::RateWidth, test::RateHeight})) << hdu.extname;
    EXPECT_EQ(hdu.bitpix, hdu.extname == "DQ" ? 32 : -32) << hdu.extname;
    EXPECT_EQ(hdu.extver, 1);
  }
  EXPECT_EQ(file.require("DQ").bzero, 2147483648.0);
  EXPECT_EQ(file.require("SCI").header.text("BUNIT"), "MJy/sr");
  EXPECT_EQ(file.require("ERR").header.text("BUNIT"), "MJy/sr");
  EXPECT_FALSE(file.require("VAR_FLAT").header.has("BUNIT"));
  std::vector<float> area(image.area.size());
  file.read_rows(file.require("AREA"), 0, test::RateHeight, area.data());
  EXPECT_TRUE(same_bits(area, image.area));
}

TEST_F(CalFile, KeepsEveryKeywordOfTheInput) {
  auto const image = read();
  auto const cal = folder.path() / "x_cal.fits";
  write_cal(cal, image, nullptr);
  auto const file = io::FitsFile::open(cal);
  auto const& primary = file.hdus()[0].header;
  EXPECT_EQ(primary.text("FILENAME"), "x_cal.fits");
  EXPECT_EQ(primary.text("DATAMODL"), "ImageModel");
  for (auto const& card : image.primary.cards()) {
    auto const keyword = card.keyword();
    if (keyword == "FILENAME" || keyword == "CHECKSUM" || keyword == "DATASUM") continue;
    auto const& cards = primary.cards();
    bool const is_kept =
        std::any_of(cards.begin(), cards.end(), [&](auto const& kept) { return kept.text == card.text; });
    EXPECT_TRUE(is_kept) << card.text;
  }
  for (auto const& card : image.sci_header.cards()) {
    auto const keyword = card.keyword();
    if (keyword == "CHECKSUM" || keyword == "DATASUM" || keyword == "XTENSION") continue;
    EXPECT_TRUE(file.require("SCI").header.has(keyword)) << card.text;
  }
  auto const history = texts_of(primary, "HISTORY");
  ASSERT_EQ(history.size(), 3u);
  EXPECT_NE(history[0].find("made by level 1"), std::string::npos);
  EXPECT_NE(history[1].find("tessera " + build_facts().version), std::string::npos) << history[1];
  EXPECT_NE(history[2].find(path.filename().string()), std::string::npos) << history[2];
  EXPECT_EQ(texts_of(primary, "COMMENT").size(), 1u);
}

TEST_F(CalFile, KeepsEveryCardOfARealHeader) {
  auto const name = "data/real/jwst_nircam_rateints/jw01185002001_01101_00001-seg006_nrca3_rateints_I01226.fits";
  SKIP_WITHOUT_SHARED(name);
  auto image = read();
  image.primary = io::FitsFile::open(test::shared_dir() / name).hdus()[0].header;
  auto const cal = folder.path() / "x_cal.fits";
  write_cal(cal, image, nullptr);
  auto const file = io::FitsFile::open(cal);
  auto const& found = file.hdus()[0].header.cards();
  std::size_t at = 0;
  int kept = 0;
  for (auto const& card : image.primary.cards()) {  // in their order, blank and heading cards too
    auto const keyword = card.keyword();
    if (keyword == "SIMPLE" || keyword == "BITPIX" || keyword.starts_with("NAXIS") || keyword == "FILENAME" ||
        keyword == "DATAMODL" || keyword == "EXTEND")
      continue;
    while (at < found.size() && found[at].text != card.text) ++at;
    ASSERT_LT(at, found.size()) << card.text;
    ++at;
    ++kept;
  }
  EXPECT_GT(kept, 140);
  EXPECT_EQ(file.hdus()[0].header.text("CAL_VER"), "1.3.1");
}

TEST_F(CalFile, KeepsTheWcsInItsAsdfExtension) {
  auto image = read();
  test::write_distortion(folder.path() / "d.asdf", *test::plain_distortion(0.1, 11.5, 7.5, -100, -450));
  auto const wcs = make_wcs(image, folder.path() / "d.asdf", "");
  auto const cal = folder.path() / "x_cal.fits";
  write_cal(cal, image, wcs.get());
  auto const file = io::FitsFile::open(cal);
  auto const document = io::AsdfDocument::parse(file.read_data(file.require("ASDF")), "x_cal.fits[ASDF]");
  EXPECT_EQ(io::AsdfDocument::fits_source(document.at("var_rnoise")), "VAR_RNOISE,1");
  EXPECT_TRUE(document.find("meta.tessera_version"));
  auto const again = io::read_wcs(document);
  for (double const x : {-0.5, 0.0, 11.5, 23.5}) {
    auto const expected = wcs->pixel_to_sky(sky::PixelPoint{x, 0.4 * x});
    auto const found = again->pixel_to_sky(sky::PixelPoint{x, 0.4 * x});
    EXPECT_EQ(found.ra, expected.ra);
    EXPECT_EQ(found.dec, expected.dec);
  }
}

TEST_F(CalFile, IsTheSameBytesWhenWrittenAgain) {
  auto image = read();
  test::write_distortion(folder.path() / "d.asdf", *test::plain_distortion(0.1, 11.5, 7.5, -100, -450));
  auto const wcs = assign_wcs(image, folder.path() / "d.asdf", "", {});
  write_cal(folder.path() / "a" / "x_cal.fits", image, wcs.get());
  write_cal(folder.path() / "b" / "x_cal.fits", image, wcs.get());
  auto const first = bytes_of(folder.path() / "a" / "x_cal.fits");
  EXPECT_GT(first.size(), 10000u);
  EXPECT_TRUE(first == bytes_of(folder.path() / "b" / "x_cal.fits"));
}

TEST_F(CalFile, RefusesACutOffFile) {
  rate.write(path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  auto const text = complaint_of_file();
  EXPECT_NE(text.find(path.string()), std::string::npos) << text;
  std::filesystem::remove(path);
  EXPECT_NE(complaint_of_file().find(path.string()), std::string::npos);
}

TEST_F(CalFile, RefusesAFileWithoutOneOfThePlanes) {
  auto const all = rate.planes;
  for (std::size_t k = 0; k < all.size(); ++k) {
    rate.planes = all;
    rate.planes.erase(rate.planes.begin() + static_cast<std::ptrdiff_t>(k));
    auto const text = complaint();
    EXPECT_NE(text.find(all[k].name), std::string::npos) << text;
  }
}

TEST_F(CalFile, RefusesUnitsThatAreNoCountRate) {
  rate.sci.set("BUNIT", "MJy/sr");
  auto const text = complaint();
  EXPECT_NE(text.find("found MJy/sr"), std::string::npos) << text;
  EXPECT_NE(text.find("lv2"), std::string::npos) << text;
  rate.sci.set("BUNIT", "DN");
  EXPECT_NE(complaint().find("found DN"), std::string::npos);
  rate.sci.remove("BUNIT");
  EXPECT_NE(complaint().find("no such keyword"), std::string::npos);
}

TEST_F(CalFile, RefusesASubarrayOfAnotherSize) {
  rate.primary.set("SUBSIZE2", 17);
  auto const text = complaint();
  EXPECT_NE(text.find("24 x 17"), std::string::npos) << text;
}

TEST_F(CalFile, RefusesRatesOfEveryIntegration) {
  std::vector<io::HduPlan> plans(2);
  plans[0].header = rate.primary;
  plans[1].extname = "SCI";
  plans[1].bitpix = -32;
  plans[1].axes = {4, 3, 2};
  plans[1].header = rate.sci;
  io::write_fits(path, plans, {{}, std::vector<std::byte>(96)});
  auto const text = complaint_of_file();
  EXPECT_NE(text.find("4 x 3 x 2"), std::string::npos) << text;
  EXPECT_NE(text.find("_rate"), std::string::npos) << text;
}

TEST_F(CalFile, RefusesPlanesOfDifferingShapes) {
  auto const image = read();
  auto const file = io::FitsFile::open(path);
  std::vector<io::HduPlan> plans(1);
  std::vector<std::vector<std::byte>> data(1);
  plans[0].header = rate.primary;
  for (auto const& plane : rate.planes) {
    io::HduPlan plan;
    plan.extname = plane.name;
    plan.bitpix = -32;
    plan.axes = {test::RateWidth, plane.name == "VAR_RNOISE" ? test::RateHeight - 1 : test::RateHeight};
    if (plane.name == "SCI") plan.header = rate.sci;
    data.emplace_back(static_cast<std::size_t>(plan.axes[0] * plan.axes[1] * 4));
    plans.push_back(plan);
  }
  io::write_fits(path, plans, data);
  auto const text = complaint_of_file();
  EXPECT_NE(text.find("VAR_RNOISE"), std::string::npos) << text;
  EXPECT_NE(text.find("24 x 15"), std::string::npos) << text;
}

TEST(ProductKeywords, HaveTheOfficialNamesValuesAndComments) {
  model::Header header;
  set_step_status(header, "S_FLAT", true);
  set_step_status(header, "S_BKDSUB", false);
  EXPECT_EQ(header.text("S_FLAT"), "COMPLETE");
  EXPECT_EQ(header.comment("S_FLAT"), "Flat Field Correction");
  EXPECT_EQ(header.text("S_BKDSUB"), "SKIPPED");
  for (auto const& [type, keyword] : {std::pair{"distortion", "R_DISTOR"},
                                      {"filteroffset", "R_FILOFF"},
                                      {"flat", "R_FLAT"},
                                      {"photom", "R_PHOTOM"},
                                      {"area", "R_AREA"}}) {
    set_reference_keyword(header, type, "crds://a.fits");
    EXPECT_EQ(header.text(keyword), "crds://a.fits");
    EXPECT_NE(header.comment(keyword).find("reference file name"), std::string::npos);
  }
  set_reference_context(header, "jwst_1202.pmap");
  EXPECT_EQ(header.text("CRDS_CTX"), "jwst_1202.pmap");
  set_association_table(header, "");
  EXPECT_EQ(header.text("ASNTABLE"), "singleton");
  EXPECT_EQ(header.text("ASNPOOL"), "none");
  header.set("ASNPOOL", "jw02107_pool");
  set_association_table(header, "asn_lv2_F150W.json");
  EXPECT_EQ(header.text("ASNTABLE"), "asn_lv2_F150W.json");
  EXPECT_EQ(header.text("ASNPOOL"), "jw02107_pool");
  EXPECT_THROW(set_step_status(header, "S_JUMP", true), ContractViolation);
  EXPECT_THROW(set_reference_keyword(header, "dark", "N/A"), ContractViolation);
}

}  // namespace
}  // namespace tessera::steps
