#!/usr/bin/env bash
# get-kokkos.sh PREFIX: a Kokkos of 4.3 or newer, the first that works of
#   1. $Kokkos_ROOT                       an installed one (CUDA, HIP, a site's): used as it is
#   2. one of the system                  CMAKE_PREFIX_PATH (modules, Spack), /usr/local, /usr
#   3. PREFIX                             what an earlier run of this script made
#   4. the upstream release               at a pinned tag, built into PREFIX: OpenMP and Serial
#   5. Debian's own package               of unstable, made loadable on Debian 12 (amd64), into PREFIX: OpenMP
#      KOKKOS_DEBS=DIR takes its two .deb files from DIR; without it ../shared/kokkos-debs serves when the mirror fails.
# CMake finds 1 and 2 by itself and PREFIX through cmake/Dependencies.cmake when it is the default one.
# The idea of 5: the library wants a few symbols of a newer libc and libstdc++. relabel-symver.py renames those symbol
# versions in the file, compat.cpp supplies the symbols. Nothing of the system is touched, its apt lists included.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=${1:?usage: get-kokkos.sh PREFIX}
tag=${TESSERA_KOKKOS_TAG:-4.7.01}   # 4.7 has the workaround for g++ 12.2 to 12.4, which miscompile older Views
upstream=${TESSERA_KOKKOS_URL:-https://github.com/kokkos/kokkos.git}
jobs=${TESSERA_JOBS:-2}

note() { echo "kokkos: $*" >&2; }
die() { note "$*"; exit 1; }

# version_in FOLDER: version of the Kokkos installed under FOLDER; fails without one or outside 4.3 ... <6.
version_in() {
  local file version
  for file in "$1"/{lib,lib64,lib/*-linux-gnu*}/cmake/Kokkos/KokkosConfigVersion.cmake; do
    [ -e "$file" ] || continue
    version=$(sed -n 's/^ *set *(PACKAGE_VERSION "\([0-9.]*\)").*/\1/p' "$file" | head -n 1)
    case $version in 4.[3-9]* | 4.[1-9][0-9]* | 5.*) echo "$version"; return 0 ;; esac
  done
  return 1
}

if [ -n "${Kokkos_ROOT:-}" ]; then
  version=$(version_in "$Kokkos_ROOT") || die "Kokkos_ROOT=$Kokkos_ROOT holds no Kokkos of 4.3 to 5.x"
  note "$version in $Kokkos_ROOT (Kokkos_ROOT)"; exit 0
fi
IFS=: read -r -a site <<<"${CMAKE_PREFIX_PATH:-}"
for folder in "${site[@]}" /usr/local /usr; do
  if [ -n "$folder" ] && version=$(version_in "$folder"); then note "$version in $folder (system)"; exit 0; fi
done
if [ -e "$prefix/.complete" ] && version=$(version_in "$prefix"); then
  note "$version in $prefix ($(cat "$prefix/.complete"))"; exit 0
fi

mkdir -p "$prefix" || die "cannot make $prefix: set TESSERA_DEPS to a folder you may write in"
exec 9>"$prefix.lock"
flock 9   # two jobs at once: the second finds what the first made
if [ -e "$prefix/.complete" ] && version=$(version_in "$prefix"); then
  note "$version in $prefix ($(cat "$prefix/.complete"))"; exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/get-kokkos.XXXXXX")
trap 'rm -rf "$work"' EXIT

# works: a small program finds the one in the prefix, builds with it and runs.
works() {
  if cmake -G Ninja -S "$here/check" -B "$work/check" -DKokkos_ROOT="$prefix" -DCMAKE_BUILD_TYPE=Release >"$work/log" 2>&1 &&
    cmake --build "$work/check" >>"$work/log" 2>&1 &&
    OMP_NUM_THREADS=2 OMP_PROC_BIND=false "$work/check/check" >>"$work/log" 2>&1; then
    return 0
  fi
  tail -n 20 "$work/log" >&2; note "the check program fails with it"; return 1
}

fresh_prefix() { rm -rf "$prefix"; mkdir -p "$prefix"; }

from_upstream() {
  GIT_TERMINAL_PROMPT=0 timeout 10 git ls-remote --exit-code "$upstream" "refs/tags/$tag" >/dev/null 2>&1 || return 1
  note "building the upstream release $tag (some minutes, once)"
  GIT_TERMINAL_PROMPT=0 timeout 300 git -c advice.detachedHead=false clone -q --depth 1 --branch "$tag" "$upstream" \
    "$work/source" >"$work/log" 2>&1 || { tail -n 3 "$work/log" >&2; return 1; }
  fresh_prefix
  if ! { cmake -G Ninja -S "$work/source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" \
      -DCMAKE_CXX_STANDARD=20 -DBUILD_SHARED_LIBS=ON -DKokkos_ENABLE_OPENMP=ON -DKokkos_ENABLE_SERIAL=ON &&
    cmake --build "$work/build" --parallel "$jobs" --target install; } >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2; return 1
  fi
  works || return 1
  echo "upstream $tag" >"$prefix/.complete"
}

# private_apt TOOL ARGUMENTS...: apt with sources, lists and cache of its own, and unstable as the suite. A mirror whose
# index is some weeks old will do (what it hands out is still checked against the archive's signature).
private_apt() {
  local tool=$1; shift
  "$tool" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/parts" \
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o Dir::State::status=/dev/null \
    -o APT::Sandbox::User=root -o Acquire::http::Timeout=20 -o Acquire::Check-Valid-Until=false "$@"
}

debs_from_mirror() {
  local uri library
  uri=$(awk '$1 == "URIs:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || :)
  [ -n "$uri" ] || uri=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' \
    /etc/apt/sources.list 2>/dev/null || :)
  [ -n "$uri" ] || { note "no Debian mirror in the apt sources"; return 1; }
  mkdir -p "$work"/apt/{parts,lists/partial,cache/archives/partial}
  printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' "$uri" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$work/apt/parts/private.sources"
  private_apt apt-get -qq update >"$work/log" 2>&1 || { note "the mirror: $(tail -n 1 "$work/log")"; return 1; }
  library=$(private_apt apt-cache depends libkokkos-dev | awk '$1 == "Depends:" && $2 ~ /^libkokkos/ { print $2; exit }')
  [ -n "$library" ] || { note "the mirror has no libkokkos-dev"; return 1; }
  (cd "$work/debs" && private_apt apt-get -qq download libkokkos-dev "$library") >"$work/log" 2>&1 ||
    { note "the mirror: $(tail -n 1 "$work/log")"; return 1; }
}

# adapt_library FILE: make a library that was linked on a newer Debian loadable here.
adapt_library() {
  local file=$1 folder; folder=$(dirname "$file")
  # shellcheck disable=SC2016
  patchelf --set-rpath '$ORIGIN' "$file"
  python3 "$here/relabel-symver.py" "$file" "$work" >"$work/symbols" || return 1
  [ -s "$work/symbols" ] || return 0
  patchelf --add-needed libkokkos_compat.so.0 "$file"
  g++ -std=c++20 -O2 -fPIC -shared "$here/compat.cpp" -Wl,--version-script="$work/compat.map" \
    -Wl,-soname,libkokkos_compat.so.0 -o "$folder/libkokkos_compat.so.0" || return 1
  nm -D --defined-only "$folder/libkokkos_compat.so.0" | sed 's/@.*//' | awk '{ print $3 }' | sort >"$work/have"
  sort "$work/symbols" | comm -23 - "$work/have" >"$work/missing"
  [ ! -s "$work/missing" ] || {
    note "this Kokkos needs more from a newer libc or libstdc++ (add to compat.cpp): $(tr '\n' ' ' <"$work/missing")"
    return 1
  }
}

# from_debs: the two packages in $work/debs, unpacked into the prefix and adapted.
from_debs() {
  local package folder file
  rm -rf "$work/root"; fresh_prefix
  for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root" || return 1; done
  cp -a "$work/root/usr/." "$prefix/" || return 1
  folder=$prefix/lib/x86_64-linux-gnu
  # The package's CMake files name /usr/include, and empty archives that it does not ship.
  # shellcheck disable=SC2016
  sed -i 's#"/usr/include/kokkos"#"${_IMPORT_PREFIX}/include/kokkos"#' "$folder/cmake/Kokkos/KokkosTargets.cmake" || return 1
  { grep -ho '/libkokkos[a-z]*\.a"' "$folder"/cmake/Kokkos/KokkosTargets-*.cmake || :; } | tr -d '/"' | sort -u |
    while read -r file; do [ -e "$folder/$file" ] || ar cr "$folder/$file"; done
  for file in "$folder"/libkokkos*.so.*.*.*; do adapt_library "$file" || return 1; done
  works || return 1
  echo "$1" >"$prefix/.complete"
}

from_debian() {
  [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || { note "Debian's package is adapted for amd64 only"; return 1; }
  local tool kept
  for tool in patchelf ar nm objdump g++ python3 cmake; do
    command -v "$tool" >/dev/null || { note "$tool is missing (packages patchelf binutils g++ python3 cmake)"; return 1; }
  done
  mkdir -p "$work/debs"
  if [ -z "${KOKKOS_DEBS:-}" ] && debs_from_mirror && from_debs "Debian's package"; then return 0; fi
  kept=${KOKKOS_DEBS:-$here/../../../shared/kokkos-debs}
  compgen -G "$kept/libkokkos*.deb" >/dev/null || { note "no libkokkos*.deb in $kept"; return 1; }
  rm -f "$work"/debs/*; cp "$kept"/libkokkos*.deb "$work/debs/"
  from_debs "Debian's package, kept copy"
}

from_upstream || from_debian || {
  rm -rf "$prefix"
  die "no Kokkos to be had. Install 4.3 or newer (docs/cluster.md: module, Spack or source) and set Kokkos_ROOT to it"
}
note "$(version_in "$prefix") in $prefix ($(cat "$prefix/.complete"))"
