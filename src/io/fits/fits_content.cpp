#include "tessera/io/fits_content.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "tessera/core/contract.hpp"

namespace tessera::io {

namespace {

constexpr std::size_t PieceValues = std::size_t{1} << 18;  ///< turned into bytes at once: 1 MiB

void convert(std::span<float const> values, std::byte* out) { to_big_endian(values, out); }
void convert(std::span<std::uint32_t const> values, std::byte* out) { to_big_endian_unsigned(values, out); }

template <class T>
void write_image(ParallelFitsFile& file, std::size_t index, std::span<T const> values) {
  std::vector<std::byte> piece(std::min(PieceValues, values.size()) * sizeof(T));
  for (std::size_t first = 0; first < values.size(); first += PieceValues) {
    auto const count = std::min(PieceValues, values.size() - first);
    convert(values.subspan(first, count), piece.data());
    file.write(index, static_cast<std::int64_t>(first * sizeof(T)), std::span(piece).first(count * sizeof(T)));
  }
}

}  // namespace

FitsContent::FitsContent(model::Header primary) {
  HduPlan plan;
  plan.header = std::move(primary);
  plans_.push_back(std::move(plan));
  data_.emplace_back();
}

void FitsContent::add(std::string extname, std::string key, std::int64_t nx, std::int64_t ny, Data data,
                      model::Header header) {
  bool const is_unsigned = std::holds_alternative<std::span<std::uint32_t const>>(data);
  HduPlan plan;
  plan.extname = extname;
  plan.bitpix = is_unsigned ? 32 : -32;
  plan.unsigned_integers = is_unsigned;
  plan.axes = {nx, ny};
  plan.header = std::move(header);
  plans_.push_back(std::move(plan));
  data_.push_back(std::move(data));
  if (!key.empty())
    arrays_.push_back({std::move(key), std::move(extname), 1, is_unsigned ? "uint32" : "float32", {ny, nx}});
}

void FitsContent::add_image(std::string extname, std::string key, std::int64_t nx, std::int64_t ny,
                            std::span<float const> values, model::Header header) {
  TESSERA_EXPECT(static_cast<std::int64_t>(values.size()) == nx * ny);
  add(std::move(extname), std::move(key), nx, ny, values, std::move(header));
}

void FitsContent::add_image(std::string extname, std::string key, std::int64_t nx, std::int64_t ny,
                            std::span<std::uint32_t const> values, model::Header header) {
  TESSERA_EXPECT(static_cast<std::int64_t>(values.size()) == nx * ny);
  add(std::move(extname), std::move(key), nx, ny, values, std::move(header));
}

void FitsContent::add_datamodel(AsdfValue meta, sky::Gwcs const* wcs) {
  auto bytes = write_asdf(make_datamodel_tree(std::move(meta), wcs, arrays_));
  plans_.push_back(plan_asdf_hdu(static_cast<std::int64_t>(bytes.size())));
  data_.emplace_back(std::move(bytes));
}

void FitsContent::write(std::filesystem::path const& path) const {
  std::error_code ignored;  // a folder that cannot be made is said by the file in it
  std::filesystem::create_directories(path.parent_path(), ignored);
  ParallelFitsFile file(parallel::Communicator(), path, plans_);
  for (std::size_t index = 0; index < data_.size(); ++index) {
    if (auto const* floats = std::get_if<std::span<float const>>(&data_[index]))
      write_image(file, index, *floats);
    else if (auto const* flags = std::get_if<std::span<std::uint32_t const>>(&data_[index]))
      write_image(file, index, *flags);
    else
      file.write(index, 0, std::get<std::vector<std::byte>>(data_[index]));
  }
  file.finish();
}

}  // namespace tessera::io
