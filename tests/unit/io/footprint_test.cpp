// Footprint, scale and area of a real NIRCam gwcs, against the reference pipeline.
#include "tessera/sky/footprint.hpp"

#include "support/test_files.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/sky/output_grid.hpp"

namespace tessera::sky {
namespace {

TEST(Footprint, IsTheSRegionOfTheReferenceForARealDetector) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  auto const wcs = io::read_wcs(io::AsdfDocument::read(test::shared_dir() / "data/wcs/nrcb1-wcs.asdf"), "wcs");
  EXPECT_EQ(format_s_region(footprint(*wcs, 2048, 2048)),
            "POLYGON ICRS  110.830165879 -73.454059936 110.865652327 -73.468411218 110.915762664 -73.458475401 "
            "110.880881141 -73.444057350");  // spec 20, section 8
}

// Expected values: stcal 1.20.0 on the same file (compute_mean_pixel_area, compute_scale). The area of stcal comes from
// sums of angles in which small polygons drown: two samplings of this outline give areas 2.4e-6 apart. The area by the
// shoelace formula in the tangent plane, in double with numpy, is true to the 3e-8 by which the plane stretches.
TEST(MeanPixelArea, AgreesWithTheReferenceForARealDetector) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  auto const wcs = io::read_wcs(io::AsdfDocument::read(test::shared_dir() / "data/wcs/nrcb1-wcs.asdf"), "wcs");
  EXPECT_NEAR(mean_pixel_area(*wcs, 2048, 2048) / 2.2239020779781604e-14, 1, 3e-6);
  EXPECT_NEAR(mean_pixel_area(*wcs, 2048, 2048) / 2.2238985878397427e-14, 1, 5e-8);
  EXPECT_NEAR(native_scale(*wcs, {110.87268587316713, -73.45609048355543}) / 8.54155748981795e-06, 1, 1e-8);
}

}  // namespace
}  // namespace tessera::sky
