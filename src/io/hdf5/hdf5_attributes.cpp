// Attributes of Hdf5File.
#include "hdf5_state.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

using hdf5::checked;
using hdf5::Id;
using hdf5::own;

namespace {

constexpr char const* write_failed = "cannot write an attribute";
constexpr char const* read_failed = "cannot read an attribute";

std::string attribute_where(std::string const& object_where, std::string const& name) {
  return object_where + "@" + name;
}

/// Text of any length, as h5py and h5dump expect it.
Id make_text_type(std::string const& where) {
  auto type = own(H5Tcopy(H5T_C_S1), H5Tclose, write_failed, where);
  checked(H5Tset_size(type, H5T_VARIABLE), write_failed, where);
  checked(H5Tset_cset(type, H5T_CSET_UTF8), write_failed, where);
  return type;
}

void write_scalar(hid_t object, std::string const& name, hid_t file_type, hid_t memory_type, void const* value,
                  std::string const& where) {
  if (checked(H5Aexists(object, name.c_str()), write_failed, where) > 0)
    checked(H5Adelete(object, name.c_str()), write_failed, where);
  auto const space = own(H5Screate(H5S_SCALAR), H5Sclose, write_failed, where);
  auto const attribute =
      own(H5Acreate2(object, name.c_str(), file_type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, write_failed, where);
  checked(H5Awrite(attribute, memory_type, value), write_failed, where);
}

Id open_scalar(hid_t object, std::string const& name, H5T_class_t kind, char const* kind_name,
               std::string const& where) {
  if (checked(H5Aexists(object, name.c_str()), read_failed, where) == 0)
    throw IoError({.what = "no such attribute", .where = where});
  auto attribute = own(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, read_failed, where);
  auto const space = own(H5Aget_space(attribute), H5Sclose, read_failed, where);
  auto const type = own(H5Aget_type(attribute), H5Tclose, read_failed, where);
  bool const is_number = kind != H5T_STRING && (H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT);
  if (H5Sget_simple_extent_npoints(space) != 1 || (H5Tget_class(type) != kind && !is_number))
    throw IoError({.what = "attribute of another type", .where = where, .expected = kind_name});
  return attribute;
}

}  // namespace

void Hdf5File::set_attribute(std::string const& object, std::string const& name, std::string const& value) {
  TESSERA_EXPECT(!state_->is_parallel);
  auto const where = attribute_where(state_->where(object), name);
  auto const type = make_text_type(where);
  char const* text = value.c_str();
  write_scalar(state_->object(object), name, type, type, &text, where);
}

void Hdf5File::set_attribute(std::string const& object, std::string const& name, double value) {
  TESSERA_EXPECT(!state_->is_parallel);
  write_scalar(state_->object(object), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value,
               attribute_where(state_->where(object), name));
}

void Hdf5File::set_attribute(std::string const& object, std::string const& name, std::int64_t value) {
  TESSERA_EXPECT(!state_->is_parallel);
  write_scalar(state_->object(object), name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value,
               attribute_where(state_->where(object), name));
}

std::string Hdf5File::text_attribute(std::string const& object, std::string const& name) const {
  auto const where = attribute_where(state_->where(object), name);
  auto const opened = state_->object(object);
  auto const attribute = open_scalar(opened, name, H5T_STRING, "text", where);
  auto const type = own(H5Aget_type(attribute), H5Tclose, read_failed, where);
  if (H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    checked(H5Aread(attribute, type, &text), read_failed, where);
    std::string value(text ? text : "");
    H5free_memory(text);
    return value;
  }
  std::string value(H5Tget_size(type), '\0');
  checked(H5Aread(attribute, type, value.data()), read_failed, where);
  return value.substr(0, value.find('\0'));
}

double Hdf5File::real_attribute(std::string const& object, std::string const& name) const {
  auto const where = attribute_where(state_->where(object), name);
  auto const opened = state_->object(object);
  double value = 0;
  checked(H5Aread(open_scalar(opened, name, H5T_FLOAT, "a number", where), H5T_NATIVE_DOUBLE, &value), read_failed,
          where);
  return value;
}

std::int64_t Hdf5File::integer_attribute(std::string const& object, std::string const& name) const {
  auto const where = attribute_where(state_->where(object), name);
  auto const opened = state_->object(object);
  std::int64_t value = 0;
  checked(H5Aread(open_scalar(opened, name, H5T_INTEGER, "a whole number", where), H5T_NATIVE_INT64, &value),
          read_failed, where);
  return value;
}

}  // namespace tessera::io
