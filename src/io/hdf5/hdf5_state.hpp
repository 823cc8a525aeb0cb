// What an open Hdf5File holds, shared by the source files that implement it.
#pragma once
#include <map>
#include <string>

#include "hdf5_id.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::io {

struct Hdf5File::State {
  std::filesystem::path path;
  Mode mode = Mode::ReadOnly;
  parallel::Communicator communicator;  ///< kept alive as long as MPI-IO uses it
  bool is_parallel = false;
  hdf5::Id file;
  std::map<std::string, hdf5::Id> datasets;  ///< opened so far: opening again would read the file's metadata again

  /// "/data/mosaic.h5:/a/b", for messages.
  std::string where(std::string const& name) const;
  /// Access list of datasets: pixels go past HDF5's chunk cache to the file where they may be written.
  hdf5::Id dataset_access() const;
  /// The open dataset of that name. Throws IoError, with the nearest name there is.
  hid_t dataset(std::string const& name);
  /// Group or dataset; "" and "/" are the root.
  hdf5::Id object(std::string const& name) const;
  /// Lengths of the axes of an open dataset, slowest first.
  std::vector<hsize_t> shape(hid_t dataset, std::string const& name) const;
  [[noreturn]] void fail_missing(std::string const& what, std::string const& name) const;
};

}  // namespace tessera::io
