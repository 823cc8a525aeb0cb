// The array forms of core/ndarray (spec 25, 1.3).
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "asdf_error.hpp"
#include "datatype.hpp"
#include "tessera/io/asdf_document.hpp"

namespace tessera::io {

namespace {

constexpr std::size_t MostAxes = 32;
/// Strides may repeat elements, so a view may be larger than its block, but not without limit.
constexpr std::uint64_t MostRepeatedBytes = std::uint64_t{1} << 26;

struct View {
  std::vector<std::size_t> shape;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;
};

std::int64_t checked_multiply(std::int64_t a, std::int64_t b, bool& overflows) {
  std::int64_t product = 0;
  overflows = overflows || __builtin_mul_overflow(a, b, &product);
  return product;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b, bool& overflows) {
  std::int64_t sum = 0;
  overflows = overflows || __builtin_add_overflow(a, b, &sum);
  return sum;
}

/// Copies the elements of a view, row-major. `at` walks over the axes from the slowest.
void copy_view(View const& view, std::size_t item, std::byte const* from, std::size_t axis, std::byte*& to) {
  if (axis == view.shape.size()) {
    to = std::copy_n(from, item, to);
    return;
  }
  bool const is_row = axis + 1 == view.shape.size() && view.strides[axis] == static_cast<std::int64_t>(item);
  if (is_row) {
    to = std::copy_n(from, item * view.shape[axis], to);
    return;
  }
  for (std::size_t k = 0; k < view.shape[axis]; ++k)
    copy_view(view, item, from + static_cast<std::int64_t>(k) * view.strides[axis], axis + 1, to);
}

/// Shape of nested lists by their first elements.
void find_shape(AsdfValue const& node, std::vector<std::size_t>& shape) {
  auto const* items = node.sequence_items();
  if (!items || shape.size() == MostAxes) return;
  shape.push_back(items->size());
  if (!items->empty()) find_shape(items->front(), shape);
}

/// The scalars of nested lists in order; false when ragged.
bool collect(AsdfValue const& node, std::vector<std::size_t> const& shape, std::size_t axis,
             std::vector<AsdfValue const*>& scalars) {
  auto const* items = node.sequence_items();
  if (axis == shape.size()) {
    scalars.push_back(&node);
    return !items;
  }
  if (!items || items->size() != shape[axis]) return false;
  return std::all_of(items->begin(), items->end(),
                     [&](AsdfValue const& item) { return collect(item, shape, axis + 1, scalars); });
}

AsdfDatatype infer_datatype(std::vector<AsdfValue const*> const& scalars) {
  AsdfDatatype datatype;
  bool all_integers = !scalars.empty(), all_booleans = !scalars.empty(), any_text = false;
  for (auto const* scalar : scalars) {
    all_integers = all_integers && scalar->integer();
    all_booleans = all_booleans && scalar->boolean();
    if (auto const* text = scalar->string()) {
      any_text = true;
      datatype.length = std::max(datatype.length, text->size());
    }
  }
  datatype.type = any_text       ? AsdfType::Ascii
                  : all_booleans ? AsdfType::Bool8
                  : all_integers ? AsdfType::Int64
                                 : AsdfType::Float64;
  return datatype;
}

template <class T>
bool store_as(double value, std::byte* to) {
  if constexpr (std::is_integral_v<T>) {
    // The upper limit as a power of two: the largest value itself may not be a double.
    if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) &&
          value < std::ldexp(1.0, std::numeric_limits<T>::digits)))
      return false;
  }
  T const converted = static_cast<T>(value);
  std::memcpy(to, &converted, sizeof(T));
  return true;
}

