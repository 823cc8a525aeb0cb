#!/usr/bin/env bash
# alignment.sh TESSERA SCRATCH [TARGET...]: where exposures are put, scored against the truth of simulated surveys (inputs/alignment, docs/validation.md):
# tweakreg one group after the other and in one least squares, with the centroids of the finder and of a measured PSF, on each other and on the
# datum; sharpness of the mosaics before and after; the official TweakRegStep on the same exposures. One target after the other: 10 GB of
# exposures each in SCRATCH, deleted when they are scored (KEEP=yes keeps them); what is there already is not made again.
#
# Needs the virtual environment of docs/validation.md and the real star lists in $TESSERA_SHARED (default ../shared). RANKS (default 2) for tessera;
# PEERS=no leaves the official step out, which takes minutes a band on one core; it is run on the first target alone.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
tessera=$(realpath "$1") scratch=$(realpath -m "$2") settings=$TESSERA_SOURCE/inputs/alignment/simulate.toml
shift 2
python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
shared=${TESSERA_SHARED:-$TESSERA_SOURCE/../shared}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"/\1/p' "$settings")
mkdir -p "$scratch"
bad=0

check() { # DESCRIPTION COMMAND...: says which score is outside its limit
  local what=$1
  shift
  say "$what"
  "$@" || { say "outside its limit: $what"; bad=1; }
}

settings_of() { # TARGET: the settings with this target alone
  "$python" - "$settings" "$1" "$shared" <<'PY'
import re, sys
parts = re.split(r"(?=^\[)", open(sys.argv[1]).read(), flags=re.M)
kept = "".join(p for p in parts if not p.startswith("[[targets]]") or f'"{sys.argv[2]}"' in p)
print(kept.replace("../../../shared", sys.argv[3]), end="")
PY
}

configure() { # FOLDER TARGET LINES: a configuration of nothing but tweakreg (and what LINES turn on), its products below FOLDER
  mkdir -p "$1"
  cat >"$1/config.toml" <<TOML
targets = ["$2"]
version = "v0p1"
bands = ["F200W", "F300M", "F1000W"]
steps = ["lyot_separate.miri", "lv3"]

[parameters.lv3.jwst_parameters]
skymatch.skip = true
outlier_detection.skip = true
source_catalog.skip = true
resample.rotation = 0.0

[parameters.lv3.jwst_parameters.tweakreg]
expand_refcat = true
snr_threshold = { nircam = 10, miri = 8 }
brightest = 300
minobj = 6
searchrad = 1.0
separation = 0.5
tolerance = 0.3
nclip = 5
roundhi = 0.4
bkg_boxsize = { nircam = 100, miri = 25 }
$3
TOML
  sed "s|^reprocess_dir.*|reprocess_dir = \"$1/products\"|" "$scratch/$2/local.toml" >"$1/local.toml"
}

solve() { # FOLDER
  [ -f "$1/done" ] && return
  mpirun -n "${RANKS:-2}" "$tessera" run "$1/config.toml" --local "$1/local.toml" >"$1/log" 2>&1 || die "tessera run failed, see $1/log"
  touch "$1/done"
}

official_done=no
for target in "${targets[@]}"; do
  survey=$scratch/$target
  if [ ! -f "$survey/truth/truth.json" ] || [ ! -d "$survey/raw" ]; then
    settings_of "$target" >"$scratch/$target.toml"
    "$tessera" simulate "$scratch/$target.toml" -o "$survey" >"$scratch/$target.log" 2>&1 || die "simulation failed, see $scratch/$target.log"
  fi
  datum="abs_refcat = \"$survey/alignment/${target}_stars.fits\"
abs_searchrad = 1.0
abs_separation = 0.5
abs_tolerance = 0.3
abs_minobj = 6
abs_error = 0.005"
  check "$target: as the headers say" "$python" "$here/score_alignment.py" "$survey" none --json "$scratch/$target-before.json"
  for method in sequential global; do
    for centroid in finder epsf; do
      for datum_is in relative datum; do
        name=$method-$centroid-$datum_is folder=$scratch/runs/$target/$method-$centroid-$datum_is
        lines="method = \"$method\"
centroid = \"$centroid\""
        [ $datum_is = datum ] && lines="$lines
$datum"
        configure "$folder" "$target" "$lines"
        sed -i '/^resample.rotation/s/.*/resample.skip = true/' "$folder/config.toml"
        solve "$folder"
        if [ $datum_is = relative ]; then
          check "$target: $name, NIRCam" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands F200W,F300M --relative --limit 0.004 --json "$folder/score.json"
        else
          check "$target: $name, NIRCam" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands F200W,F300M --limit 0.004 --pulls 0.85,1.15 --json "$folder/score.json"
          check "$target: $name, MIRI against NIRCam" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands F1000W --against F300M --limit 0.010 --json "$folder/miri.json"
        fi
      done
    done
  done
  for sharp in before after; do
    folder=$scratch/runs/$target/mosaics-$sharp
    if [ $sharp = before ]; then lines="skip = true"; else lines="method = \"global\"
centroid = \"epsf\"
$datum"; fi
    configure "$folder" "$target" "$lines"
    solve "$folder"
  done
  for band in F200W F300M F1000W; do
    mosaic() { find "$scratch/runs/$target/mosaics-$1" -path "*/$band/*_i2d.fits" | head -1; }
    check "$target: sharpness of $band" "$python" "$here/sharpness.py" "$survey" "$band" "before=$(mosaic before)" "after=$(mosaic after)" --sharper after,before \
      --json "$scratch/runs/$target/sharpness-$band.json"
  done
  if [ "${PEERS:-yes}" = yes ] && [ $official_done = no ]; then
    official_done=yes
    check "$target: official TweakRegStep" "$python" "$here/compare_tweakreg.py" --tessera "$tessera" --survey "$survey" --scratch "$scratch/official" \
      --cases rshift,absolute,phangs,general F300M
    check "$target: official TweakRegStep, short wavelengths" "$python" "$here/compare_tweakreg.py" --tessera "$tessera" --survey "$survey" \
      --scratch "$scratch/official" --cases rshift F200W
    check "$target: official TweakRegStep, MIRI" "$python" "$here/compare_tweakreg.py" --tessera "$tessera" --survey "$survey" --scratch "$scratch/official" \
      --cases rshift,absolute F1000W
  fi
  [ "${KEEP:-no}" = yes ] || rm -rf "$survey/raw" "$scratch/runs/$target/mosaics-before/products" "$scratch/runs/$target/mosaics-after/products"
done
if [ -d "$shared/data/real/vircam" ]; then
  check "VISTA frames" "$python" "$here/vista_alignment.py" --tessera "$tessera" --frames "$shared/data/real/vircam" --gaia "$shared/data/real/gaia" --scratch "$scratch/vista"
fi
exit "$bad"
