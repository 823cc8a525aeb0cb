// One CRDS mapping: a context (.pmap), an instrument's types (.imap) or the rules of a type (.rmap) (spec 25, 2.2).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/refs/rule_tree.hpp"

namespace tessera::refs {

/// SHA-1 in lower-case hexadecimal: what CRDS publishes of its files.
std::string sha1(std::string_view bytes);

/// SHA-1 as a mapping states it of itself: of its text without the lines that contain "sha1sum".
std::string mapping_checksum(std::string_view text);

struct Mapping {
  std::string name;                            ///< "jwst_miri_flat_0123.rmap"
  std::map<std::string, std::string> members;  ///< .pmap, .imap: instrument or type in upper case -> mapping, N/A, OMIT
  std::optional<RuleTree> rules;               ///< .rmap
  std::vector<std::string> warnings;           ///< keys said twice: the last one counts, as for CRDS

  /// `name` decides by its ending what it is. Throws InputError: text that cannot be read, no header or selector, a
  /// checksum that is stated and wrong (unless `verify` is false), what RuleTree::compile finds.
  static Mapping parse(std::string_view text, std::string const& name, bool verify = true);
};

}  // namespace tessera::refs
