// One-dimensional arrays of Hdf5File.
#include <algorithm>

#include "hdf5_state.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

using hdf5::checked;
using hdf5::own;

namespace {

struct ElementType {
  hid_t file, memory;
};
ElementType element_type(double) { return {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE}; }
ElementType element_type(float) { return {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT}; }
ElementType element_type(std::int64_t) { return {H5T_STD_I64LE, H5T_NATIVE_INT64}; }
ElementType element_type(std::uint8_t) { return {H5T_STD_U8LE, H5T_NATIVE_UINT8}; }

/// Elements of a compressed chunk: large enough to compress well, small enough for the chunk cache.
constexpr hsize_t compressed_chunk = 1 << 18;

template <class T, class State>
void write_elements(State& state, bool replace, std::string const& name, std::span<T const> values, bool compress) {
  TESSERA_EXPECT(!state.is_parallel);
  auto const where = state.where(name);
  constexpr char const* what = "cannot write an array";
  if (replace) {
    state.datasets.erase(name);
    checked(H5Ldelete(state.file, name.c_str(), H5P_DEFAULT), what, where);
  }
  hsize_t const length = values.size();
  auto const space = own(H5Screate_simple(1, &length, nullptr), H5Sclose, what, where);
  auto const links = own(H5Pcreate(H5P_LINK_CREATE), H5Pclose, what, where);
  checked(H5Pset_create_intermediate_group(links, 1), what, where);
  auto const layout = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, what, where);
  checked(H5Pset_obj_track_times(layout, false), what, where);  // equal content, equal bytes
  if (compress && length > 0) {
    hsize_t const chunk = std::min(length, compressed_chunk);
    checked(H5Pset_chunk(layout, 1, &chunk), what, where);
    checked(H5Pset_deflate(layout, 4), what, where);
  }
  auto const type = element_type(T{});
  auto const dataset =
      own(H5Dcreate2(state.file, name.c_str(), type.file, space, links, layout, H5P_DEFAULT), H5Dclose, what, where);
  if (length > 0) checked(H5Dwrite(dataset, type.memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), what, where);
}

template <class T, class State>
std::vector<T> read_elements(State& state, std::string const& name) {
  auto const where = state.where(name);
  hid_t const dataset = state.dataset(name);
  auto const shape = state.shape(dataset, name);
  if (shape.size() != 1)
    throw IoError(
        {.what = "not an array", .where = where, .expected = "1 axis", .found = std::to_string(shape.size())});
  std::vector<T> values(shape.front());
  if (!values.empty())
    checked(H5Dread(dataset, element_type(T{}).memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
            "cannot read an array", where);
  return values;
}

}  // namespace

void Hdf5File::write_array(std::string const& name, std::span<double const> values) {
  write_elements(*state_, has(name), name, values, false);
}
void Hdf5File::write_array(std::string const& name, std::span<float const> values) {
  write_elements(*state_, has(name), name, values, false);
}
void Hdf5File::write_array(std::string const& name, std::span<std::int64_t const> values) {
  write_elements(*state_, has(name), name, values, false);
}
void Hdf5File::write_array(std::string const& name, std::span<std::uint8_t const> values, bool compress) {
  write_elements(*state_, has(name), name, values, compress);
}

std::vector<double> Hdf5File::read_doubles(std::string const& name) const {
  return read_elements<double>(*state_, name);
}
std::vector<float> Hdf5File::read_floats(std::string const& name) const { return read_elements<float>(*state_, name); }
std::vector<std::int64_t> Hdf5File::read_integers(std::string const& name) const {
  return read_elements<std::int64_t>(*state_, name);
}
std::vector<std::uint8_t> Hdf5File::read_bytes(std::string const& name) const {
  return read_elements<std::uint8_t>(*state_, name);
}

}  // namespace tessera::io
