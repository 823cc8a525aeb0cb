// A value of a configuration file, with the place it was written at.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tessera::config {

/// Where a value stands. Line and column are 1-based; 0 means "not from a file" (a default).
struct Place {
  std::string file{};
  int line = 0;
  int column = 0;

  /// "config.toml:3:7", or empty for a value that stands in no file.
  std::string text() const;
};

/// "config.toml:3:7: parameters.lv3": the `where` of a Problem. Either part may be empty.
std::string where_text(Place const& place, std::string_view key);

struct Entry;

/// None, boolean, integer, real, text, list or table, as TOML has them. Equality looks at the data, not at the place.
class Value {
 public:
  enum class Kind { None, Bool, Integer, Real, Text, List, Table };
  using List = std::vector<Value>;
  using Table = std::vector<Entry>;  ///< sorted by key

  // All defined in value.cpp: what touches the data needs Entry whole, and clang looks at inline functions early.
  Value();
  Value(bool value);
  Value(int value);
  Value(std::int64_t value);
  Value(double value);
  Value(char const* value);
  Value(std::string value);
  Value(Value const&);
  Value(Value&&) noexcept;
  Value& operator=(Value const&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(List value);
  Value(Table value);  ///< sorts the entries by key

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_none() const { return kind() == Kind::None; }
  bool is_bool() const { return kind() == Kind::Bool; }
  bool is_integer() const { return kind() == Kind::Integer; }
  bool is_number() const { return kind() == Kind::Integer || kind() == Kind::Real; }
  bool is_text() const { return kind() == Kind::Text; }
  bool is_list() const { return kind() == Kind::List; }
  bool is_table() const { return kind() == Kind::Table; }

  /// The data; asking for the wrong kind is a ContractViolation.
  bool boolean() const;
  std::int64_t integer() const;
  double number() const;  ///< an integer or a real
  std::string const& text() const;
  List const& list() const;
  Table const& table() const;

  /// The entry of a table, or null (also when this is no table).
  Value const* find(std::string_view key) const;

  Place const& place() const { return place_; }
  Value& set_place(Place place);

  /// For messages: "the text 'abc'", "the number 3", "a table", ...
  std::string describe() const;
  /// JSON text on one line. Real numbers keep all their digits; infinities and NaN, which JSON lacks, become texts.
  std::string json() const;

  friend bool operator==(Value const& a, Value const& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Table> data_;
  Place place_;
};

struct Entry {
  std::string key;
  Value value;
  friend bool operator==(Entry const&, Entry const&) = default;
};

/// "a boolean", "an integer", "a number", "text", "a list", "a table", "nothing".
std::string kind_name(Value::Kind kind);

}  // namespace tessera::config
