#include "tessera/io/asdf_value.hpp"

#include <fmt/format.h>

#include "tessera/core/contract.hpp"

namespace tessera::io {

namespace {

std::string_view without(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size()) : text;
}

/// "transform/shift-1.2.0" to "transform/shift".
std::string_view without_version(std::string_view text) {
  auto const dash = text.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == text.size()) return text;
  return text.find_first_not_of("0123456789.", dash + 1) == std::string_view::npos ? text.substr(0, dash) : text;
}

}  // namespace

AsdfValue::AsdfValue() = default;
AsdfValue::AsdfValue(bool value) : value_(value) {}
AsdfValue::AsdfValue(int value) : value_(static_cast<std::int64_t>(value)) {}
AsdfValue::AsdfValue(std::int64_t value) : value_(value) {}
AsdfValue::AsdfValue(double value) : value_(value) {}
AsdfValue::AsdfValue(std::string value) : value_(std::move(value)) {}
AsdfValue::AsdfValue(std::string_view value) : value_(std::string(value)) {}
AsdfValue::AsdfValue(char const* value) : value_(std::string(value)) {}
AsdfValue::AsdfValue(Sequence value) : value_(std::move(value)) {}
AsdfValue::AsdfValue(Mapping value) : value_(std::move(value)) {}
AsdfValue::AsdfValue(AsdfValue const&) = default;
AsdfValue::AsdfValue(AsdfValue&&) noexcept = default;
AsdfValue& AsdfValue::operator=(AsdfValue const&) = default;
AsdfValue& AsdfValue::operator=(AsdfValue&&) noexcept = default;
AsdfValue::~AsdfValue() = default;
AsdfValue AsdfValue::sequence(std::initializer_list<AsdfValue> values) { return Sequence(values); }
AsdfValue::AsdfValue(AsdfArray value) : value_(std::make_shared<AsdfArray const>(std::move(value))) {}

AsdfValue AsdfValue::mapping(std::initializer_list<AsdfEntry> entries) { return Mapping(entries); }

AsdfArray const* AsdfValue::array() const {
  auto const* pointer = std::get_if<ArrayPointer>(&value_);
  return pointer ? pointer->get() : nullptr;
}

double AsdfValue::real() const {
  if (auto const* value = integer()) return static_cast<double>(*value);
  auto const* value = std::get_if<double>(&value_);
  TESSERA_EXPECT(value != nullptr);
  return *value;
}

AsdfValue const* AsdfValue::find(std::string_view key) const {
  if (auto const* members = entries())
    for (auto const& entry : *members)
      if (entry.key == key) return &entry.value;
  return nullptr;
}

AsdfValue& AsdfValue::set(std::string key, AsdfValue value) {
  if (is_null()) value_ = Mapping{};
  auto* members = std::get_if<Mapping>(&value_);
  TESSERA_EXPECT(members != nullptr);
  for (auto& entry : *members)
    if (entry.key == key) return entry.value = std::move(value);
  members->push_back({std::move(key), std::move(value)});
  return members->back().value;
}

void AsdfValue::append(AsdfValue value) {
  if (is_null()) value_ = Sequence{};
  auto* items = std::get_if<Sequence>(&value_);
  TESSERA_EXPECT(items != nullptr);
  items->push_back(std::move(value));
}

AsdfValue& AsdfValue::set_tag(std::string tag) {
  tag_ = std::move(tag);
  std::string_view name = without(tag_, "tag:stsci.edu:asdf/");
  if (name.size() == tag_.size()) name = without(name, "tag:stsci.edu:");
  tag_name_ = without_version(name);
  return *this;
}

std::string AsdfValue::kind() const {
  std::string const prefix = tag_name_.empty() ? "" : tag_name_ + ": ";
  if (is_null()) return prefix + "null";
  if (auto const* value = boolean()) return prefix + (*value ? "true" : "false");
  if (auto const* value = integer()) return prefix + std::to_string(*value);
  if (auto const* value = string()) return prefix + fmt::format("'{}'", value->substr(0, 60));
  if (auto const* value = sequence_items()) return prefix + fmt::format("a list of {}", value->size());
  if (auto const* value = entries()) return prefix + fmt::format("a mapping of {}", value->size());
  if (array()) return prefix + "an array";
  return prefix + fmt::format("{}", real());
}

}  // namespace tessera::io
