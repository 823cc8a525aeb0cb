#include "tessera/config/parameter_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tessera/config/resolve.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::config {

namespace {

Parameter declare(std::string key, ParameterType type, Value default_value, std::string help) {
  Parameter parameter;
  parameter.key = std::move(key);
  parameter.type = type;
  parameter.default_value = std::move(default_value);
  parameter.help = std::move(help);
  if (!parameter.default_value.is_none()) {
    Problem problem;
    auto coerced = coerce(parameter, parameter.default_value, false, problem);
    TESSERA_EXPECT(coerced.has_value());  // a default of another type than declared
    parameter.default_value = std::move(*coerced);
  }
  return parameter;
}

Parameter declare_table(std::string key, Content content, std::vector<std::string> inner, std::string help) {
  Parameter parameter = declare(std::move(key), ParameterType::Table, Value(), std::move(help));
  parameter.content = content;
  parameter.inner = std::move(inner);
  return parameter;
}

std::string join(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string limits_text(Parameter const& parameter) {
  if (parameter.least && parameter.most) return fmt::format(" from {} to {}", *parameter.least, *parameter.most);
  if (parameter.least) return fmt::format(" of at least {}", *parameter.least);
  return {};
}

std::string expected_text(Parameter const& parameter) {
  std::string text = type_name(parameter.type) + limits_text(parameter);
  if (!parameter.unit.empty()) text += " [" + parameter.unit + "]";
  if (!parameter.allowed.empty()) text += ", one of " + join(parameter.allowed);
  return text;
}

bool is_allowed(Parameter const& parameter, Value const& value) {
  if (parameter.allowed.empty()) return true;
  return std::find(parameter.allowed.begin(), parameter.allowed.end(), value.text()) != parameter.allowed.end();
}

std::optional<Value> as_number(Parameter const& parameter, Value const& value) {
  if (!value.is_number()) return std::nullopt;
  double const number = value.number();
  if (parameter.least && !(number >= *parameter.least)) return std::nullopt;
  if (parameter.most && !(number <= *parameter.most)) return std::nullopt;
  if (parameter.type != ParameterType::Integer) return Value(number);
  if (value.is_integer()) return value;
  if (number != std::floor(number) || std::abs(number) > 9e15) return std::nullopt;
  return Value(static_cast<std::int64_t>(number));
}

std::optional<Value> as_text(Parameter const& parameter, Value const& value) {
  if (value.is_number() && parameter.type == ParameterType::TextOrNumber)
    return Value(value.is_integer() ? value.json() : fmt::format("{}", value.number()));
  if (!value.is_text() || !is_allowed(parameter, value)) return std::nullopt;
  return value;
}

std::optional<Value> as_list(Parameter const& parameter, Value const& value) {
  if (parameter.type == ParameterType::TextOrList && value.is_text()) return Value(Value::List{value});
  if (parameter.type == ParameterType::TextOrList && value.is_integer()) return Value(Value::List{value.json()});
  if (!value.is_list()) return std::nullopt;
  for (auto const& member : value.list())
    if (!parameter.allowed.empty() && (!member.is_text() || !is_allowed(parameter, member))) return std::nullopt;
  return value;
}

}  // namespace

Parameter Parameter::in(std::string new_unit) && {
  unit = std::move(new_unit);
  return std::move(*this);
}

Parameter Parameter::within(double new_least, double new_most) && {
  least = new_least;
  most = new_most;
  return std::move(*this);
}

Parameter Parameter::at_least(double new_least) && {
  least = new_least;
  return std::move(*this);
}

Parameter Parameter::built() && {
  support = Support::Built;
  return std::move(*this);
}

Parameter Parameter::without_effect() && {
  support = Support::NoEffect;
  return std::move(*this);
}

Parameter const* ParameterTable::find(std::string_view key) const {
  auto const found =
      std::find_if(parameters.begin(), parameters.end(), [&](Parameter const& each) { return each.key == key; });
  if (found != parameters.end()) return &*found;
  if (!key.starts_with("override_")) return nullptr;
  auto const any = std::find_if(parameters.begin(), parameters.end(),
                                [](Parameter const& each) { return each.key == "override_*"; });
  return any == parameters.end() ? nullptr : &*any;
}

std::vector<std::string> ParameterTable::keys() const {
  std::vector<std::string> names;
  for (auto const& parameter : parameters)
    if (parameter.support != Support::Retired && parameter.alias_of.empty()) names.push_back(parameter.key);
  return names;
}

Parameter boolean(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::Bool, std::move(default_value), std::move(help));
}

