// The memory a rank may use, and who has reserved it.
#pragma once
#include <cstdint>
#include <string>

#include "tessera/parallel/communicator.hpp"

namespace tessera::parallel {

/// Bytes a rank may use and what is reserved. Every large allocation is reserved first, by name.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t bytes) : limit_(bytes) {}
  std::int64_t limit() const { return limit_; }
  std::int64_t reserved() const { return reserved_; }
  std::int64_t free() const { return limit_ - reserved_; }
  std::int64_t peak() const { return peak_; }

  /// Holds `bytes` until its end. Throws BudgetError naming `purpose`, what was asked and what is free.
  class Reservation {
   public:
    Reservation(MemoryBudget& budget, std::string const& purpose, std::int64_t bytes);
    ~Reservation();
    Reservation(Reservation const&) = delete;
    Reservation& operator=(Reservation const&) = delete;

   private:
    MemoryBudget& budget_;
    std::int64_t bytes_ = 0;
  };

 private:
  std::int64_t limit_;
  std::int64_t reserved_ = 0;
  std::int64_t peak_ = 0;
};

/// Bytes of memory of this node (node_memory.hpp) divided by the ranks of `communicator` on it, less a tenth for the
/// system; the least over all nodes, so that all ranks plan alike. Collective over `communicator`.
std::int64_t default_memory_per_rank(Communicator const& communicator);

/// Peak resident set of this process in bytes (VmHWM), and now (VmRSS).
std::int64_t peak_resident_bytes();
std::int64_t resident_bytes();

}  // namespace tessera::parallel
