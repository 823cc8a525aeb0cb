#include "tile_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "corrected_exposure.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::steps {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
/// Pixels of a strip: never by the budget, for positions in a strip are fitted on it (make_pixel_map).
constexpr std::int64_t StripPixels = std::int64_t{8} << 20;

/// Height of the strips of an image of this width: whole rows of blocks.
std::int64_t strip_rows(std::int64_t width) {
  return std::max<std::int64_t>(1, StripPixels / std::max<std::int64_t>(1, width) / model::BlockSize) *
         model::BlockSize;
}

/// Sums of the exposures over a strip of the grid.
struct StripSums {
  model::PixelBox box;  ///< pixels of the whole grid
  std::vector<double> value, square;
  std::vector<std::uint16_t> count;

  explicit StripSums(model::PixelBox const& strip)
      : box(strip),
        value(static_cast<std::size_t>(strip.width() * strip.height()), 0),
        square(value.size(), 0),
        count(value.size(), 0) {}

  void add(exchange::Cutout const& cutout) {
    auto const both = model::intersect(cutout.box, box);
    for (auto y = both.y0; y < both.y1; ++y)
      for (auto x = both.x0; x < both.x1; ++x) {
        auto const from = static_cast<std::size_t>((y - cutout.box.y0) * cutout.box.width() + x - cutout.box.x0);
        auto const to = static_cast<std::size_t>((y - box.y0) * box.width() + x - box.x0);
        double const error = cutout.error.empty() ? 1 : static_cast<double>(cutout.error[from]);
        // A pixel with a negative error would drop out of the pair; here it must not spoil those of other exposures.
        if (!std::isfinite(cutout.value[from]) || !(error >= 0)) continue;
        value[to] += static_cast<double>(cutout.value[from]);
        square[to] += error * error;
        ++count[to];
      }
  }
};

/// The strip of rows y0 <= y < y1 of a grid as a grid of its own.
model::SkyGrid strip_of(model::SkyGrid const& grid, std::int64_t y0, std::int64_t y1) {
  model::SkyGrid strip = grid;
  strip.ny = y1 - y0;
  strip.crpix.y -= static_cast<double>(y0);
  strip.bounding_box = {};
  return strip;
}

/// Columns and rows of the grid that the exposures reach, by their outlines.
model::PixelBox find_reach(MatchPool const& pool, MatchImage const& image, model::SkyGrid const& grid) {
  auto const wcs = sky::make_grid_wcs(grid);
  constexpr std::int64_t Margin = 8;  // edges bow between the corners
  model::PixelBox reach{grid.nx, grid.ny, 0, 0};
  for (int const member : image.members)
    for (auto const& corner : pool.exposures[static_cast<std::size_t>(member)].place.outline.corners) {
      auto const at = wcs->sky_to_pixel(corner);
      auto const x = static_cast<std::int64_t>(std::floor(at.x)), y = static_cast<std::int64_t>(std::floor(at.y));
      reach = {std::min(reach.x0, x - Margin), std::min(reach.y0, y - Margin), std::max(reach.x1, x + Margin),
               std::max(reach.y1, y + Margin)};
    }
  return model::intersect(reach, {0, 0, grid.nx, grid.ny});
}

/// A file with SCI and ERR of the pixels `box` of the grid.
void create_tile_file(std::filesystem::path const& path, MatchImage const& image, model::SkyGrid const& grid,
                      model::PixelBox const& box) {
  std::filesystem::create_directories(path.parent_path());
  io::Hdf5File file(path, io::Hdf5File::Mode::Create);
  for (char const* name : {"SCI", "ERR"}) file.create_image(name, io::Hdf5Type::Float32, box.height(), box.width());
  file.set_attribute("", "image", image.name);
  file.set_attribute("", "x0", box.x0);
  file.set_attribute("", "y0", box.y0);
  file.write_array("grid",
                   std::vector<double>{grid.crpix.x, grid.crpix.y, grid.crval.ra, grid.crval.dec, grid.cdelt[0],
                                       grid.cdelt[1], grid.pc[0][0], grid.pc[0][1], grid.pc[1][0], grid.pc[1][1]});
  file.close();
}

std::vector<float> read(io::Hdf5File const& file, char const* name, model::PixelBox const& strip,
                        model::PixelBox const& box) {
  std::vector<float> values(static_cast<std::size_t>(strip.width() * strip.height()));
  file.read_box(name, {strip.x0 - box.x0, strip.y0 - box.y0, strip.x1 - box.x0, strip.y1 - box.y0}, values);
  return values;
}

}  // namespace

