#!/usr/bin/env python3
"""Stripes left in the exposures of a simulated survey, on all scales, against the floor of row medians.

    score_stripes.py SURVEY BAND FOLDER [--limit 3] [--fine-limit 1.5]

FOLDER holds the corrected exposures (`tessera export --after multi_tile_destripe`, or a peer's). What was subtracted is the
difference of the two files, so the noise cancels: true stripes + level - subtracted, as a median over every row of every
amplifier, less the median of the frame (levels: score_levels.py). The floor is the error of a row median of pure noise,
1.2533 sigma / sqrt(n), sigma the ERR and n the usable pixels of the amplifier's row (spec 40, section 4).

Scales: the profile is split into means over 2^k rows less means over 2^(k+1) rows; their squares add up to the whole. The last
is the mean of an amplifier. Without stripes in the survey this is the null test: everything that was subtracted is an error,
and it must not look like the galaxy (correlation of the profile with the row medians of the sky).
Ends with 1 when a scale is above --limit floors, or one below 64 rows above --fine-limit.
"""
import argparse
import sys
import warnings

import numpy as np
from astropy.io import fits

import seamless

AMPLIFIERS = 4
FINE_ROWS = 64


def row_medians(image):
    """[amplifier, row]; NaN where a row has no data."""
    ny, nx = image.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows of reference pixels are empty
        return np.nanmedian(image.reshape(ny, AMPLIFIERS, nx // AMPLIFIERS), axis=2).T


def block_means(profile, rows):
    """Means over blocks of so many rows, each repeated over its block."""
    count = profile.shape[1]
    padded = np.full((len(profile), -(-count // rows) * rows), np.nan)
    padded[:, :count] = profile
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        means = np.nanmean(padded.reshape(len(profile), -1, rows), axis=2)
    return np.repeat(means, rows, axis=1)[:, :count]


def mean_square_by_scale(profile):
    """{rows: mean square of that band}; 0 stands for the mean of an amplifier."""
    squares, rows, finer = {}, 1, profile
    while 2 * rows <= profile.shape[1]:
        coarser = block_means(profile, 2 * rows)
        squares[rows] = np.nanmean((finer - coarser) ** 2)
        rows, finer = 2 * rows, coarser
    squares[0] = np.nanmean(finer ** 2)
    return squares


def measure(exposure, folder):
    usable = exposure.usable()
    raw = np.where(usable, exposure.plane("SCI"), np.nan)
    corrected = fits.getdata(seamless.find_product(folder, exposure), "SCI")
    stripes = exposure.truth("STRIPES") if exposure.striped else np.zeros_like(raw)
    left, before = stripes + corrected - raw, np.where(usable, stripes, np.nan)
    profiles = []
    for image in (left, before):
        profiles.append(row_medians(image - np.nanmedian(image)))
    ny, nx = raw.shape
    error = np.nanmedian(row_medians(np.where(usable, exposure.plane("ERR"), np.nan)))
    count = np.nanmedian(usable.reshape(ny, AMPLIFIERS, nx // AMPLIFIERS).sum(axis=2))
    sky = row_medians(np.where(usable, exposure.truth("SKY"), np.nan))
    both = np.isfinite(profiles[0]) & np.isfinite(sky)
    correlation = np.corrcoef(profiles[0][both], sky[both])[0, 1] if np.ptp(profiles[0][both]) > 0 else 0.0
    return *profiles, 1.2533 * error / np.sqrt(count), correlation


def score(exposures, folder):
    """{"floor", "before" and "left": {rows: rms of that scale}, "correlations"} of all exposures together; 0 rows: the mean of an amplifier."""
    squares, floors, correlations = {"before": [], "left": []}, [], []
    for exposure in exposures:
        after, raw, floor, correlation = measure(exposure, folder)
        squares["left"].append(mean_square_by_scale(after))
        squares["before"].append(mean_square_by_scale(raw))
        floors.append(floor)
        correlations.append(correlation)
    scales = sorted(squares["left"][0], key=lambda rows: rows or 1 << 30)
    found = {name: {rows: float(np.sqrt(np.mean([s[rows] for s in table]))) for rows in scales} for name, table in squares.items()}
    return {"floor": float(np.mean(floors)), "correlations": correlations} | found


def total(scales, chosen=lambda rows: True):
    """All the scales (`score`) together."""
    return float(np.sqrt(sum(value**2 for rows, value in scales.items() if chosen(rows))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey")
    parser.add_argument("band")
    parser.add_argument("folder")
    parser.add_argument("--limit", type=float)
    parser.add_argument("--fine-limit", type=float)
    options = parser.parse_args()
    exposures = seamless.read_survey(options.survey, options.band)
    found = score(exposures, options.folder)
    floor, before, left = found["floor"], found["before"], found["left"]
    bad = []
    print(f"{options.band}: {len(exposures)} exposures, floor of row medians {floor:.5f} MJy/sr")
    print(f"{'rows':>10} {'before':>10} {'left':>10} {'in floors':>10}")
    for rows in left:
        limit = options.fine_limit if options.fine_limit and 0 < rows < FINE_ROWS else options.limit
        if limit is not None and not left[rows] <= limit * floor:
            bad.append(rows)
        print(f"{rows or 'amplifier':>10} {before[rows]:10.5f} {left[rows]:10.5f} {left[rows] / floor:10.2f}")
    fine = total(left, lambda rows: 0 < rows < FINE_ROWS)
    print(f"{'below 64':>10} {'':10} {fine:10.5f} {fine / floor:10.2f}")
    print(f"{'all':>10} {total(before):10.5f} {total(left):10.5f} {total(left) / floor:10.2f}")
    correlations = found["correlations"]
    print(f"correlation with the sky: mean {np.mean(correlations):+.3f}, largest {np.abs(correlations).max():.3f}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
