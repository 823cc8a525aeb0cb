// The text of S_REGION.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/sky/footprint.hpp"

namespace tessera::sky {

namespace {

[[noreturn]] void refuse(std::string const& what, std::string const& expected, std::string const& found) {
  throw InputError({.what = what,
                    .where = "S_REGION",
                    .expected = expected,
                    .found = found,
                    .remedy = "remove the keyword, or run assign_wcs again, which writes it"});
}

std::vector<std::string> upper_case_words(std::string const& text) {
  std::vector<std::string> words(1);
  for (char const c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) || c == ',' || c == '(' || c == ')') {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back().push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool starts_a_word(std::string const& word) { return std::isalpha(static_cast<unsigned char>(word.front())) != 0; }

double to_coordinate(std::string const& word) {
  double value = 0;
  char const* first = word.data();
  if (*first == '+') ++first;
  auto const [end, error] = std::from_chars(first, word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value))
    refuse("a coordinate cannot be read", "a finite number in degrees", "\"" + word + "\"");
  return value;
}

}  // namespace

std::optional<std::string> format_s_region(SkyPolygon const& polygon) {
  std::string text = "POLYGON ICRS ";
  for (auto const& [ra, dec] : polygon) {
    if (!std::isfinite(ra) || !std::isfinite(dec)) return std::nullopt;
    double reduced = std::fmod(ra, 360.0);
    if (reduced < 0) reduced += 360.0;
    std::string number = fmt::format("{:.9f}", reduced);
    if (number == "360.000000000") number = "0.000000000";
    text += fmt::format(" {} {:.9f}", number, dec);
  }
  return text;
}

std::vector<SkyPolygon> parse_s_region(std::string const& text) {
  auto const words = upper_case_words(text);
  std::vector<SkyPolygon> polygons;
  for (std::size_t k = 0; k < words.size();) {
    if (words[k] != "POLYGON")
      refuse("the shape is not supported", "POLYGON ICRS ra dec ra dec ...", "\"" + words[k] + "\"");
    ++k;
    if (k < words.size() && starts_a_word(words[k])) {
      if (words[k] != "ICRS") refuse("the frame is not supported", "ICRS", "\"" + words[k] + "\"");
      ++k;
    }
    std::vector<double> numbers;
    for (; k < words.size() && !starts_a_word(words[k]); ++k) numbers.push_back(to_coordinate(words[k]));
    if (numbers.size() < 6 || numbers.size() % 2 != 0)
      refuse("the polygon is not complete", "at least three pairs of ra and dec",
             fmt::format("{} numbers", numbers.size()));
    SkyPolygon polygon;
    for (std::size_t n = 0; n < numbers.size(); n += 2) {
      if (std::abs(numbers[n + 1]) > 90)
        refuse("a vertex is off the sky", "a declination in [-90, 90] degrees", fmt::format("{}", numbers[n + 1]));
      polygon.push_back({numbers[n], numbers[n + 1]});
    }
    // some writers repeat the first vertex at the end
    if (polygon.size() > 3 && polygon.front().ra == polygon.back().ra && polygon.front().dec == polygon.back().dec)
      polygon.pop_back();
    polygons.push_back(std::move(polygon));
  }
  if (polygons.empty()) refuse("the region is empty", "POLYGON ICRS ra dec ra dec ...", "\"" + text + "\"");
  return polygons;
}

}  // namespace tessera::sky
