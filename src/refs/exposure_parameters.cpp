#include "tessera/refs/exposure_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "keyword_parameters.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/refs/match_element.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

std::string header_value(model::Header const& header, std::string_view keyword) {
  if (auto const text = header.text(keyword)) return *text;
  if (auto const flag = header.logical(keyword)) return *flag ? "T" : "F";
  if (auto const integer = header.integer(keyword)) return std::to_string(*integer);
  if (auto const real = header.real(keyword)) return fmt::format("{}", *real);
  return "";
}

bool are_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
}

/// An unsigned number of exactly `width` digits, at most `most`; -1 for anything else.
int number_of(std::string_view text, std::size_t width, int most) {
  if (text.size() != width || !are_digits(text)) return -1;
  int const value = std::stoi(std::string(text));
  return value <= most ? value : -1;
}

}  // namespace

std::string parameter_of_keyword(std::string_view keyword) {
  auto const wanted = upper(strip(keyword));
  for (auto const& [name, parameter] : keyword_parameters())
    if (name == wanted) return parameter;
  return "";
}

ExposureParameters ExposureParameters::from_header(model::Header const& primary) {
  ExposureParameters parameters;
  for (auto const& [keyword, parameter] : keyword_parameters())
    if (primary.has(keyword) && !parameters.has(parameter))
      if (auto value = header_value(primary, keyword); !value.empty()) parameters.values_[parameter] = std::move(value);
  return parameters;
}

ExposureParameters ExposureParameters::read(std::filesystem::path const& path) {
  auto const hdus = io::read_headers(path);
  auto parameters = from_header(hdus.front().header);
  if (parameters.instrument().empty())
    throw InputError({"no JWST exposure", path.string(), "INSTRUME in the primary header", "none", ""});
  return parameters;
}

void ExposureParameters::set(std::string_view name, std::string value) {
  auto parameter = parameter_of_keyword(name);
  if (parameter.empty()) parameter = upper(strip(name));
  values_[parameter] = std::move(value);
}

std::string const& ExposureParameters::value(std::string_view parameter) const {
  static std::string const undefined(Undefined);
  auto const found = values_.find(upper(parameter));
  return found == values_.end() ? undefined : found->second;
}

bool ExposureParameters::has(std::string_view parameter) const { return values_.count(upper(parameter)) > 0; }

std::string ExposureParameters::instrument() const {
  return has("META.INSTRUMENT.NAME") ? lower(strip(value("META.INSTRUMENT.NAME"))) : "";
}

std::string normal_date_time(std::string_view raw) {
  auto const text = strip(raw);
  auto const fail = [&]() -> InputError {
    return InputError({"no date and time", "", "YYYY-MM-DD HH:MM:SS", fmt::format("'{}'", text), ""});
  };
  auto const gap = text.find_first_of(" T");
  if (gap == std::string_view::npos) throw fail();
  auto const date = text.substr(0, gap), time = strip(text.substr(gap + 1));

  auto fields = split(date, date.find('/') == std::string_view::npos ? '-' : '/');
  if (fields.size() != 3) throw fail();
  if (date.find('/') != std::string_view::npos && fields[2].size() == 4)  // MM/DD/YYYY
    fields = {fields[2], fields[0], fields[1]};
  int const year = number_of(fields[0], 4, 9999), month = number_of(fields[1], 2, 12),
            day = number_of(fields[2], 2, 31);
  if (year < 0 || month < 1 || day < 1) throw fail();

  auto const parts = split(time, ':');
  if (parts.size() < 2 || parts.size() > 3) throw fail();
  int const hour = number_of(parts[0], 2, 23), minute = number_of(parts[1], 2, 59);
  int second = 0;
  std::string fraction;
  if (parts.size() == 3) {
    auto const point = parts[2].find('.');
    second = number_of(parts[2].substr(0, point), 2, 60);
    if (point != std::string::npos) {
      fraction = parts[2].substr(point + 1);
      if (!fraction.empty() && !are_digits(fraction)) throw fail();
    }
  }
  if (hour < 0 || minute < 0 || second < 0) throw fail();
  auto normal = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", year, month, day, hour, minute, second);
  fraction.resize(6, '0');
  return fraction == "000000" ? normal : normal + "." + fraction;
}

}  // namespace tessera::refs
