#include "row_pool.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tessera/core/contract.hpp"
#include "tessera/parallel/pool.hpp"

namespace tessera::steps {

namespace {

/// Rows that go to a rank together: file systems like to be read in long stretches.
constexpr std::int64_t RowsTogether = 16;

/// Which rows a message holds.
struct PieceTag {
  std::int64_t image, y0, y1;
};

}  // namespace

ImageRows::ImageRows(std::int64_t width, std::int64_t first, std::int64_t last, int planes)
    : nx(width), y0(first), y1(last), bytes(static_cast<std::size_t>(4 * planes * (last - first) * width)) {}

RowPool::RowPool(parallel::Communicator const& world, std::vector<PooledImage> images, int planes)
    : world_(world), images_(std::move(images)), planes_(planes) {
  struct Unit {
    std::size_t image;
    std::int64_t y0, y1;
  };
  std::vector<Unit> units;
  std::vector<double> costs;
  for (std::size_t image = 0; image < images_.size(); ++image)
    for (std::int64_t y = 0; y < images_[image].ny; y += RowsTogether) {
      units.push_back({image, y, std::min(images_[image].ny, y + RowsTogether)});
      costs.push_back(images_[image].row_cost * static_cast<double>(units.back().y1 - y));
    }
  auto const runs = parallel::divide_in_runs(costs, world_.size());
  for (std::size_t rank = 0; rank < runs.size(); ++rank)
    for (auto k = runs[rank].begin; k < runs[rank].end; ++k) {
      bool const goes_on =
          !pieces_.empty() && pieces_.back().rank == static_cast<int>(rank) && pieces_.back().image == units[k].image;
      if (goes_on)
        pieces_.back().y1 = units[k].y1;
      else
        pieces_.push_back({units[k].image, static_cast<int>(rank), units[k].y0, units[k].y1});
    }
}

std::int64_t RowPool::bytes_held(parallel::Communicator const& world, std::int64_t largest_image_bytes) {
  return (world.size() > 1 ? 3 : 2) * largest_image_bytes;
}

int RowPool::owner(std::size_t image) const {
  auto const first = std::find_if(pieces_.begin(), pieces_.end(), [&](Piece const& one) { return one.image == image; });
  TESSERA_EXPECT(first != pieces_.end());
  return first->rank;
}

std::vector<std::byte> RowPool::pack(Piece const& piece, ImageRows const& rows) const {
  PieceTag const tag{static_cast<std::int64_t>(piece.image), piece.y0, piece.y1};
  std::vector<std::byte> bytes(sizeof tag + rows.bytes.size());
  std::memcpy(bytes.data(), &tag, sizeof tag);
  std::memcpy(bytes.data() + sizeof tag, rows.bytes.data(), rows.bytes.size());
  return bytes;
}

void RowPool::run(MakeRows const& make, Finish const& finish) const {
  std::vector<std::vector<std::byte>> to_each(static_cast<std::size_t>(world_.size()));
  for (auto const& piece : pieces_) {
    if (piece.rank != world_.rank()) continue;
    auto const& image = images_[piece.image];
    ImageRows rows(image.nx, piece.y0, piece.y1, planes_);
    if (!make(piece.image, rows)) continue;
    if (piece.y1 - piece.y0 == image.ny) {
      finish(piece.image, rows);
      continue;
    }
    // A rank shares at most its first and its last image with others, and owns at most the last of them: no two
    // pieces go the same way.
    auto& message = to_each[static_cast<std::size_t>(owner(piece.image))];
    TESSERA_EXPECT(message.empty());
    message = pack(piece, rows);
  }
  auto received = world_.all_to_all(to_each);
  to_each = {};
  join(std::move(received), finish);
}

void RowPool::join(std::vector<std::vector<std::byte>> received, Finish const& finish) const {
  auto const tag_of = [](std::vector<std::byte> const& message) {
    PieceTag tag;
    std::memcpy(&tag, message.data(), sizeof tag);
    return tag;
  };
  std::erase_if(received, [](auto const& message) { return message.empty(); });
  if (received.empty()) return;
  auto const index = static_cast<std::size_t>(tag_of(received.front()).image);
  auto const& image = images_[index];
  ImageRows whole(image.nx, 0, image.ny, planes_);
  std::int64_t rows_there = 0;
  for (auto& message : received) {
    auto const tag = tag_of(message);
    TESSERA_EXPECT(static_cast<std::size_t>(tag.image) == index);
    rows_there += tag.y1 - tag.y0;
    auto const bytes = static_cast<std::size_t>(4 * (tag.y1 - tag.y0) * image.nx);
    for (int plane = 0; plane < planes_; ++plane)
      std::memcpy(whole.plane<std::uint32_t>(plane, tag.y0).data(),
                  message.data() + sizeof tag + static_cast<std::size_t>(plane) * bytes, bytes);
    message = {};
  }
  if (rows_there == image.ny) finish(index, whole);
}

}  // namespace tessera::steps
