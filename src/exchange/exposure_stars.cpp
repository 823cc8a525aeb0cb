#include "tessera/exchange/exposure_stars.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/compute/session.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/exchange/exposure_drizzler.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::exchange {

namespace {

using model::Plane;

/// Rows that are read at a time: the reader holds them once more, in double.
constexpr std::int64_t RowsAtATime = 256;

/// Reads SCI and the coverage mask.
void read_image(store::ExposureReader const& reader, StarImage& image) {
  auto const& record = reader.record();
  bool const is_plain = record.kind == store::ExposureKind::PlainImage;
  model::PlaneSet planes{Plane::Sci, Plane::Dq};
  if (is_plain) planes.add(Plane::Wht);
  auto const count = static_cast<std::size_t>(image.nx * image.ny);
  image.data.reserve(count);
  image.mask.reserve(count);
  model::RowBand band;
  for (std::int64_t y0 = 0; y0 < image.ny; y0 += RowsAtATime) {
    read_with_one_more_try(reader, y0, std::min(y0 + RowsAtATime, image.ny), planes, band);
    for (std::size_t k = 0; k < band.sci.size(); ++k) {
      bool const is_masked = band.sci[k] == 0 || (!band.dq.empty() && (band.dq[k] & dq::ResampleBad)) ||
                             (is_plain && !band.wht.empty() && !(band.wht[k] > 0));
      image.mask.push_back(is_masked ? 1 : 0);
    }
    image.data.insert(image.data.end(), band.sci.begin(), band.sci.end());
  }
}

/// Sums over the pixels of one segment.
struct SegmentSums {
  double weight = 0, x = 0, y = 0, xx = 0, yy = 0, flux = 0, peak = 0;
};

/// Centre of mass and width of the smoothed image in each segment, flux of the image itself; in the order of labels.
std::vector<model::Star> measure_segments(StarImage const& image, std::vector<float> const& smoothed,
                                          std::vector<std::int32_t> const& labels) {
  std::vector<SegmentSums> sums;
  for (std::size_t k = 0; k < labels.size(); ++k) {
    if (labels[k] <= 0) continue;
    auto const label = static_cast<std::size_t>(labels[k]);
    if (sums.size() < label) sums.resize(label);
    auto& sum = sums[label - 1];
    if (std::isfinite(image.data[k])) {
      sum.flux += static_cast<double>(image.data[k]);
      sum.peak = std::max(sum.peak, static_cast<double>(image.data[k]));
    }
    double const value = smoothed[k];
    if (!std::isfinite(value) || value < 0 || image.mask[k]) continue;
    std::int64_t const row = static_cast<std::int64_t>(k) / image.nx;
    auto const x = static_cast<double>(static_cast<std::int64_t>(k) - row * image.nx), y = static_cast<double>(row);
    sum.weight += value;
    sum.x += value * x;
    sum.y += value * y;
    sum.xx += value * x * x;
    sum.yy += value * y * y;
  }
  std::vector<model::Star> stars;
  for (auto const& sum : sums) {
    if (!(sum.weight > 0)) continue;
    model::Star star;
    star.x = sum.x / sum.weight;
    star.y = sum.y / sum.weight;
    star.flux = sum.flux;
    star.peak = sum.peak;
    double const spread = sum.xx / sum.weight - star.x * star.x + sum.yy / sum.weight - star.y * star.y;
    star.fwhm = 2 * std::sqrt(std::log(2.0) * std::max(0.0, spread));
    stars.push_back(star);
  }
  return stars;
}

std::vector<model::Star> find_segments(StarImage& image, ExposureStarOptions const& options) {
  auto segmentation = options.segmentation;
  segmentation.kernel_fwhm = options.finder.fwhm;
  auto const smoothed =
      kernels::smooth_for_detection(image.data.data(), image.mask.data(), image.nx, image.ny, segmentation.kernel_fwhm);
  for (auto& value : image.rms) value *= static_cast<float>(options.snr_threshold);
  auto const labels =
      kernels::segment(smoothed.data(), image.rms.data(), image.mask.data(), image.nx, image.ny, segmentation);
  return measure_segments(image, smoothed, labels);
}

std::vector<model::Star> find_peaks(StarImage& image, ExposureStarOptions const& options) {
  auto finder = options.finder;
  finder.finder = options.starfinder == StarFinderName::Dao ? kernels::StarFinder::Dao : kernels::StarFinder::Iraf;
  finder.threshold = options.snr_threshold * median_rms(image.rms);
  finder.min_separation = std::max(2.0, std::floor(options.minsep_fwhm * finder.fwhm + 0.5));
  return kernels::find_stars(image.data.data(), image.mask.data(), image.nx, image.ny, finder);
}

/// Keeps stars strictly inside the bounding box, with their positions on the sky.
std::vector<model::Star> place_on_sky(std::vector<model::Star> stars, sky::Wcs const& wcs, std::int64_t nx,
                                      std::int64_t ny) {
  auto const box = sky::bounding_box_or_array(wcs, nx, ny);
  std::erase_if(stars, [&box](model::Star const& star) {
    return !(star.x > box.x_low && star.x < box.x_high && star.y > box.y_low && star.y < box.y_high);
  });
  std::vector<double> x, y, ra(stars.size()), dec(stars.size());
  for (auto const& star : stars) {
    x.push_back(star.x);
    y.push_back(star.y);
  }
  wcs.pixel_to_sky(x, y, ra, dec);
  for (std::size_t k = 0; k < stars.size(); ++k) {
    stars[k].ra = ra[k];
    stars[k].dec = dec[k];
  }
  std::erase_if(stars, [](model::Star const& star) { return !std::isfinite(star.ra) || !std::isfinite(star.dec); });
  return stars;
}

}  // namespace

