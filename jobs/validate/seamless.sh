#!/usr/bin/env bash
# seamless.sh TESSERA SCRATCH: the seamless mosaics of inputs/seamless from simulated exposures, scored against the truth, and other
# programs on the same exposures (docs/validation.md). 30 GB in SCRATCH; what is there already is not made again.
#
# Needs the virtual environment of docs/validation.md. Montage (Debian: montage) and pjpipe (PJPIPE_PYTHON: the Python of a virtual
# environment with it) are left out where they are not. RANKS (default 2) for tessera; PEERS=no leaves the other programs out.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
[ $# = 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
tessera=$(realpath "$1") scratch=$(realpath -m "$2") inputs=$TESSERA_SOURCE/inputs/seamless
python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
mkdir -p "$scratch"
bad=0
bands=(F300M F200W F770W)

check() { # DESCRIPTION COMMAND...: says which score is outside its limit
  local what=$1
  shift
  say "$what"
  "$@" || { say "outside its limit: $what"; bad=1; }
}

made_by() { # SURVEY: levels, stripes, cosmic rays of what tessera made of it
  local survey=$scratch/$1 level_limit=$2 made=$scratch/$1-exported
  local config=("$inputs/config.toml" --local "$survey/local.toml") log=$scratch/$1.log
  [ -f "$survey/truth/truth.json" ] || "$tessera" simulate "$inputs/$3" -o "$survey" >"$log" 2>&1 || die "simulation failed, see $log"
  mpirun -n "${RANKS:-2}" "$tessera" run "${config[@]}" >>"$log" 2>&1 || die "tessera run failed, see $log"
  mpirun -n "${RANKS:-2}" "$tessera" export "${config[@]}" -o "$made" >>"$log" 2>&1 || die "tessera export failed, see $log"
  for band in "${bands[@]}"; do
    check "$1: levels of the corrected exposures" "$python" "$here/score_levels.py" "$survey" "$band" "$made" --limit "$level_limit"
    [ "$band" = F770W ] ||
      check "$1: stripes" "$python" "$here/score_stripes.py" "$survey" "$band" "$made" --limit 3
    check "$1: cosmic rays" "$python" "$here/score_cosmic_rays.py" "$survey" "$band" tessera="$made" --complete 0.995 --false 0.001
  done
}

made_by clean 0.001 clean.toml
made_by striped 0.003 simulate.toml

if [ "${PEERS:-yes}" = yes ]; then
  peers=skymatch
  command -v mProjExec >/dev/null && peers=$peers,montage
  [ -n "${PJPIPE_PYTHON:-}" ] && peers=$peers,pjpipe
  for survey in clean striped; do
    for band in "${bands[@]}"; do
      out=$scratch/peers-$survey-$band
      [ -f "$out/peers.json" ] ||
        "$python" "$here/peers_levels.py" "$scratch/$survey" "$band" "$out" --peers "$peers" \
          ${PJPIPE_PYTHON:+--pjpipe-python "$PJPIPE_PYTHON"} || bad=1
      for levels in "$out"/*.csv; do
        say "$survey: $(basename "$levels" .csv)"
        "$python" "$here/score_levels.py" "$scratch/$survey" "$band" "$levels"
      done
    done
  done
  check "outliers beside the official step" "$python" "$here/compare_outliers.py" --tessera "$tessera" --scratch "$scratch/outliers" \
    --speed "$scratch/striped" "${bands[@]}"
fi
exit "$bad"
