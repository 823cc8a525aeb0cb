#include "tessera/config/resolved_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tessera/core/contract.hpp"

namespace tessera::config {

ResolvedParameter const& ResolvedParameters::at(std::string_view key) const {
  auto const found = by_key.find(std::string(key));
  if (found == by_key.end())
    throw ContractViolation(fmt::format("step {} has no parameter {} (a bug of tessera)", step, key));
  return found->second;
}

bool ResolvedParameters::is_set(std::string_view key) const {
  auto const found = by_key.find(std::string(key));
  return found != by_key.end() && !found->second.value.is_none();
}

bool ResolvedParameters::is_default(std::string_view key) const { return at(key).is_default; }

bool ResolvedParameters::boolean(std::string_view key) const { return at(key).value.boolean(); }

std::int64_t ResolvedParameters::integer(std::string_view key) const { return at(key).value.integer(); }

double ResolvedParameters::real(std::string_view key) const { return at(key).value.number(); }

std::string const& ResolvedParameters::text(std::string_view key) const { return at(key).value.text(); }

std::vector<std::string> ResolvedParameters::texts(std::string_view key) const {
  std::vector<std::string> all;
  for (auto const& member : at(key).value.list()) all.push_back(member.text());
  return all;
}

std::vector<double> ResolvedParameters::numbers(std::string_view key) const {
  std::vector<double> all;
  for (auto const& member : at(key).value.list()) all.push_back(member.number());
  return all;
}

Value const& ResolvedParameters::value(std::string_view key) const { return at(key).value; }

std::optional<std::int64_t> ResolvedParameters::optional_integer(std::string_view key) const {
  auto const& value = at(key).value;
  return value.is_none() ? std::nullopt : std::optional(value.integer());
}

std::optional<double> ResolvedParameters::optional_real(std::string_view key) const {
  auto const& value = at(key).value;
  return value.is_none() ? std::nullopt : std::optional(value.number());
}

std::optional<std::string> ResolvedParameters::optional_text(std::string_view key) const {
  auto const& value = at(key).value;
  return value.is_none() ? std::nullopt : std::optional(value.text());
}

std::string ResolvedParameters::json_of(std::vector<std::string> const& prefixes) const {
  Value::Table parameters;
  for (auto const& entry : by_key)
    if (std::any_of(prefixes.begin(), prefixes.end(),
                    [&](auto const& prefix) { return entry.first.starts_with(prefix); }))
      parameters.push_back({entry.first, entry.second.value});
  return Value(std::move(parameters)).json();
}

std::string ResolvedParameters::json() const {
  Value::Table parameters;
  for (auto const& [key, parameter] : by_key) parameters.push_back({key, parameter.value});
  return Value(Value::Table{{"step", Value(step)},
                            {"target", Value(target)},
                            {"band", Value(band)},
                            {"parameters", Value(std::move(parameters))}})
      .json();
}

}  // namespace tessera::config
