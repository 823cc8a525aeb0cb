// View aliases. Images are [row][column], row-major, on the host unless the name says otherwise.
#pragma once
#include <Kokkos_Core.hpp>

namespace tessera::compute {

using HostSpace = Kokkos::HostSpace;
using HostExecution = Kokkos::DefaultHostExecutionSpace;

template <class T>
using HostImage = Kokkos::View<T**, Kokkos::LayoutRight, HostSpace>;
template <class T>
using HostArray = Kokkos::View<T*, Kokkos::LayoutRight, HostSpace>;

/// A new array whose memory is not touched (its owner threads will).
template <class T>
HostArray<T> allocate_array(char const* label, std::size_t count) {
  return HostArray<T>(Kokkos::view_alloc(std::string(label), Kokkos::WithoutInitializing), count);
}

}  // namespace tessera::compute
