#include "region_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numbers>
#include <optional>
#include <string>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

constexpr std::array<std::string_view, 3> SkySystems{"icrs", "fk5", "j2000"};
constexpr std::array<std::string_view, 9> OtherSystems{"physical", "fk4",      "b1950",     "galactic", "ecliptic",
                                                       "wcs",      "detector", "amplifier", "linear"};
constexpr std::array<std::string_view, 8> WithoutArea{"point",      "line",  "text",    "vector",
                                                      "projection", "ruler", "compass", "segment"};

template <class List>
bool is_among(std::string_view word, List const& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string_view trimmed(std::string_view text) {
  auto const is_space = [](char letter) { return std::isspace(static_cast<unsigned char>(letter)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& letter : made) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return made;
}

std::optional<double> number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// 12:34:56.7, 12h34m56.7s, 12d34m56.7s: whole units, minutes, seconds.
std::optional<double> sexagesimal(std::string_view text) {
  double sign = 1;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    if (text.front() == '-') sign = -1;
    text.remove_prefix(1);
  }
  double value = 0, unit = 1;
  int parts = 0;
  while (!text.empty()) {
    auto const end = std::min(text.find_first_of(":hdms"), text.size());
    auto const part = number(text.substr(0, end));
    if (!part || *part < 0 || ++parts > 3 || (parts > 1 && *part >= 60)) return std::nullopt;
    value += *part * unit;
    unit /= 60;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (parts == 0) return std::nullopt;
  return sign * value;
}

class RegionParser {
 public:
  explicit RegionParser(std::string_view name) : name_(name) {}

  std::vector<Region> parse(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      auto const end = std::min(text.find('\n'), text.size());
      parse_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (regions_.empty()) fail("no region", "circle, ellipse, box or polygon", "none");
    return std::move(regions_);
  }

 private:
  enum class System { None, Image, Sky };
  std::string_view name_;
  int line_ = 0;
  System system_ = System::None;
  std::vector<Region> regions_;

  [[noreturn]] void fail(std::string what, std::string expected, std::string_view found) const {
    throw InputError({.what = std::move(what),
                      .where = fmt::format("{}, line {}", name_, line_),
                      .expected = std::move(expected),
                      .found = std::string(found),
                      .remedy = "correct the region file, or save it again with DS9 in image or icrs coordinates"});
  }

  void parse_line(std::string_view line) {
    line = line.substr(0, line.find('#'));
    while (!line.empty()) {
      auto const end = std::min(line.find(';'), line.size());
      if (auto const command = trimmed(line.substr(0, end)); !command.empty()) parse_command(command);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
  }

  void parse_command(std::string_view command) {
    bool excludes = false;
    if (command.front() == '-' || command.front() == '+') {
      excludes = command.front() == '-';
      command = trimmed(command.substr(1));
    }
    auto const word_end = std::find_if(command.begin(), command.end(), [](char letter) {
      return std::isalnum(static_cast<unsigned char>(letter)) == 0;
    });
    auto const word = lower(command.substr(0, static_cast<std::size_t>(word_end - command.begin())));
    auto const rest = trimmed(command.substr(word.size()));
    if (word == "global") return;
    if (word == "image") {
      system_ = System::Image;
    } else if (is_among(word, SkySystems)) {
      system_ = System::Sky;
    } else if (is_among(word, OtherSystems)) {
      fail("this system of coordinates is not known here", "image, icrs or fk5", word);
    } else if (!is_among(word, WithoutArea)) {
      add_shape(word, rest, excludes);
      return;
    }
    if (!is_among(word, WithoutArea) && !rest.empty()) parse_command(rest);  // "fk5 circle(...)"
  }

  std::vector<std::string> split_arguments(std::string_view text) const {
    if (!text.empty() && text.front() == '(') {
      auto const end = text.find(')');
      if (end == std::string_view::npos) fail("a bracket is not closed", ")", text);
      text = text.substr(1, end - 1);
    }
    std::vector<std::string> arguments;
    std::string one;
    for (char const letter : text)
      if (letter == ',' || std::isspace(static_cast<unsigned char>(letter)) != 0) {
        if (!one.empty()) arguments.push_back(std::move(one));
        one.clear();
      } else {
        one += letter;
      }
    if (!one.empty()) arguments.push_back(std::move(one));
    return arguments;
  }

  double length(std::string const& text) const {
    double factor = 1;
    std::string_view digits = text;
    if (system_ == System::Sky && !digits.empty()) {
      char const last = digits.back();
      if (last == '"' || last == '\'' || last == 'd' || last == 'r') digits.remove_suffix(1);
      factor = last == '"' ? 1 / 3600.0 : last == '\'' ? 1 / 60.0 : last == 'r' ? 180 / std::numbers::pi : 1;
    }
    auto const value = number(digits);
    if (!value || !(*value > 0))
      fail("not a length", system_ == System::Sky ? "degrees, or a number with ' \" d or r behind it" : "pixels", text);
    return *value * factor;
  }

  PlanePoint position(std::string const& x, std::string const& y) const {
    auto const read = [&](std::string const& text, bool is_first) {
      auto value = number(text);
      bool const is_sexagesimal = !value && system_ == System::Sky;
      if (is_sexagesimal) value = sexagesimal(lower(text));
      if (!value) fail("not a position", system_ == System::Sky ? "degrees or sexagesimal" : "pixels", text);
      bool const is_hours = is_sexagesimal && is_first && lower(text).find('d') == std::string::npos;
      return is_hours ? *value * 15 : *value;
    };
    PlanePoint const point{read(x, true), read(y, false)};
    if (system_ == System::Image) return {point.x - 1, point.y - 1};
    if (std::abs(point.y) > 90) fail("not a declination", "-90 to 90", y);
    return point;
  }

  void add_shape(std::string const& word, std::string_view rest, bool excludes) {
    using Shape = Region::Shape;
    Region region;
    region.excludes = excludes;
    std::size_t wanted = 0;
    if (word == "circle") {
      region.shape = Shape::Circle;
      wanted = 3;
    } else if (word == "ellipse" || word == "box" || word == "rotbox") {
      region.shape = word == "ellipse" ? Shape::Ellipse : Shape::Box;
      wanted = 5;
    } else if (word == "polygon") {
      region.shape = Shape::Polygon;
    } else {
      fail("this shape is not known here", "circle, ellipse, box or polygon", word);
    }
    if (system_ == System::None) fail("no system of coordinates before this region", "a line image, icrs or fk5", word);
    region.is_sky = system_ == System::Sky;
    auto const arguments = split_arguments(rest);
    if (region.shape == Shape::Polygon) {
      if (arguments.size() < 6 || arguments.size() % 2 != 0)
        fail("wrong number of arguments", "three corners or more, x and y of each",
             fmt::format("{}", arguments.size()));
      for (std::size_t k = 0; k < arguments.size(); k += 2)
        region.points.push_back(position(arguments[k], arguments[k + 1]));
    } else {
      bool const without_angle = wanted == 5 && arguments.size() == 4;
      if (arguments.size() != wanted && !without_angle)
        fail("wrong number of arguments", fmt::format("{} for a {}", wanted, word),
             fmt::format("{}", arguments.size()));
      region.points.push_back(position(arguments[0], arguments[1]));
      region.radius_x = region.radius_y = length(arguments[2]);
      if (wanted == 5) region.radius_y = length(arguments[3]);
      if (region.shape == Shape::Box) {
        region.radius_x /= 2;
        region.radius_y /= 2;
      }
      if (wanted == 5 && !without_angle) {
        auto const angle = number(arguments[4]);
        if (!angle) fail("not an angle", "degrees", arguments[4]);
        region.angle = *angle;
      }
    }
    regions_.push_back(std::move(region));
  }
};

}  // namespace

bool Region::contains(PlanePoint point) const {
  if (shape == Shape::Polygon) {  // even-odd rule
    bool inside = false;
    for (std::size_t k = 0, j = points.size() - 1; k < points.size(); j = k++) {
      auto const &a = points[k], &b = points[j];
      if ((a.y > point.y) != (b.y > point.y) && point.x < a.x + (b.x - a.x) * (point.y - a.y) / (b.y - a.y))
        inside = !inside;
    }
    return inside;
  }
  auto const centre = is_sky ? PlanePoint{} : points.front();
  double const c = std::cos(angle * std::numbers::pi / 180), s = std::sin(angle * std::numbers::pi / 180);
  double const dx = point.x - centre.x, dy = point.y - centre.y;
  double const u = (c * dx + s * dy) / radius_x, v = (c * dy - s * dx) / radius_y;
  return shape == Shape::Box ? std::abs(u) <= 1 && std::abs(v) <= 1 : u * u + v * v <= 1;
}

std::vector<Region> parse_regions(std::string_view text, std::string_view name) {
  return RegionParser(name).parse(text);
}

std::vector<Region> read_region_file(std::filesystem::path const& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    throw InputError({.what = "the region file cannot be read",
                      .where = file.string(),
                      .expected = "a DS9 region file",
                      .found = "none",
                      .remedy = "correct single_tile_destripe.region_mask"});
  std::string const text{std::istreambuf_iterator<char>(stream), {}};
  return parse_regions(text, file.string());
}

}  // namespace tessera::steps
