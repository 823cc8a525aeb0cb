// The tree of an ASDF file as plain values (spec 25, 1.2).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tessera/io/asdf_array.hpp"

namespace tessera::io {

struct AsdfEntry;

/// A node: null, bool, integer, real, string, sequence, mapping, or (only in trees to be written) an array. Arrays of a
/// file that was read stay the tagged mapping or list that they are in the file: AsdfDocument::array reads them.
class AsdfValue {
 public:
  using Sequence = std::vector<AsdfValue>;
  using Mapping = std::vector<AsdfEntry>;  ///< in file order
  using ArrayPointer = std::shared_ptr<AsdfArray const>;

  // All defined in asdf_value.cpp: what touches the data needs AsdfEntry whole, and clang looks at inline functions
  // early.
  AsdfValue();
  AsdfValue(bool value);
  AsdfValue(int value);
  AsdfValue(std::int64_t value);
  AsdfValue(double value);
  AsdfValue(std::string value);
  AsdfValue(std::string_view value);
  AsdfValue(char const* value);
  AsdfValue(Sequence value);
  AsdfValue(Mapping value);
  AsdfValue(AsdfArray value);
  AsdfValue(AsdfValue const&);
  AsdfValue(AsdfValue&&) noexcept;
  AsdfValue& operator=(AsdfValue const&);
  AsdfValue& operator=(AsdfValue&&) noexcept;
  ~AsdfValue();
  static AsdfValue mapping(std::initializer_list<AsdfEntry> entries = {});
  static AsdfValue sequence(std::initializer_list<AsdfValue> values = {});

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool const* boolean() const { return std::get_if<bool>(&value_); }
  std::int64_t const* integer() const { return std::get_if<std::int64_t>(&value_); }
  std::string const* string() const { return std::get_if<std::string>(&value_); }
  Sequence const* sequence_items() const { return std::get_if<Sequence>(&value_); }
  Mapping const* entries() const { return std::get_if<Mapping>(&value_); }
  AsdfArray const* array() const;
  /// True for a real or an integer; `real` then is its value.
  bool is_number() const { return std::holds_alternative<double>(value_) || integer(); }
  double real() const;

  /// Member of a mapping; null pointer when there is none or this is no mapping.
  AsdfValue const* find(std::string_view key) const;
  /// Sets (replacing in place) or appends a member of a mapping; a null value becomes a mapping.
  AsdfValue& set(std::string key, AsdfValue value);
  void append(AsdfValue value);  ///< to a sequence; a null value becomes one

  /// Tag without "tag:stsci.edu:asdf/" or "tag:stsci.edu:" and without the version: "transform/shift", "gwcs/step",
  /// "core/ndarray"; other tags as they are but for the version; empty for none.
  std::string_view tag_name() const { return tag_name_; }
  /// The tag in full, "tag:stsci.edu:asdf/transform/shift-1.2.0".
  std::string const& tag() const { return tag_; }
  AsdfValue& set_tag(std::string tag);

  /// "mapping", "sequence of 4", "string 'x'", ...: for messages.
  std::string kind() const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Sequence, Mapping, ArrayPointer> value_;
  std::string tag_, tag_name_;
};

/// One member of a mapping.
struct AsdfEntry {
  std::string key;
  AsdfValue value;
};

}  // namespace tessera::io
