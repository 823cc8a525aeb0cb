#!/usr/bin/env bash
# install-deps.sh [--bench]: everything tessera is built with.
#
# As root on Debian (or a relative): installs what is missing with apt-get. As a user: says exactly what to install and
# ends with 1 if something is. Without dpkg (a cluster): leaves libraries to the modules, see docs/cluster.md.
# Then Kokkos, by jobs/kokkos/get-kokkos.sh. Again when all is there: a fraction of a second.
#   --bench    also what only the benchmarks use (swarp, the other program to measure against)
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

bench=no
for argument; do case $argument in
  --bench) bench=yes ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac; done

build=(g++ cmake ninja-build pkg-config git ca-certificates python3
  libopenmpi-dev openmpi-bin libhdf5-openmpi-dev libcfitsio-dev wcslib-dev libpolyclipping-dev libfftw3-dev libfftw3-mpi-dev libeigen3-dev
  libfmt-dev libspdlog-dev libtomlplusplus-dev nlohmann-json3-dev libyaml-cpp-dev libcli11-dev
  libpng-dev zlib1g-dev libbz2-dev liblz4-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev)
kokkos=(patchelf binutils)   # to adapt Debian's own Kokkos package
checks=(ccache clang-format-14 clang-tidy-14 libomp-14-dev shellcheck   # a test that lacks its tool is skipped
  gnuplot-nox    # draws the plots of level_match; without it their tables and scripts are left
  chromium-headless-shell)   # looks at the report (100 MB)
[ "$bench" = no ] || checks+=(swarp)

# Those of "$@" that are not installed, on one line.
missing_of() {
  { dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || :; } |
    awk -v wanted="$*" '$2 == "installed" { have[$1] = 1 }
      END { count = split(wanted, name, " "); for (i = 1; i <= count; ++i) if (!(name[i] in have)) printf "%s ", name[i] }'
}

apt_install() {
  local log; log=$(mktemp)
  # shellcheck disable=SC2024
  if ! DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 \
      -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold install "$@" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2; rm -f "$log"; return 1
  fi
  rm -f "$log"
}

if command -v dpkg-query >/dev/null; then
  needed=$(missing_of "${build[@]}" "${kokkos[@]}") wished=$(missing_of "${checks[@]}")
  if [ -n "$needed$wished" ] && [ "$(id -u)" = 0 ]; then
    say "installing $needed$wished"
    # A source that does not answer is no reason to stop: the installation itself says what it lacks.
    apt-get -qq -o DPkg::Lock::Timeout=600 update </dev/null >/dev/null 2>&1 || :
    # shellcheck disable=SC2086
    [ -z "$needed" ] || apt_install $needed || die "apt-get could not install: $needed"
    # shellcheck disable=SC2086
    [ -z "$wished" ] || apt_install $wished || say "not to be had here: $wished(the tests that use them are skipped)"
  elif [ -n "$needed" ]; then
    say "these packages are missing; as root run"
    say "  apt-get update && apt-get install -y --no-install-recommends $needed$wished"
    exit 1
  elif [ -n "$wished" ]; then
    say "these would be good to have (some checks are skipped without): $wished"
  fi
else
  say "no dpkg here: libraries come from your modules (docs/cluster.md); cmake names what is missing"
fi

"$TESSERA_SOURCE/jobs/kokkos/get-kokkos.sh" "$TESSERA_DEPS/kokkos"
