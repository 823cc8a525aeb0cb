#!/usr/bin/env bash
# scaling.sh: strong scaling of one survey over ranks and threads; a table of times, speed-ups and memory.
#
#   jobs/scaling.sh [SETTINGS] [FOLDER]
#   RANKS="1 2 4" THREADS="1 2" MEMORY=2G LAUNCHER="srun --mpi=pmix -n" jobs/scaling.sh inputs/scaling/full-frames-16.toml $SCRATCH/scaling
#
# SETTINGS are those of a simulated survey (default inputs/scaling/full-frames-16.toml); FOLDER keeps it between runs.
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
settings=$(realpath "${1:-$TESSERA_SOURCE/inputs/scaling/full-frames-16.toml}")
folder=$(realpath -m "${2:-$TESSERA_SOURCE/tessera-demo/scaling}")
ranks=${RANKS:-1 2} threads=${THREADS:-1} memory=${MEMORY:-2G} launcher=${LAUNCHER:-mpirun -n}
"$TESSERA_SOURCE/jobs/build.sh" release tessera
tessera=$TESSERA_SOURCE/build/release/bin/tessera

if [ ! -e "$folder/config.toml" ]; then
  say "simulating $settings"
  $launcher "$TESSERA_CORES" "$tessera" simulate "$settings" -o "$folder"
fi

table=$folder/scaling.tsv
printf 'ranks\tthreads\twall_s\tspeedup\tpeak_rank_MB\timbalance\n' >"$table"
first=
for thread in $threads; do
  for rank in $ranks; do
    find "$folder" -name '*_i2d.*' -delete      # products and manifests: the work is done again each time
    find "$folder" -name '*_i2d.journal' -exec rm -r {} +
    begin=$(date +%s.%N)
    OMP_NUM_THREADS=$thread $launcher "$rank" "$tessera" run "$folder/config.toml" --memory-per-rank "$memory" >"$folder/run.log" 2>&1 \
      || { cat "$folder/run.log"; exit 1; }
    end=$(date +%s.%N)
    timing=$(find "$folder" -name timing.json | head -n 1)
    first=$(python3 - "$begin" "$end" "${first:-0}" "$rank" "$thread" "$timing" "$table" <<'PYTHON'
import json, sys
begin, end, first = map(float, sys.argv[1:4])
steps = json.load(open(sys.argv[6]))["steps"]
wall = end - begin
first = first or wall
peak = max(step["peak_memory_bytes"] for step in steps) / 2**20
imbalance = max(step["imbalance"] for step in steps)
with open(sys.argv[7], "a") as table:
    table.write(f"{sys.argv[4]}\t{sys.argv[5]}\t{wall:.2f}\t{first / wall:.2f}\t{peak:.0f}\t{imbalance:.3f}\n")
print(first)
PYTHON
)
  done
done
column -t -s "$(printf '\t')" "$table" 2>/dev/null || cat "$table"
say "table: $table"
