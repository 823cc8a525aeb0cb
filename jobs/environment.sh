# shellcheck shell=bash
# Sourced by the other jobs: where things are, and the settings that MPI, OpenMP and Kokkos want on one machine.
# Whatever is already set in the environment wins. (On a cluster the batch script and its machine file do this part.)

TESSERA_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Folder for what install-deps.sh builds: once a machine for root, once a person otherwise.
if [ -z "${TESSERA_DEPS:-}" ]; then
  if [ "$(id -u)" = 0 ]; then TESSERA_DEPS=/opt/tessera-deps; else TESSERA_DEPS=${XDG_CACHE_HOME:-$HOME/.cache}/tessera; fi
fi
export TESSERA_DEPS

# Cores of this machine: nproc would count the threads of a rank, OMP_NUM_THREADS, which is set below.
TESSERA_CORES=$(env -u OMP_NUM_THREADS nproc)
export TESSERA_CORES

# Compilers running at once: one a core, but never more than the memory carries (2 GB each for Kokkos and Eigen).
TESSERA_JOBS=${TESSERA_JOBS:-$(awk -v cores="$TESSERA_CORES" \
  '/^MemAvailable:/ { fit = int($2 / 2097152); print fit < 1 ? 1 : (fit < cores ? fit : cores) }' /proc/meminfo)}

# Open MPI: as root at all, more ranks than cores, no binding (several runs share the cores), waiting ranks give up
# the core, no copies through ptrace (forbidden in containers), shared memory and TCP only.
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export OMPI_MCA_rmaps_base_oversubscribe="${OMPI_MCA_rmaps_base_oversubscribe:-1}"
export OMPI_MCA_hwloc_base_binding_policy="${OMPI_MCA_hwloc_base_binding_policy:-none}"
export OMPI_MCA_mpi_yield_when_idle="${OMPI_MCA_mpi_yield_when_idle:-1}"
export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
export OMPI_MCA_pml="${OMPI_MCA_pml:-ob1}" OMPI_MCA_btl="${OMPI_MCA_btl:-self,vader,tcp}"

# One thread a rank unless asked for more; Kokkos would warn about the binding that Open MPI was told not to do.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" OMP_PROC_BIND="${OMP_PROC_BIND:-false}"
export KOKKOS_DISABLE_WARNINGS="${KOKKOS_DISABLE_WARNINGS:-1}"

# Sanitizer builds: what Open MPI keeps until exit is not ours; full stacks, or the suppressions miss their frame.
export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=$TESSERA_SOURCE/cmake/suppressions/lsan.supp:print_suppressions=0}"
export ASAN_OPTIONS="${ASAN_OPTIONS:-fast_unwind_on_malloc=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-suppressions=$TESSERA_SOURCE/cmake/suppressions/tsan.supp ignore_noninstrumented_modules=1}"

say() { echo "tessera: $*" >&2; }
die() { say "$*"; exit 1; }
