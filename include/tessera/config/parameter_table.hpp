// One declaration a step of its parameters: it parses, checks, explains, documents and records them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/config/value.hpp"
#include "tessera/core/error.hpp"

namespace tessera::config {

enum class ParameterType {
  Bool,
  Integer,
  Real,
  Length,  ///< a number that may be written as pixels: "10pix" is resolved with the band's pixel scale
  Text,
  TextOrNumber,  ///< kept as text
  TextOrList,    ///< kept as a list
  List,
  Table,
};

/// What tessera does with a parameter now.
enum class Support {
  Built,
  NotBuilt,  ///< accepted and checked; the run says that it is not yet built
  NoEffect,  ///< accepted; has no meaning here by design (e.g. in_memory)
  Retired,   ///< no longer exists in pjpipe or the official pipeline: only a warning
};

/// What a parameter of type Table holds. Plain values of any other type may be specialised by target, band, channel and
/// instrument; these tables are dictionaries by nature and are not.
enum class Content {
  Plain,       ///< no table
  Free,        ///< names of the user's own: targets, bands, files
  Attributes,  ///< parameters of the table `inner.front()`
  SubSteps,    ///< tables of official steps named in `inner`, beside attributes of the pipeline `inner.front()`
  Iterations,  ///< parameters of `inner.front()`, flat or once in each of iteration1, iteration2, ...
};

struct Parameter {
  std::string key;
  ParameterType type = ParameterType::Text;
  Value default_value;  ///< None: unset
  std::string help;
  std::string unit{};
  std::vector<std::string> allowed{};  ///< of a text, or of the members of a list; empty: any
  std::optional<double> least{};
  std::optional<double> most{};
  Support support = Support::NotBuilt;
  Content content = Content::Plain;
  std::vector<std::string> inner{};
  std::string alias_of{};  ///< the newer name under which this one is resolved

  // Modifiers for declarations: real("radius", 15, "...").in("arcmin").within(0, 60).built()
  Parameter in(std::string new_unit) &&;
  Parameter within(double new_least, double new_most) &&;
  Parameter at_least(double new_least) &&;
  Parameter built() &&;
  Parameter without_effect() &&;
};

/// A table of parameters: the arguments of a pjpipe step, or the attributes of an official one.
struct ParameterTable {
  std::string name;
  std::vector<Parameter> parameters;

  /// The declaration of `key`, or null. Every override_<reference> of an official table is known.
  Parameter const* find(std::string_view key) const;
  /// Keys that a person should use: neither retired nor aliases.
  std::vector<std::string> keys() const;
};

// Declarations.
Parameter boolean(std::string key, Value default_value, std::string help);
Parameter integer(std::string key, Value default_value, std::string help);
Parameter real(std::string key, Value default_value, std::string help);
Parameter length(std::string key, Value default_value, std::string help);
Parameter text(std::string key, Value default_value, std::string help);
Parameter text_or_number(std::string key, Value default_value, std::string help);
Parameter text_or_list(std::string key, Value default_value, std::string help);
Parameter choice(std::string key, Value default_value, std::vector<std::string> allowed, std::string help);
Parameter list(std::string key, Value default_value, std::string help);
Parameter list_of(std::string key, Value default_value, std::vector<std::string> allowed, std::string help);
Parameter dictionary(std::string key, std::string help);
Parameter attributes(std::string key, std::string inner, std::string help);
Parameter iterations(std::string key, std::string inner, std::string help);
Parameter sub_steps(std::string key, std::vector<std::string> inner, std::string help);
Parameter retired(std::string key, std::string help);
Parameter alias(std::string key, std::string alias_of, ParameterTable const& table);

/// "a boolean", "an integer", "a number", "a number, or pixels as '10pix'", ...
std::string type_name(ParameterType type);

/// The value in the form the type is kept in (integers of a Real as reals, one text of TextOrList as a list, ...).
/// "Npix" texts must have been resolved unless `allow_pixels`, when they are left as they are.
/// On failure nothing, and `problem` says what was expected and found; `where` is left to the caller.
std::optional<Value> coerce(Parameter const& parameter, Value const& value, bool allow_pixels, Problem& problem);

}  // namespace tessera::config
