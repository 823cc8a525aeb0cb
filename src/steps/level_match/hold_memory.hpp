// Memory of the budget for a part of level_match.
#pragma once
#include <memory>
#include <string>

#include "match_pool.hpp"

namespace tessera::steps {

struct HeldMemory {
  std::unique_ptr<parallel::MemoryBudget::Reservation> reservation;
  std::int64_t bytes = 0;
};

/// Holds `wanted` bytes on this rank or what is free, at least `least`; throws BudgetError on all ranks where some has
/// less. Collective.
HeldMemory hold_memory(MatchPool& pool, std::string const& purpose, std::int64_t least, std::int64_t wanted);

}  // namespace tessera::steps
