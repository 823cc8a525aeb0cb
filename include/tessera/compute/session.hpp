// Kokkos for the life of the program.
#pragma once
#include <string>

namespace tessera::compute {

/// Brings Kokkos up and, at the end of its life, down. One in a program (a second is a ContractViolation), after
/// MPI_Init and ended before MPI_Finalize. Threads come from OMP_NUM_THREADS (OpenMP back end).
class Session {
 public:
  Session();
  ~Session();
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;
};

/// Host threads the kernels use.
int thread_count();
/// Name of the host and device back ends, for reports: "OpenMP" or "OpenMP + Cuda".
std::string backend_names();

}  // namespace tessera::compute
