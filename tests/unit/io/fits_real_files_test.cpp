// Third-party files. The SHA-256 are of the little-endian bytes of what astropy 8.0.2 reads, e.g. for SCI of the i2d:
//   hashlib.sha256(fits.open(F)['SCI'].data.astype('<f4').tobytes()).hexdigest()
// (uint32: '<u4'; a plane: data[3, 1]; with tiles unpacked by astropy itself, not by CFITSIO.)
#include <gtest/gtest.h>

#include <span>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {
namespace {

class RealFits : public testing::Test {
 protected:
  tessera::test::ScratchFolder folder_{"real-fits"};
  FitsFile open(std::string const& name) {
    return FitsFile::open(tessera::test::shared_dir() / "data/real" / name, folder_.path());
  }
  template <class Value>
  std::vector<Value> plane(FitsFile const& file, Hdu const& hdu, std::int64_t index = 0) {
    std::vector<Value> values(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
    // In two bands, so that a band that begins in the middle is tried on real data too.
    auto const middle = hdu.ny() / 3;
    file.read_rows(hdu, 0, middle, values.data(), index);
    file.read_rows(hdu, middle, hdu.ny(), values.data() + middle * hdu.nx(), index);
    return values;
  }
  template <class Value>
  std::string hash(std::vector<Value> const& values) {
    return sha256(std::as_bytes(std::span(values)));
  }
};

#define NEEDS(name) SKIP_WITHOUT_SHARED("data/real/" name)

TEST_F(RealFits, ReadsAMosaicThatIsGzippedUnderAPlainName) {
  NEEDS("jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits");
  auto const file = open("jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits");
  EXPECT_EQ(file.readable_path().parent_path(), folder_.path());
  ASSERT_EQ(file.hdus().size(), 9u);
  auto const& primary = file.hdus()[0].header;
  EXPECT_EQ(primary.real("EFFEXPTM"), 82.019);
  EXPECT_EQ(primary.text("TARGNAME"), "ORIBAR-Imaging-MIRI");
  EXPECT_EQ(primary.text("FILTER"), "F1130W");
  auto const& sci = file.require("SCI");
  EXPECT_EQ(sci.nx(), 137);
  EXPECT_EQ(sci.ny(), 129);
  auto const values = plane<float>(file, sci);
  EXPECT_EQ(values[60 * 137 + 70], 6034.27490234375f);
  EXPECT_EQ(hash(values), "988e72d6cf30591eda010f15a2263ddc54a3d869991210a3980d5e467024c617");
  EXPECT_EQ(hash(plane<float>(file, file.require("VAR_POISSON"))),
            "47a0174ef5b1f2e833767e2712aac5952554736f2a5081507340bf829f0d7a28");
  EXPECT_EQ(hash(plane<std::uint32_t>(file, file.require("CON"))),
            "08ec836a91fbab6b21cb6d3d395b0a55c05db17dc257f44cf29b2218b9e855a2");
  auto const asdf = file.read_data(file.require("ASDF"));
  EXPECT_EQ(asdf.size(), 13001u);
  EXPECT_EQ(sha256(asdf), "d437d546a9596cc8103255cd2c86fa6ee48d74052ba8da039ff1b6a805d56b8c");
}

TEST_F(RealFits, UnpacksAGzippedFileOnlyOnce) {
  NEEDS("jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits");
  auto const first = open("jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits");
  auto const time = std::filesystem::last_write_time(first.readable_path());
  auto const second = open("jwst_miri/jw01288015001_04101_00001_mirimage_i2d.fits");
  auto const other = open("jwst_miri/jw01288015001_26101_00003_mirimage_i2d.fits");
  EXPECT_EQ(second.readable_path(), first.readable_path());
  EXPECT_EQ(std::filesystem::last_write_time(first.readable_path()), time);
  EXPECT_NE(other.readable_path(), first.readable_path());
}

TEST_F(RealFits, UnpacksDitheredRiceTilesAsAstropyDoes) {
  NEEDS("vircam/propane_image_1.fits");
  auto const file = open("vircam/propane_image_1.fits");
  auto const& sky = file.require("image_sky");
  EXPECT_EQ(sky.kind, Hdu::Kind::TileCompressedImage);
  EXPECT_EQ(sky.bitpix, -32);
  EXPECT_EQ(sky.nx(), 1816);
  EXPECT_EQ(sky.ny(), 1836);
  auto const values = plane<float>(file, sky);
  EXPECT_EQ(values[900 * 1816 + 900], 12.843236923217773f);
  EXPECT_EQ(values[1835 * 1816 + 1815], -74.78636169433594f);
  EXPECT_EQ(hash(values), "0777c5ad12b462993c1960f736caf7e9bbb5cf5d5ad0ec73c18b71ed418ffe3e");
}

TEST_F(RealFits, ReadsUnsignedShortFrames) {
  NEEDS("m13/M13_blue_0001.fits");
  auto const file = open("m13/M13_blue_0001.fits");
  auto const counts = plane<std::uint32_t>(file, file.hdus()[0]);
  EXPECT_EQ(counts[0], 489u);
  EXPECT_EQ(counts[519 * 1392 + 700], 527u);
  EXPECT_EQ(hash(counts), "e94831bef41ddaad73be848f0b0c778e6e244c134e3ddea62becc4d707786c57");
  EXPECT_EQ(hash(plane<float>(file, file.hdus()[0])),
            "6fc8488c8c01234f97606fd98e11fc7906f8ea43c00a2c4440e1edcba3c402c7");
}

TEST_F(RealFits, ReadsAPlaneOfAFourDimensionalCube) {
  NEEDS("jwst_fgs/add_wcs_default_acq1.fits");
  auto const file = open("jwst_fgs/add_wcs_default_acq1.fits");
  auto const& sci = file.require("SCI");
  ASSERT_EQ(sci.axes.size(), 4u);
  auto const values = plane<float>(file, sci, 3 * 2 + 1);  // data[3, 1] of 6 x 2 planes
  EXPECT_EQ(values[64 * 128 + 17], 13446.0f);
  EXPECT_EQ(hash(values), "3c45658704594a9617816887dfee658289a77c3e1ebc1ec5778e74b6e6599f81");
  EXPECT_EQ(file.require("ASDF").kind, Hdu::Kind::BinaryTable);
}

TEST_F(RealFits, ReadsFloatAndDoubleImages) {
  NEEDS("jwst_nircam_rateints/jw01185002001_01101_00001-seg006_nrca3_rateints_I01226.fits");
  auto const rates = open("jwst_nircam_rateints/jw01185002001_01101_00001-seg006_nrca3_rateints_I01226.fits");
  EXPECT_EQ(hash(plane<float>(rates, rates.hdus()[0])),
            "479afc0c016717a1936e5f09ec0e0d5044dc68d22d0d85c6d95e72ab0e7a04b4");
  auto const psf = open("psf/MIRI_F560W_LMC_55mas_emp_final_psf.fits");
  EXPECT_EQ(hash(plane<float>(psf, psf.require("EPSF1"))),
            "757a6987f4c044ee2500f9995b2540264ee4955f0db7a201324d73fe364ed25b");
}

TEST_F(RealFits, ReadsTheHeadersOfEveryFile) {
  NEEDS("README.md");
  int count = 0;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(tessera::test::shared_dir() / "data/real"))
    if (entry.path().extension() == ".fits") {
      EXPECT_NO_THROW(FitsFile::open(entry.path(), folder_.path())) << entry.path();
      ++count;
    }
  EXPECT_GT(count, 20);
}

TEST_F(RealFits, LeavesNothingUnfinishedInScratch) {
  NEEDS("vircam/propane_image_1.fits");
  auto const file = open("vircam/propane_image_1.fits");
  plane<float>(file, file.require("IMAGE_SKY"));
  for (auto const& entry : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_NE(entry.path().extension(), ".part");
}

}  // namespace
}  // namespace tessera::io
