// A local CRDS cache: where mappings, references and its configuration lie (spec 25, 2.1). Never asks a server.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/refs/mapping.hpp"

namespace tessera::refs {

/// The three folders of a cache.
struct CrdsFolders {
  std::filesystem::path mappings, references, config;

  /// Below $CRDS_PATH: root/mappings/jwst and so on; root/mappings where the rules lie there directly (the layout of
  /// CRDS_PATH_SINGLE).
  static CrdsFolders below(std::filesystem::path const& root);
  /// As the environment says, for each folder the first that is set of CRDS_MAPPATH_SINGLE, CRDS_MAPPATH,
  /// CRDS_PATH_SINGLE, CRDS_PATH (MAP, REF, CFG). `root` stands for CRDS_PATH where it is not empty: a configuration's
  /// crds_path. Throws ConfigError where nothing is said.
  static CrdsFolders from_environment(std::filesystem::path const& root = {});
};

/// A cache that is being read. Copies share what was read; all functions may be called from many threads.
class CrdsCache {
 public:
  /// Throws InputError: no such folder, no mappings in it.
  explicit CrdsCache(CrdsFolders folders);

  CrdsFolders const& folders() const;

  /// The .pmap for what a person says: "jwst_1201.pmap"; "latest", "jwst-latest", "jwst-operational", "jwst-edit" of
  /// the cache's server_config; "" is $CRDS_CONTEXT, else the default: the latest of server_config, else the highest
  /// jwst_NNNN.pmap there is. Throws InputError for a context that is not in the cache (naming the nearest that is),
  /// and for names that only a server knows (build contexts, dates).
  std::string context(std::string_view said = {}) const;

  /// All jwst_NNNN.pmap of the cache, lowest first.
  std::vector<std::string> contexts() const;

  /// A mapping, read once. Throws InputError: not in the cache, broken, wrong checksum (unless
  /// CRDS_IGNORE_MAPPING_CHECKSUM is true).
  std::shared_ptr<Mapping const> mapping(std::string const& name) const;

  /// Where a reference lies, or should: the folder of the instrument in its name, of the other instruments, or the flat
  /// folder. A name with a folder is a path; "crds://" in front is dropped.
  std::filesystem::path reference_path(std::string_view file) const;

  /// Whether the cache lists a file (reference or mapping) as bad.
  bool is_bad(std::string_view file) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tessera::refs
