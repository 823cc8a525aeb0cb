// Image datasets of Hdf5File: whole blocks in and out.
#include <algorithm>

#include "hdf5_state.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

using hdf5::checked;
using hdf5::Id;
using hdf5::own;

namespace {

hid_t file_type(Hdf5Type type) {
  switch (type) {
    case Hdf5Type::Float32:
      return H5T_IEEE_F32LE;
    case Hdf5Type::Float64:
      return H5T_IEEE_F64LE;
    case Hdf5Type::Int32:
      return H5T_STD_I32LE;
    case Hdf5Type::UInt32:
      return H5T_STD_U32LE;
    case Hdf5Type::Int64:
      return H5T_STD_I64LE;
    case Hdf5Type::UInt8:
      break;
  }
  return H5T_STD_U8LE;
}

hid_t memory_type(float) { return H5T_NATIVE_FLOAT; }
hid_t memory_type(std::uint32_t) { return H5T_NATIVE_UINT32; }

/// The pixels of a box in the file and in memory.
struct Selection {
  Id file, memory;
};

Selection select(std::vector<hsize_t> const& shape, model::PixelBox const& box, std::int64_t plane,
                 std::string const& where) {
  bool const has_planes = shape.size() == 3;
  if (shape.size() != 2 && !has_planes)
    throw IoError(
        {.what = "not an image", .where = where, .expected = "2 or 3 axes", .found = std::to_string(shape.size())});
  auto const ny = static_cast<std::int64_t>(shape[shape.size() - 2]), nx = static_cast<std::int64_t>(shape.back());
  TESSERA_EXPECT(box.x0 >= 0 && box.y0 >= 0 && box.x1 <= nx && box.y1 <= ny);
  TESSERA_EXPECT(plane >= 0 && plane < (has_planes ? static_cast<std::int64_t>(shape.front()) : 1));
  auto const number = [](std::int64_t value) { return static_cast<hsize_t>(value); };
  std::vector<hsize_t> start{number(plane), number(box.y0), number(box.x0)};
  std::vector<hsize_t> count{1, number(box.height()), number(box.width())};
  if (!has_planes) {
    start.erase(start.begin());
    count.erase(count.begin());
  }
  int const axes = static_cast<int>(shape.size());
  Selection selection{own(H5Screate_simple(axes, shape.data(), nullptr), H5Sclose, "cannot select pixels", where),
                      own(H5Screate_simple(axes, count.data(), nullptr), H5Sclose, "cannot select pixels", where)};
  checked(H5Sselect_hyperslab(selection.file, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
          "cannot select pixels", where);
  return selection;
}

bool is_whole(model::PixelBox const& box, std::size_t count) {
  return static_cast<std::int64_t>(count) == box.width() * box.height();
}

}  // namespace

void Hdf5File::create_image(std::string const& name, Hdf5Type type, std::int64_t ny, std::int64_t nx,
                            std::int64_t planes) {
  TESSERA_EXPECT(!state_->is_parallel);
  TESSERA_EXPECT(ny > 0 && nx > 0 && planes >= 0);
  auto const where = state_->where(name);
  constexpr char const* what = "cannot create a dataset";
  std::vector<hsize_t> shape{static_cast<hsize_t>(ny), static_cast<hsize_t>(nx)}, chunk;
  for (auto const length : shape) chunk.push_back(std::min<hsize_t>(length, model::BlockSize));
  if (planes > 0) {
    shape.insert(shape.begin(), static_cast<hsize_t>(planes));
    chunk.insert(chunk.begin(), 1);
  }
  int const axes = static_cast<int>(shape.size());
  auto const space = own(H5Screate_simple(axes, shape.data(), nullptr), H5Sclose, what, where);
  auto const layout = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, what, where);
  checked(H5Pset_chunk(layout, axes, chunk.data()), what, where);
  // All chunks have their place from the start: writing pixels never changes metadata, so ranks need not talk.
  checked(H5Pset_alloc_time(layout, H5D_ALLOC_TIME_EARLY), what, where);
  checked(H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER), what, where);
  auto const links = own(H5Pcreate(H5P_LINK_CREATE), H5Pclose, what, where);
  checked(H5Pset_create_intermediate_group(links, 1), what, where);
  auto created =
      own(H5Dcreate2(state_->file, name.c_str(), file_type(type), space, links, layout, state_->dataset_access()),
          H5Dclose, what, where);
  state_->datasets[name] = std::move(created);
}

std::vector<std::int64_t> Hdf5File::image_axes(std::string const& name) const {
  auto const shape = state_->shape(state_->dataset(name), name);
  return {shape.rbegin(), shape.rend()};
}

namespace {

template <class T, class State>
void write_pixels(State& state, std::string const& name, model::PixelBox const& box, std::span<T const> values,
                  std::int64_t plane) {
  TESSERA_EXPECT(is_whole(box, values.size()));
  if (box.empty()) return;
  auto const where = state.where(name);
  hid_t const dataset = state.dataset(name);
  auto const selection = select(state.shape(dataset, name), box, plane, where);
  checked(H5Dwrite(dataset, memory_type(T{}), selection.memory, selection.file, H5P_DEFAULT, values.data()),
          "cannot write pixels", where);
}

template <class T, class State>
void read_pixels(State& state, std::string const& name, model::PixelBox const& box, std::span<T> values,
                 std::int64_t plane) {
  TESSERA_EXPECT(is_whole(box, values.size()));
  if (box.empty()) return;
  auto const where = state.where(name);
  hid_t const dataset = state.dataset(name);
  auto const selection = select(state.shape(dataset, name), box, plane, where);
  checked(H5Dread(dataset, memory_type(T{}), selection.memory, selection.file, H5P_DEFAULT, values.data()),
          "cannot read pixels", where);
}

}  // namespace

void Hdf5File::write_box(std::string const& name, model::PixelBox const& box, std::span<float const> values,
                         std::int64_t plane) {
  write_pixels(*state_, name, box, values, plane);
}
void Hdf5File::write_box(std::string const& name, model::PixelBox const& box, std::span<std::uint32_t const> values,
                         std::int64_t plane) {
  write_pixels(*state_, name, box, values, plane);
}
void Hdf5File::read_box(std::string const& name, model::PixelBox const& box, std::span<float> values,
                        std::int64_t plane) const {
  read_pixels(*state_, name, box, values, plane);
}
void Hdf5File::read_box(std::string const& name, model::PixelBox const& box, std::span<std::uint32_t> values,
                        std::int64_t plane) const {
  read_pixels(*state_, name, box, values, plane);
}

}  // namespace tessera::io
