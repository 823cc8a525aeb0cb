// A reference file in FITS, put together in memory HDU by HDU: images and tables.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/io/fits_write.hpp"

namespace tessera::simulate {

/// A column of a binary table: texts of `width` bytes, float32 or int32.
struct TableColumn {
  std::string name;
  int width = 0;  ///< of texts; 0: numbers
  std::vector<std::string> texts;
  std::vector<double> numbers;
  bool whole = false;  ///< numbers as int32 instead of float32
};

/// HDUs in the order they are added.
class ReferenceFits {
 public:
  void add_primary(model::Header header);
  /// float32, or uint32 with BZERO.
  void add_image(std::string const& name, std::vector<float> const& values, int nx, int ny, model::Header header = {});
  void add_image(std::string const& name, std::vector<std::uint32_t> const& values, int nx, int ny,
                 model::Header header = {});
  /// All columns have the same number of rows.
  void add_table(std::string const& name, std::vector<TableColumn> const& columns);
  /// Makes the folder, writes the file beside its name and renames it.
  void write(std::filesystem::path const& path) const;

 private:
  void add(io::HduPlan plan, std::vector<std::byte> bytes);
  std::vector<io::HduPlan> plans_;
  std::vector<std::vector<std::byte>> data_;
};

}  // namespace tessera::simulate
