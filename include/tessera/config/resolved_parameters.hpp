// The parameters of one step for one (target, band): every value decided, none left to specialise.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/parameter_table.hpp"

namespace tessera::config {

struct ResolvedParameter {
  Value value;             ///< coerced to `type`; None where nothing is set and there is no default
  bool is_default = true;  ///< false: the configuration says so
  ParameterType type = ParameterType::Text;
  Support support = Support::NotBuilt;
};

/// Values by dotted key below the step, e.g. "jwst_parameters.resample.pixfrac". All declared keys are there, save
/// those without effect that are not set. Asking for a key that was not declared, for another type, or for a value that
/// is unset (where no optional is asked for) is a ContractViolation: a mistake of the program, not of the user.
class ResolvedParameters {
 public:
  std::string step;
  std::string target;
  std::string band;  ///< empty for combined steps
  std::map<std::string, ResolvedParameter> by_key;

  bool is_set(std::string_view key) const;  ///< has a value, from the configuration or by default
  bool is_default(std::string_view key) const;

  bool boolean(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  double real(std::string_view key) const;
  std::string const& text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  Value const& value(std::string_view key) const;

  std::optional<std::int64_t> optional_integer(std::string_view key) const;
  std::optional<double> optional_real(std::string_view key) const;
  std::optional<std::string> optional_text(std::string_view key) const;

  /// {"step": ..., "target": ..., "band": ..., "parameters": {dotted key: value, ...}}, keys sorted: provenance.
  std::string json() const;
  /// {dotted key: value, ...} of the keys that start with one of `prefixes`, sorted: what a part of a step depends on.
  std::string json_of(std::vector<std::string> const& prefixes) const;

 private:
  ResolvedParameter const& at(std::string_view key) const;
};

}  // namespace tessera::config
