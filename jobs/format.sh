#!/usr/bin/env bash
# format.sh [--check]: lay out every C++ file as .clang-format says; --check only says which ones are not (77: no tool).
# One version of clang-format for everyone: others lay the same code out differently.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tool=clang-format-14
command -v "$tool" >/dev/null || { echo "tessera: $tool is missing (package clang-format-14)" >&2; exit 77; }
options=(-i); [ "${1:-}" != --check ] || options=(--dry-run -Werror)
find include src tests jobs -name '*.[ch]pp' -print0 | xargs -0 -r "$tool" --style=file "${options[@]}"
