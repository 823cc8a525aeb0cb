// Best references: which file of the CRDS cache an exposure needs, for each type (spec 25, 2.8).
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/refs/crds_cache.hpp"
#include "tessera/refs/exposure_parameters.hpp"

namespace tessera::refs {

/// The answer for one type.
struct SelectedReference {
  enum class Status {
    Found,          ///< `file` at `path` (which need not be there: see check_reference)
    NotApplicable,  ///< CRDS has none for such exposures: the step does without, or is skipped
    Omitted,        ///< the type does not exist for such exposures: as NotApplicable for a step that asks
    Error           ///< the rules have no answer, or a mapping is missing or broken: `reason`
  };
  std::string type;  ///< lower case, "flat", "pars-tweakregstep"
  Status status = Status::Error;
  std::string file;                   ///< of Found: the name, or the path of an override
  std::filesystem::path path;         ///< of Found
  std::string mapping;                ///< the mapping that decided; empty for an override
  std::string reason;                 ///< of the others: one line
  bool is_override = false;           ///< said by the user
  std::vector<std::string> warnings;  ///< of the rules

  bool is_found() const { return status == Status::Found; }
  /// Value of the R_... keyword: "crds://FILE", the path of an override, or "N/A".
  std::string keyword_value() const;
};

/// Chooses references in one context. Mappings are read when first needed and then shared. Choosing may be done by many
/// threads at once; set_override may not be called meanwhile.
class RefSelector {
 public:
  /// `context` as CrdsCache::context takes it. Throws InputError when there is no such context or it is broken.
  explicit RefSelector(CrdsCache cache, std::string_view context = {});

  std::string const& context() const { return context_; }  ///< "jwst_1201.pmap": CRDS_CTX of products
  CrdsCache const& cache() const { return cache_; }

  /// The file for a type, instead of what the rules say; "N/A" for none. Letter case of the type is ignored.
  void set_override(std::string_view type, std::string const& path);

  /// Files that the cache lists as bad may be chosen. Not allowed at the start.
  void allow_bad_files(bool allow) { allows_bad_files_ = allow; }

  /// Never throws for what is wrong with rules, cache or header: that is an Error with its reason. Type "FLAT" is
  /// "flat".
  SelectedReference select(ExposureParameters const& exposure, std::string_view type) const;
  /// For each of `types` in their order; of every type of the instrument, sorted, when `types` is empty. Then types
  /// that are Omitted are left out, as CRDS does. Throws InputError for an instrument that the context does not know
  /// and an instrument mapping that cannot be read.
  std::vector<SelectedReference> select_all(ExposureParameters const& exposure,
                                            std::vector<std::string> const& types = {}) const;

  /// Every type of an instrument ("nircam"), lower case, sorted; none where the context has N/A for it. Throws
  /// InputError for an unknown instrument.
  std::vector<std::string> types(std::string_view instrument) const;

 private:
  CrdsCache cache_;
  std::string context_;
  std::shared_ptr<Mapping const> pipeline_;
  std::map<std::string, std::string> overrides_;
  bool allows_bad_files_ = false;

  /// The .imap of an instrument; null where it is N/A or OMIT. Throws InputError.
  std::shared_ptr<Mapping const> instrument_mapping(std::string_view instrument) const;
  void refuse_bad(std::string const& file) const;
  SelectedReference choose(ExposureParameters const& exposure, std::string const& type) const;
};

}  // namespace tessera::refs
