// Whether a reference file is there and whole.
#pragma once
#include <filesystem>
#include <string>

namespace tessera::refs {

struct ReferenceState {
  enum class Kind { Present, Missing, Broken } kind = Kind::Present;
  std::string reason;  ///< of Broken
};

/// Looks at a file without reading its pixels: FITS headers and the length they promise, the whole of an ASDF or JSON
/// file, of other files that they are not empty.
ReferenceState check_reference(std::filesystem::path const& path);

}  // namespace tessera::refs
