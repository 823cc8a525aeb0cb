// Names under which the finished items of a stage stand in the journal.
#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "measure_stage.hpp"

namespace tessera::steps {

/// Names that hold all that the result depends on beyond the key of the task: the grid, the exposures, and what earlier
/// stages have taken off them. A run in which another exposure fails does not take up the wrong ones.
std::string local_item(MatchPool const& pool, MatchSet const& set);
std::string tile_item(MatchPool const& pool, StageWork const& work, int set, int image);
std::string pair_item(MatchPool const& pool, StageWork const& work, CandidatePair const& pair);

/// A value with its number, to be sent.
template <class T>
struct Numbered {
  std::int64_t number = 0;
  T value;
};

/// A plain value as the payload of an item, and back.
template <class T>
requires std::is_trivially_copyable_v<T>
void append_value(store::ItemJournal& journal, std::string const& item, T const& value) {
  journal.append(item, std::as_bytes(std::span(&value, 1)));
}
template <class T>
requires std::is_trivially_copyable_v<T>
bool load_value(store::ItemJournal const& journal, std::string const& item, T& value) {
  if (!journal.has(item)) return false;
  auto const bytes = journal.load(item);
  if (bytes.size() != sizeof(T)) return false;
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(&value, 1)).begin());
  return true;
}

}  // namespace tessera::steps
