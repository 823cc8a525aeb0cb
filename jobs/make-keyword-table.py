#!/usr/bin/env python3
"""Writes src/steps/resample/keyword_table.cpp from the table of image keywords (shared/data/keywords).

usage: make-keyword-table.py ../shared/data/keywords/jwst_image_keywords.json > src/steps/resample/keyword_table.cpp
"""
import json
import sys

kinds = {"string": "Text", "number": "Real", "integer": "Integer", "boolean": "Logical"}
rows, seen = [], set()
entries = json.load(open(sys.argv[1]))["keywords"]
# Some keywords stand in the table twice: the pointing of the exposure (SCI) is meant, not that of the guide star.
in_sci = {entry["fits"] for entry in entries if entry["hdu"] == "SCI"}
for entry in entries:
    if entry["hdu"] not in ("PRIMARY", "SCI") or entry["fits"] in seen:
        continue
    if entry["hdu"] == "PRIMARY" and entry["fits"] in in_sci:
        continue
    seen.add(entry["fits"])
    image = "true" if entry["hdu"] == "SCI" else "false"
    rows.append('{"%s", "%s", KeywordKind::%s, %s},' % (entry["fits"], entry["path"], kinds[entry["type"]], image))
print("// Made by jobs/make-keyword-table.py: the keywords of JWST image products and their places in the metadata tree.")
print('#include "keyword_table.hpp"\n\nnamespace tessera::steps {\n')
print("// clang-format off")
print("std::vector<ImageKeyword> const& image_keywords() {\n  static std::vector<ImageKeyword> const table{")
for first in range(0, len(rows), 2):
    print("    " + " ".join(rows[first : first + 2]))
print("  };\n  return table;\n}\n// clang-format on\n\n}  // namespace tessera::steps")
