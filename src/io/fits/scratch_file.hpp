// Unpacked copies in the scratch folder, made once and shared by all processes that ask for the same.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "../posix_file.hpp"

namespace tessera::io {

/// SCRATCH/NAME; where it is not there yet, `fill` writes it under a name of this process and it is renamed when
/// complete. Several processes may do so at once: the last rename stands, the contents are the same.
/// Throws IoError with a remedy that names TESSERA_SCRATCH, and what `fill` throws.
std::filesystem::path shared_scratch_file(std::filesystem::path const& scratch, std::string const& name,
                                          std::function<void(PosixFile&)> const& fill);

/// A hash that names `bytes` bytes at `offset` of a file, from their number, their first and last 64 KB and `salt`.
std::string content_name(PosixFile const& file, std::int64_t offset, std::int64_t bytes, std::string const& salt);

}  // namespace tessera::io
