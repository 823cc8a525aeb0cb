#include "tessera/config/product_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace tessera::config {

namespace {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return lower;
}

/// Lower case, "." as "p": the way kernels name their resolutions.
std::string resolution_name(std::string_view name) {
  std::string text = to_lower(name);
  std::replace(text.begin(), text.end(), '.', 'p');
  return text;
}

}  // namespace

std::string mosaic_name(std::string_view target, Band const& band) {
  return fmt::format("{}_{}_lv3_{}{}", to_lower(target), instrument_name(band.instrument), to_lower(band.filter),
                     band.is_background ? "_bgr" : "");
}

std::string level2_association_name(Band const& band, std::optional<int> index) {
  return index ? fmt::format("asn_lv2_{}_{}.json", band.name, *index) : fmt::format("asn_lv2_{}.json", band.name);
}

std::string level3_association_name(Band const& band) { return fmt::format("asn_lv3_{}.json", band.name); }

std::string kernel_file_name(std::string_view source, std::string_view target) {
  return fmt::format("{}_to_{}.fits", resolution_name(source), resolution_name(target));
}

std::optional<double> gaussian_fwhm_arcsec(std::string_view resolution) {
  std::string digits = to_lower(resolution);
  if (!digits.starts_with("gauss")) return std::nullopt;
  digits.erase(0, 5);
  std::replace(digits.begin(), digits.end(), 'p', '.');
  double fwhm = 0;
  auto const [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), fwhm);
  if (status != std::errc{} || end != digits.data() + digits.size() || !(fwhm > 0)) return std::nullopt;
  return fwhm;
}

std::string anchoring_resolution(std::string_view external_band) {
  auto const at = external_band.find("_at");
  return std::string(at == std::string_view::npos ? external_band : external_band.substr(at + 3));
}

}  // namespace tessera::config
