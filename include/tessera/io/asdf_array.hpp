// Arrays of ASDF files, read out of their blocks: contiguous, row-major, in the byte order of this machine.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::io {

/// Element types (spec 25, 1.3).
enum class AsdfType : std::uint8_t {
  Int8,
  Int16,
  Int32,
  Int64,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  Float16,
  Float32,
  Float64,
  Complex64,
  Complex128,
  Bool8,
  Ascii,   ///< `length` bytes, padded with zeros
  Ucs4,    ///< `length` characters of 4 bytes
  Record,  ///< fields one after the other
};

/// Type of one element.
struct AsdfDatatype {
  struct Field;
  AsdfType type = AsdfType::Float64;
  std::size_t length = 0;      ///< characters of Ascii and Ucs4
  std::vector<Field> fields;   ///< of Record
  bool is_big_endian = false;  ///< as stored in the file

  std::size_t size() const;  ///< bytes an element
  std::string name() const;  ///< as the schema writes it, "float64", "[ascii, 5]", "record of 3"
};

struct AsdfDatatype::Field {
  std::string name;
  AsdfDatatype datatype;
  std::vector<std::size_t> shape;  ///< of one element's value; empty for a scalar
};

struct AsdfArray {
  AsdfDatatype datatype;
  std::vector<std::size_t> shape;  ///< slowest axis first
  std::vector<std::byte> bytes;    ///< elements, row-major, this machine's byte order

  static AsdfArray of(std::vector<double> const& values, std::vector<std::size_t> shape);

  std::size_t element_count() const;
  /// Values as doubles (integers beyond 2^53 are rounded, booleans are 0 and 1). InputError for text and records.
  std::vector<double> to_doubles() const;
  /// Text of Ascii and Ucs4 arrays (UTF-8, padding removed). Throws InputError for other types.
  std::vector<std::string> to_strings() const;
  /// Column of a record array: the shape of the records followed by that of the field. Throws InputError naming them.
  AsdfArray column(std::string const& field) const;
};

}  // namespace tessera::io
