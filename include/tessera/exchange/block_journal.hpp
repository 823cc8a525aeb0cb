// The journal of finished blocks of a file in the making.
#pragma once
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace tessera::exchange {

/// Which blocks lie safely in an unfinished file. Ranks append to files of their own in `folder`.
class BlockJournal {
 public:
  /// `key` says what the blocks are made from: those of another key do not count.
  BlockJournal(std::filesystem::path folder, std::filesystem::path unfinished_file, std::string key, int world_rank);

  /// Blocks all ranks of earlier runs finished, if the unfinished file is there and they have this key; else none.
  std::set<std::int64_t> finished_blocks() const;
  /// Forgets earlier runs. One rank, before anyone appends.
  void restart() const;
  /// Syncs the unfinished file, then records the blocks, then syncs the journal: a recorded block is on disk.
  void append(std::vector<std::int64_t> const& blocks) const;
  /// Removes the journal. One rank, once the product is committed.
  void remove() const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path mine_;
  std::filesystem::path unfinished_file_;
  std::string key_;
};

}  // namespace tessera::exchange
