// Ledger entries as bytes, for messages and journals.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "tessera/model/ledger_entry.hpp"

namespace tessera::store {

/// All fields, doubles with their bits (CBOR).
std::vector<std::byte> pack_entries(std::vector<model::LedgerEntry> const& entries);
/// Throws InputError for bytes that pack_entries did not make.
std::vector<model::LedgerEntry> unpack_entries(std::span<std::byte const> bytes);

}  // namespace tessera::store
