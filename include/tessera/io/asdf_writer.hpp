// Writing ASDF files (spec 25, 1.9).
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/io/asdf_value.hpp"
#include "tessera/sky/gwcs.hpp"

namespace tessera::io {

/// The bytes of an ASDF file with this tree (a mapping): `asdf_library` is put first, arrays go to uncompressed blocks.
std::vector<std::byte> write_asdf(AsdfValue const& tree);

/// An array of the FITS file around an ASDF extension, as the tree names it.
struct FitsArrayReference {
  std::string key;      ///< top-level key, "data", "err", "dq", ...
  std::string extname;  ///< "SCI"
  int extver = 1;
  std::string datatype;             ///< "float32", "uint32"
  std::vector<std::int64_t> shape;  ///< slowest axis first
};

/// The tree of the ASDF extension of a JWST product: `meta` (a mapping or null), `meta.wcs` unless `wcs` is null, and
/// the references.
AsdfValue make_datamodel_tree(AsdfValue meta, sky::Gwcs const* wcs, std::vector<FitsArrayReference> const& arrays);

}  // namespace tessera::io
