#include "tessera/config/size_text.hpp"

#include <cctype>
#include <charconv>
#include <cmath>

namespace tessera::config {

std::optional<std::int64_t> parse_size(std::string_view text) {
  std::string compact;
  for (unsigned char const letter : text)
    if (!std::isspace(letter)) compact += static_cast<char>(std::tolower(letter));
  double number = 0;
  auto const [end, status] = std::from_chars(compact.data(), compact.data() + compact.size(), number);
  if (status != std::errc{} || !(number >= 0)) return std::nullopt;
  std::string const unit = compact.substr(static_cast<std::size_t>(end - compact.data()));
  double factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  for (int power = 1; power <= 4; ++power) {
    char const letter = "kmgt"[power - 1];
    if (unit == std::string{letter, 'b'} || unit == std::string{letter}) factor = std::pow(1000.0, power);
    if (unit == std::string{letter, 'i', 'b'}) factor = std::pow(1024.0, power);
  }
  double const byte_count = number * factor;
  if (factor == 0 || byte_count > 9e18) return std::nullopt;
  return std::llround(byte_count);
}

}  // namespace tessera::config
