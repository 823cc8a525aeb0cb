#include "tessera/store/star_catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/source_table.hpp"

namespace tessera::store {
namespace {

using tessera::test::shared_dir;
using testing::ElementsAre;
using testing::HasSubstr;

class StarCatalogues : public testing::Test {
 protected:
  std::filesystem::path write(std::string const& text, std::string const& name = "stars.csv") {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }
  std::string refusal(std::string const& text) {
    auto const path = write(text);
    try {
      read_star_catalogue(path, 2023.0);
    } catch (InputError const& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  /// One star with units on its columns.
  std::filesystem::path write_units(std::string const& ra_unit, double ra, std::string const& dec_unit, double dec) {
    io::SourceTable table;
    table.columns = {{"RA", ra_unit, "", std::vector<double>{ra}, ""},
                     {"Dec", dec_unit, "", std::vector<double>{dec}, ""}};
    io::write_table(folder_.path() / "units.ecsv", table);
    return folder_.path() / "units.ecsv";
  }
  tessera::test::ScratchFolder folder_{"star-catalogue"};
};

TEST_F(StarCatalogues, TakesTheColumnsUnderTheirSeveralNames) {
  for (std::string const names :
       {"ra,dec", "RA,DEC", "sky_centroid.ra,sky_centroid.dec", "RAJ2000,DEJ2000", "ALPHA_J2000,DELTA_J2000"}) {
    auto const stars = read_star_catalogue(write("id," + names + "\n1,-10,20\n")).stars;
    ASSERT_EQ(stars.size(), 1u) << names;
    EXPECT_DOUBLE_EQ(stars[0].ra, 350) << names;
    EXPECT_DOUBLE_EQ(stars[0].dec, 20) << names;
    EXPECT_TRUE(std::isnan(stars[0].x)) << names;
    EXPECT_EQ(stars[0].weight, 1) << names;
  }
}

TEST_F(StarCatalogues, TakesPixelsAndWeights) {
  auto const stars = read_star_catalogue(write("ra,dec,xcentroid,ycentroid,weight\n1,2,3,4,0.5\n5,6,7,8,0\n")).stars;
  ASSERT_EQ(stars.size(), 2u);
  EXPECT_EQ(stars[0].x, 3);
  EXPECT_EQ(stars[1].y, 8);
  EXPECT_EQ(stars[0].weight, 0.5);
  EXPECT_EQ(stars[1].weight, 0);
}

TEST_F(StarCatalogues, ConvertsUnitsThatTheFileSays) {
  auto const hours = read_star_catalogue(write_units("hourangle", 2, "deg", 10)).stars.at(0);
  EXPECT_DOUBLE_EQ(hours.ra, 30);
  EXPECT_DOUBLE_EQ(hours.dec, 10);
  auto const radians = read_star_catalogue(write_units("rad", 1, "rad", -0.5)).stars.at(0);
  EXPECT_NEAR(radians.ra, 57.29577951308232, 1e-12);
  EXPECT_NEAR(radians.dec, -28.64788975654116, 1e-12);
  try {
    read_star_catalogue(write_units("pix", 1, "pix", 1));
    FAIL() << "pixels were taken for an angle";
  } catch (InputError const& error) {
    EXPECT_THAT(error.what(), HasSubstr("'pix'"));
  }
}

TEST_F(StarCatalogues, LeavesOutWhatCannotBeUsedAndSaysSo) {
  auto const catalogue =
      read_star_catalogue(write("ra,dec,weight\n1,2,1\nnan,2,1\n3,,1\n1,2,1\n4,5,-1\n6,7,nan\n8,9,2\n"));
  ASSERT_EQ(catalogue.stars.size(), 2u);
  EXPECT_EQ(catalogue.stars[0].ra, 1);
  EXPECT_EQ(catalogue.stars[1].ra, 8);
  EXPECT_THAT(catalogue.warnings,
              ElementsAre("2 rows without a position are left out",
                          "2 rows without a weight, or a negative one, are left out", "1 duplicate is left out"));
}

TEST_F(StarCatalogues, RefusesWhatIsNoCatalogueOfPositions) {
  EXPECT_THAT(refusal("alpha,beta\n1,2\n"), testing::AllOf(HasSubstr("alpha, beta"), HasSubstr("ra")));
  EXPECT_THAT(refusal("ra,flux\n1,2\n"), HasSubstr("dec"));
  EXPECT_THAT(refusal("ra,dec\n"), HasSubstr("no usable row"));
  EXPECT_THAT(refusal("ra,dec\nnan,1\n"), HasSubstr("1 row without a position"));
  EXPECT_THAT(refusal("ra,dec\n1,2\n10,91\n"), testing::AllOf(HasSubstr("row 2"), HasSubstr("declination")));
  EXPECT_THAT(refusal("ra,dec\n1000,2\n"), HasSubstr("right ascension"));
  EXPECT_THAT(refusal("ra,dec\n00:12:13,-10:20:30\n"), HasSubstr("convert the column to degrees"));
  EXPECT_THAT(refusal("ra,dec\n1,2,3\n"), HasSubstr("wrong number of fields"));
  EXPECT_THROW(read_star_catalogue(folder_.path() / "absent.fits"), InputError);
}

TEST_F(StarCatalogues, CarriesProperMotionsToTheEpoch) {
  // 10 mas a year along ra (with cos dec) for 10 years at 60 degrees is 0.2 arcsec of right ascension.
  auto const path = write("ra,dec,pmra,pmdec,ref_epoch\n10,60,10,-5,2013\n20,0,,,2013\n30,0,0,100,nan\n");
  auto const catalogue = read_star_catalogue(path, 2023.0);
  ASSERT_EQ(catalogue.stars.size(), 3u);
  EXPECT_NEAR(catalogue.stars[0].ra, 10 + 0.2 / 3600, 1e-10);
  EXPECT_NEAR(catalogue.stars[0].dec, 60 - 0.05 / 3600, 1e-10);
  EXPECT_EQ(catalogue.stars[1].ra, 20);
  EXPECT_NEAR(catalogue.stars[2].dec, 0.7 / 3600, 1e-9);  // from 2016
  EXPECT_THAT(catalogue.warnings, ElementsAre("1 star has no proper motion and stays where it was"));
  EXPECT_EQ(read_star_catalogue(path).stars[0].ra, 10);
}

TEST_F(StarCatalogues, PrefersThePositionsOfVizierThatAreAtTheEpochOfTheSurvey) {
  // As I/355 has them: RA_ICRS at 2016, RAJ2000 sixteen years before.
  std::string const columns = "_RAJ2000,_DEJ2000,RAJ2000,DEJ2000,RA_ICRS,DE_ICRS,pmRA,pmDE\n";
  auto const moved = read_star_catalogue(write(columns + "1,2,30,-0.0016,30,0,0,360\n"), 2026.0);
  EXPECT_NEAR(moved.stars.at(0).dec, 0.001, 1e-10);
  EXPECT_TRUE(moved.warnings.empty());
  EXPECT_EQ(read_star_catalogue(write(columns + "1,2,30,-0.0016,30,0,0,360\n")).stars.at(0).dec, 0);
}

TEST_F(StarCatalogues, CarriesPositionsNamedJ2000FromThere) {
  EXPECT_NEAR(read_star_catalogue(write("RAJ2000,DEJ2000,pmRA,pmDE\n30,0,0,360\n"), 2020.0).stars.at(0).dec, 0.002,
              1e-10);
  auto const said = read_star_catalogue(write("RAJ2000,DEJ2000,pmRA,pmDE,ref_epoch\n30,0,0,360,2010\n"), 2020.0);
  EXPECT_NEAR(said.stars.at(0).dec, 0.001, 1e-10);
}

TEST_F(StarCatalogues, OneProperMotionWithoutTheOtherIsNotUsedAndSaid) {
  auto const catalogue = read_star_catalogue(write("ra,dec,pmra\n30,0,360\n"), 2020.0);
  EXPECT_EQ(catalogue.stars.at(0).ra, 30);
  ASSERT_EQ(catalogue.warnings.size(), 1u);
  EXPECT_THAT(catalogue.warnings[0], testing::AllOf(HasSubstr("pmra"), HasSubstr("declination")));
}

TEST_F(StarCatalogues, RefusesProperMotionsInAnUnknownUnit) {
  io::SourceTable table;
  std::vector<double> const one{1};
  table.columns = {{"ra", "deg", "", one, ""},
                   {"dec", "deg", "", one, ""},
                   {"pmra", "mas / yr", "", one, ""},
                   {"pmdec", "km / s", "", one, ""}};
  io::write_table(folder_.path() / "pm.ecsv", table);
  EXPECT_THROW(read_star_catalogue(folder_.path() / "pm.ecsv", 2023.0), InputError);
  EXPECT_EQ(read_star_catalogue(folder_.path() / "pm.ecsv").stars.size(), 1u);
}

TEST_F(StarCatalogues, ReadsListsInPixels) {
  auto const catalogue = read_image_catalogue(write("xcentroid ycentroid flux\n1 2 3\n4 nan 5\n1 2 9\n6 7 8\n"));
  ASSERT_EQ(catalogue.stars.size(), 2u);
  EXPECT_EQ(catalogue.stars[1].x, 6);
  EXPECT_EQ(catalogue.stars[0].flux, 3);
  EXPECT_EQ(catalogue.warnings.size(), 2u);
  EXPECT_THROW(read_image_catalogue(write("ra,dec\n1,2\n")), InputError);
}

TEST_F(StarCatalogues, ReadsTheRealLists) {
  SKIP_WITHOUT_SHARED("data/real/gaia");
  auto const gaia = read_star_catalogue(shared_dir() / "data/real/gaia/testcase3_chunk-04887.fits", 2023.5);
  EXPECT_EQ(gaia.stars.size(), 252u);
  EXPECT_THAT(gaia.warnings, ElementsAre("32 stars have no proper motion and stay where they were"));
  auto const still = read_star_catalogue(shared_dir() / "data/real/gaia/testcase3_chunk-04887.fits");
  double largest = 0;
  for (std::size_t k = 0; k < still.stars.size(); ++k)
    largest = std::max(largest, std::abs(still.stars[k].dec - gaia.stars[k].dec));
  EXPECT_GT(largest, 1e-6);  // some move
  EXPECT_LT(largest, 1e-3);  // none by more than seconds of arc
  for (std::string const name : {"ic5332", "ngc0628", "ngc1365", "ngc3351", "ngc7496"}) {
    auto const agb = read_star_catalogue(shared_dir() / "data/real/catalogues" / (name + "_agb_cat.fits"));
    EXPECT_GT(agb.stars.size(), 80u) << name;
    EXPECT_TRUE(std::isfinite(agb.stars[0].x)) << name;
  }
}

}  // namespace
}  // namespace tessera::store
