// What a person may look at after an exposure was destriped in memory.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "stripe_products.hpp"
#include "tessera/io/quicklook.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"

namespace tessera::steps {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t Gap = 16;  ///< pixels between pictures

double rms_of(std::vector<float> const& values) {
  double squares = 0;
  for (float const value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

std::string unit_of(model::ExposureImage const& image) { return image.sci_header.text("BUNIT").value_or(""); }

}  // namespace

void write_stripe_model(std::filesystem::path const& path, model::ExposureImage const& image,
                        DestripedTile const& tile) {
  model::Header plane;
  plane.set("BUNIT", unit_of(image), "physical units of the array values");
  write_model_file(path, image.primary, std::move(plane), tile.model, image.planes.nx);
}

void draw_destriped(std::filesystem::path const& path, model::ExposureImage const& image, DestripedTile const& tile) {
  auto const nx = image.planes.nx, ny = image.planes.y1 - image.planes.y0;
  std::vector<float> finite;
  for (float const value : image.planes.sci)
    if (std::isfinite(value) && value != 0) finite.push_back(value);
  auto const level = finite.empty() ? 0.0f : static_cast<float>(kernels::median_in_place(std::span(finite)));
  // Side by side, or one above the other where they are wide.
  bool const is_wide = nx > 2 * ny;
  auto const width = is_wide ? nx : 3 * nx + 2 * Gap, height = is_wide ? 3 * ny + 2 * Gap : ny;
  std::vector<float> picture(static_cast<std::size_t>(width * height), NaN);
  auto const step = is_wide ? -(ny + Gap) * width : nx + Gap;
  auto const first = is_wide ? -2 * step : 0;
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) {
      auto const k = static_cast<std::size_t>(y * nx + x);
      auto const at = first + y * width + x;
      float const after = image.planes.sci[k];
      picture[static_cast<std::size_t>(at + step)] = tile.model[k];
      if (after == 0) continue;
      picture[static_cast<std::size_t>(at)] = after + tile.model[k] - level;
      picture[static_cast<std::size_t>(at + 2 * step)] = after - level;
    }
  std::filesystem::create_directories(path.parent_path());
  io::write_quicklook(path, picture, width, height,
                      {.stretch = io::QuicklookOptions::Stretch::Linear,
                       .low_percentile = 2,
                       .high_percentile = 95,
                       .unit = unit_of(image),
                       .title = image.identity.exposure + " before, model, after"});
}

std::string destriped_table_head() {
  return "exposure,amplifiers,row_noise_before,row_noise_after,rms_model,masked_by_regions,source_model_coverage,"
         "wisp_scale,wisp_error,wisp_subtracted\n";
}

std::string destriped_table_line(model::ExposureImage const& image, DestripedTile const& tile) {
  auto line = fmt::format("{},{},{:.6g},{:.6g},{:.6g},{},", image.identity.exposure, tile.amplifiers,
                          tile.row_rms_before, tile.row_rms_after, rms_of(tile.model), tile.masked_by_regions);
  if (tile.source_model_coverage) line += fmt::format("{:.4f}", *tile.source_model_coverage);
  line += tile.wisps ? fmt::format(",{:.6g},{:.3g},{}\n", tile.wisps->scale, tile.wisps->error,
                                   tile.wisps->subtracted ? "yes" : "no")
                     : ",,,\n";
  return line;
}

}  // namespace tessera::steps
