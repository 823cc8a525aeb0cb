#include "tessera/parallel/mpi_session.hpp"

#include <mpi.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>

namespace tessera::parallel {

MpiSession::MpiSession() {
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
}

MpiSession::~MpiSession() { MPI_Finalize(); }

bool MpiSession::everyone_is_leaving(double seconds) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  double const end = MPI_Wtime() + seconds;
  int done = 0;
  while (!done && MPI_Wtime() < end) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (!done) ::usleep(1000);
  }
  return done != 0;
}

void MpiSession::abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  std::abort();
}

int launcher_rank() {
  for (char const* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (char const* value = std::getenv(name)) return std::atoi(value);
  return 0;
}

}  // namespace tessera::parallel
