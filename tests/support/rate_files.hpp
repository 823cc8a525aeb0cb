// Small _rate files written by tests.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "support/exposure_files.hpp"
#include "tessera/model/exposure_image.hpp"

namespace tessera::test {

inline constexpr std::int64_t RateWidth = 24, RateHeight = 16;

/// A NIRCam exposure of RateWidth x RateHeight pixels of 0.1 arcsec; SCI is 10 y + x, with a flagged NaN at (3, 2).
struct RateFile {
  model::Header primary, sci;
  std::vector<TestPlane> planes;

  RateFile() {
    primary.set("DATE", "2023-01-18T12:47:17.355", "UTC date file created");
    primary.set("FILENAME", "jw00001001001_02101_00001_nrca1_rate.fits", "Name of the file");
    primary.set("CAL_VER", "1.17.1", "Calibration software version number");
    primary.set("DATAMODL", "ImageModel", "Type of data model");
    primary.set("TELESCOP", "JWST");
    primary.set("INSTRUME", "NIRCAM");
    primary.set("DETECTOR", "NRCA1");
    primary.set("FILTER", "F150W");
    primary.set("PUPIL", "CLEAR");
    primary.set("EXP_TYPE", "NRC_IMAGE");
    primary.set("SUBARRAY", "SUB");
    primary.set("SUBSTRT1", 1);
    primary.set("SUBSTRT2", 1);
    primary.set("SUBSIZE1", static_cast<int>(RateWidth));
    primary.set("SUBSIZE2", static_cast<int>(RateHeight));
    primary.add_comment("a comment of the archive");
    primary.add_history("made by level 1");
    sci.set("BUNIT", "DN/s", "physical units of the array values");
    sci.set("CRPIX1", 12.5);
    sci.set("CRPIX2", 8.5);
    sci.set("PC1_1", -1.0);
    sci.set("PC2_2", 1.0);
    sci.set("CDELT1", 2.8e-5);
    sci.set("CDELT2", 2.8e-5);
    sci.set("V2_REF", -100.0);
    sci.set("V3_REF", -450.0);
    sci.set("ROLL_REF", 30.0);
    sci.set("RA_REF", 10.0);
    sci.set("DEC_REF", 20.0);
    sci.set("VA_SCALE", 1.00005);
    sci.set("SRCTYPE", "EXTENDED", "Point or extended source");
    sci.add_history("of the image");
    auto const count = static_cast<std::size_t>(RateWidth * RateHeight);
    std::vector<float> values(count), tenth(count, 0.1f), small(count, 0.01f);
    std::vector<std::uint32_t> flags(count, 0u);
    for (std::size_t k = 0; k < count; ++k)
      values[k] = static_cast<float>(10 * (k / RateWidth) + k % static_cast<std::size_t>(RateWidth));
    values[2 * RateWidth + 3] = std::numeric_limits<float>::quiet_NaN();
    flags[2 * RateWidth + 3] = 0x80000001u;
    planes = {{"SCI", values}, {"ERR", tenth}, {"DQ", {}, flags}, {"VAR_POISSON", small}, {"VAR_RNOISE", small}};
  }

  void write(std::filesystem::path const& path) const {
    write_exposure(path, RateWidth, RateHeight, primary, sci, planes);
  }
};

}  // namespace tessera::test
