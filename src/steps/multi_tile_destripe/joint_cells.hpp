// The pixels of all exposures on the blocks of sky of a rank, in memory or in a scratch file.
#pragma once
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tessera/exchange/joint_stripes.hpp"

namespace tessera::steps {

/// Blocks in the order in which they are added. In a file, one at a time is in memory; the file goes with the object.
class JointCells : public exchange::StripeBlocks {
 public:
  /// With an empty path everything stays in memory.
  explicit JointCells(std::filesystem::path file) : path_(std::move(file)) {}
  ~JointCells() override;
  JointCells(JointCells const&) = delete;
  JointCells& operator=(JointCells const&) = delete;

  void add(exchange::StripeBlock block);

  std::int64_t count() const override { return static_cast<std::int64_t>(blocks_.size()); }
  exchange::StripeBlock& load(std::int64_t k) override;
  void keep_weights(std::int64_t k) override;

  /// Reading and writing while all ranks work together may not throw: from the first failure on blocks are empty, and
  /// whoever asked for the work looks here.
  std::exception_ptr failure() const { return failure_; }

 private:
  void check(char const* what) const;
  void read_block(std::int64_t k);
  void write_weights(std::int64_t k);
  template <class Work>
  void note_failure(Work work);

  std::filesystem::path path_;
  std::fstream file_;
  std::vector<exchange::StripeBlock> blocks_;  ///< in a file: without their pixels
  std::vector<std::int64_t> offset_;           ///< of each block in the file
  exchange::StripeBlock loaded_;
  std::int64_t loaded_index_ = -1;
  std::exception_ptr failure_;
};

}  // namespace tessera::steps
