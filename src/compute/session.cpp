#include "tessera/compute/session.hpp"

#include <Kokkos_Core.hpp>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tessera/core/contract.hpp"

namespace tessera::compute {

namespace {

/// Images come and go by the megabyte: memory that is given back to the system and asked for again is filled with zeros
/// page by page each time, a tenth of destriping's time. What is kept is used again first.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int LargestOfHeap = 128 << 20, Kept = 256 << 20;  // bytes
  ::mallopt(M_MMAP_THRESHOLD, LargestOfHeap);
  ::mallopt(M_TRIM_THRESHOLD, Kept);
#endif
}

}  // namespace

Session::Session() {
  keep_freed_memory();
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
