// What an exposure says about itself, by the names that CRDS rules use (spec 25, 2.3).
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "tessera/model/header.hpp"

namespace tessera::refs {

/// Parameters of an exposure: "META.INSTRUMENT.FILTER" -> "F770W". Names in upper case; values as the header has them
/// (logicals as T and F), conditioned only when they are compared. An absent parameter is UNDEFINED.
class ExposureParameters {
 public:
  ExposureParameters() = default;

  /// From the primary header of a JWST file: every keyword of the JWST image products.
  static ExposureParameters from_header(model::Header const& primary);
  /// From the primary header of a FITS file. Throws InputError: no such file, no FITS, no INSTRUME.
  static ExposureParameters read(std::filesystem::path const& path);

  /// `name` is a parameter ("meta.instrument.filter") or the FITS keyword of one ("FILTER"); letter case is ignored.
  /// The last value said counts.
  void set(std::string_view name, std::string value);

  /// As it was set; "UNDEFINED" where it was not.
  std::string const& value(std::string_view parameter) const;
  bool has(std::string_view parameter) const;
  std::map<std::string, std::string> const& all() const { return values_; }

  /// INSTRUME in lower case, "nircam"; empty when there is none.
  std::string instrument() const;

 private:
  std::map<std::string, std::string> values_;
};

/// Parameter of a FITS keyword, "META.INSTRUMENT.FILTER" of "FILTER"; empty when it has none.
std::string parameter_of_keyword(std::string_view keyword);

/// `DATE TIME` as UseAfter compares it: "YYYY-MM-DD HH:MM:SS", with six more digits where the time has a fraction
/// (digits after the microseconds are cut). Takes YYYY-MM-DD, YYYY/MM/DD and MM/DD/YYYY, a T or a blank before the time
/// HH:MM[:SS[.f]]. Throws InputError.
std::string normal_date_time(std::string_view text);

}  // namespace tessera::refs
