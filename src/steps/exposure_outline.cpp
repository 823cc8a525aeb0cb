#include "exposure_outline.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.hpp"

namespace tessera::steps {

sky::CommonGridMember exposure_outline(store::ExposureReader const& reader) {
  auto const& record = reader.record();
  std::optional<model::PixelPoint> crpix;
  auto const x = reader.image_header().real("CRPIX1"), y = reader.image_header().real("CRPIX2");
  if (x && y) crpix = model::PixelPoint{*x - 1, *y - 1};
  auto const outline = sky::make_common_grid_member(*reader.wcs(), record.nx, record.ny, crpix);
  auto const is_finite = [](model::SkyPoint const& p) { return std::isfinite(p.ra) && std::isfinite(p.dec); };
  bool const whole = is_finite(outline.reference) && outline.scale_deg > 0 && std::isfinite(outline.scale_deg) &&
                     std::all_of(outline.corners.begin(), outline.corners.end(), is_finite);
  if (!whole)
    throw InputError({"the WCS leaves the sky", record.path, "a position for every corner of the image",
                      "no value at a corner", "correct the WCS of this file, or leave it out"});
  return outline;
}

}  // namespace tessera::steps