/// Stores an inline scalar; false when it does not fit the type.
bool store_scalar(AsdfValue const& scalar, AsdfDatatype const& datatype, std::byte* to) {
  if (datatype.type == AsdfType::Ascii) {
    auto const* text = scalar.string();
    if (!text || text->size() > datatype.length) return false;
    std::memcpy(to, text->data(), text->size());
    return true;
  }
  if (auto const* integer = scalar.integer(); integer && datatype.type == AsdfType::Int64) {
    std::memcpy(to, integer, sizeof *integer);
    return true;
  }
  double value = 0;
  if (scalar.is_number())
    value = scalar.real();
  else if (auto const* boolean = scalar.boolean())
    value = *boolean ? 1 : 0;
  else if (scalar.is_null())
    value = std::nan("");  // a masked element
  else
    return false;
  switch (datatype.type) {
    case AsdfType::Int8:
      return store_as<std::int8_t>(value, to);
    case AsdfType::Int16:
      return store_as<std::int16_t>(value, to);
    case AsdfType::Int32:
      return store_as<std::int32_t>(value, to);
    case AsdfType::Int64:
      return store_as<std::int64_t>(value, to);
    case AsdfType::UInt8:
    case AsdfType::Bool8:
      return store_as<std::uint8_t>(value, to);
    case AsdfType::UInt16:
      return store_as<std::uint16_t>(value, to);
    case AsdfType::UInt32:
      return store_as<std::uint32_t>(value, to);
    case AsdfType::UInt64:
      return store_as<std::uint64_t>(value, to);
    case AsdfType::Float32:
      return store_as<float>(value, to);
    case AsdfType::Float64:
      return store_as<double>(value, to);
    default:
      return false;
  }
}

}  // namespace

AsdfArray AsdfDocument::array(AsdfValue const& node, std::string const& path) const {
  if (auto const* made = node.array()) return *made;
  if (node.sequence_items()) return inline_array(node, nullptr, path);
  if (!node.entries()) fail_asdf(name_, path, "not an array", "core/ndarray or a list of numbers", node.kind());
  if (auto const* data = node.find("data")) return inline_array(*data, node.find("datatype"), path);
  auto const* source = node.find("source");
  if (!source) fail_asdf(name_, path, "array without data", "a member 'source' or 'data'", node.kind());
  if (auto const* text = source->string())
    fail_asdf(name_, path + ".source", "array lies in another file", "the number of a block", "'" + *text + "'");
  auto const* index = source->integer();
  auto const count = static_cast<std::int64_t>(blocks_.size());
  if (!index || *index >= count || *index < -1 || (*index == -1 && count == 0))
    fail_asdf(name_, path + ".source", "no such block", fmt::format("0 to {}, or -1", count - 1), source->kind());
  return block_array(node, static_cast<std::size_t>(*index == -1 ? count - 1 : *index), *index == -1, path);
}

