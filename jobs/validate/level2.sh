#!/usr/bin/env bash
# level2.sh TESSERA SCRATCH: level 2 beside the official calwebb_image2: the same simulated full frames (inputs/level2/compare.toml), the same CRDS
# cache, parameter references on and off (docs/validation.md). 2 GB in SCRATCH; what is there of the official pipeline is not made again.
#
# Needs the virtual environment of docs/validation.md.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
[ $# = 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
tessera=$(realpath "$1") scratch=$(realpath -m "$2")
python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
mkdir -p "$scratch"
[ -f "$scratch/survey/truth/truth.json" ] ||
  "$tessera" simulate "$TESSERA_SOURCE/inputs/level2/compare.toml" -o "$scratch/survey" >"$scratch/log" 2>&1 || die "simulation failed, see $scratch/log"
rm -rf "$scratch/image2/tessera-on" "$scratch/image2/tessera-off"
"$python" "$here/compare_image2.py" --tessera "$tessera" --survey "$scratch/survey" --scratch "$scratch/image2"
