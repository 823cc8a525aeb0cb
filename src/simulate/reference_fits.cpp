#include "reference_fits.hpp"

#include <bit>

#include "tessera/core/contract.hpp"

namespace tessera::simulate {
namespace {

io::HduPlan plan_image(std::string const& name, int bitpix, int nx, int ny, model::Header header) {
  io::HduPlan plan;
  plan.extname = name;
  plan.bitpix = bitpix;
  plan.axes = {nx, ny};
  plan.header = std::move(header);
  return plan;
}

void append_big_endian(std::vector<std::byte>& bytes, std::uint32_t bits) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(bits >> shift & 0xff));
}

void append_cell(std::vector<std::byte>& bytes, TableColumn const& column, std::size_t row) {
  if (column.width > 0) {
    std::string text = column.texts[row];
    TESSERA_EXPECT(text.size() <= static_cast<std::size_t>(column.width));
    text.resize(static_cast<std::size_t>(column.width), ' ');
    for (char const letter : text) bytes.push_back(static_cast<std::byte>(letter));
  } else if (column.whole) {
    append_big_endian(bytes, static_cast<std::uint32_t>(static_cast<std::int64_t>(column.numbers[row])));
  } else {
    append_big_endian(bytes, std::bit_cast<std::uint32_t>(static_cast<float>(column.numbers[row])));
  }
}

}  // namespace

void ReferenceFits::add_primary(model::Header header) {
  io::HduPlan plan;
  plan.header = std::move(header);
  add(std::move(plan), {});
}

void ReferenceFits::add_image(std::string const& name, std::vector<float> const& values, int nx, int ny,
                              model::Header header) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  io::to_big_endian(std::span<float const>(values), bytes.data());
  add(plan_image(name, -32, nx, ny, std::move(header)), std::move(bytes));
}

void ReferenceFits::add_image(std::string const& name, std::vector<std::uint32_t> const& values, int nx, int ny,
                              model::Header header) {
  std::vector<std::byte> bytes(values.size() * sizeof(std::uint32_t));
  io::to_big_endian_unsigned(values, bytes.data());
  io::HduPlan plan = plan_image(name, 32, nx, ny, std::move(header));
  plan.unsigned_integers = true;
  add(std::move(plan), std::move(bytes));
}

void ReferenceFits::add_table(std::string const& name, std::vector<TableColumn> const& columns) {
  io::HduPlan plan;
  plan.extname = name;
  plan.binary_table = true;
  model::Header cards;
  std::int64_t row_bytes = 0;
  std::size_t rows = 0;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    TableColumn const& column = columns[k];
    std::string const number = std::to_string(k + 1);
    cards.set("TTYPE" + number, column.name);
    cards.set("TFORM" + number, column.width > 0 ? std::to_string(column.width) + "A" : column.whole ? "J" : "E");
    row_bytes += column.width > 0 ? column.width : 4;
    rows = column.width > 0 ? column.texts.size() : column.numbers.size();
  }
  std::vector<std::byte> bytes;
  for (std::size_t row = 0; row < rows; ++row)
    for (TableColumn const& column : columns) append_cell(bytes, column, row);
  plan.axes = {row_bytes, static_cast<std::int64_t>(rows)};
  plan.table_columns = cards.cards();
  add(std::move(plan), std::move(bytes));
}

void ReferenceFits::write(std::filesystem::path const& path) const {
  std::filesystem::create_directories(path.parent_path());
  io::write_fits(path, plans_, data_);
}

void ReferenceFits::add(io::HduPlan plan, std::vector<std::byte> bytes) {
  plans_.push_back(std::move(plan));
  data_.push_back(std::move(bytes));
}

}  // namespace tessera::simulate
