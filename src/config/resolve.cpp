#include "tessera/config/resolve.hpp"

#include <charconv>

namespace tessera::config {

std::vector<std::string> specialisation_keys(std::string_view target, Band const* band) {
  std::vector<std::string> keys{std::string(target)};
  if (!band) return keys;
  keys.push_back(band->science_name());
  if (band->filter != keys.back()) keys.push_back(band->filter);
  if (auto const channel = band->channel_name(); !channel.empty()) keys.push_back(channel);
  keys.push_back(instrument_name(band->instrument));
  return keys;
}

std::optional<double> pixel_count(std::string_view text) {
  auto const at = text.find("pix");
  if (at == std::string_view::npos) return std::nullopt;
  std::string rest = std::string(text.substr(0, at)) + std::string(text.substr(at + 3));
  while (!rest.empty() && rest.front() == ' ') rest.erase(0, 1);
  while (!rest.empty() && rest.back() == ' ') rest.pop_back();
  if (rest.empty()) return std::nullopt;
  double number = 0;
  auto const [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (status != std::errc{} || end != rest.data() + rest.size()) return std::nullopt;
  return number;
}

std::optional<Value> resolve_value(Value const& value, std::string_view target, Band const* band, int max_levels) {
  auto const keys = specialisation_keys(target, band);
  Value const* current = &value;
  for (int level = 0; current->is_table() && level < max_levels; ++level) {
    Value const* below = nullptr;
    for (auto const& key : keys)
      if ((below = current->find(key))) break;
    if (!below) return std::nullopt;
    current = below;
  }
  if (band && current->is_text()) {
    if (auto const pixels = pixel_count(current->text())) {
      Value resolved(*pixels * band->pixel_scale_arcsec);
      resolved.set_place(current->place());
      return resolved;
    }
  }
  return *current;
}

}  // namespace tessera::config
