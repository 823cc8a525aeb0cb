#!/usr/bin/env bash
# bench.sh [kernels|memory|ranks|swarp|all]...: how fast tessera is beside the reference programs, and what it needs.
#
#   kernels  the drizzle of a full frame beside the reference `drizzle` C library (one thread, same frame, same planes),
#            and the part of the memory bandwidth that it uses
#   memory   peak memory of a rank at a budget of 1 GB, for 16 and for 64 full-frame exposures (needs 25 GB of scratch)
#   ranks    two ranks against one, 16 full-frame exposures to a mosaic
#   swarp    `tessera mosaic` beside SWarp on real frames (needs the material in $TESSERA_SHARED, default ../shared)
#
# Prints one table and writes build/bench/summary.json with everything that was measured; ends with 1 when a goal is missed.
#   TESSERA_REFERENCE_VENV   virtual environment of the reference packages, made if absent [~/.cache/tessera/reference]
#   TESSERA_BENCH_SCRATCH    folder for simulated exposures and mosaics, emptied afterwards [build/bench/scratch]
#   TESSERA_BENCH_REPEATS    runs of each measurement, the best one counts [3]
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
parts=("$@")
[ $# -gt 0 ] || parts=(all)
for part in "${parts[@]}"; do case $part in
  kernels|memory|ranks|swarp|all) ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac; done
wants() { [[ " ${parts[*]} " == *" $1 "* || " ${parts[*]} " == *" all "* ]]; }

cd "$TESSERA_SOURCE"
repeats=${TESSERA_BENCH_REPEATS:-3}
venv=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}
results=$TESSERA_SOURCE/build/bench
scratch=$(realpath -m "${TESSERA_BENCH_SCRATCH:-$results/scratch}")
shared=${TESSERA_SHARED:-$TESSERA_SOURCE/../shared}
bin=$TESSERA_SOURCE/build/release/bin
if wants swarp; then jobs/install-deps.sh --bench; else jobs/install-deps.sh; fi
TESSERA_CMAKE_FLAGS="${TESSERA_CMAKE_FLAGS:-} -DTESSERA_BENCHMARKS=ON" jobs/build.sh release tessera tessera_bench_kernels
mkdir -p "$results" "$scratch"
trap 'rm -rf "$scratch"/survey-* "$scratch/swarp" "$scratch/planes.raw"' EXIT

if { wants kernels || wants swarp; } && ! "$venv/bin/python" -c 'import drizzle, astropy' 2>/dev/null; then
  say "installing the reference packages into $venv"
  python3 -m venv "$venv" || die "no virtual environment could be made: install the package python3-venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check drizzle numpy astropy
fi

# simulate SETTINGS NAME GIGABYTES: the survey $scratch/survey-NAME; GIGABYTES with its mosaics.
simulate() {
  local free; free=$(df --output=avail -B1G "$scratch" | tail -n 1)
  [ "$free" -gt "$3" ] || die "$scratch has $free GB free, $3 GB are needed: set TESSERA_BENCH_SCRATCH"
  [ -e "$scratch/survey-$2/config.toml" ] || mpirun -n "$TESSERA_CORES" "$bin/tessera" simulate "inputs/scaling/$1" -o "$scratch/survey-$2" >/dev/null
}

failed=0
if wants kernels; then
  say "kernels: $repeats rounds"
  "$venv/bin/python" jobs/bench/measure_kernels.py --bench "$bin/tessera_bench_kernels" --reference tests/bench/reference_drizzle.py \
    --repeats "$repeats" --scratch "$scratch" --json "$results/kernels.json" || failed=1
fi
if wants ranks || wants memory; then simulate full-frames-16.toml 16 6; fi
if wants ranks; then
  say "ranks: $repeats rounds of one and two ranks"
  python3 jobs/bench/measure_runs.py ranks --tessera "$bin/tessera" --surveys "$scratch/survey-16" --repeats "$repeats" --json "$results/ranks.json" || failed=1
fi
if wants memory; then
  simulate full-frames-64.toml 64 19
  say "memory: 16 and 64 exposures at 1 GB"
  python3 jobs/bench/measure_runs.py memory --tessera "$bin/tessera" --surveys "$scratch/survey-16" "$scratch/survey-64" --json "$results/memory.json" || failed=1
fi
rm -rf "$scratch"/survey-*
if wants swarp; then
  if [ -d "$shared/data/real/vircam" ]; then
    say "SWarp: $repeats rounds on one and two cores"
    "$venv/bin/python" jobs/validate/compare_swarp.py --tessera "$bin/tessera" --frames "$shared/data/real/vircam" --repeats "$repeats" \
      --scratch "$scratch/swarp" --json "$results/swarp.json" >/dev/null || failed=1
  else
    say "SWarp: left out, the real frames are not in $shared/data/real/vircam"
  fi
fi

python3 jobs/bench/summarize.py "$results" "${parts[@]}" || failed=1
exit "$failed"
