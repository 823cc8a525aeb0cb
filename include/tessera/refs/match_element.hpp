// One element of a rule key against one value of an exposure (spec 25, 2.3 and 2.4).
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::refs {

/// Value of a parameter that the exposure does not have.
inline constexpr std::string_view Undefined = "UNDEFINED";

/// Text of an exposure value or of a part of a rule key as both are compared: blanks stripped, upper case, numbers as
/// the shortest decimal text of the float ("4" is "4.0", "1e3" is "1000.0"), the ways to say N/A, ANY, true and false
/// made one ("N/A", "*", "T", "F").
std::string condition_value(std::string_view text);

/// A compiled element. Status against a conditioned value: +1 match, 0 does not care, -1 no match.
class MatchElement {
 public:
  /// `text` as it stands in the rule, after substitutions: or-lists are split and conditioned here. Throws InputError
  /// for a relation without a number, BETWEEN with a > b, and a broken regular expression.
  static MatchElement compile(std::string_view text);

  int status(std::string_view conditioned) const;

  /// As compared: conditioned, or-lists sorted and joined by "|".
  std::string const& text() const { return text_; }
  /// Whole-element forms that switch the check of values off: {..}, (..), #..#, BETWEEN.., NOT...
  bool is_esoteric() const { return is_esoteric_; }
  /// Values that the element lists literally: the parts of an or-list, else the element itself.
  std::vector<std::string> listed_values() const;

 private:
  enum class Kind { NotApplicable, Equal, Glob, Literal, Regex, Relation, Between, Both, Either, Not };
  struct Expression;  // a compiled regular expression
  Kind kind_ = Kind::Equal;
  std::string text_;
  bool is_esoteric_ = false;
  std::vector<std::string> alternatives_;  ///< Glob
  std::string operator_;                   ///< Relation: > >= < <=
  double low_ = 0, high_ = 0;              ///< Relation: low_; Between: both
  std::vector<MatchElement> parts_;        ///< Both, Either, Not
  std::shared_ptr<Expression const> expression_;

  static MatchElement compile_part(std::string const& text);
};

/// Python's fnmatch without folding of letters: * ? [set] [!set], the whole value.
bool matches_glob(std::string_view value, std::string_view pattern);

}  // namespace tessera::refs
