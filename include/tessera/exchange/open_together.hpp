// One HDF5 file opened by the ranks that own a part of it.
#pragma once
#include <filesystem>
#include <memory>

#include "tessera/io/hdf5_file.hpp"

namespace tessera::exchange {

/// Opens the file for writing on all ranks of the group. Collective. When none can, every rank throws its IoError; when
/// only some can, closing it (collective) would hang them: the job is aborted, and a restart is cheap (design, 8).
std::unique_ptr<io::Hdf5File> open_together(parallel::Communicator const& group, std::filesystem::path const& path);

}  // namespace tessera::exchange
