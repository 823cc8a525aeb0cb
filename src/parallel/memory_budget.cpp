#include "tessera/parallel/memory_budget.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "tessera/core/byte_size.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/parallel/node_memory.hpp"

namespace tessera::parallel {

namespace {

/// Bytes in the line "NAME:  N kB" of /proc/self/status, 0 where there is none.
std::int64_t process_status_bytes(std::string const& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kilobytes = 0;
    if (word == name + ":" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

std::int64_t ranks_on_node(Communicator const& communicator) {
  if (communicator.size() == 1) return 1;
  auto const comm = *static_cast<MPI_Comm const*>(communicator.native());
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, communicator.rank(), MPI_INFO_NULL, &node);
  int count = 1;
  MPI_Comm_size(node, &count);
  MPI_Comm_free(&node);
  return count;
}

}  // namespace

MemoryBudget::Reservation::Reservation(MemoryBudget& budget, std::string const& purpose, std::int64_t bytes)
    : budget_(budget) {
  TESSERA_EXPECT(bytes >= 0);
  if (bytes > budget_.free())
    throw BudgetError({.what = "not enough memory for " + purpose,
                       .expected = fmt::format("{} free of {}", format_bytes(bytes), format_bytes(budget_.limit_)),
                       .found = fmt::format("{} free", format_bytes(budget_.free())),
                       .remedy = "give more memory per rank (--memory-per-rank), or run fewer ranks on a node"});
  bytes_ = bytes;
  budget_.reserved_ += bytes;
  budget_.peak_ = std::max(budget_.peak_, budget_.reserved_);
}

MemoryBudget::Reservation::~Reservation() { budget_.reserved_ -= bytes_; }

std::int64_t default_memory_per_rank(Communicator const& communicator) {
  auto const share = node_memory_bytes() / ranks_on_node(communicator) / 10 * 9;
  return -communicator.max(-share);
}

std::int64_t peak_resident_bytes() { return process_status_bytes("VmHWM"); }
std::int64_t resident_bytes() { return process_status_bytes("VmRSS"); }

}  // namespace tessera::parallel
