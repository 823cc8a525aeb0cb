// The inverse of real instrument models: their own inverse polynomials are not exact.
#include "tessera/sky/exact_inverse.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/test_files.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"

namespace tessera::io {
namespace {

/// Largest distance between pixels over the box of a WCS and what the inverses make of their positions.
struct Distances {
  double stored = 0, exact = 0;
};

Distances round_trip(sky::Wcs const& wcs) {
  auto const box = wcs.bounding_box().value();
  std::vector<double> x, y;
  for (double v = box.y_low - 50; v <= box.y_high + 50; v += 41)
    for (double u = box.x_low - 50; u <= box.x_high + 50; u += 41) {
      x.push_back(u);
      y.push_back(v);
    }
  std::vector<double> ra(x.size()), dec(x.size()), u(x.size()), v(x.size());
  wcs.pixel_to_sky(x, y, ra, dec);
  Distances largest;
  wcs.sky_to_pixel(ra, dec, u, v);
  for (std::size_t k = 0; k < x.size(); ++k)
    largest.stored = std::max(largest.stored, std::hypot(u[k] - x[k], v[k] - y[k]));
  sky::exact_sky_to_pixel(wcs, ra, dec, u, v);
  for (std::size_t k = 0; k < x.size(); ++k) {
    double const d = std::hypot(u[k] - x[k], v[k] - y[k]);
    largest.exact = std::max(largest.exact, std::isfinite(d) ? d : 1e300);
  }
  return largest;
}

TEST(ExactSkyToPixel, UndoesRealInstrumentModelsToAMillionthOfAPixel) {
  SKIP_WITHOUT_SHARED("data/wcs/nrcb1-wcs.asdf");
  for (char const* name : {"nrcb1-wcs.asdf", "nircamwcs.asdf", "miriwcs.asdf"}) {
    auto const wcs = read_wcs(AsdfDocument::read(test::shared_dir() / "data/wcs" / name));
    auto const distance = round_trip(*wcs);
    EXPECT_LT(distance.exact, 1e-7) << name;
    RecordProperty(std::string(name), std::to_string(distance.stored));
  }
}

}  // namespace
}  // namespace tessera::io
