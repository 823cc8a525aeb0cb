#!/usr/bin/env bash
# demo.sh [FOLDER]: install what is missing, build, simulate a small survey and reduce it, from count rates to mosaics, on two ranks.
# FOLDER (default tessera-demo, beside the sources) is kept: run again and what is done is not done again.
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
demo=$(realpath -m "${1:-$TESSERA_SOURCE/tessera-demo}")
"$TESSERA_SOURCE/jobs/install-deps.sh"
"$TESSERA_SOURCE/jobs/build.sh" release tessera
tessera=$TESSERA_SOURCE/build/release/bin/tessera
survey=$demo/survey
mkdir -p "$demo"
cd "$TESSERA_SOURCE"

if [ ! -e "$survey/config.toml" ]; then
  say "simulating the survey of inputs/demo/rates.toml"
  "$tessera" simulate inputs/demo/rates.toml -o "$survey"
fi
say "reducing it on two ranks"
status=0
mpirun -n 2 "$tessera" run "$survey/config.toml" || status=$?
[ "$status" = 0 ] || say "tessera ended with $status (docs/exit-status.md)"

echo
echo "Mosaics:";  find "$survey" -name '*_i2d*.fits' | sort | sed 's/^/  /'
echo "Pictures:"; find "$survey" -name '*.png' | sort | sed 's/^/  /'
echo "Report:";   find "$survey" -path '*report*' -type f | sort | sed 's/^/  /'
exit "$status"
