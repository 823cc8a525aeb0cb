// One entry of the ledger as a group of an HDF5 file.
#pragma once
#include <string>

#include "tessera/io/hdf5_file.hpp"
#include "tessera/model/ledger_entry.hpp"

namespace tessera::store {

/// Format: docs/formats/ledger.md.
void write_entry(io::Hdf5File& file, std::string const& group, model::LedgerEntry const& entry);

/// All but identity and step, which the caller knows. `path` names the file in errors (InputError).
model::LedgerEntry read_entry(io::Hdf5File const& file, std::string const& group, std::string const& path);

}  // namespace tessera::store
