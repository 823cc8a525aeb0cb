#include "tessera/kernels/find_stars.hpp"

#include <algorithm>
#include <cmath>

#include "convolved_rows.hpp"
#include "peak_shapes.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

struct Offset {
  std::int64_t dx, dy;
};

/// Where a peak must be the greatest, without the peak itself.
std::vector<Offset> find_neighbourhood(StarFinderOptions const& options, FinderKernel const& kernel) {
  std::vector<Offset> offsets;
  bool const is_disc = options.min_separation > 0;
  auto const reach = is_disc ? static_cast<std::int64_t>(options.min_separation) : kernel.radius;
  double const limit = options.min_separation * options.min_separation;
  for (std::int64_t dy = -reach; dy <= reach; ++dy)
    for (std::int64_t dx = -reach; dx <= reach; ++dx) {
      if (dx == 0 && dy == 0) continue;
      bool const inside =
          is_disc ? static_cast<double>(dx * dx + dy * dy) <= limit
                  : kernel.footprint[static_cast<std::size_t>((dy + reach) * kernel.side() + dx + reach)] != 0;
      if (inside) offsets.push_back({dx, dy});
    }
  return offsets;
}

std::int64_t neighbourhood_reach(StarFinderOptions const& options, int kernel_radius) {
  return options.min_separation > 0 ? static_cast<std::int64_t>(options.min_separation) : kernel_radius;
}

bool is_within(double value, double low, double high) { return value >= low && value <= high; }

class Finder {
 public:
  Finder(ImageRows const& image, StarFinderOptions const& options)
      : image_(image),
        options_(options),
        kernel_(make_finder_kernel(options.fwhm, options.sigma_radius)),
        neighbourhood_(find_neighbourhood(options, kernel_)),
        threshold_(options.finder == StarFinder::Dao ? options.threshold * kernel_.relative_error : options.threshold) {
  }

  /// Rows of a piece: small enough to stay near the processor, large against the rows that neighbours need too.
  std::int64_t rows_of_piece() const { return std::max<std::int64_t>(64, 4 * finder_reach(options_)); }

  std::vector<model::Star> find(std::int64_t y0, std::int64_t y1) const {
    std::int64_t margin = neighbourhood_reach(options_, kernel_.radius);
    if (options_.finder == StarFinder::Dao) margin = std::max<std::int64_t>(margin, kernel_.radius);
    ConvolvedRows const convolved(image_, kernel_, std::max<std::int64_t>(0, y0 - margin),
                                  std::min(image_.ny, y1 + margin));
    std::vector<model::Star> stars;
    for (std::int64_t y = y0; y < y1; ++y) {
      double const* const row = convolved.row(y);
      for (std::int64_t x = 0; x < image_.nx; ++x)
        if (row[x] > threshold_ && is_peak(convolved, x, y))
          if (auto star = measure(convolved, x, y)) stars.push_back(*star);
    }
    return stars;
  }

 private:
  bool is_peak(ConvolvedRows const& convolved, std::int64_t x, std::int64_t y) const {
    double const value = convolved.row(y)[x];
    if (value == ConvolvedRows::NoValue) return false;
    if (image_.mask && image_.mask[(y - image_.y0) * image_.nx + x]) return false;
    for (auto const& [dx, dy] : neighbourhood_) {
      std::int64_t const i = x + dx, j = y + dy;
      bool const outside = i < 0 || i >= image_.nx || j < 0 || j >= image_.ny;
      if ((outside ? 0.0 : convolved.row(j)[i]) > value) return false;
    }
    return true;
  }

  /// A value of each pixel of the cut about (x, y), zero outside the image.
  template <class Value>
  Cut cut(std::int64_t x, std::int64_t y, Value value) const {
    Cut pixels;
    pixels.reserve(kernel_.weights.size());
    for (std::int64_t j = y - kernel_.radius; j <= y + kernel_.radius; ++j)
      for (std::int64_t i = x - kernel_.radius; i <= x + kernel_.radius; ++i)
        pixels.push_back(i < 0 || i >= image_.nx || j < 0 || j >= image_.ny ? 0.0 : value(i, j));
    return pixels;
  }

