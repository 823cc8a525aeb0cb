// The journal of a step: items that are finished, so that a kill loses only those in flight.
#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tessera::store {

/// Finished items of one piece of work, each with a payload of bytes, in a folder that ranks append to in files of
/// their own. Items of another `key` (the work was defined otherwise) do not count, nor does one that a kill cut off.
class ItemJournal {
 public:
  /// `key` says what is being made from what: a manifest key. Nothing is read or written yet.
  ItemJournal(std::filesystem::path folder, std::string key, int rank);

  /// Looks through the files of all ranks of earlier runs. One rank.
  void read();
  /// What `read` found, as text for the other ranks, so that none looks for itself; and what another rank found.
  std::string listing() const;
  /// Only what this rank appended: what others do not know.
  std::string own_listing() const;
  /// Adds what another rank appended to what is known.
  void add_listing(std::string const& listing);
  void take_listing(std::string const& listing);

  bool has(std::string const& item) const { return place_.contains(item); }
  std::size_t size() const { return place_.size(); }
  /// Payload of an item that has() (found, or appended by this rank). Throws IoError.
  std::vector<std::byte> load(std::string const& item) const;

  /// Adds an item, on disk when the call returns. Independent. An item given twice: the later one counts.
  void append(std::string const& item, std::span<std::byte const> payload);

  /// Removes the folder. One rank, once the work is committed.
  void remove() const;

 private:
  struct Place {
    std::filesystem::path file;
    std::int64_t offset = 0, bytes = 0;
    bool own = false;  ///< appended by this rank
  };
  static std::string line_of(std::string const& item, Place const& place);

  std::filesystem::path folder_;
  std::filesystem::path mine_;  ///< file this rank appends to; empty: none yet
  int rank_ = 0;
  std::string key_;
  std::map<std::string, Place> place_;
};

}  // namespace tessera::store
