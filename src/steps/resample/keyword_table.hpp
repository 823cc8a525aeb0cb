// The keywords of JWST image products. Private to resample.
#pragma once
#include <vector>

namespace tessera::steps {

enum class KeywordKind { Text, Real, Integer, Logical };

struct ImageKeyword {
  char const* keyword;  ///< FITS keyword
  char const* path;     ///< place in the metadata tree, "meta.instrument.name"
  KeywordKind kind;
  bool in_sci;  ///< in the SCI header rather than the primary
};

/// In the order of the official schema.
std::vector<ImageKeyword> const& image_keywords();

}  // namespace tessera::steps
