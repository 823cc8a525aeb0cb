#!/usr/bin/env bash
# test.sh [CTEST-ARGUMENTS...]: install what is missing, build, run every test. This is what CI runs.
# For example: jobs/test.sh -L unit, jobs/test.sh -R mpi_store, jobs/test.sh -LE check.
# TESSERA_PRESET=sanitize tests another preset.
set -euo pipefail
# shellcheck source=jobs/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
preset=${TESSERA_PRESET:-release}
"$TESSERA_SOURCE/jobs/install-deps.sh"
"$TESSERA_SOURCE/jobs/build.sh" "$preset"
# A test states its ranks as PROCESSORS: ctest never runs more of them at once than there are cores.
exec ctest --test-dir "$TESSERA_SOURCE/build/$preset" --output-on-failure --no-tests=error --parallel "$TESSERA_CORES" "$@"
