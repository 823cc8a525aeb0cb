#!/usr/bin/env python3
"""Times the C kernel of the reference `drizzle` package on the frame of drizzle_bench.cpp, on one thread.

Prints one JSON object: processor seconds and pixels a second for SCI + WHT + CON (one call), and for these and the
three variance planes as the official pipeline makes them (one more call a plane). With --compare FILE (written by
`tessera_bench_kernels --dump=FILE`) it also says how far the two sets of planes are apart, and fails when the
difference exceeds the tolerances of spec 30, section 10. Run it with the Python of a virtual environment that has the package:

    $TESSERA_REFERENCE_VENV/bin/python tests/bench/reference_drizzle.py --compare /tmp/planes.raw
"""
import argparse
import json
import math
import sys
import time

import numpy as np
from drizzle.resample import Drizzle

FRAME = 2048  # input pixels a side: the same numbers as in benchmark_frame.hpp
GRID = 2816  # output pixels a side


def make_frame():
    """Map and planes; the formulae are those of benchmark_frame.hpp."""
    y, x = np.mgrid[0:FRAME, 0:FRAME].astype(np.float64)
    u, v = x - 1023.5, y - 1023.5
    cosine, sine = math.cos(math.radians(30)), math.sin(math.radians(30))
    pixmap = np.empty((FRAME, FRAME, 2))
    pixmap[..., 0] = 1407.5 + cosine * u - sine * v + 3e-6 * u * u - 2e-6 * u * v + 1e-6 * v * v
    pixmap[..., 1] = 1407.5 + sine * u + cosine * v - 1e-6 * u * u + 2e-6 * u * v + 3e-6 * v * v
    ix, iy = x.astype(np.int64), y.astype(np.int64)
    data = ((ix * 7 + iy * 13) % 101 * 0.01 + 1).astype(np.float32)
    weight = ((ix * 3 + iy * 5) % 17 * 0.125 + 1).astype(np.float32)
    weight[(ix * 31 + iy * 17) % 97 == 0] = 0
    roots = [((ix * step + iy * 3) % 23 * 0.0625 + 0.5).astype(np.float32) for step in (5, 7, 11)]
    return pixmap, data, weight, roots


def drizzle(pixmap, data, weight, context, kernel):
    output = Drizzle(kernel=kernel, fillval="NaN", out_shape=(GRID, GRID), disable_ctx=not context,
                     max_ctx_id=0 if context else None)
    for plane in (output.out_img, output.out_wht, output.out_ctx):
        if plane is not None:
            np.add(plane, 0, out=plane)  # the first touch of the memory is not timed here as it is not for ours
    start = time.process_time()  # processor time: the machine may be shared
    output.add_image(data, exptime=1.0, pixmap=pixmap, weight_map=weight, pixfrac=1.0, pixel_scale_ratio=1.0,
                     iscale=1.0, in_units="cps")
    return time.process_time() - start, output


def best(run, repeats):
    results = [run() for _ in range(repeats)]
    return min(results, key=lambda result: result[0])


def compare(path, image, roots):
    """Largest relative differences of SCI, WHT and the drizzled variances, leaving out the frame's border."""
    planes = np.fromfile(path, dtype=np.float32).reshape(5, GRID, GRID)
    good = image.out_wht > 1e-3
    good[:2], good[-2:], good[:, :2], good[:, -2:] = False, False, False, False
    found = {
        "sci": float(np.max(np.abs(planes[0] / image.out_img - 1)[good])),
        "wht": float(np.max(np.abs(planes[1] - image.out_wht)[good]) / image.out_wht.max()),
        "missed_pixels": int(np.sum((image.out_wht > 1e-3) & ~(planes[1] > 0))),
    }
    for name, plane, root in zip(("var_rnoise", "var_flat", "var_poisson"), planes[2:], roots):
        found[name] = float(np.max(np.abs(plane / root.out_img**2 - 1)[good]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kernel", default="square")
    parser.add_argument("--compare", metavar="FILE")
    options = parser.parse_args()
    pixmap, data, weight, roots = make_frame()
    pixels = FRAME * FRAME
    three, image = best(lambda: drizzle(pixmap, data, weight, True, options.kernel), options.repeats)
    variance_s, variances = 0.0, []
    for root in roots:
        seconds, drizzled = best(lambda: drizzle(pixmap, root, weight, False, options.kernel), options.repeats)
        variance_s += seconds
        variances.append(drizzled)
    report = {"kernel": options.kernel}
    for name, seconds in (("sci_wht_con", three), ("all_planes", three + variance_s)):
        report[name] = {
            "seconds": seconds,
            "ns_per_pixel": seconds / pixels * 1e9,
            "pixels_per_second": pixels / seconds,
        }
    failed = False
    if options.compare:
        report["differences"] = compare(options.compare, image, variances)
        limits = {"sci": 2e-5, "wht": 1e-5, "missed_pixels": 0}
        limits |= {name: 4e-5 for name in ("var_rnoise", "var_flat", "var_poisson")}  # squares: twice as far
        failed = any(report["differences"][name] > limit for name, limit in limits.items())
    print(json.dumps(report, indent=2))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
