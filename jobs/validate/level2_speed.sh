#!/usr/bin/env bash
# level2_speed.sh TESSERA SCRATCH: time from count rates to mosaics beside the official pipeline and pjpipe on the same full frames
# (inputs/level2/speed.toml), the same steps with the same parameters, reading and writing included (docs/validation.md). tessera on one rank and
# thread, then on two ranks; the others in one Python process, imports not counted. Of each wall and processor seconds: on a machine that others
# use too the latter can be compared. 6 GB in SCRATCH; what is there of the others is not made again.
#
# PJPIPE_PYTHON: the Python of a virtual environment with pjpipe and jwst. LIMIT: processor seconds after which one of their stages is given up.
# Ends with 1 when tessera is less than FACTOR (default 20) times faster.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jobs/environment.sh
. "$here/../environment.sh"
[ $# = 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
tessera=$(realpath "$1") scratch=$(realpath -m "$2")
python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
survey=$scratch/survey
mkdir -p "$scratch"
[ -f "$survey/truth/truth.json" ] ||
  "$tessera" simulate "$TESSERA_SOURCE/inputs/level2/speed.toml" -o "$survey" >"$scratch/log" 2>&1 || die "simulation failed, see $scratch/log"
cat "$survey"/raw/*/mastDownload/JWST/*/*.fits >/dev/null # both read from memory
for ranks in 1 2; do
  folder=$scratch/ranks$ranks
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$TESSERA_SOURCE/inputs/level2/config.toml" "$folder"
  sed "s|^reprocess_dir.*|reprocess_dir = \"$folder/products\"|" "$survey/local.toml" >"$folder/local.toml"
  command=("$tessera" run "$folder/config.toml")
  [ "$ranks" = 1 ] || command=(mpirun -n "$ranks" "${command[@]}")
  TIMEFORMAT='%R %U %S'
  { time "${command[@]}" >"$folder/log" 2>&1; } 2>"$folder/seconds" || die "tessera run failed, see $folder/log"
done
[ -f "$scratch/peers/finished" ] || {
  "${PJPIPE_PYTHON:-/opt/ref/pjpipe/bin/python}" "$here/peer_level2.py" "$survey" "$scratch/peers" --limit "${LIMIT:-3000}" >"$scratch/peers.log" 2>&1 ||
    die "the others failed, see $scratch/peers.log"
  touch "$scratch/peers/finished"
}
"$python" - "$scratch" "${FACTOR:-20}" <<'PY'
import json, pathlib, sys
scratch, factor = pathlib.Path(sys.argv[1]), float(sys.argv[2])
times = json.loads((scratch / "peers" / "times.json").read_text())
print(f"{'official pipeline and pjpipe':<34}{'wall':>8}{'processor':>11} s")
for name, row in times.items():
    print(f"  {name:<32}{row['wall']:8.1f}{row['processor']:11.1f}{'' if row['done'] else '  (given up)'}")
theirs = [sum(row[key] for row in times.values()) for key in ("wall", "processor")]
print(f"  {'all':<32}{theirs[0]:8.1f}{theirs[1]:11.1f}")
ours = {}
for ranks in (1, 2):
    folder = scratch / f"ranks{ranks}"
    wall, user, system = map(float, (folder / "seconds").read_text().split()[-3:])
    ours[ranks] = user + system
    print(f"{f'tessera, ranks: {ranks}':<34}{wall:8.1f}{ours[ranks]:11.1f}   {theirs[1] / ours[ranks]:.1f} times less processor time")
    log = (folder / "log").read_text().splitlines()
    first = next(k for k, line in enumerate(log) if line.startswith("step ")) if ranks == 1 else len(log)
    print("\n".join("  " + line for line in log[first:] if line and not line[0].isdigit()))
sys.exit(0 if theirs[1] >= factor * ours[1] else 1)
PY
