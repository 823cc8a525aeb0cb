# Flags of every target, and what each is for.
include(CheckCXXSourceRuns)
include(CheckCXXCompilerFlag)

set(TESSERA_MARCH_FLAG "")
if(TESSERA_MARCH STREQUAL "auto")
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    check_cxx_source_runs("int main() { return __builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\") ? 0 : 1; }"
      TESSERA_CPU_HAS_AVX2)
    if(TESSERA_CPU_HAS_AVX2)
      set(TESSERA_MARCH_FLAG -march=x86-64-v3)
    endif()
  endif()
elseif(TESSERA_MARCH)
  set(TESSERA_MARCH_FLAG -march=${TESSERA_MARCH})
endif()

add_library(tessera_flags INTERFACE)
# -ffp-contract=off: a fused multiply-add rounds once where two operations round twice, so whether the compiler fuses
# would decide the bits. No -ffast-math, ever: NaN means "no data" here.
target_compile_options(tessera_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor ${TESSERA_MARCH_FLAG}>)
# Eigen must not start threads of its own, and the MPI C++ bindings (removed from the standard) stay out.
target_compile_definitions(tessera_flags INTERFACE EIGEN_DONT_PARALLELIZE OMPI_SKIP_MPICXX=1 MPICH_SKIP_MPICXX=1)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns falsely of overlap in std::string's own operator+ (its bug 105651).
  target_compile_options(tessera_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(Kokkos_DEVICES MATCHES "CUDA|HIP")
  # nvcc writes line directives that -Wpedantic rejects.
  target_compile_options(tessera_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-pedantic>)
endif()
if(TESSERA_WARNINGS_AS_ERRORS)
  target_compile_options(tessera_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(TESSERA_SANITIZE)
  add_compile_options(-fsanitize=${TESSERA_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TESSERA_SANITIZE})
endif()
# -O3 for the kernels; asserts of libraries off in Release as usual.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
