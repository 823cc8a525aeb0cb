// Expressions of mapping headers: relevance and omission (spec 25, 2.6).
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::refs {

/// Names and conditioned values that an expression may use. Names are looked up as they are written.
using ExpressionNames = std::map<std::string, std::string, std::less<>>;

/// An expression that is well formed but has no value here: an unknown name, an order between text and a number.
struct ExpressionError : InputError {
  using InputError::InputError;
};

/// A parsed expression: comparisons (chained too), in, not in, and, or, not, a if c else b, brackets, names with dots,
/// texts, numbers, tuples, lists, True, False, None; with Python's meaning, `in` of a text included.
class Expression {
 public:
  /// `name` is what messages call it. Throws InputError for text that is no such expression.
  static Expression parse(std::string_view text, std::string const& name);

  /// Whether its value counts as true (not empty, not zero). What is not evaluated (the right side of a decided `and`)
  /// may hold unknown names. Throws ExpressionError.
  bool is_true(ExpressionNames const& names) const;

  struct Node;

 private:
  std::shared_ptr<Node const> root_;
  std::string name_;
};

}  // namespace tessera::refs
