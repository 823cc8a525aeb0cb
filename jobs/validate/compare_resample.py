#!/usr/bin/env python3
"""Mosaics of tessera beside those of the official ResampleStep (package `jwst`), from the same simulated exposures.

    compare_resample.py --tessera build/release/bin/tessera --scratch /tmp/resample

First the grid that either chooses by itself: same shape, positions within 1e-4 pixel (the official step takes the outlines of
the exposures from S_REGION, nine decimals of a degree: 6e-5 pixel; we take them from the WCS). Then, on one explicit
grid, all planes for several kernels, weights and pixel scales. A difference is relative to the official value, or to the
plane's median where that is larger; a border of two pixels is left out (spec 30, 4.6). Ends with 1 when one exceeds the limits of
spec 30, section 10.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import warnings

os.environ.setdefault("CRDS_PATH", "/nonexistent")  # the step needs no reference file
os.environ.setdefault("STPIPE_DISABLE_CRDS_STEPPARS", "true")
warnings.simplefilter("ignore")

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from jwst.resample import ResampleStep

SURVEY = """
seed = 3
bands = ["F300M", "F1000W"]
[[targets]]
name = "ngc0001"
ra = 24.1739
dec = 15.7837
size = 60
[tiles]
v3pa = 30.0
[dithers]
count = 4
size = 3.0
module_gap = 6.0
[detectors]
nircam_size = 256
miri_size = 256
"""
BANDS = {"F300M": "nrc?long", "F1000W": "mirimage"}

# Beyond the explicit grid. The first is the default of both programs.
CASES = [
    {},
    {"weight_type": "exptime"},
    {"pixfrac": 0.7},
    {"pixel_scale_ratio": 0.6},
    {"kernel": "point"},
    {"kernel": "turbo"},
    {"kernel": "turbo", "pixel_scale_ratio": 0.6, "pixfrac": 0.8},
    {"kernel": "gaussian"},
    {"kernel": "lanczos2"},
    {"kernel": "lanczos3"},
]
LIMITS = {"SCI": 2e-5, "WHT": 2e-5, "ERR": 2e-5, "VAR_POISSON": 4e-5, "VAR_RNOISE": 4e-5, "VAR_FLAT": 4e-5}
# Lanczos kernels add weights of either sign: where they nearly cancel, the official float32 sums have few digits left.
CANCELLING = ("lanczos2", "lanczos3")
GRID_LIMIT = 1e-4  # pixel
BORDER = 2  # pixels


def simulate(program, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "simulate.toml").write_text(SURVEY)
    subprocess.run([program, "simulate", folder / "simulate.toml", "-o", folder / "survey"], check=True, capture_output=True)
    return {band: sorted((folder / "survey").rglob(f"*{detector}_cal.fits")) for band, detector in BANDS.items()}


def official(files, folder, options, name):
    members = [{"expname": str(path.resolve()), "exptype": "science"} for path in files]
    association = folder / f"{name}_asn.json"
    association.write_text(json.dumps({"asn_type": "image3", "asn_id": "a3001", "products": [{"name": name, "members": members}]}))
    step = ResampleStep()
    for key, value in options.items():
        setattr(step, key, value)
    path = folder / f"{name}_official_i2d.fits"
    step.run(str(association)).save(str(path))
    return path


def ours(program, files, folder, options, name):
    path = folder / f"{name}_tessera_i2d.fits"
    words = []
    for key, value in options.items():
        option = "shape" if key == "output_shape" else key.replace("_", "-")
        text = ",".join(repr(float(v)) if key != "output_shape" else str(v) for v in value) if isinstance(value, list) else str(value)
        words.append(f"--{option}={text}")
    subprocess.run([program, "mosaic", *files, "-o", path, "--no-quicklook", *words], check=True, capture_output=True,
                   env=os.environ | {"OMP_NUM_THREADS": "1", "OMP_PROC_BIND": "false"})
    return path


def grid_difference(first, second):
    """Shapes agree, and how far apart a pixel of the frame lies in the two grids, in pixels."""
    header = [fits.getheader(path, "SCI") for path in (first, second)]
    shapes = [(h["NAXIS1"], h["NAXIS2"]) for h in header]
    if shapes[0] != shapes[1]:
        return shapes, np.inf
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(0, shapes[0][0] - 1, 50), np.linspace(0, shapes[0][1] - 1, 50)))
    sky = WCS(header[0]).all_pix2world(x, y, 0)
    back = WCS(header[1]).all_world2pix(*sky, 0)
    return shapes, float(np.max(np.hypot(back[0] - x, back[1] - y)))


def compare_planes(first, second):
    """{plane: {percentiles of the relative differences, pixels that only one of the two has}}"""
    found = {}
    with fits.open(first) as mine, fits.open(second) as theirs:
        inner = (slice(BORDER, -BORDER),) * 2
        for name in LIMITS:
            a, b = mine[name].data[inner].astype(float), theirs[name].data[inner].astype(float)
            both = np.isfinite(a) & np.isfinite(b)
            floor = np.median(np.abs(b[both & (b != 0)]))
            difference = np.abs(a - b)[both] / np.maximum(np.abs(b[both]), floor)
            p50, p99, p999, most = np.percentile(difference, [50, 99, 99.9, 100])
            found[name] = {"median": p50, "p99": p99, "p999": p999, "max": most, "missing": int(np.sum(np.isfinite(a) != np.isfinite(b)))}
        a, b = mine["CON"].data[(slice(None), *inner)], theirs["CON"].data[(slice(None), *inner)]
        found["CON"] = {"shape": a.shape == b.shape, "different_pixels": int(np.sum(a != b)) if a.shape == b.shape else -1}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    program, scratch = options.tessera.resolve(), options.scratch.resolve()
    files = simulate(program, scratch)
    report, failures = {"grids": {}, "planes": []}, []

    for band, members in files.items():
        own = {"rotation": 0.0}
        theirs, mine = official(members, scratch, own, f"{band}_own"), ours(program, members, scratch, own, f"{band}_own")
        shapes, difference = grid_difference(mine, theirs)
        report["grids"][band] = {"shape": shapes[0], "difference_px": difference}
        print(f"{band}: own grid {shapes[0]}, official {shapes[1]}, positions differ by at most {difference:.1e} px")
        if not difference < GRID_LIMIT:
            failures.append(f"{band}: the grids differ by {difference:.1e} pixel")

        header = fits.getheader(theirs, "SCI")
        for number, case in enumerate(CASES):
            ratio = case.get("pixel_scale_ratio", 1.0)
            shape = [int(header["NAXIS1"] / ratio), int(header["NAXIS2"] / ratio)]
            grid = {"rotation": 10.0, "crval": [header["CRVAL1"], header["CRVAL2"]], "crpix": [shape[0] / 2, shape[1] / 2 + 0.25],
                    "output_shape": shape}
            name = f"{band}_{number}"
            theirs, mine = official(members, scratch, grid | case, name), ours(program, members, scratch, grid | case, name)
            _, difference = grid_difference(mine, theirs)
            planes = compare_planes(mine, theirs)
            label = ", ".join(f"{key} {value}" for key, value in case.items()) or "defaults"
            report["planes"].append({"band": band, "case": label, "grid_px": difference, "planes": planes})
            print(f"{band} {label}: grid {difference:.0e} px; " + "; ".join(
                f"{plane} {v['median']:.0e}/{v['p999']:.0e}/{v['max']:.0e}" + (f" ({v['missing']} only in one)" if v["missing"] else "")
                for plane, v in planes.items() if plane != "CON") + f"; CON {planes['CON']['different_pixels']} different")
            if not difference < 1e-6:
                failures.append(f"{name} {label}: explicit grids differ by {difference:.1e} pixel")
            for plane, limit in LIMITS.items():
                value = planes[plane]["p999" if case.get("kernel") in CANCELLING else "max"]
                if not value <= limit or planes[plane]["missing"]:
                    failures.append(f"{band} {label}: {plane} differs by {value:.1e}, {planes[plane]['missing']} pixels only in one")
            if planes["CON"]["different_pixels"]:
                failures.append(f"{band} {label}: CON differs in {planes['CON']['different_pixels']} pixels")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    for failure in failures:
        print("FAILED:", failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
