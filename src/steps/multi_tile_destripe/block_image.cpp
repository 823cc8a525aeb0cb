#include "block_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "tessera/core/contract.hpp"

namespace tessera::steps {

namespace {

constexpr char const* Dataset = "blocks";
constexpr std::size_t MostOpen = 16;

/// `box` as pixels of the block that it lies in.
model::PixelBox inside(model::PixelBox const& box, model::PixelBox const& block) {
  return {box.x0 - block.x0, box.y0 - block.y0, box.x1 - block.x0, box.y1 - block.y0};
}

}  // namespace

std::filesystem::path block_image_path(std::filesystem::path const& folder, std::string const& name, int rank) {
  return folder / fmt::format("{}_{}.h5", name, rank);
}

void BlockOwners::give(std::int64_t block, int rank) {
  auto const k = static_cast<std::size_t>(block);
  TESSERA_EXPECT(rank_[k] == -1);
  rank_[k] = rank;
  plane_[k] = planes_[rank]++;
}

std::int64_t BlockOwners::planes(int rank) const {
  auto const found = planes_.find(rank);
  return found == planes_.end() ? 0 : found->second;
}

BlockImageWriter::BlockImageWriter(std::filesystem::path const& folder, std::string const& name,
                                   BlockOwners const& owners, int rank)
    : owners_(owners) {
  if (owners.planes(rank) == 0) return;
  std::filesystem::create_directories(folder);
  auto const path = block_image_path(folder, name, rank);
  std::filesystem::remove(path);
  file_ = std::make_unique<io::Hdf5File>(path, io::Hdf5File::Mode::Create);
  file_->create_image(Dataset, io::Hdf5Type::Float32, model::BlockSize, model::BlockSize, owners.planes(rank));
}

void BlockImageWriter::write(std::int64_t block, model::PixelBox const& part, std::span<float const> values) {
  TESSERA_EXPECT(file_ != nullptr);
  file_->write_box(Dataset, inside(part, owners_.grid().box(block)), values, owners_.plane(block));
}

void BlockImageWriter::close() {
  if (file_) file_->close();
  file_.reset();
}

io::Hdf5File const& BlockImageReader::file_of(int rank) const {
  auto& file = open_[rank];
  if (!file) {
    if (open_.size() > MostOpen) std::erase_if(open_, [&](auto const& other) { return other.first != rank; });
    open_[rank] = std::make_unique<io::Hdf5File>(block_image_path(folder_, name_, rank), io::Hdf5File::Mode::ReadOnly);
  }
  return *open_[rank];
}

std::vector<float> BlockImageReader::read(model::PixelBox const& box) const {
  auto const& grid = owners_->grid();
  std::vector<float> image(static_cast<std::size_t>(box.width() * box.height()),
                           std::numeric_limits<float>::quiet_NaN());
  if (box.empty()) return image;
  std::vector<float> values;
  for (auto row = box.y0 / model::BlockSize; row <= (box.y1 - 1) / model::BlockSize; ++row)
    for (auto column = box.x0 / model::BlockSize; column <= (box.x1 - 1) / model::BlockSize; ++column) {
      auto const block = row * grid.columns() + column;
      if (owners_->rank(block) < 0) continue;
      auto const place = grid.box(block);
      auto const part = model::intersect(place, box);
      values.resize(static_cast<std::size_t>(part.width() * part.height()));
      file_of(owners_->rank(block)).read_box(Dataset, inside(part, place), values, owners_->plane(block));
      for (auto y = part.y0; y < part.y1; ++y)
        std::copy_n(values.begin() + (y - part.y0) * part.width(), part.width(),
                    image.begin() + (y - box.y0) * box.width() + (part.x0 - box.x0));
    }
  return image;
}

}  // namespace tessera::steps
