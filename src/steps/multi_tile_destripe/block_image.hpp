// An image of the sky in scratch files: every block lies in the HDF5 file of the rank that makes it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/hdf5_file.hpp"
#include "tessera/model/blocks.hpp"

namespace tessera::steps {

/// Which rank makes which block: the same on all ranks.
class BlockOwners {
 public:
  explicit BlockOwners(model::BlockGrid const& grid)
      : grid_(grid), rank_(static_cast<std::size_t>(grid.count()), -1), plane_(rank_.size(), 0) {}

  /// Gives a block to a rank, as the next plane of its file.
  void give(std::int64_t block, int rank);

  model::BlockGrid const& grid() const { return grid_; }
  int rank(std::int64_t block) const { return rank_[static_cast<std::size_t>(block)]; }  ///< -1: nobody, no data
  std::int64_t plane(std::int64_t block) const { return plane_[static_cast<std::size_t>(block)]; }
  std::int64_t planes(int rank) const;

 private:
  model::BlockGrid grid_;
  std::vector<int> rank_;
  std::vector<std::int64_t> plane_;
  std::map<int, std::int64_t> planes_;
};

/// Writes the blocks of one rank. Files of the same name are replaced. Independent.
class BlockImageWriter {
 public:
  BlockImageWriter(std::filesystem::path const& folder, std::string const& name, BlockOwners const& owners, int rank);
  /// Part of a block that the rank owns; `values` are of the part.
  void write(std::int64_t block, model::PixelBox const& part, std::span<float const> values);
  /// On disk for everybody to read.
  void close();

 private:
  BlockOwners const& owners_;
  std::unique_ptr<io::Hdf5File> file_;  ///< none where the rank owns no block
};

/// Reads any part of an image that all ranks have closed. Independent.
class BlockImageReader {
 public:
  BlockImageReader(std::filesystem::path folder, std::string name, BlockOwners const& owners)
      : folder_(std::move(folder)), name_(std::move(name)), owners_(&owners) {}
  /// Pixels of `box`, NaN where there is no block.
  std::vector<float> read(model::PixelBox const& box) const;

 private:
  io::Hdf5File const& file_of(int rank) const;

  std::filesystem::path folder_;
  std::string name_;
  BlockOwners const* owners_;
  mutable std::map<int, std::unique_ptr<io::Hdf5File>> open_;
};

std::filesystem::path block_image_path(std::filesystem::path const& folder, std::string const& name, int rank);

}  // namespace tessera::steps
