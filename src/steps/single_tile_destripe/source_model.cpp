#include "source_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/sky/exposure_to_exposure.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t RowsAtATime = 128;  ///< of the model: it may be a mosaic larger than memory
constexpr double LeastCoverage = 0.5;
constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

[[noreturn]] void refuse(std::filesystem::path const& file, std::string what, std::string expected, std::string found) {
  throw InputError({.what = std::move(what),
                    .where = file.string(),
                    .expected = std::move(expected),
                    .found = std::move(found),
                    .remedy = "correct single_tile_destripe.source_model, or unset it"});
}

io::Hdu const& image_of(std::vector<io::Hdu> const& hdus, std::filesystem::path const& file) {
  for (auto const& hdu : hdus)
    if (hdu.extname == "SCI" && hdu.is_image()) return hdu;
  for (auto const& hdu : hdus)
    if (hdu.is_image() && hdu.axes.size() >= 2) return hdu;
  refuse(file, "no image in the source model", "a FITS image in MJy/sr", "none");
}

io::Hdu const& checked_image(std::vector<io::Hdu> const& hdus, std::filesystem::path const& file) {
  auto const& image = image_of(hdus, file);
  if (!image.header.has("CTYPE1") || !image.header.has("CTYPE2"))
    refuse(file, "the source model has no celestial WCS", "CTYPE1, CTYPE2 and their kin", "none");
  auto const unit = image.header.text("BUNIT");
  if (unit && *unit != "MJy/sr" && *unit != "MJy / sr" && *unit != "MJy sr-1")
    refuse(file, "the source model has another unit", "BUNIT MJy/sr", *unit);
  return image;
}

/// The image at pixels of the exposure, NaN where it has no value.
std::vector<float> sample(io::FitsFile const& fits, io::Hdu const& image, model::PixelMap const& map) {
  auto const width = image.nx(), height = image.ny();
  std::vector<float> values(static_cast<std::size_t>(map.nx * map.ny), NaN), x(values.size(), NaN),
      y(values.size(), NaN);
  // Positions in float: to 0.002 pixels where a mosaic is 30000 wide.
  auto y_low = std::numeric_limits<float>::infinity(), y_high = -y_low;
  std::vector<double> row_x(static_cast<std::size_t>(map.nx)), row_y(row_x);
  for (std::int64_t row = 0; row < map.ny; ++row) {
    map.evaluate_row(row, 0, map.nx, row_x.data(), row_y.data());
    for (std::size_t k = 0; k < row_x.size(); ++k) {
      bool const is_inside = row_x[k] >= 0 && row_y[k] >= 0 && row_x[k] <= static_cast<double>(width - 1) &&
                             row_y[k] <= static_cast<double>(height - 1);
      if (!is_inside) continue;
      auto const at = static_cast<std::size_t>(row * map.nx) + k;
      x[at] = static_cast<float>(row_x[k]);
      y[at] = static_cast<float>(row_y[k]);
      y_low = std::min(y_low, y[at]);
      y_high = std::max(y_high, y[at]);
    }
  }
  if (!(y_low <= y_high)) return values;
  std::vector<float> rows;
  for (auto y0 = static_cast<std::int64_t>(y_low); y0 <= static_cast<std::int64_t>(y_high); y0 += RowsAtATime) {
    auto const y1 = std::min(y0 + RowsAtATime + 1, height);
    rows.resize(static_cast<std::size_t>((y1 - y0) * width));
    fits.read_rows(image, y0, y1, rows.data());
    auto const value = [&](std::int64_t column, std::int64_t row) {
      return static_cast<double>(
          rows[static_cast<std::size_t>((std::min(row, height - 1) - y0) * width + std::min(column, width - 1))]);
    };
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!(y[k] >= static_cast<float>(y0) && y[k] < static_cast<float>(y0 + RowsAtATime))) continue;
      auto const column = static_cast<std::int64_t>(x[k]), row = static_cast<std::int64_t>(y[k]);
      double const u = static_cast<double>(x[k]) - static_cast<double>(column);
      double const v = static_cast<double>(y[k]) - static_cast<double>(row);
      double const below = (1 - u) * value(column, row) + u * value(column + 1, row);
      double const above = (1 - u) * value(column, row + 1) + u * value(column + 1, row + 1);
      values[k] = static_cast<float>((1 - v) * below + v * above);
    }
  }
  return values;
}

}  // namespace

double subtract_source_model(std::filesystem::path const& file, sky::Wcs const* wcs, double conversion, std::int64_t nx,
                             std::int64_t ny, std::vector<float>& sci, std::vector<std::uint8_t>& bad) {
  if (!wcs)
    throw InputError({.what = "a source model, and the exposure has no WCS",
                      .where = file.string(),
                      .expected = "references for a WCS",
                      .found = "none",
                      .remedy = "give distortion references, or list single_tile_destripe after lv2"});
  if (!(conversion > 0 && std::isfinite(conversion)))
    refuse(file, "the source model cannot be brought to the unit of the exposure", "MJy/sr per DN/s above 0",
           fmt::format("{}", conversion));
  auto const fits = io::FitsFile::open(file);
  auto const& image = checked_image(fits.hdus(), file);
  auto const model_wcs = store::read_file_wcs(fits, image, false);
  auto const map = sky::map_exposure_to_exposure(*wcs, {0, 0, nx, ny}, *model_wcs, image.nx(), image.ny());
  auto const light = sample(fits, image, map);
  std::int64_t usable = 0, covered = 0;
  for (std::size_t k = 0; k < light.size(); ++k) {
    usable += bad[k] == 0;
    covered += bad[k] == 0 && std::isfinite(light[k]);
  }
  double const coverage = static_cast<double>(covered) / static_cast<double>(std::max<std::int64_t>(1, usable));
  if (coverage < LeastCoverage) return coverage;
  for (std::size_t k = 0; k < light.size(); ++k) {
    if (std::isfinite(light[k]))
      sci[k] = static_cast<float>(static_cast<double>(sci[k]) - static_cast<double>(light[k]) / conversion);
    else
      bad[k] = 1;
  }
  return coverage;
}

void check_source_model(std::filesystem::path const& file) { checked_image(io::read_headers(file), file); }

void warn_of_coverage(std::string const& label, double coverage) {
  if (coverage < LeastCoverage)
    log::warn("{}: the source model covers only {:.0f} % of its pixels and is not used", label, 100 * coverage);
}

}  // namespace tessera::steps