std::optional<StarImage> load_star_image(store::ExposureReader const& reader, int bkg_boxsize) {
  StarImage image;
  image.nx = reader.record().nx;
  image.ny = reader.record().ny;
  read_image(reader, image);
  bool any = false;
  for (std::size_t k = 0; k < image.data.size() && !any; ++k) any = !image.mask[k] && std::isfinite(image.data[k]);
  if (!any) return std::nullopt;
  kernels::BackgroundMeshOptions options;
  options.box_x = options.box_y = bkg_boxsize;
  auto const mesh = kernels::measure_background(image.data.data(), image.mask.data(), image.nx, image.ny, options);
  image.rms.resize(image.data.size());
  std::vector<float> background;
  for (std::int64_t y0 = 0; y0 < image.ny; y0 += RowsAtATime) {
    std::int64_t const y1 = std::min(y0 + RowsAtATime, image.ny), first = y0 * image.nx;
    background.resize(static_cast<std::size_t>((y1 - y0) * image.nx));
    mesh.rows(y0, y1, image.mask.data() + first, background.data(), image.rms.data() + first);
    for (std::size_t k = 0; k < background.size(); ++k)
      image.data[static_cast<std::size_t>(first) + k] -= background[k];
  }
  return image;
}

double median_rms(std::vector<float>& rms) {
  double const median = kernels::median_in_place(std::span(rms));
  if (median > 0 || rms.empty()) return median;
  auto const first = std::partition(rms.begin(), rms.end(), [](float value) { return value == 0; });
  auto const above = std::span(rms).subspan(static_cast<std::size_t>(first - rms.begin()));
  return above.empty() ? 0 : kernels::median_in_place(above);
}

std::vector<model::Star> find_exposure_stars(store::ExposureReader const& reader, ExposureStarOptions const& options) {
  auto image = load_star_image(reader, options.bkg_boxsize);
  if (!image) return {};
  auto stars =
      options.starfinder == StarFinderName::Segmentation ? find_segments(*image, options) : find_peaks(*image, options);
  return place_on_sky(std::move(stars), *reader.wcs(), image->nx, image->ny);
}

std::int64_t exposure_stars_bytes(store::ExposureRecord const& record) {
  // SCI, rms, mask; then, one after the other: the boxes of the mesh sorted, or the convolved rows of the finders, or
  // what segmentation takes: smoothed image, labels and runs
  constexpr std::int64_t BytesAPixel = 4 + 4 + 1 + 5 * 4;
  constexpr std::int64_t BytesAPixelRead = 7 * 4 + 8;  // the planes of a band, and SCI in double
  constexpr std::int64_t BytesAConvolvedPixel = 2 * 8, RowsOfAPiece = 128;
  std::int64_t const rows = std::min(RowsAtATime, record.ny), threads = compute::thread_count();
  return record.nx * (record.ny * BytesAPixel + rows * BytesAPixelRead + threads * RowsOfAPiece * BytesAConvolvedPixel);
}

}  // namespace tessera::exchange
