// The rules of one reference type: from exposure parameters to a file (spec 25, 2.4 to 2.7).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tessera/refs/exposure_parameters.hpp"
#include "tessera/refs/literal.hpp"

namespace tessera::refs {

/// What the rules say for one exposure.
struct RuleOutcome {
  enum class Kind { File, NotApplicable, Omitted };
  Kind kind = Kind::File;
  std::string file;                   ///< of a File
  std::string reason;                 ///< of the others: what in the rules says so
  std::vector<std::string> warnings;  ///< expressions that could not be evaluated
};

/// Kind of a value that stands where a file name may: N/A, TEMP_N/A, n/a; OMIT, TEMP_OMIT, omit; else a File.
RuleOutcome outcome_of_value(std::string const& value);

/// A compiled rmap. Immutable; used by many threads.
class RuleTree {
 public:
  /// `header` and `selector` of the mapping called `name`. Throws InputError: parkey missing or of another shape, keys
  /// that do not fit it, elements, dates or expressions that cannot be read, selectors other than Match and UseAfter.
  static RuleTree compile(Literal const& header, Literal const& selector, std::string const& name);

  /// Throws InputError where the rules have no answer: a value that no rule lists, no match, a tie that may not be
  /// merged, a date that is missing or cannot be read, a parameter relevance that cannot be evaluated. Where the header
  /// says reffile_required = 'no', these are N/A.
  RuleOutcome select(ExposureParameters const& exposure) const;

  /// Parameters that rules and expressions look at.
  std::vector<std::string> const& parameters() const;

  struct Rules;

 private:
  std::shared_ptr<Rules const> rules_;
};

}  // namespace tessera::refs
