#include "mosaic_image.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/error.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

/// Root of the area of the pixel in the middle, arcsec.
double central_scale(sky::Wcs const& wcs, std::int64_t nx, std::int64_t ny) {
  double const x = static_cast<double>(nx - 1) / 2, y = static_cast<double>(ny - 1) / 2;
  auto const at = [&](double dx, double dy) { return sky::to_vector(wcs.pixel_to_sky({x + dx, y + dy})); };
  auto const along_x = at(0.5, 0) - at(-0.5, 0), along_y = at(0, 0.5) - at(0, -0.5);
  return std::sqrt(sky::length(sky::cross(along_x, along_y))) * sky::DegreesPerRadian * 3600;
}

}  // namespace

MosaicImage::MosaicImage(std::filesystem::path const& path) : file_(io::FitsFile::open(path)) {
  auto const& found = file_.require("SCI");
  if (!found.is_image() || found.axes.size() < 2)
    throw InputError({"extension SCI holds no image", path.string(), "two axes", fmt::format("{}", found.axes.size()),
                      "give a mosaic"});
  sci_ = static_cast<std::size_t>(found.index);
  try {
    wcs_ = sky::make_fits_wcs(found.header, found.nx(), found.ny());
  } catch (InputError const& error) {
    auto problem = error.problem();
    problem.where = path.string() + (problem.where.empty() ? "" : ": " + problem.where);
    throw InputError(problem);
  }
  pixel_scale_ = central_scale(*wcs_, found.nx(), found.ny());
  if (!(pixel_scale_ > 0) || !std::isfinite(pixel_scale_))
    throw InputError({"the WCS has no scale", path.string(), "a pixel that covers some sky",
                      fmt::format("{} arcsec", pixel_scale_), "correct the WCS of this file"});
}

std::vector<float> MosaicImage::rows(std::int64_t y0, std::int64_t y1) const {
  y0 = std::max<std::int64_t>(0, y0);
  y1 = std::min(ny(), y1);
  std::vector<float> values(static_cast<std::size_t>((y1 - y0) * nx()));
  file_.read_rows(sci(), y0, y1, values.data());
  for (float& value : values)
    if (value == 0 || !std::isfinite(value)) value = std::numeric_limits<float>::quiet_NaN();
  return values;
}

}  // namespace tessera::steps
