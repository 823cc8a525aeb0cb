#!/usr/bin/env python3
"""Writes src/simulate/siaf_table.cpp: the full-frame apertures of NIRCam and MIRI out of the SIAF files.

The files are PRDOPSSOC-063_NIRCam_SIAF.xml and PRDOPSSOC-063_MIRI_SIAF.xml as pysiaf (BSD-3-Clause) distributes them.

The inverse polynomials are fitted here to the forward ones: those of the SIAF are off by up to 0.3 pixel on some
detectors. The largest error of each fit over the detector is printed beside it and on standard error.

  jobs/make-siaf-table.py FOLDER_WITH_THE_XML_FILES > src/simulate/siaf_table.cpp
"""
import math
import pathlib
import sys
import xml.etree.ElementTree as tree

RELEASE = "PRDOPSSOC-063"
APERTURES = [f"NRC{module}{number}_FULL" for module in "AB" for number in range(1, 6)] + ["MIRIM_FULL"]
DETECTORS = {f"NRC{m}{n}_FULL": f"nrc{m.lower()}{'long' if n == 5 else n}" for m in "AB" for n in range(1, 6)}
DETECTORS["MIRIM_FULL"] = "mirimage"


def read_apertures(path):
    return {entry.findtext("AperName"): entry for entry in tree.parse(path).getroot().iter("SiafEntry")}


def number(text):
    return f"{float(text):.17g}"


def read_coefficients(entry, name, degree):
    """Values in SIAF order: 00, 10, 11, 20, 21, 22, ... (ij: power i - j of x, power j of y)."""
    return [float(entry.findtext(f"{name}{i}{j}")) for i in range(degree + 1) for j in range(i + 1)]


def monomials(x, y, degree):
    return [x ** (i - j) * y ** j for i in range(degree + 1) for j in range(i + 1)]


def evaluate(coefficients, x, y, degree):
    return sum(c * m for c, m in zip(coefficients, monomials(x, y, degree)))


def solve(matrix, right):
    """Gauss with pivots; `right` has several columns."""
    size = len(matrix)
    rows = [list(a) + list(b) for a, b in zip(matrix, right)]
    for k in range(size):
        pivot = max(range(k, size), key=lambda r: abs(rows[r][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for r in range(size):
            if r != k:
                factor = rows[r][k] / rows[k][k]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[k])]
    return [[value / rows[k][k] for value in rows[k][size:]] for k in range(size)]


def fit_inverse(forward_x, forward_y, entry, degree):
    """Polynomials from ideal arcsec to pixels from the reference, by least squares on a grid over the detector."""
    references = [float(entry.findtext(key)) for key in ("XSciRef", "YSciRef")]
    sizes = [int(entry.findtext(key)) for key in ("XSciSize", "YSciSize")]
    steps = 32
    points = []
    for a in range(steps + 1):
        for b in range(steps + 1):
            # Chebyshev points: no worse at the corners than in the middle.
            t, u = (0.5 - 0.5 * math.cos(math.pi * (k + 0.5) / (steps + 1)) for k in (a, b))
            x, y = 0.5 + t * sizes[0] - references[0], 0.5 + u * sizes[1] - references[1]
            points.append((x, y, evaluate(forward_x, x, y, degree), evaluate(forward_y, x, y, degree)))
    scale = max(max(abs(p[2]), abs(p[3])) for p in points)
    rows = [monomials(p[2] / scale, p[3] / scale, degree) for p in points]
    count = len(rows[0])
    matrix = [[math.fsum(r[i] * r[j] for r in rows) for j in range(count)] for i in range(count)]
    right = [[math.fsum(r[i] * p[c] for r, p in zip(rows, points)) for c in (0, 1)] for i in range(count)]
    solution = solve(matrix, right)
    powers = [i for i in range(degree + 1) for _ in range(i + 1)]
    inverse = [[values[c] / scale ** power for values, power in zip(solution, powers)] for c in (0, 1)]
    worst = max(math.hypot(evaluate(inverse[0], X, Y, degree) - x, evaluate(inverse[1], X, Y, degree) - y)
                for x, y, X, Y in points)
    return inverse[0], inverse[1], worst


def write_coefficients(values):
    values = [f"{value:.17g}" for value in values]
    lines = [", ".join(values[k:k + 4]) for k in range(0, len(values), 4)]
    return "{" + ",\n      ".join(lines) + "}"


def main():
    folder = pathlib.Path(sys.argv[1])
    entries = {}
    for instrument in ("NIRCam", "MIRI"):
        entries.update(read_apertures(folder / f"{RELEASE}_{instrument}_SIAF.xml"))
    print("// Made by jobs/make-siaf-table.py: do not edit.")
    print(f"// Source: the SIAF files {RELEASE} that pysiaf (BSD-3-Clause) distributes.")
    print('#include "tessera/simulate/siaf.hpp"\n\nnamespace tessera::simulate {\n')
    print("// clang-format off")
    print("std::vector<SiafAperture> const& siaf_apertures() {")
    print("  static std::vector<SiafAperture> const apertures{")
    for name in APERTURES:
        entry = entries[name]
        degree = int(entry.findtext("Sci2IdlDeg"))
        scalars = [number(entry.findtext(key)) for key in ("XSciRef", "YSciRef", "V2Ref", "V3Ref", "V3IdlYAngle")]
        size = ", ".join(entry.findtext(key) for key in ("XSciSize", "YSciSize"))
        print(f'    {{"{name}", "{DETECTORS[name]}", {size},')
        print(f'     {", ".join(scalars)}, {entry.findtext("VIdlParity")}, {degree},')
        forward = [read_coefficients(entry, each, degree) for each in ("Sci2IdlX", "Sci2IdlY")]
        *inverse, worst = fit_inverse(*forward, entry, degree)
        lists = ",\n     ".join(write_coefficients(each) for each in (*forward, *inverse))
        print(f"     {lists}}},  // inverse good to {worst:.4f} pixel")
        print(f"{name}: inverse good to {worst:.4f} pixel", file=sys.stderr)
    print("  };\n  return apertures;\n}\n// clang-format on\n\n}  // namespace tessera::simulate")


main()