TilePlace make_tile_image(MatchPool& pool, MatchImage const& image, model::SkyGrid const& grid,
                          std::filesystem::path const& path, LostExposures& lost) {
  TilePlace place;
  auto const reach = find_reach(pool, image, grid);
  if (reach.empty()) return place;
  std::filesystem::path unfinished = path;
  unfinished += ".part";
  create_tile_file(unfinished, image, grid, reach);
  io::Hdf5File file(unfinished, io::Hdf5File::Mode::ReadWrite);
  auto const rows = strip_rows(reach.width());
  // An exposure that lies in several strips is read once a strip: the operating system still has it.
  for (auto y0 = reach.y0; y0 < reach.y1; y0 += rows) {
    auto const y1 = std::min(y0 + rows, reach.y1);
    auto const strip_grid = strip_of(grid, y0, y1);
    StripSums sums({reach.x0, y0, reach.x1, y1});
    for (int const member : image.members) {
      if (lost.has(member)) continue;
      auto const in_strip = find_reach(pool, {image.name, {member}}, grid);
      if (model::intersect(in_strip, sums.box).empty()) continue;
      try {
        auto const loaded = load_for_matching(pool, member, true);
        auto const& options =
            pool.options[static_cast<std::size_t>(pool.exposures[static_cast<std::size_t>(member)].task)];
        auto cutout = exchange::reproject_exposure(loaded, strip_grid, options.reprojection);
        if (cutout.box.empty()) continue;
        subtract_corrections(pool, member, strip_grid, cutout);
        cutout.box.y0 += y0;
        cutout.box.y1 += y0;
        sums.add(cutout);
      } catch (Error const& error) {
        lost.add(member, error);
      }
    }
    std::vector<float> value(sums.value.size(), NaN), error(sums.value.size(), NaN);
    for (std::size_t k = 0; k < value.size(); ++k) {
      if (sums.count[k] == 0) continue;
      value[k] = static_cast<float>(sums.value[k] / sums.count[k]);
      error[k] = static_cast<float>(std::sqrt(sums.square[k]) / sums.count[k]);
    }
    place.extent.add(kernels::find_data_extent(kernels::GridImage<float>{value.data(), error.data(), sums.box}));
    model::PixelBox const at{0, y0 - reach.y0, reach.width(), y1 - reach.y0};
    file.write_box("SCI", at, value);
    file.write_box("ERR", at, error);
    pool.counts.bytes_written += static_cast<std::int64_t>(8 * value.size());
  }
  file.close();
  if (place.extent.empty()) {
    std::filesystem::remove(unfinished);
    return place;
  }
  io::commit_file(unfinished, path);
  place.box = reach;
  return place;
}

std::int64_t tile_working_bytes(MatchPool const& pool, MatchImage const& image, std::int64_t pixels) {
  constexpr std::int64_t BytesAPixel = 8 + 8 + 2 + 4 + 4 + 9;  // sums, the finished strip, a cutout of it
  std::int64_t largest = 0;
  for (int const member : image.members) largest = std::max(largest, exposure_working_bytes(pool.record(member)));
  return largest + BytesAPixel * std::min(StripPixels, pixels);
}

void add_tile_pair(std::filesystem::path const& first, TilePlace const& place_1, std::filesystem::path const& second,
                   TilePlace const& place_2, kernels::PairPixels<float>& pixels, StepCounts& counts) {
  auto const both = model::intersect(place_1.box, place_2.box);
  if (both.empty()) return;
  io::Hdf5File const file_1(first, io::Hdf5File::Mode::ReadOnly), file_2(second, io::Hdf5File::Mode::ReadOnly);
  auto const rows = strip_rows(both.width());
  for (auto y0 = both.y0; y0 < both.y1; y0 += rows) {
    model::PixelBox const strip{both.x0, y0, both.x1, std::min(y0 + rows, both.y1)};
    auto const value_1 = read(file_1, "SCI", strip, place_1.box), error_1 = read(file_1, "ERR", strip, place_1.box);
    auto const value_2 = read(file_2, "SCI", strip, place_2.box), error_2 = read(file_2, "ERR", strip, place_2.box);
    pixels.add(kernels::GridImage<float>{value_1.data(), error_1.data(), strip},
               kernels::GridImage<float>{value_2.data(), error_2.data(), strip});
    counts.bytes_read += static_cast<std::int64_t>(16 * value_1.size());
  }
}

std::int64_t tile_pair_bytes(std::int64_t pixels) { return 16 * std::min(StripPixels, pixels); }

}  // namespace tessera::steps
