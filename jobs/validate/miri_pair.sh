#!/usr/bin/env bash
# miri_pair.sh TESSERA DATA PICTURES: the real MIRI products in DATA (jwst_miri of the shared material) onto one grid.
#
# Their gwcs (inside gzip-compressed files) decide where the pixels go; north is up. Then the positions in the mosaic are
# compared with the official software: every pixel of the inputs through its own gwcs lands on the mosaic's pixel that our grid
# says. PICTURES/miri_pair.png is the picture of the mosaic. Needs the virtual environment of docs/validation.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
[ $# = 3 ] || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
tessera=$(realpath "$1") data=$(realpath "$2") pictures=$(realpath -m "$3")
python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$pictures"
"$tessera" mosaic "$data"/jw01288015001_*_i2d.fits -o "$work/pair_i2d.fits" --rotation 0
cp "$work"/pair*_sci.png "$pictures/miri_pair.png"
"$python" "$here/compare_reprojection.py" "$work/pair_i2d.fits" "$data"/jw01288015001_*_i2d.fits
