#include "datatype.hpp"

#include <algorithm>
#include <bit>

#include "asdf_error.hpp"

namespace tessera::io {

namespace {

constexpr char const* ScalarNames[] = {"int8",   "int16",   "int32",   "int64",   "uint8",     "uint16",     "uint32",
                                       "uint64", "float16", "float32", "float64", "complex64", "complex128", "bool8"};
constexpr std::size_t MostElementBytes = std::size_t{1} << 24;
constexpr bool NativeIsBig = std::endian::native == std::endian::big;

std::size_t swapped_unit(AsdfType type) {
  switch (type) {
    case AsdfType::Ascii:
      return 1;
    case AsdfType::Ucs4:
    case AsdfType::Complex64:
      return 4;
    case AsdfType::Complex128:
      return 8;
    default:
      return AsdfDatatype{type, 0, {}, false}.size();
  }
}

std::size_t field_count(AsdfDatatype::Field const& field) {
  std::size_t count = 1;
  for (std::size_t const extent : field.shape) count *= extent;
  return count;
}

}  // namespace

std::optional<AsdfType> scalar_type(std::string const& name) {
  auto const found = std::find_if(std::begin(ScalarNames), std::end(ScalarNames),
                                  [&](char const* candidate) { return name == candidate; });
  if (found == std::end(ScalarNames)) return std::nullopt;
  return static_cast<AsdfType>(found - std::begin(ScalarNames));
}

bool parse_byteorder(AsdfValue const& node, std::string const& file, std::string const& path) {
  auto const* text = node.string();
  if (text && *text == "big") return true;
  if (text && *text == "little") return false;
  fail_asdf(file, path + ".byteorder", "unknown byte order", "big or little", node.kind());
}

AsdfDatatype parse_datatype(AsdfValue const& node, bool is_big_endian, std::string const& file, std::string const& path,
                            int depth) {
  AsdfDatatype datatype;
  datatype.is_big_endian = is_big_endian;
  if (auto const* name = node.string()) {
    auto const type = scalar_type(*name);
    if (!type) fail_asdf(file, path, "unknown datatype", "a type of core/ndarray", "'" + *name + "'");
    datatype.type = *type;
    return datatype;
  }
  auto const* items = node.sequence_items();
  if (!items || items->empty() || depth > 4)
    fail_asdf(file, path, "unknown datatype", "a name, [ascii, n], [ucs4, n] or a list of fields", node.kind());
  auto const* first = items->front().string();
  if (items->size() == 2 && first && (*first == "ascii" || *first == "ucs4")) {
    auto const* length = (*items)[1].integer();
    if (!length || *length < 0 || static_cast<std::size_t>(*length) > MostElementBytes)
      fail_asdf(file, path, "impossible length of text", "a count of characters", (*items)[1].kind());
    datatype.type = *first == "ascii" ? AsdfType::Ascii : AsdfType::Ucs4;
    datatype.length = static_cast<std::size_t>(*length);
    return datatype;
  }
  datatype.type = AsdfType::Record;
  std::size_t total = 0;
  for (std::size_t k = 0; k < items->size(); ++k) {
    AsdfValue const& item = (*items)[k];
    std::string const where = path + "." + std::to_string(k);
    AsdfDatatype::Field field;
    field.name = "f" + std::to_string(k);
    if (item.entries()) {
      if (auto const* name = item.find("name"); name && name->string()) field.name = *name->string();
      auto const* inner = item.find("datatype");
      if (!inner) fail_asdf(file, where, "field without datatype");
      auto const* order = item.find("byteorder");
      field.datatype = parse_datatype(*inner, order ? parse_byteorder(*order, file, where) : is_big_endian, file,
                                      where + ".datatype", depth + 1);
      if (auto const* shape = item.find("shape"))
        for (auto const& extent : shape->sequence_items() ? *shape->sequence_items() : AsdfValue::Sequence{}) {
          if (!extent.integer() || *extent.integer() < 1 || *extent.integer() > (1 << 24))
            fail_asdf(file, where + ".shape", "impossible extent of a field", "a positive integer", extent.kind());
          field.shape.push_back(static_cast<std::size_t>(*extent.integer()));
          if (field_count(field) > MostElementBytes) fail_asdf(file, where + ".shape", "field is too large");
        }
    } else {
      field.datatype = parse_datatype(item, is_big_endian, file, where, depth + 1);
    }
    // Each factor is at most 2^24, so nothing overflows before it is compared.
    total += field.datatype.size() * field_count(field);
    if (total > MostElementBytes) fail_asdf(file, where, "record is too large", "at most 16 MiB");
    datatype.fields.push_back(std::move(field));
  }
  return datatype;
}

bool needs_swap(AsdfDatatype const& datatype) {
  if (datatype.type != AsdfType::Record)
    return datatype.is_big_endian != NativeIsBig && swapped_unit(datatype.type) > 1;
  return std::any_of(datatype.fields.begin(), datatype.fields.end(),
                     [](AsdfDatatype::Field const& field) { return needs_swap(field.datatype); });
}

void swap_to_native(AsdfDatatype const& datatype, std::byte* element) {
  if (datatype.type == AsdfType::Record) {
    for (auto const& field : datatype.fields) {
      std::size_t const size = field.datatype.size(), count = field_count(field);
      if (needs_swap(field.datatype))
        for (std::size_t k = 0; k < count; ++k) swap_to_native(field.datatype, element + k * size);
      element += size * count;
    }
    return;
  }
  std::size_t const unit = swapped_unit(datatype.type), size = datatype.size();
  for (std::size_t offset = 0; offset < size; offset += unit) std::reverse(element + offset, element + offset + unit);
}

void mark_native(AsdfDatatype& datatype) {
  datatype.is_big_endian = NativeIsBig;
  for (auto& field : datatype.fields) mark_native(field.datatype);
}

}  // namespace tessera::io
