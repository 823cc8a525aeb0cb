#include "tessera/config/exposure_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace tessera::config {

namespace {

bool are_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char letter) { return std::isdigit(letter); });
}

bool are_letters_or_digits(std::string_view text) {
  auto const is_fine = [](unsigned char letter) { return std::isalnum(letter) != 0; };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_fine);
}

/// Cuts the part before the next '_' off the front of `text`.
std::string_view take_part(std::string_view& text) {
  auto const end = text.find('_');
  auto const part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

}  // namespace

std::string ExposureName::visit_key() const { return "jw" + programme + observation + visit; }

std::string ExposureName::field_key() const {
  return fmt::format("{}_{}{}{}", visit_key(), visit_group, sequence, activity);
}

std::string ExposureName::exposure_key() const { return field_key() + "_" + exposure; }

std::string ExposureName::dither_group() const { return field_key() + "_XXXXX_" + detector; }

std::string ExposureName::combined_group() const {
  return field_key() + "_XXXXX_" + detector.substr(0, detector.size() - 1) + "X";
}

std::string ExposureName::root() const {
  return exposure_key() + (segment.empty() ? "" : "-" + segment) + "_" + detector;
}

std::optional<std::string> ExposureName::previous_trapsfilled() const {
  int const number = std::stoi(exposure);
  if (number <= 1) return std::nullopt;
  return fmt::format("{}_{:05d}_{}_trapsfilled.fits", field_key(), number - 1, detector);
}

std::optional<ExposureName> parse_exposure_name(std::string_view file_name) {
  std::string_view rest = file_name;
  if (auto const slash = rest.rfind('/'); slash != std::string_view::npos) rest.remove_prefix(slash + 1);
  if (rest.ends_with(".gz")) rest.remove_suffix(3);
  if (rest.ends_with(".fits")) rest.remove_suffix(5);
  auto const visit_id = take_part(rest);
  auto const group_id = take_part(rest);
  auto exposure = take_part(rest);
  auto const detector = take_part(rest);
  if (visit_id.size() != 13 || !visit_id.starts_with("jw") || !are_digits(visit_id.substr(2))) return std::nullopt;
  // The activity counts in base 36.
  bool const is_group = group_id.size() == 5 && are_digits(group_id.substr(0, 3)) && are_letters_or_digits(group_id);
  if (!is_group) return std::nullopt;
  std::string_view segment;
  if (exposure.size() > 5 && exposure[5] == '-') {
    segment = exposure.substr(6);
    exposure = exposure.substr(0, 5);
    if (!segment.starts_with("seg") || !are_digits(segment.substr(3))) return std::nullopt;
  }
  if (exposure.size() != 5 || !are_digits(exposure) || !are_letters_or_digits(detector)) return std::nullopt;
  ExposureName name;
  name.programme = visit_id.substr(2, 5);
  name.observation = visit_id.substr(7, 3);
  name.visit = visit_id.substr(10, 3);
  name.visit_group = group_id.substr(0, 2);
  name.sequence = group_id[2];
  name.activity = group_id.substr(3, 2);
  name.exposure = exposure;
  name.segment = segment;
  name.detector = detector;
  name.suffix = rest;
  return name;
}

}  // namespace tessera::config
