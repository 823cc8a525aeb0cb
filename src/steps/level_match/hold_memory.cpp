#include "hold_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tessera::steps {

HeldMemory hold_memory(MatchPool& pool, std::string const& purpose, std::int64_t least, std::int64_t wanted) {
  constexpr std::int64_t MegaByte = std::int64_t{1} << 20;
  HeldMemory held;
  parallel::all_or_none(pool.context.world, [&] {
    auto const free = pool.free_bytes();
    if (least > free)
      throw BudgetError({"the memory of a rank cannot hold what is compared", "level_match, " + purpose,
                         fmt::format("at least {} MB", least / MegaByte + 1),
                         fmt::format("{} MB are free", std::max<std::int64_t>(0, free) / MegaByte),
                         fmt::format("give {} MB more by --memory-per-rank (fewer ranks a node leave more for each)",
                                     (least - free) / MegaByte + 1)});
    held.bytes = std::min(wanted, free);
    held.reservation = std::make_unique<parallel::MemoryBudget::Reservation>(pool.context.budget,
                                                                             "level_match, " + purpose, held.bytes);
  });
  return held;
}

}  // namespace tessera::steps