AsdfArray AsdfDocument::block_array(AsdfValue const& node, std::size_t index, bool is_streamed,
                                    std::string const& path) const {
  AsdfArray array;
  bool is_big_endian = false;
  if (auto const* order = node.find("byteorder")) is_big_endian = parse_byteorder(*order, name_, path);
  auto const* type = node.find("datatype");
  if (!type) fail_asdf(name_, path, "array without datatype");
  array.datatype = parse_datatype(*type, is_big_endian, name_, path + ".datatype");
  std::size_t const item = array.datatype.size();
  if (item == 0) fail_asdf(name_, path + ".datatype", "elements without size", "1 byte or more", "0");

  std::vector<std::byte> storage;
  std::span<std::byte const> const data = block_bytes(index, storage, path);

  View view;
  if (auto const* offset = node.find("offset")) {
    if (!offset->integer() || *offset->integer() < 0)
      fail_asdf(name_, path + ".offset", "impossible offset", "0 or more", offset->kind());
    view.offset = *offset->integer();
  }
  auto const* shape = node.find("shape");
  auto const* extents = shape ? shape->sequence_items() : nullptr;
  if (!extents || extents->size() > MostAxes)
    fail_asdf(name_, path + ".shape", "array without shape", "a list of extents", shape ? shape->kind() : "nothing");
  bool overflows = false;
  std::int64_t row_bytes = static_cast<std::int64_t>(item);
  for (std::size_t k = extents->size(); k-- > 0;) {
    AsdfValue const& extent = (*extents)[k];
    bool const is_open = k == 0 && extent.string() && *extent.string() == "*";
    if (!is_open && (!extent.integer() || *extent.integer() < 0))
      fail_asdf(name_, path + ".shape", "impossible extent", is_streamed ? "a count or '*'" : "a count", extent.kind());
    std::int64_t count = is_open ? 0 : *extent.integer();
    if (is_open && row_bytes > 0 && !overflows)
      count = std::max<std::int64_t>(0, static_cast<std::int64_t>(data.size()) - view.offset) / row_bytes;
    view.shape.insert(view.shape.begin(), static_cast<std::size_t>(count));
    view.strides.insert(view.strides.begin(), row_bytes);
    row_bytes = checked_multiply(row_bytes, count, overflows);
  }
  if (auto const* strides = node.find("strides"); strides && !strides->is_null()) {
    auto const* items = strides->sequence_items();
    if (!items || items->size() != view.shape.size())
      fail_asdf(name_, path + ".strides", "strides do not fit the shape", fmt::format("{} of them", view.shape.size()),
                strides->kind());
    for (std::size_t k = 0; k < items->size(); ++k) {
      if (!(*items)[k].integer()) fail_asdf(name_, path + ".strides", "not a stride", "bytes", (*items)[k].kind());
      view.strides[k] = *(*items)[k].integer();
    }
  }

  bool const is_empty = std::find(view.shape.begin(), view.shape.end(), std::size_t{0}) != view.shape.end();
  if (!is_empty) {
    std::int64_t lowest = view.offset, highest = checked_add(view.offset, static_cast<std::int64_t>(item), overflows);
    for (std::size_t k = 0; k < view.shape.size(); ++k) {
      std::int64_t const reach =
          checked_multiply(static_cast<std::int64_t>(view.shape[k]) - 1, view.strides[k], overflows);
      (reach < 0 ? lowest : highest) = checked_add(reach < 0 ? lowest : highest, reach, overflows);
    }
    auto const available = static_cast<std::int64_t>(data.size());
    if (overflows || lowest < 0 || highest > available)
      fail_asdf(name_, path, "array reaches beyond its block", fmt::format("{} bytes in block {}", available, index),
                overflows ? "more than can be counted" : fmt::format("bytes {} to {}", lowest, highest));
    if (static_cast<std::uint64_t>(row_bytes) > std::max<std::uint64_t>(data.size(), MostRepeatedBytes))
      fail_asdf(name_, path, "array is too large for its block", fmt::format("{} bytes", available),
                fmt::format("{} bytes", row_bytes));
    array.bytes.resize(static_cast<std::size_t>(row_bytes));
    std::byte* to = array.bytes.data();
    copy_view(view, item, data.data() + view.offset, 0, to);
    if (needs_swap(array.datatype))
      for (std::size_t start = 0; start < array.bytes.size(); start += item)
        swap_to_native(array.datatype, array.bytes.data() + start);
  }
  array.shape = std::move(view.shape);
  mark_native(array.datatype);
  return array;
}

AsdfArray AsdfDocument::inline_array(AsdfValue const& data, AsdfValue const* datatype, std::string const& path) const {
  AsdfArray array;
  find_shape(data, array.shape);
  std::vector<AsdfValue const*> scalars;
  if (!collect(data, array.shape, 0, scalars))
    fail_asdf(name_, path, "nested lists of an array differ in length", fmt::format("{} axes", array.shape.size()),
              "a ragged list");
  array.datatype = datatype ? parse_datatype(*datatype, false, name_, path + ".datatype") : infer_datatype(scalars);
  if (array.datatype.type == AsdfType::Ucs4) array.datatype = infer_datatype(scalars);  // kept as UTF-8
  std::size_t const item = array.datatype.size();
  array.bytes.resize(item * scalars.size());
  for (std::size_t k = 0; k < scalars.size(); ++k)
    if (!store_scalar(*scalars[k], array.datatype, array.bytes.data() + k * item))
      fail_asdf(name_, path, fmt::format("element {} of an inline array does not fit its type", k),
                array.datatype.name(), scalars[k]->kind());
  mark_native(array.datatype);
  return array;
}

AsdfArray AsdfDocument::table_column(std::string_view path, std::string const& column) const {
  AsdfValue const& table = at(path);
  std::string const where = std::string(path) + "." + column;
  if (auto const* member = table.find(column)) return array(*member, where);
  if (auto const* columns = table.find("columns"); columns && columns->sequence_items()) {
    for (auto const& candidate : *columns->sequence_items()) {
      auto const* name = candidate.find("name");
      auto const* data = candidate.find("data");
      if (name && data && name->string() && *name->string() == column) return array(*data, where);
    }
    fail_asdf(name_, std::string(path), "table has no such column", column);
  }
  if (table.find("datatype")) return array(table, std::string(path)).column(column);
  fail_asdf(name_, std::string(path), "table has no such column", column, table.kind());
}

}  // namespace tessera::io