Parameter integer(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::Integer, std::move(default_value), std::move(help));
}

Parameter real(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::Real, std::move(default_value), std::move(help));
}

Parameter length(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::Length, std::move(default_value), std::move(help)).in("arcsec");
}

Parameter text(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::Text, std::move(default_value), std::move(help));
}

Parameter text_or_number(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::TextOrNumber, std::move(default_value), std::move(help));
}

Parameter text_or_list(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::TextOrList, std::move(default_value), std::move(help));
}

Parameter choice(std::string key, Value default_value, std::vector<std::string> allowed, std::string help) {
  auto parameter = declare(std::move(key), ParameterType::Text, std::move(default_value), std::move(help));
  parameter.allowed = std::move(allowed);
  TESSERA_EXPECT(parameter.default_value.is_none() || is_allowed(parameter, parameter.default_value));
  return parameter;
}

Parameter list(std::string key, Value default_value, std::string help) {
  return declare(std::move(key), ParameterType::List, std::move(default_value), std::move(help));
}

Parameter list_of(std::string key, Value default_value, std::vector<std::string> allowed, std::string help) {
  auto parameter = declare(std::move(key), ParameterType::List, std::move(default_value), std::move(help));
  parameter.allowed = std::move(allowed);
  return parameter;
}

Parameter dictionary(std::string key, std::string help) {
  return declare_table(std::move(key), Content::Free, {}, std::move(help));
}

Parameter attributes(std::string key, std::string inner, std::string help) {
  return declare_table(std::move(key), Content::Attributes, {std::move(inner)}, std::move(help));
}

Parameter iterations(std::string key, std::string inner, std::string help) {
  return declare_table(std::move(key), Content::Iterations, {std::move(inner)}, std::move(help));
}

Parameter sub_steps(std::string key, std::vector<std::string> inner, std::string help) {
  return declare_table(std::move(key), Content::SubSteps, std::move(inner), std::move(help));
}

Parameter retired(std::string key, std::string help) {
  auto parameter = declare(std::move(key), ParameterType::Text, Value(), std::move(help));
  parameter.support = Support::Retired;
  return parameter;
}

Parameter alias(std::string key, std::string alias_of, ParameterTable const& table) {
  auto const* newer = table.find(alias_of);
  TESSERA_EXPECT(newer != nullptr);
  Parameter parameter = *newer;
  parameter.key = std::move(key);
  parameter.help = "older name of " + alias_of;
  parameter.alias_of = std::move(alias_of);
  return parameter;
}

std::string type_name(ParameterType type) {
  switch (type) {
    case ParameterType::Bool:
      return "true or false";
    case ParameterType::Integer:
      return "an integer";
    case ParameterType::Real:
      return "a number";
    case ParameterType::Length:
      return "a number, or pixels as '10pix'";
    case ParameterType::Text:
      return "text";
    case ParameterType::TextOrNumber:
      return "text or a number";
    case ParameterType::TextOrList:
      return "text or a list";
    case ParameterType::List:
      return "a list";
    case ParameterType::Table:
      return "a table";
  }
  return {};
}

std::optional<Value> coerce(Parameter const& parameter, Value const& value, bool allow_pixels, Problem& problem) {
  std::optional<Value> result;
  switch (parameter.type) {
    case ParameterType::Bool:
      if (value.is_bool()) result = value;
      break;
    case ParameterType::Integer:
    case ParameterType::Real:
    case ParameterType::Length:
      // pjpipe turns "10pix" into a number whatever the parameter; that makes no sense for counts.
      if (allow_pixels && parameter.type != ParameterType::Integer && value.is_text() && pixel_count(value.text()))
        result = value;
      else
        result = as_number(parameter, value);
      break;
    case ParameterType::Text:
    case ParameterType::TextOrNumber:
      result = as_text(parameter, value);
      break;
    case ParameterType::TextOrList:
    case ParameterType::List:
      result = as_list(parameter, value);
      break;
    case ParameterType::Table:
      if (value.is_table()) result = value;
      break;
  }
  if (result) {
    result->set_place(value.place());
    return result;
  }
  bool const is_right_kind = (value.is_text() && !parameter.allowed.empty()) || (value.is_number() && parameter.least);
  problem.what = is_right_kind ? "value not allowed" : "wrong type";
  problem.expected = expected_text(parameter);
  problem.found = value.is_list() ? "the list " + value.json() : value.describe();
  return std::nullopt;
}

}  // namespace tessera::config
