// Values of CRDS mapping files: restricted Python source, read without Python (spec 25, 2.2).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::refs {

/// A Python literal, or a selector call `Match({...})`. Immutable once parsed.
struct Literal {
  enum class Kind { None, Bool, Number, Text, Tuple, List, Dict, Call };
  using Entry = std::pair<Literal, Literal>;

  Kind kind = Kind::None;
  std::string text;             ///< Text: its characters; Bool: "True" or "False"; Number: as written; Call: the name
  std::vector<Literal> items;   ///< of a Tuple, a List, or the arguments of a Call
  std::vector<Entry> entries;   ///< of a Dict, in file order; of equal keys the last is kept, in the place of the first
  std::vector<int> duplicates;  ///< of a Dict: lines of keys that replaced an equal one
  int line = 0;                 ///< 1-based

  bool is_text() const { return kind == Kind::Text; }
  bool is_dict() const { return kind == Kind::Dict; }
  bool is_sequence() const { return kind == Kind::Tuple || kind == Kind::List; }
  /// Member of a Dict with this text as its key; null pointer when there is none or this is no Dict.
  Literal const* find(std::string_view key) const;
  /// As Python's str() would print a scalar ("None", "True", "4", the text itself). Other kinds: what they are.
  std::string scalar_text() const;
  /// "a dictionary", "the text 'x'", ...: for messages.
  std::string describe() const;

  friend bool operator==(Literal const& a, Literal const& b);
};

/// A whole file that is one literal (server_config). `name` is what messages call it. Throws InputError naming the
/// line.
Literal parse_literal(std::string_view text, std::string const& name);

/// One assignment of a mapping file, `name = literal`.
struct Assignment {
  std::string name;
  Literal value;
};

/// All assignments of a mapping file, in order. Throws InputError naming the line: anything that is not an assignment
/// of a literal, brackets that do not match, nesting deeper than 60, text that ends inside a string.
std::vector<Assignment> parse_assignments(std::string_view text, std::string const& name);

}  // namespace tessera::refs
