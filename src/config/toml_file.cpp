#include "tessera/config/toml_file.hpp"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <fstream>
#include <sstream>

#include "tessera/core/error.hpp"

namespace tessera::config {

namespace {

Place place_of(toml::source_region const& source, std::string const& file) {
  return {file, static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

Value convert(toml::node const& node, std::string const& file);

Value convert_table(toml::table const& table, std::string const& file) {
  Value::Table entries;
  for (auto const& [key, node] : table) {
    Value value = convert(node, file);
    // A person looks for the key; the value of a long list may start lines below it.
    if (key.source().begin.line > 0) value.set_place(place_of(key.source(), file));
    entries.push_back({std::string(key.str()), std::move(value)});
  }
  return Value(std::move(entries));
}

Value convert(toml::node const& node, std::string const& file) {
  Value value;
  if (auto const* table = node.as_table()) {
    value = convert_table(*table, file);
  } else if (auto const* array = node.as_array()) {
    Value::List members;
    for (auto const& member : *array) members.push_back(convert(member, file));
    value = Value(std::move(members));
  } else if (auto const* boolean = node.as_boolean()) {
    value = Value(boolean->get());
  } else if (auto const* integer = node.as_integer()) {
    value = Value(std::int64_t{integer->get()});
  } else if (auto const* real = node.as_floating_point()) {
    value = Value(real->get());
  } else if (auto const* text = node.as_string()) {
    value = Value(text->get());
  } else {
    throw ConfigError({.what = "a date or time, which no parameter is",
                       .where = place_of(node.source(), file).text(),
                       .remedy = "write it as text, in quotes"});
  }
  value.set_place(place_of(node.source(), file));
  return value;
}

}  // namespace

Value parse_toml(std::string_view text, std::string_view name) {
  std::string const file(name);
  try {
    return convert(toml::parse(text, file), file);
  } catch (toml::parse_error const& failure) {
    throw ConfigError({.what = "not valid TOML",
                       .where = place_of(failure.source(), file).text(),
                       .found = std::string(failure.description()),
                       .remedy = "correct this line"});
  }
}

Value read_toml(std::filesystem::path const& path) {
  std::ifstream stream(path);
  std::stringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream || !std::filesystem::is_regular_file(path))
    throw ConfigError({.what = "cannot read this file",
                       .where = path.string(),
                       .expected = "a TOML file",
                       .found = std::filesystem::exists(path) ? "something unreadable" : "nothing",
                       .remedy = "check the path and its permissions"});
  return parse_toml(text.str(), path.string());
}

}  // namespace tessera::config
