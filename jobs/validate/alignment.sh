#!/usr/bin/env bash
# alignment.sh TESSERA SCRATCH [TARGET...]: where exposures are put, scored against the truth of simulated surveys (inputs/alignment, docs/validation.md):
# tweakreg one group after the other and in one least squares, with the centroids of the finder and of a measured PSF, on each other and on the
# datum; sharpness of the mosaics before and after; the official TweakRegStep on the same exposures. One target after the other: 10 GB of
# exposures each in SCRATCH, deleted when they are scored (KEEP=yes keeps them); what is there already is not made again.
#
# CASES (default: all): METHOD-CENTROIDS-ON of sequential or global, finder or epsf, relative or datum. DRAWS (default 5): so many solutions
# global-epsf-datum on the same stars with new errors, for the pulls, which are pooled over the targets. MOSAICS=no leaves the sharpness out.
# BANDS (default "F200W F300M F1000W"): simulated and aligned; without F200W a survey is 4 GB and a third of the work.
#
# Needs the virtual environment of docs/validation.md and the real star lists in $TESSERA_SHARED (default ../shared). RANKS (default 2) for tessera;
# VISTA=no leaves the real frames out, PEERS=no the official step, which takes minutes a band on one core; it is run on the first target alone (with all bands).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
[ $# -ge 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
tessera=$(realpath "$1") scratch=$(realpath -m "$2") settings=$TESSERA_SOURCE/inputs/alignment/simulate.toml
shift 2
python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
read -ra bands <<<"${BANDS:-F200W F300M F1000W}"
nircam=$(printf '%s\n' "${bands[@]}" | grep -v F1000W | paste -sd,)
read -ra cases <<<"${CASES:-$(echo {sequential,global}-{finder,epsf}-{relative,datum})}"
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
  "$python" - "$settings" "$1" "$shared" "${bands[@]}" <<'PY'
import re, sys
parts = re.split(r"(?=^\[)", open(sys.argv[1]).read(), flags=re.M)
kept = "".join(p for p in parts if not p.startswith("[[targets]]") or f'"{sys.argv[2]}"' in p)
kept = re.sub(r"(?m)^bands = .*", f"bands = {sys.argv[4:]}".replace("'", '"'), kept)
if "F200W" not in sys.argv[4:]:
    kept = re.sub(r'"nrcb[1-4]", ', "", kept)
print(kept.replace("../../../shared", sys.argv[3]), end="")
PY
}

configure() { # FOLDER TARGET LINES [LV3 LINES]: a configuration of nothing but tweakreg (and what LINES turn on), its products below FOLDER
  mkdir -p "$1"
  cat >"$1/config.toml" <<TOML
targets = ["$2"]
version = "v0p1"
bands = [$(printf '"%s", ' "${bands[@]}")]
steps = ["lyot_separate.miri", "lv3"]

[parameters.lv3]
${4:-}

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
  for name in "${cases[@]}"; do
    IFS=- read -r method centroid datum_is <<<"$name"
    folder=$scratch/runs/$target/$name by_visit=""
    lines="method = \"$method\"
centroid = \"$centroid\""
    if [ "$datum_is" = datum ]; then
      lines="$lines
$datum"
      # One after the other, and each onto the catalogue: the official way, all groups as one onto it, leaves MIRI's visits 30 mas apart.
      if [ "$method" = sequential ]; then
        lines="$lines
abs_by_group = true"
        by_visit='tweakreg_group_dithers = ["miri"]'
      fi
    fi
    configure "$folder" "$target" "$lines" "$by_visit"
    sed -i '/^resample.rotation/s/.*/resample.skip = true/' "$folder/config.toml"
    solve "$folder"
    if [ "$datum_is" = relative ]; then
      check "$target: $name, NIRCam" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands "$nircam" --relative --limit 0.004 --json "$folder/score.json"
    else
      check "$target: $name, NIRCam" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands "$nircam" --limit 0.004 --json "$folder/score.json"
      check "$target: $name, MIRI" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands F1000W --json "$folder/score_miri.json"
      check "$target: $name, MIRI against NIRCam" "$python" "$here/score_alignment.py" "$survey" "$folder" --bands F1000W --against F300M --limit 0.010 --json "$folder/miri.json"
    fi
  done
  draws=${DRAWS:-5}
  [ "$draws" = 0 ] || "$python" "$here/draw_datums.py" "$survey" "$target" "$scratch/datums/$target" "$draws" 0.005 || die "no draws of the datum of $target"
  for ((draw = 0; draw < draws; ++draw)); do
    folder=$scratch/runs/$target/draw-$draw
    configure "$folder" "$target" "method = \"global\"
centroid = \"epsf\"
${datum/$survey\/alignment\/${target}_stars.fits/$scratch/datums/$target/$draw.fits}"
    sed -i '/^resample.rotation/s/.*/resample.skip = true/' "$folder/config.toml"
    solve "$folder"
    check "$target: another datum ($draw)" "$python" "$here/score_alignment.py" "$survey" "$folder" --json "$folder/score.json"
  done
  for sharp in $([ "${MOSAICS:-yes}" = yes ] && echo before after); do
    folder=$scratch/runs/$target/mosaics-$sharp
    if [ "$sharp" = before ]; then lines="skip = true"; else lines="method = \"global\"
centroid = \"epsf\"
$datum"; fi
    configure "$folder" "$target" "$lines"
    solve "$folder"
  done
  for band in $([ "${MOSAICS:-yes}" = yes ] && echo "${bands[@]}"); do
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
      --cases rshift,absolute,visit,visit_absolute F1000W
  fi
  [ "${KEEP:-no}" = yes ] || rm -rf "$survey/raw" "$scratch/runs/$target/mosaics-before/products" "$scratch/runs/$target/mosaics-after/products"
done
pool() { # DESCRIPTION NAME...: pulls of these solutions of all targets together
  local what=$1 name target
  local -a scores=()
  shift
  for target in "${targets[@]}"; do
    for name in "$@"; do
      mapfile -t -O "${#scores[@]}" scores < <(find "$scratch/runs/$target" -path "*/$name/score*.json" | sort)
    done
  done
  [ ${#scores[@]} = 0 ] || check "$what" "$python" "$here/pool_pulls.py" --limits 0.85,1.15 "${scores[@]}"
}
pool "pulls of the global solution" global-epsf-datum 'draw-*'
pool "pulls of the sequential method" sequential-epsf-datum
if [ "${VISTA:-yes}" = yes ] && [ -d "$shared/data/real/vircam" ]; then
  check "VISTA frames" "$python" "$here/vista_alignment.py" --tessera "$tessera" --frames "$shared/data/real/vircam" --gaia "$shared/data/real/gaia" --scratch "$scratch/vista"
fi
exit "$bad"
