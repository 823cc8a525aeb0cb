// Reference files of level 2 written by a test.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tessera/io/fits_table.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::test {

/// A FITS file HDU by HDU, behind a primary one.
class ReferenceFile {
 public:
  model::Header primary;

  ReferenceFile& add_plane(std::string const& extname, std::int64_t nx, std::int64_t ny,
                           std::vector<float> const& values) {
    auto& data = add_image(extname, nx, ny);
    io::to_big_endian(std::span<float const>(values), data.data());
    return *this;
  }
  ReferenceFile& add_flags(std::string const& extname, std::int64_t nx, std::int64_t ny,
                           std::vector<std::uint32_t> const& values) {
    auto& data = add_image(extname, nx, ny);
    plans_.back().bitpix = 32;
    plans_.back().unsigned_integers = true;
    io::to_big_endian_unsigned(values, data.data());
    return *this;
  }
  ReferenceFile& add_table(std::string const& extname, std::vector<io::TableColumn> columns) {
    io::SourceTable table;
    table.columns = std::move(columns);
    auto [plan, data] = io::make_table_hdu(table, extname);
    plans_.push_back(std::move(plan));
    data_.push_back(std::move(data));
    return *this;
  }
  void write(std::filesystem::path const& path) const {
    io::HduPlan first;
    first.header = primary;
    std::vector<io::HduPlan> plans{first};
    std::vector<std::vector<std::byte>> data(1);
    plans.insert(plans.end(), plans_.begin(), plans_.end());
    data.insert(data.end(), data_.begin(), data_.end());
    io::write_fits(path, plans, data);
  }

 private:
  std::vector<std::byte>& add_image(std::string const& extname, std::int64_t nx, std::int64_t ny) {
    io::HduPlan plan;
    plan.extname = extname;
    plan.bitpix = -32;
    plan.axes = {nx, ny};
    plans_.push_back(plan);
    data_.emplace_back(static_cast<std::size_t>(nx * ny) * 4);
    return data_.back();
  }

  std::vector<io::HduPlan> plans_;
  std::vector<std::vector<std::byte>> data_;
};

/// Where `header` says a file's array lies.
inline void set_window(model::Header& header, int x_start, int y_start, int nx, int ny) {
  header.set("SUBSTRT1", x_start);
  header.set("SUBSTRT2", y_start);
  header.set("SUBSIZE1", nx);
  header.set("SUBSIZE2", ny);
}

}  // namespace tessera::test
