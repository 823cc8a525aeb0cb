#include "correlate_mosaics.hpp"

#include <algorithm>

#include "tessera/core/error.hpp"
#include "tessera/sky/exposure_to_exposure.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t LargestSide = 2048;
/// Side of the part of the reference that the square may need: with all else about 450 MB.
constexpr double LargestPart = 8192;
/// Pixels of `image` are seldom all along the axes of the reference, and bow.
constexpr double Reach = 1.5;

/// Pixels of a box of a mosaic, [y][x], read a row of blocks at a time.
std::vector<float> read_box(MosaicImage const& image, model::PixelBox const& box) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(box.width() * box.height()));
  for (std::int64_t y = box.y0; y < box.y1; y += model::BlockSize) {
    std::int64_t const last = std::min(y + model::BlockSize, box.y1);
    auto const rows = image.rows(y, last);
    for (std::int64_t row = 0; row < last - y; ++row)
      values.insert(values.end(), rows.begin() + row * image.nx() + box.x0, rows.begin() + row * image.nx() + box.x1);
  }
  return values;
}

model::PixelBox central_square(MosaicImage const& image, std::int64_t side) {
  std::int64_t const width = std::min(side, image.nx()), height = std::min(side, image.ny());
  std::int64_t const x0 = (image.nx() - width) / 2, y0 = (image.ny() - height) / 2;
  return {x0, y0, x0 + width, y0 + height};
}

/// The memory of a run has no say: the square, and with it the shift, would depend on it.
std::int64_t side_of(MosaicImage const& image, double magnification) {
  auto const fitting = static_cast<std::int64_t>(LargestPart / (Reach * magnification));
  return std::min({LargestSide, std::max(image.nx(), image.ny()), std::max<std::int64_t>(fitting, 1)});
}

/// Of the two squares, the part of the reference that one of them needs, and finding the shift.
std::int64_t bytes_needed(std::int64_t side, double magnification, MosaicImage const& image,
                          MosaicImage const& reference) {
  auto const part = static_cast<std::int64_t>(Reach * magnification * static_cast<double>(side)) + 16;
  return 8 * side * side + 4 * part * part + 4 * model::BlockSize * (image.nx() + reference.nx()) +
         kernels::image_shift_bytes(side, side);
}

}  // namespace

kernels::ImageShift correlate_mosaics(MosaicImage const& image, MosaicImage const& reference,
                                      sky::Wcs const& reference_wcs, double search, kernels::Reprojection reprojection,
                                      parallel::MemoryBudget& budget) {
  double const magnification = image.pixel_scale() / reference.pixel_scale();
  auto const side = side_of(image, magnification);
  parallel::MemoryBudget::Reservation const memory(budget, "comparing mosaics of two bands",
                                                   bytes_needed(side, magnification, image, reference));
  auto const box = central_square(image, side);
  auto const map = sky::map_exposure_to_exposure(*image.wcs(), box, reference_wcs, reference.nx(), reference.ny());
  model::PixelBox const whole{0, 0, box.width(), box.height()};
  auto part = kernels::reach_of(map, whole, reference.nx(), reference.ny());
  if (part.empty())
    throw InputError({"the mosaics of the two bands have no pixels in common", image.path().string(),
                      "some in its middle", "none in " + reference.path().string(),
                      "use align_mapping_mode = \"shift\" for this band"});
  // Other ways of reprojecting reach a little further.
  part = model::intersect({part.x0 - 8, part.y0 - 8, part.x1 + 8, part.y1 + 8}, {0, 0, reference.nx(), reference.ny()});
  auto const own = read_box(image, box), other = read_box(reference, part);
  std::vector<float> there(own.size());
  kernels::reproject(reprojection, {other.data(), part, reference.nx(), reference.ny()}, map, whole, there.data());
  kernels::ImageShiftOptions options;
  options.search = search;
  return kernels::measure_image_shift(there.data(), own.data(), box.height(), box.width(), options);
}

}  // namespace tessera::steps
