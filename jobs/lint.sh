#!/usr/bin/env bash
# lint.sh [FILE...]: clang-tidy over every file of src/ (or those named), remembered: ten minutes the first time on two
# cores, then only what changed. The tests look at what the newest commit changed.
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
"$TESSERA_SOURCE/jobs/build.sh" release
exec python3 "$TESSERA_SOURCE/cmake/checks/run_clang_tidy.py" --tool clang-tidy-14 --jobs "$TESSERA_JOBS" \
  --build "$TESSERA_SOURCE/build/release" --source "$TESSERA_SOURCE" "$@"
