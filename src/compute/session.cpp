#include "tessera/compute/session.hpp"

#include <Kokkos_Core.hpp>

#include "tessera/core/contract.hpp"

namespace tessera::compute {

Session::Session() {
  TESSERA_EXPECT(!Kokkos::is_initialized() && !Kokkos::is_finalized());
  Kokkos::initialize();
}
Session::~Session() { Kokkos::finalize(); }

int thread_count() { return Kokkos::DefaultHostExecutionSpace().concurrency(); }

std::string backend_names() {
  std::string const host = Kokkos::DefaultHostExecutionSpace::name();
  std::string const device = Kokkos::DefaultExecutionSpace::name();
  return host == device ? host : host + " + " + device;
}

}  // namespace tessera::compute
