#include "tessera/core/byte_size.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "tessera/core/error.hpp"

namespace tessera {

namespace {

[[noreturn]] void refuse_size(std::string_view text) {
  throw ConfigError({.what = "not a size",
                     .where = fmt::format("'{}'", text),
                     .expected = "a number of bytes with K, M, G or T",
                     .found = "",
                     .remedy = "write it like 512M, 4G or 1.5 GB"});
}

/// 0 for bytes, 1 for K, 2 for M, ...; "gb", "gib" and "g" are the same.
int unit_power(std::string_view unit, std::string_view text) {
  if (unit.empty() || unit == "b") return 0;
  auto const power = std::string_view("kmgtp").find(unit.front());
  if (power == std::string_view::npos) refuse_size(text);
  auto const rest = unit.substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") refuse_size(text);
  return static_cast<int>(power) + 1;
}

}  // namespace

std::int64_t parse_bytes(std::string_view text) {
  std::string compact;
  for (unsigned char const letter : text)
    if (!std::isspace(letter)) compact += static_cast<char>(std::tolower(letter));
  double number = 0;
  auto const* const end = compact.data() + compact.size();
  auto const [rest, error] = std::from_chars(compact.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number)) refuse_size(text);
  double const bytes = std::round(std::ldexp(number, 10 * unit_power({rest, end}, text)));
  if (bytes < 1 || bytes >= std::ldexp(1.0, 63)) refuse_size(text);
  return static_cast<std::int64_t>(bytes);
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array units{"B", "KB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.995 would be written as 1024.00: it goes on to the next unit.
  while (std::abs(value) >= (unit == 0 ? 1024.0 : 1023.995) && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.2f} {}", value, units[unit]);
}

}  // namespace tessera
