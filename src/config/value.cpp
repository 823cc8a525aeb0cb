#include "tessera/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"

namespace tessera::config {

namespace {

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char const letter : text) {
    switch (letter) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(letter) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<int>(letter));
        else
          out += letter;
    }
  }
  return out + "\"";
}

std::string json_real(double value) {
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  std::string text = fmt::format("{}", value);                      // the shortest text that reads back the same
  if (text.find_first_of(".e") == std::string::npos) text += ".0";  // so that it reads back as a real
  return text;
}

}  // namespace

std::string Place::text() const {
  if (file.empty()) return {};
  return line > 0 ? fmt::format("{}:{}:{}", file, line, column) : file;
}

std::string where_text(Place const& place, std::string_view key) {
  std::string text = place.text();
  if (!text.empty() && !key.empty()) text += ": ";
  return text.append(key);
}

Value::Value() = default;
Value::Value(bool value) : data_(value) {}
Value::Value(int value) : data_(std::int64_t{value}) {}
Value::Value(std::int64_t value) : data_(value) {}
Value::Value(double value) : data_(value) {}
Value::Value(char const* value) : data_(std::string(value)) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(Value const&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(Value const&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
Value::Value(List value) : data_(std::move(value)) {}

Value::Value(Table value) : data_(std::move(value)) {
  auto& entries = std::get<Table>(data_);
  std::sort(entries.begin(), entries.end(), [](Entry const& a, Entry const& b) { return a.key < b.key; });
}

bool Value::boolean() const {
  TESSERA_EXPECT(is_bool());
  return std::get<bool>(data_);
}

std::int64_t Value::integer() const {
  TESSERA_EXPECT(is_integer());
  return std::get<std::int64_t>(data_);
}

double Value::number() const {
  TESSERA_EXPECT(is_number());
  return is_integer() ? static_cast<double>(std::get<std::int64_t>(data_)) : std::get<double>(data_);
}

std::string const& Value::text() const {
  TESSERA_EXPECT(is_text());
  return std::get<std::string>(data_);
}

Value::List const& Value::list() const {
  TESSERA_EXPECT(is_list());
  return std::get<List>(data_);
}

Value::Table const& Value::table() const {
  TESSERA_EXPECT(is_table());
  return std::get<Table>(data_);
}

Value const* Value::find(std::string_view key) const {
  if (!is_table()) return nullptr;
  auto const& entries = std::get<Table>(data_);
  auto const found = std::lower_bound(entries.begin(), entries.end(), key,
                                      [](Entry const& entry, std::string_view wanted) { return entry.key < wanted; });
  return found != entries.end() && found->key == key ? &found->value : nullptr;
}

Value& Value::set_place(Place place) {
  place_ = std::move(place);
  return *this;
}

std::string Value::describe() const {
  switch (kind()) {
    case Kind::Text:
      return "the text '" + text() + "'";
    case Kind::Integer:
      return "the number " + json();
    case Kind::Real:
      return "the number " + json();
    case Kind::Bool:
      return "the boolean " + json();
    default:
      return kind_name(kind());
  }
}

std::string Value::json() const {
  switch (kind()) {
    case Kind::None:
      return "null";
    case Kind::Bool:
      return boolean() ? "true" : "false";
    case Kind::Integer:
      return fmt::format("{}", integer());
    case Kind::Real:
      return json_real(number());
    case Kind::Text:
      return json_text(text());
    case Kind::List: {
      std::string out = "[";
      for (auto const& member : list()) out += (out.size() > 1 ? ", " : "") + member.json();
      return out + "]";
    }
    case Kind::Table: {
      std::string out = "{";
      for (auto const& [key, value] : table())
        out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", json_text(key), value.json());
      return out + "}";
    }
  }
  return "null";
}

bool operator==(Value const& a, Value const& b) { return a.data_ == b.data_; }

std::string kind_name(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::None:
      return "nothing";
    case Value::Kind::Bool:
      return "a boolean";
    case Value::Kind::Integer:
      return "an integer";
    case Value::Kind::Real:
      return "a number";
    case Value::Kind::Text:
      return "text";
    case Value::Kind::List:
      return "a list";
    case Value::Kind::Table:
      return "a table";
  }
  return "nothing";
}

}  // namespace tessera::config