  /// The star, if it is one.
  std::optional<model::Star> measure(ConvolvedRows const& convolved, std::int64_t x, std::int64_t y) const {
    auto const data = cut(x, y, [this](std::int64_t i, std::int64_t j) {
      return static_cast<double>(image_.data[(j - image_.y0) * image_.nx + i]);
    });
    auto const shape = measure_iraf_shape(data, kernel_, options_.fwhm);
    model::Star star;
    star.fwhm = std::isfinite(shape.fwhm) ? shape.fwhm : 0;
    bool round = false;
    if (options_.finder == StarFinder::Iraf) {
      if (shape.pixels < 2) return {};
      star.x = static_cast<double>(x) + shape.x;
      star.y = static_cast<double>(y) + shape.y;
      star.flux = shape.flux;
      star.peak = shape.peak;
      star.sharpness = shape.sharpness;
      star.roundness = shape.roundness;
      round = is_within(shape.roundness, options_.roundlo, options_.roundhi);
    } else {
      auto const dao = measure_dao_shape(
          data, cut(x, y, [&](std::int64_t i, std::int64_t j) { return convolved.row(j)[i]; }), kernel_);
      star.x = static_cast<double>(x) + dao.x;
      star.y = static_cast<double>(y) + dao.y;
      star.flux = dao.flux;
      star.peak = dao.peak;
      star.sharpness = dao.sharpness;
      star.roundness = std::abs(dao.roundness1) > std::abs(dao.roundness2) ? dao.roundness1 : dao.roundness2;
      round = is_within(dao.roundness1, options_.roundlo, options_.roundhi) &&
              is_within(dao.roundness2, options_.roundlo, options_.roundhi);
    }
    bool const is_star = round && is_within(star.sharpness, options_.sharplo, options_.sharphi) &&
                         !(options_.peakmax && star.peak > *options_.peakmax) && std::isfinite(star.x) &&
                         std::isfinite(star.y) && std::isfinite(star.flux) && star.flux > 0;
    return is_star ? std::optional(star) : std::nullopt;
  }

  ImageRows image_;
  StarFinderOptions options_;
  FinderKernel kernel_;
  std::vector<Offset> neighbourhood_;
  double threshold_;
};

}  // namespace

std::int64_t finder_reach(StarFinderOptions const& options) {
  std::int64_t const radius = make_finder_kernel(options.fwhm, options.sigma_radius).radius,
                     neighbours = neighbourhood_reach(options, static_cast<int>(radius));
  return radius + (options.finder == StarFinder::Dao ? std::max(neighbours, radius) : neighbours);
}

std::vector<model::Star> find_stars(ImageRows const& rows, std::int64_t own_y0, std::int64_t own_y1,
                                    StarFinderOptions const& options) {
  std::int64_t const reach = finder_reach(options);
  TESSERA_EXPECT(0 <= own_y0 && own_y0 <= own_y1 && own_y1 <= rows.ny);
  TESSERA_EXPECT(own_y0 == own_y1 || (rows.y0 <= std::max<std::int64_t>(0, own_y0 - reach) &&
                                      rows.y1 >= std::min(rows.ny, own_y1 + reach)));
  if (own_y0 == own_y1 || rows.nx == 0) return {};
  Finder const finder(rows, options);
  std::int64_t const height = finder.rows_of_piece(), pieces = (own_y1 - own_y0 + height - 1) / height;
  std::vector<std::vector<model::Star>> found(static_cast<std::size_t>(pieces));
  Kokkos::parallel_for(
      "tessera::find_stars",
      Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>(0, pieces).set_chunk_size(1),
      [&](std::int64_t const k) {
        std::int64_t const y0 = own_y0 + k * height;
        found[static_cast<std::size_t>(k)] = finder.find(y0, std::min(own_y1, y0 + height));
      });
  std::vector<model::Star> stars;
  for (auto const& piece : found) stars.insert(stars.end(), piece.begin(), piece.end());
  return stars;
}

void keep_brightest(std::vector<model::Star>& stars, std::optional<int> brightest) {
  if (!brightest) return;
  std::stable_sort(stars.begin(), stars.end(),
                   [](model::Star const& a, model::Star const& b) { return a.flux > b.flux; });
  auto const count = static_cast<std::size_t>(std::max(0, *brightest));
  if (stars.size() > count) stars.resize(count);
}

std::vector<model::Star> find_stars(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                    StarFinderOptions const& options) {
  auto stars = find_stars({image, mask, nx, ny, 0, ny}, 0, ny, options);
  keep_brightest(stars, options.brightest);
  return stars;
}

}  // namespace tessera::kernels
