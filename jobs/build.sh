#!/usr/bin/env bash
# build.sh [PRESET [TARGET...]]: configure and build into build/PRESET (release, debug, sanitize, cuda; default release).
# Nothing changed: a few seconds. TESSERA_CMAKE_FLAGS adds -D options; jobs/install-deps.sh brings what is needed.
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$TESSERA_SOURCE"
preset=${1:-release}; [ $# = 0 ] || shift

options=()
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$TESSERA_SOURCE   # hits from any folder the sources lie in
fi
# Most builds by this script start from nothing (CI, a first try): the large headers of the tests are compiled once.
options+=(-DTESSERA_PRECOMPILE=ON)
export CCACHE_SLOPPINESS=pch_defines,time_macros
# Warnings are errors with the compiler the tests run on; a newer one may know warnings that nobody has seen yet.
case $("${CXX:-c++}" -dumpversion 2>/dev/null || :) in
  12*) if [ "$preset" = release ]; then options+=(-DTESSERA_WARNINGS_AS_ERRORS=ON); fi ;;
esac
mkdir -p "build/$preset"
log=build/$preset/configure.log
# shellcheck disable=SC2086
cmake --preset "$preset" "${options[@]}" ${TESSERA_CMAKE_FLAGS:-} >"$log" 2>&1 || {
  cat "$log" >&2; die "configuration failed"
}
sed -n '/tessera .*: features/,$p' "$log" | grep -E 'features|^-- +(build type|compiler|MPI|HDF5|Kokkos|CFITSIO)' || :
cmake --build "build/$preset" --parallel "$TESSERA_JOBS" ${1:+--target "$@"}
