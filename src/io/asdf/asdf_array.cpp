#include "tessera/io/asdf_array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

double half_to_double(std::uint16_t half) {
  int const exponent = (half >> 10) & 31;
  int const fraction = half & 1023;
  double const sign = half & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return fraction ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

template <class T>
void widen(std::vector<std::byte> const& bytes, std::vector<double>& values) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    T value;
    std::memcpy(&value, bytes.data() + k * sizeof(T), sizeof(T));
    values[k] = static_cast<double>(value);
  }
}

void append_utf8(std::uint32_t character, std::string& text) {
  if (character < 0x80) {
    text += static_cast<char>(character);
  } else if (character < 0x800) {
    text += static_cast<char>(0xC0 | (character >> 6));
    text += static_cast<char>(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    text += static_cast<char>(0xE0 | (character >> 12));
    text += static_cast<char>(0x80 | ((character >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (character & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | ((character >> 18) & 0x07));
    text += static_cast<char>(0x80 | ((character >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((character >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (character & 0x3F));
  }
}

}  // namespace

std::size_t AsdfDatatype::size() const {
  switch (type) {
    case AsdfType::Int8:
    case AsdfType::UInt8:
    case AsdfType::Bool8:
      return 1;
    case AsdfType::Int16:
    case AsdfType::UInt16:
    case AsdfType::Float16:
      return 2;
    case AsdfType::Int32:
    case AsdfType::UInt32:
    case AsdfType::Float32:
      return 4;
    case AsdfType::Int64:
    case AsdfType::UInt64:
    case AsdfType::Float64:
    case AsdfType::Complex64:
      return 8;
    case AsdfType::Complex128:
      return 16;
    case AsdfType::Ascii:
      return length;
    case AsdfType::Ucs4:
      return 4 * length;
    case AsdfType::Record:
      break;
  }
  std::size_t total = 0;
  for (auto const& field : fields) {
    std::size_t bytes = field.datatype.size();
    for (std::size_t const extent : field.shape) bytes *= extent;
    total += bytes;
  }
  return total;
}

std::string AsdfDatatype::name() const {
  static constexpr char const* Names[] = {"int8",    "int16",     "int32",      "int64",   "uint8",
                                          "uint16",  "uint32",    "uint64",     "float16", "float32",
                                          "float64", "complex64", "complex128", "bool8"};
  if (type == AsdfType::Ascii) return fmt::format("[ascii, {}]", length);
  if (type == AsdfType::Ucs4) return fmt::format("[ucs4, {}]", length);
  if (type == AsdfType::Record) return fmt::format("record of {}", fields.size());
  return Names[static_cast<std::size_t>(type)];
}

AsdfArray AsdfArray::of(std::vector<double> const& values, std::vector<std::size_t> shape) {
  AsdfArray array;
  array.shape = std::move(shape);
  array.bytes.resize(values.size() * sizeof(double));
  TESSERA_EXPECT(array.element_count() == values.size());
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

std::size_t AsdfArray::element_count() const {
  std::size_t count = 1;
  for (std::size_t const extent : shape) count *= extent;
  return count;
}

std::vector<double> AsdfArray::to_doubles() const {
  std::vector<double> values(element_count());
  switch (datatype.type) {
    case AsdfType::Int8:
      widen<std::int8_t>(bytes, values);
      break;
    case AsdfType::Int16:
      widen<std::int16_t>(bytes, values);
      break;
    case AsdfType::Int32:
      widen<std::int32_t>(bytes, values);
      break;
    case AsdfType::Int64:
      widen<std::int64_t>(bytes, values);
      break;
    case AsdfType::UInt8:
    case AsdfType::Bool8:
      widen<std::uint8_t>(bytes, values);
      break;
    case AsdfType::UInt16:
      widen<std::uint16_t>(bytes, values);
      break;
    case AsdfType::UInt32:
      widen<std::uint32_t>(bytes, values);
      break;
    case AsdfType::UInt64:
      widen<std::uint64_t>(bytes, values);
      break;
    case AsdfType::Float32:
      widen<float>(bytes, values);
      break;
    case AsdfType::Float64:
      widen<double>(bytes, values);
      break;
    case AsdfType::Float16:
      for (std::size_t k = 0; k < values.size(); ++k) {
        std::uint16_t half;
        std::memcpy(&half, bytes.data() + 2 * k, 2);
        values[k] = half_to_double(half);
      }
      break;
    default:
      throw InputError({"array is not one of real numbers", {}, "an integer, float or bool8", datatype.name(), {}});
  }
  return values;
}

std::vector<std::string> AsdfArray::to_strings() const {
  if (datatype.type != AsdfType::Ascii && datatype.type != AsdfType::Ucs4)
    throw InputError({"array is not one of texts", {}, "ascii or ucs4", datatype.name(), {}});
  std::vector<std::string> texts(element_count());
  std::size_t const size = datatype.size();
  for (std::size_t k = 0; k < texts.size(); ++k) {
    std::byte const* const element = bytes.data() + k * size;
    if (datatype.type == AsdfType::Ascii) {
      texts[k].assign(reinterpret_cast<char const*>(element), size);
      texts[k].resize(texts[k].find_last_not_of('\0') + 1);
      continue;
    }
    for (std::size_t c = 0; c < datatype.length; ++c) {
      std::uint32_t character;
      std::memcpy(&character, element + 4 * c, 4);
      if (character) append_utf8(character, texts[k]);
    }
  }
  return texts;
}

AsdfArray AsdfArray::column(std::string const& field) const {
  std::size_t offset = 0;
  std::string names;
  for (auto const& candidate : datatype.fields) {
    std::size_t size = candidate.datatype.size();
    for (std::size_t const extent : candidate.shape) size *= extent;
    if (candidate.name == field) {
      AsdfArray result;
      result.datatype = candidate.datatype;
      result.shape = shape;
      result.shape.insert(result.shape.end(), candidate.shape.begin(), candidate.shape.end());
      std::size_t const record = datatype.size(), count = element_count();
      result.bytes.resize(count * size);
      for (std::size_t k = 0; k < count; ++k)
        std::copy_n(bytes.data() + k * record + offset, size, result.bytes.data() + k * size);
      return result;
    }
    offset += size;
    names += (names.empty() ? "" : ", ") + candidate.name;
  }
  throw InputError(
      {"no such field in the record array", {}, names.empty() ? "a record array" : "one of " + names, field, {}});
}

}  // namespace tessera::io
