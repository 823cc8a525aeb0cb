// What the copies of a Communicator share.
#pragma once
#include <mpi.h>

#include <array>
#include <cstdint>

#include "tessera/parallel/communicator.hpp"

namespace tessera::parallel {

struct Communicator::Handle {
  /// Takes over `owned`, which is freed at the end.
  explicit Handle(MPI_Comm owned);
  ~Handle();
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;

  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  MPI_Comm side = MPI_COMM_NULL;           ///< of SideChannel, made when first needed
  std::array<std::int64_t, 2> channels{};  ///< side channels made so far, by subject: the same on all ranks
};

}  // namespace tessera::parallel
