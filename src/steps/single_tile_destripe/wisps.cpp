#include "wisps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/kernels/fit_template.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera::steps {

namespace {

constexpr std::string_view DetectorMark = "{detector}";
constexpr std::array<std::string_view, 10> Detectors{"nrca1", "nrca2", "nrca3", "nrca4", "nrcalong",
                                                     "nrcb1", "nrcb2", "nrcb3", "nrcb4", "nrcblong"};
constexpr std::int64_t DetectorSide = 2048;
constexpr int Rounds = 5;                ///< of fit and source mask
constexpr double SmallStep = 0.1;        ///< of the scale, in its errors
constexpr double LeastSignificance = 3;  ///< in errors: weaker wisps are left alone

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

std::filesystem::path path_for(std::string text, std::string_view detector) {
  if (auto const at = text.find(DetectorMark); at != std::string::npos) text.replace(at, DetectorMark.size(), detector);
  return text;
}

[[noreturn]] void refuse(std::string const& where, std::string what, std::string expected, std::string found) {
  throw InputError({.what = std::move(what),
                    .where = where,
                    .expected = std::move(expected),
                    .found = std::move(found),
                    .remedy = "correct single_tile_destripe.wisp_template, or unset it"});
}

/// The file for this detector; "" where it has none but others do.
std::filesystem::path find_template(std::string const& setting, std::string const& detector) {
  auto file = path_for(setting, detector);
  if (std::filesystem::exists(file)) return file;
  check_wisp_template(setting);
  return {};
}

/// Cut to the window of the exposure. Empty where it means another detector.
std::vector<float> read_template(std::filesystem::path const& file, std::string const& detector,
                                 model::DetectorWindow const& window, std::int64_t nx, std::int64_t ny) {
  auto const fits = io::FitsFile::open(file);
  auto const of_detector = fits.hdus().front().header.text("DETECTOR");
  if (of_detector && lower(*of_detector) != detector) return {};
  io::Hdu const* image = fits.find("SCI");
  for (auto const& hdu : fits.hdus())
    if (!image && hdu.is_image() && hdu.axes.size() == 2) image = &hdu;
  if (!image) refuse(file.string(), "no image in the template of wisps", "a FITS image", "none");
  bool const is_cut = image->nx() == nx && image->ny() == ny;
  auto const x0 = is_cut ? 0 : window.x_start - 1, y0 = is_cut ? 0 : window.y_start - 1;
  bool const is_full = image->nx() == DetectorSide && image->ny() == DetectorSide;
  if (!is_cut && !(is_full && x0 >= 0 && y0 >= 0 && x0 + nx <= DetectorSide && y0 + ny <= DetectorSide))
    refuse(file.string(), "the template of wisps has another shape",
           fmt::format("{0} x {0} or {1} x {2}", DetectorSide, nx, ny),
           fmt::format("{} x {}", image->nx(), image->ny()));
  std::vector<float> rows(static_cast<std::size_t>(image->nx() * ny)), cut;
  fits.read_rows(*image, y0, y0 + ny, rows.data());
  cut.reserve(static_cast<std::size_t>(nx * ny));
  for (std::int64_t y = 0; y < ny; ++y) {
    auto const from = rows.begin() + y * image->nx() + x0;
    cut.insert(cut.end(), from, from + nx);
  }
  return cut;
}

}  // namespace

void check_wisp_template(std::string const& setting) {
  bool const exists = std::any_of(Detectors.begin(), Detectors.end(), [&](std::string_view detector) {
    return std::filesystem::exists(path_for(setting, detector));
  });
  if (!exists) refuse(setting, "there is no template of wisps", "a FITS image for at least one detector", "none");
}

std::optional<FoundWisps> find_wisps(model::ExposureImage const& image, SingleTileDestripeOptions const& options,
                                     StripeLayout const& frame, std::vector<float> const& sci,
                                     std::vector<std::uint8_t> const& bad) {
  auto const detector = lower(image.primary.text("DETECTOR").value_or(""));
  if (lower(image.primary.text("INSTRUME").value_or("")) != "nircam") return std::nullopt;
  auto const file = find_template(*options.wisp_template, detector);
  if (file.empty()) return std::nullopt;
  auto const nx = image.planes.nx, ny = image.planes.y1 - image.planes.y0;
  FoundWisps found;
  found.image = read_template(file, detector, image.window, nx, ny);
  if (found.image.empty()) return std::nullopt;
  std::vector<std::int64_t> const whole{0, nx};
  auto const& bounds = frame.turned ? whole : frame.bounds;
  auto rest = sci;
  for (int round = 0; round < Rounds; ++round) {
    // Of what the last fit leaves: bright wisps are taken for sources at first.
    auto mask = kernels::make_source_mask(
        rest.data(), bad.data(), nx, ny,
        {.nsigma = options.sigma, .npixels = options.npixels, .dilate = options.dilate, .maxiters = options.maxiters});
    for (std::size_t k = 0; k < mask.size(); ++k) mask[k] |= bad[k];
    auto const fit = kernels::fit_template(sci, found.image, mask, nx, ny, bounds);
    double const step = std::abs(fit.scale - found.fit.scale);
    found.fit.scale = fit.scale;
    found.fit.error = fit.error;
    if (step <= SmallStep * fit.error) break;
    for (std::size_t k = 0; k < rest.size(); ++k)
      if (std::isfinite(found.image[k])) rest[k] = sci[k] - static_cast<float>(fit.scale) * found.image[k];
  }
  found.fit.subtracted = found.fit.scale > LeastSignificance * found.fit.error && found.fit.error > 0;
  for (float& value : found.image)
    value = std::isfinite(value) ? static_cast<float>(found.fit.scale * static_cast<double>(value)) : 0.0f;
  return found;
}

}  // namespace tessera::steps
