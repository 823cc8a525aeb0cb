#!/usr/bin/env python3
"""Seconds and memory of outlier detection, tessera's beside the official OutlierDetectionStep's, as the exposures become more.

    outlier_cost.py --tessera build/release/bin/tessera --scratch FOLDER [--json FILE] [--band F300M] [COUNT...]

COUNT (default 16 32 64): full frames of one detector, a simulated mosaic of 2 x 2 tiles with COUNT / 4 dithers (COUNT below 8:
one tile). One core each: tessera with 1 GB a rank; the official step with everything in memory and in its low-memory mode. The
flags of both are compared: intersection over union over all pixels. 112 MB of disk a frame, and several times that for a while.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import types

import numpy as np
from astropy.io import fits

import compare_outliers

OUTLIER = 16
DETECTORS = {"F300M": "nrcalong", "F200W": "nrcb1", "F770W": "mirimage"}

SURVEY = """
seed = 9
version = "v0"
bands = ["{band}"]
[[targets]]
name = "ngc0003"
ra = 24.1739
dec = 15.7837
size = 300
[tiles]
columns = {side}
rows = {side}
overlap = 0.1
v3pa = 30.0
[dithers]
count = {dithers}
size = 6.0
[detectors]
use = ["{detector}"]
[effects.levels]
on = false
[effects.stripes]
on = false
[effects.pointing_errors]
on = false
"""


def simulate(tessera, folder, band, count):
    """Folder with COUNT `_cal` files."""
    side = 2 if count >= 8 else 1
    folder.mkdir(parents=True)
    (folder / "simulate.toml").write_text(
        SURVEY.format(band=band, side=side, dithers=count // side**2, detector=DETECTORS[band]))
    subprocess.run([tessera, "simulate", folder / "simulate.toml", "-o", folder / "survey"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    inputs = folder / "inputs"
    inputs.mkdir()
    for path in sorted((folder / "survey").rglob("*_cal.fits")):
        path.rename(inputs / path.name)
    found = len(list(inputs.iterdir()))
    if found != count:
        sys.exit(f"{found} exposures instead of {count}")
    return inputs


def flagged(folder, name):
    (path,) = folder.rglob(f"{name}_*.fits")
    return (fits.getdata(path, "DQ") & OUTLIER) != 0


def agreement(inputs, ours, official):
    both = either = 0
    for path in sorted(inputs.glob("*.fits")):
        name = path.name.removesuffix("_cal.fits")
        a, b = flagged(ours, name), flagged(official, name)
        both, either = both + int(np.sum(a & b)), either + int(np.sum(a | b))
    return both / max(either, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--band", default="F300M", choices=sorted(DETECTORS))
    parser.add_argument("counts", nargs="*", type=int, default=[16, 32, 64])
    options = parser.parse_args()
    tessera = options.tessera.resolve()
    report = {}
    for count in options.counts:
        folder = options.scratch.resolve() / f"{options.band}_{count}"
        shutil.rmtree(folder, ignore_errors=True)
        inputs = simulate(tessera, folder, options.band, count)
        found = {"tessera": compare_outliers.run_tessera(types.SimpleNamespace(tessera=tessera), options.band,
                                                         folder / "tessera", inputs)}
        for mode in ("on_disk", "in_memory"):
            found[mode] = compare_outliers.run_official(folder / mode, mode, inputs)
        found["times_faster_than_in_memory"] = found["in_memory"]["seconds"] / found["tessera"]["seconds"]
        found["part_of_low_memory"] = found["tessera"]["gigabytes"] / found["on_disk"]["gigabytes"]
        found["iou"] = agreement(inputs, folder / "tessera" / "exported", folder / "in_memory")
        report[count] = found
        print(count, json.dumps(found, indent=1), flush=True)
        shutil.rmtree(folder)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
