#!/usr/bin/env bash
# demo.sh [FOLDER]: install what is missing, build, simulate a small survey and reduce it, from count rates to mosaics, on
# two ranks; where Python has what it takes, a table against the truth.
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

python=${TESSERA_REFERENCE_VENV:-$HOME/.cache/tessera/reference}/bin/python
[ -x "$python" ] || python=python3
if "$python" -c "import astropy, matplotlib, numpy, scipy" 2>/dev/null; then
  say "against the truth of the simulation (docs/validation.md)"
  "$python" "$TESSERA_SOURCE/jobs/validate/score_survey.py" "$survey" --tessera "$tessera" || say "the table is not complete"
else
  say "no astropy, matplotlib and scipy for Python: the table against the truth is left out (docs/validation.md)"
fi

echo
echo "Mosaics:";  find "$survey" -name '*_i2d*.fits' | sort | sed 's/^/  /'
echo "Pictures:"; find "$survey" -name '*.png' | sort | sed 's/^/  /'
echo "Report:";   find "$survey" -path '*report*' -type f | sort | sed 's/^/  /'
exit "$status"
