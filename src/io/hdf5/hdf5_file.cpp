// Opening, closing, and finding one's way in an HDF5 file.
#include "tessera/io/hdf5_file.hpp"

#include <mpi.h>

#include <algorithm>

#include "hdf5_state.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::io {

using hdf5::checked;
using hdf5::Id;
using hdf5::own;

namespace {

Id make_access_list(parallel::Communicator const& communicator, bool is_parallel, std::string const& where) {
  auto list = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "cannot set up HDF5", where);
  // Closing the file closes what is still open in it, so that a file is never left half closed.
  checked(H5Pset_fclose_degree(list, H5F_CLOSE_STRONG), "cannot set up HDF5", where);
  if (is_parallel)
    checked(H5Pset_fapl_mpio(list, *static_cast<MPI_Comm const*>(communicator.native()), MPI_INFO_NULL),
            "cannot set up parallel HDF5", where);
  else  // file systems without locks (Lustre without -o flock) are no reason to fail
    checked(H5Pset_file_locking(list, true, true), "cannot set up HDF5", where);
  return list;
}

Id open_file(std::filesystem::path const& path, Hdf5File::Mode mode, hid_t access) {
  auto const text = path.string();
  switch (mode) {
    case Hdf5File::Mode::Create:
      return own(H5Fcreate(text.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, "cannot create HDF5 file",
                 text);
    case Hdf5File::Mode::ReadWrite:
      return own(H5Fopen(text.c_str(), H5F_ACC_RDWR, access), H5Fclose, "cannot open HDF5 file for writing", text);
    case Hdf5File::Mode::ReadOnly:
      break;
  }
  return own(H5Fopen(text.c_str(), H5F_ACC_RDONLY, access), H5Fclose, "cannot open HDF5 file", text);
}

herr_t add_name(hid_t, char const* name, H5L_info_t const*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

std::string Hdf5File::State::where(std::string const& name) const {
  return path.string() + ":" + (name.starts_with('/') ? "" : "/") + name;
}

void Hdf5File::State::fail_missing(std::string const& what, std::string const& name) const {
  auto const slash = name.find_last_of('/');
  auto const group = slash == std::string::npos ? std::string() : name.substr(0, slash);
  std::vector<std::string> known;
  Id const parent(H5Gopen2(file, group.empty() ? "/" : group.c_str(), H5P_DEFAULT), H5Gclose);
  if (parent >= 0) H5Literate(parent, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &known);
  H5Eclear2(H5E_DEFAULT);
  throw IoError(
      {.what = what,
       .where = where(name),
       .remedy = known.empty() ? "" : suggest_name(slash == std::string::npos ? name : name.substr(slash + 1), known)});
}

Id Hdf5File::State::dataset_access() const {
  auto list = own(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, "cannot set up HDF5", path.string());
  if (mode != Mode::ReadOnly)
    checked(H5Pset_chunk_cache(list, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, 0, H5D_CHUNK_CACHE_W0_DEFAULT),
            "cannot set up HDF5", path.string());
  return list;
}

hid_t Hdf5File::State::dataset(std::string const& name) {
  if (auto const known = datasets.find(name); known != datasets.end()) return known->second;
  Id opened(H5Dopen2(file, name.c_str(), dataset_access()), H5Dclose);
  if (opened < 0) fail_missing("no such dataset", name);
  return datasets.emplace(name, std::move(opened)).first->second;
}

Id Hdf5File::State::object(std::string const& name) const {
  Id opened(H5Oopen(file, name.empty() ? "/" : name.c_str(), H5P_DEFAULT), H5Oclose);
  if (opened < 0) fail_missing("no such group or dataset", name);
  return opened;
}

std::vector<hsize_t> Hdf5File::State::shape(hid_t dataset, std::string const& name) const {
  auto const space = own(H5Dget_space(dataset), H5Sclose, "cannot read the shape of a dataset", where(name));
  std::vector<hsize_t> axes(static_cast<std::size_t>(
      checked(H5Sget_simple_extent_ndims(space), "cannot read the shape of a dataset", where(name))));
  checked(H5Sget_simple_extent_dims(space, axes.data(), nullptr), "cannot read the shape of a dataset", where(name));
  return axes;
}

Hdf5File::Hdf5File(std::filesystem::path const& path, Mode mode) : Hdf5File(path, mode, parallel::Communicator()) {}

Hdf5File::Hdf5File(std::filesystem::path const& path, Mode mode, parallel::Communicator const& communicator)
    : state_(std::make_unique<State>()) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // failures are thrown, not printed
  bool const is_parallel = communicator.size() > 1;
  TESSERA_EXPECT(!(is_parallel && mode == Mode::Create));
  state_->path = path;
  state_->mode = mode;
  state_->communicator = communicator;
  state_->is_parallel = is_parallel;
  state_->file = open_file(path, mode, make_access_list(communicator, is_parallel, path.string()));
}

Hdf5File::~Hdf5File() = default;

void Hdf5File::close() {
  state_->datasets.clear();
  checked(state_->file.close(), "cannot close HDF5 file", state_->path.string());
}

void Hdf5File::flush() {
  checked(H5Fflush(state_->file, H5F_SCOPE_GLOBAL), "cannot write HDF5 file", state_->path.string());
}

bool Hdf5File::has(std::string const& name) const {
  // HDF5 asks for every group on the way.
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    auto const part = name.substr(0, end);
    if (!part.empty() && part != "/" && H5Lexists(state_->file, part.c_str(), H5P_DEFAULT) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      return false;
    }
    if (end == std::string::npos) return true;
  }
}

std::vector<std::string> Hdf5File::names(std::string const& group) const {
  Id const opened(H5Gopen2(state_->file, group.empty() ? "/" : group.c_str(), H5P_DEFAULT), H5Gclose);
  if (opened < 0) state_->fail_missing("no such group", group);
  std::vector<std::string> found;
  checked(H5Literate(opened, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &found), "cannot list a group",
          state_->where(group));
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace tessera::io
