#!/usr/bin/env bash
# all.sh [TESSERA]: every comparison with reference software (docs/validation.md), against the program TESSERA (default
# build/release/bin/tessera). Not part of the tests: it installs `jwst` (1.5 GB) where TESSERA_REFERENCE_VENV has none, and
# needs fitsverify, SWarp and the real files in $TESSERA_SHARED (default ../shared; what needs them is left out without).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
tessera=$(realpath "${1:-$TESSERA_SOURCE/build/release/bin/tessera}")
real=${TESSERA_SHARED:-$TESSERA_SOURCE/../shared}/data/real
export TESSERA_REFERENCE_VENV=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}
python=$TESSERA_REFERENCE_VENV/bin/python
results=$TESSERA_SOURCE/build/validation
for tool in fitsverify SWarp; do command -v "$tool" >/dev/null || die "$tool is missing (Debian: fitsverify, swarp)"; done
if ! "$python" -c 'import jwst' 2>/dev/null; then
  say "installing jwst into $TESSERA_REFERENCE_VENV"
  { python3 -m venv "$TESSERA_REFERENCE_VENV" && "$python" -m pip install --quiet jwst drizzle; } || die "jwst could not be installed"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$results"
bad=0

say "official resample step"
"$python" "$here/compare_resample.py" --tessera "$tessera" --scratch "$work/resample" --json "$results/resample.json" 2>"$work/log" || {
  bad=1; grep FAILED "$work/log"; }
say "official skymatch step"
"$python" "$here/compare_skymatch.py" --tessera "$tessera" --scratch "$work/skymatch" || bad=1
say "products in astropy, fitsverify and jwst.datamodels"
# shellcheck disable=SC2046
"$python" "$here/check_i2d.py" --tessera "$tessera" "$work"/resample/*_own_tessera_i2d.fits $(find "$work/resample/survey" -name '*_cal.fits') || bad=1
"$tessera" run "$work/resample/survey/config.toml" >/dev/null 2>&1 || bad=1
"$tessera" export "$work/resample/survey/config.toml" -o "$work/exported" >/dev/null 2>&1 || bad=1
# shellcheck disable=SC2046
"$python" "$here/check_i2d.py" --tessera "$tessera" $(find "$work/resample/survey/reprocessed" -name '*_i2d.fits') \
  $(find "$work/exported" -name '*.fits') || bad=1
say "products of the official pipeline, read by us"
"$python" "$here/check_i2d.py" --tessera "$tessera" --official "$work"/resample/*_own_official_i2d.fits || bad=1
if [ -d "$real" ]; then
  say "real MIRI products"
  "$here/miri_pair.sh" "$tessera" "$real/jwst_miri" "$results" 2>/dev/null || bad=1
  say "SWarp on real VISTA frames"
  "$python" "$here/compare_swarp.py" --tessera "$tessera" --frames "$real/vircam" --scratch "$work/swarp" --json "$results/swarp.json" || bad=1
  say "levels and cosmic rays of real VISTA frames"
  "$python" "$here/vista_frames.py" --tessera "$tessera" --frames "$real/vircam" --scratch "$work/vista" --pictures "$results" \
    --json "$results/vista.json" || bad=1
else
  say "real files are not in $real: MIRI products and SWarp are left out"
fi
if [ -n "${TESSERA_SEAMLESS_SCRATCH:-}" ]; then
  say "seamless mosaics of simulated exposures"
  "$here/seamless.sh" "$tessera" "$TESSERA_SEAMLESS_SCRATCH" || bad=1
else
  say "seamless mosaics are left out: TESSERA_SEAMLESS_SCRATCH names no folder for 30 GB"
fi
exit "$bad"
