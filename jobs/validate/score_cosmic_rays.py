#!/usr/bin/env python3
"""Cosmic rays of a simulated survey: which were flagged, and what was flagged beside them.

    score_cosmic_rays.py SURVEY BAND NAME=FOLDER... [--json FILE] [--complete 0.995] [--false 0.001]

Every FOLDER holds the exposures with OUTLIER flags (`tessera export --after outlier_detection`, or `_crf` of the official step); the
scores stand side by side. A cosmic ray pixel counts when its data exceed the truth (sky + level + stripes) by ten ERR or more. Classes come from the
noiseless truth, in units of ERR, G being the largest difference of a pixel to its eight neighbours, the neighbours' own included:
    smooth   G < 0.5
    slopes   the rest
    cores    more than 5 above the median of the surrounding 11 x 11 pixels, and their neighbours
Only pixels that two other exposures see or more count: with fewer there is no outlier to be told. False flags are those of
pixels without any cosmic ray, as a fraction of the class. The limits, with which it ends in 1, are for smooth sky.
"""
import argparse
import json
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from matplotlib.path import Path
from scipy import ndimage

import seamless

THRESHOLD = 10
STEP = 4  # pixels: grid on which the coverage is sampled
OTHERS = 2
CLASSES = ("smooth", "slopes", "cores")


def outline(exposure, header, points=33):
    """Outline of the frame on the sky, three pixels inside, (n, 2) degrees; MIRI's without its coronagraph side."""
    ny, nx = header["NAXIS2"], header["NAXIS1"]
    low = (362 if exposure.name.endswith("mirimage") and (ny, nx) == (1024, 1032) else 4) + 3
    edge = np.linspace(0, 1, points)
    x = low + (nx - 8 - low) * np.concatenate([edge, np.ones(points), 1 - edge, np.zeros(points)])
    y = 7 + (ny - 15) * np.concatenate([np.zeros(points), edge, np.ones(points), 1 - edge])
    return np.column_stack(WCS(header).all_pix2world(x, y, 0))


def coverage(exposure, headers, outlines):
    """How many other exposures see a pixel: sampled every STEP pixels, repeated over the pixels between."""
    ny, nx = headers[exposure.name]["NAXIS2"], headers[exposure.name]["NAXIS1"]
    y, x = np.mgrid[STEP // 2:ny:STEP, STEP // 2:nx:STEP]
    places = np.column_stack(WCS(headers[exposure.name]).all_pix2world(x.ravel(), y.ravel(), 0))
    count = np.zeros(len(places), dtype=int)
    for name, vertices in outlines.items():
        if name == exposure.name:
            continue
        near = np.flatnonzero(np.all((places > vertices.min(axis=0)) & (places < vertices.max(axis=0)), axis=1))
        count[near] += Path(vertices).contains_points(places[near])
    return np.kron(count.reshape(x.shape), np.ones((STEP, STEP), dtype=int))[:ny, :nx]


def classify(sky, err):
    """Index into CLASSES of every pixel."""
    err = np.where(np.isfinite(err), err, np.nanmedian(err))
    box = np.ones((3, 3))
    steepness = np.maximum(ndimage.maximum_filter(sky, footprint=box) - sky, sky - ndimage.minimum_filter(sky, footprint=box)) / err
    steepness = ndimage.maximum_filter(steepness, footprint=box)
    height = (sky - ndimage.median_filter(sky, size=11)) / err
    kind = np.where(steepness < 0.5, 0, 1)
    kind[ndimage.maximum_filter(height > 5, footprint=box)] = 2
    return kind


def score(exposures, products):
    """Counts by class: cosmic ray pixels, clean pixels, and of each product (NAME: FOLDER) [class][found, false]."""
    # Count rates have no WCS with distortion: that of the product then.
    first = next(iter(products.values()))
    headers = {e.name: fits.getheader(seamless.find_product(first, e) if e.conversion is not None else e.path, "SCI") for e in exposures}
    outlines = {e.name: outline(e, headers[e.name]) for e in exposures}
    tally = {name: np.zeros((len(CLASSES), 2), dtype=int) for name in products}
    rays, pixels = np.zeros(len(CLASSES), dtype=int), np.zeros(len(CLASSES), dtype=int)
    for exposure in exposures:
        usable = exposure.usable() & (coverage(exposure, headers, outlines) >= OTHERS)
        sky, err, hit = exposure.truth("SKY"), exposure.plane("ERR"), exposure.truth("COSMIC_RAYS") > 0
        excess = exposure.plane("SCI") - sky - exposure.level
        if exposure.striped:
            excess -= exposure.truth("STRIPES")
        strong = hit & usable & (excess > THRESHOLD * err)
        clean = usable & ~hit
        kind = classify(sky, err)
        rays += np.bincount(kind[strong], minlength=len(CLASSES))
        pixels += np.bincount(kind[clean], minlength=len(CLASSES))
        for name, folder in products.items():
            flagged = (fits.getdata(seamless.find_product(folder, exposure), "DQ") & seamless.OUTLIER) != 0
            tally[name][:, 0] += np.bincount(kind[strong & flagged], minlength=len(CLASSES))
            tally[name][:, 1] += np.bincount(kind[clean & flagged], minlength=len(CLASSES))
    return rays, pixels, tally


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey")
    parser.add_argument("band")
    parser.add_argument("products", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--json")
    parser.add_argument("--complete", type=float)
    parser.add_argument("--false", type=float, dest="false_limit")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    exposures = seamless.read_survey(options.survey, options.band)
    rays, pixels, tally = score(exposures, dict(product.split("=", 1) for product in options.products))
    report = {"cosmic_rays": rays.tolist(), "pixels": pixels.tolist()}
    print(f"{options.band}: {len(exposures)} exposures; cosmic ray pixels of {THRESHOLD} ERR and more, share found and false flags")
    print(f"{'':>24}" + "".join(f"{name:>24}" for name in CLASSES))
    print(f"{'rays / pixels':>24}" + "".join(f"{f'{r} / {p}':>24}" for r, p in zip(rays, pixels)))
    for name, counts in tally.items():
        found, wrong = counts[:, 0] / np.maximum(rays, 1), counts[:, 1] / np.maximum(pixels, 1)
        report[name] = {"found": found.tolist(), "false": wrong.tolist()}
        print(f"{name:>24}" + "".join(f"{f'{100 * f:.2f} % / {100 * w:.4f} %':>24}" for f, w in zip(found, wrong)))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)
    first = report[next(iter(products))]
    bad = (options.complete is not None and not first["found"][0] >= options.complete) or (
        options.false_limit is not None and not first["false"][0] <= options.false_limit)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
