// Integrations of real NIRCam detectors, one after the other. With TESSERA_PRODUCTS set to a folder, what came out is
// kept there for jobs/validate/rateints_noise.py.
#include <gtest/gtest.h>

#include <cstdlib>

#include "rate_scene.hpp"
#include "support/test_files.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"

namespace tessera::steps {
namespace {

model::ExposureImage read_integration(io::FitsFile const& file, std::int64_t plane) {
  auto const& hdu = file.hdus().front();
  model::ExposureImage image;
  image.primary = hdu.header;
  image.path = file.path().string();
  image.identity.exposure = file.path().stem().string() + "_" + std::to_string(plane);
  image.sci_header.set("BUNIT", "DN/s");
  image.window = {hdu.header.integer("SUBSTRT1").value(), hdu.header.integer("SUBSTRT2").value(), hdu.nx(), hdu.ny()};
  image.planes.nx = hdu.nx();
  image.planes.y1 = hdu.ny();
  image.planes.sci.resize(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
  file.read_rows(hdu, 0, hdu.ny(), image.planes.sci.data(), plane);
  return image;
}

TEST(DestripeExposure, QuietsTheRowsOfRealIntegrations) {
  for (char const* name : {"jw01185002001_01101_00001-seg006_nrca3_rateints_I01226.fits",
                           "jw01366002001_01101_00001-seg004_nrca3_rateints_I00372.fits"}) {
    auto const path = std::string("data/real/jwst_nircam_rateints/") + name;
    SKIP_WITHOUT_SHARED(path);
    auto const file = io::FitsFile::open(test::shared_dir() / path);
    auto const& axes = file.hdus().front().axes;
    for (std::int64_t plane = 0; plane < (axes.size() > 2 ? axes[2] : 1); ++plane) {
      auto image = read_integration(file, plane);
      auto const tile = destripe_exposure(image, nullptr, nullptr, 1, test::tried_parameters());
      EXPECT_EQ(tile.amplifiers, 4u) << "as wide as the detector, read through four outputs";
      EXPECT_LT(tile.row_rms_after, tile.row_rms_before / 4);
      RecordProperty(std::string(name).substr(0, 9) + "_before", std::to_string(tile.row_rms_before));
      RecordProperty(std::string(name).substr(0, 9) + "_after", std::to_string(tile.row_rms_after));
      if (auto const* folder = std::getenv("TESSERA_PRODUCTS")) {
        auto const root = std::filesystem::path(folder) / image.identity.exposure;
        write_stripe_model(root.string() + "_stripes.fits", image, tile);
        draw_destriped(root.string() + ".png", image, tile);
      }
    }
  }
}

}  // namespace
}  // namespace tessera::steps
