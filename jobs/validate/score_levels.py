#!/usr/bin/env python3
"""Levels of exposures against the truth of a simulated survey: what is left of them, one constant a connected component removed.

    score_levels.py SURVEY BAND LEVELS [--limit 0.001] [--components FILE.csv]

LEVELS is one of
    FILE.csv   columns `exposure`, `level`: what is to be subtracted (peers_levels.py)
    FILE.h5    a ledger of level_match (docs/formats/ledger.md); a plane counts with its value at the middle of the exposure
    FOLDER     corrected exposures (`tessera export --after STEP`): the median of SCI - truth
The true level is that of the simulator, plus the median of the stripes where there are any: a level cannot tell them apart.
Prints one line; ends with 1 when the rms is above --limit (MJy/sr). FILE.csv of --components has columns `exposure`, `component`;
without it all exposures are one component.
"""
import argparse
import csv
import pathlib
import sys

import numpy as np
from astropy.io import fits

import seamless


def read_csv(path, column):
    with open(path, newline="") as file:
        return {row["exposure"]: row[column] for row in csv.DictReader(file)}


def read_ledger(path, exposures):
    """Sum of the levels an exposure's entries subtract; 0 where there is none."""
    import h5py
    levels = {}
    with h5py.File(path) as file:
        groups = file["exposures"]
        for exposure in exposures:
            total = 0.0
            for name in (exposure.name, exposure.name + ":imager"):
                for entry in groups[name].values() if name in groups else ():
                    operation = entry.attrs["operation"]
                    operation = operation.decode() if isinstance(operation, bytes) else operation
                    values = entry["values"][...]
                    if operation == "level":
                        total += values[0]
                    elif operation == "plane":
                        ny, nx = exposure.plane("SCI").shape
                        total += values[0] + values[1] * (nx / 2 - values[3]) + values[2] * (ny / 2 - values[4])
                    else:
                        raise SystemExit(f"{path}: {operation} has no level; export the exposures and give the folder")
            levels[exposure.name] = total
    return levels


def residual_levels(exposures, levels):
    """What is left of every level: truth minus what was subtracted."""
    levels = pathlib.Path(levels)
    if levels.is_dir():
        residual = []
        for exposure in exposures:
            left = fits.getdata(seamless.find_product(levels, exposure), "SCI") - exposure.truth("SKY")
            residual.append(np.nanmedian(left[exposure.usable()]))
        return np.array(residual)
    found = read_csv(levels, "level") if levels.suffix == ".csv" else read_ledger(levels, exposures)
    missing = [e.name for e in exposures if e.name not in found]
    if missing:
        raise SystemExit(f"{levels}: nothing about {', '.join(missing)}")
    return np.array([e.true_level() - float(found[e.name]) for e in exposures])


def score(residual, components):
    residual = residual.copy()
    for component in set(components):
        inside = np.array([c == component for c in components])
        residual[inside] -= residual[inside].mean()
    return residual


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey")
    parser.add_argument("band")
    parser.add_argument("levels")
    parser.add_argument("--components")
    parser.add_argument("--limit", type=float)
    parser.add_argument("--list", action="store_true", help="a line for every exposure too")
    options = parser.parse_args()
    exposures = seamless.read_survey(options.survey, options.band)
    table = read_csv(options.components, "component") if options.components else {}
    components = [table.get(e.name, "all") for e in exposures]
    left = score(residual_levels(exposures, options.levels), components)
    visits = sorted({e.visit for e in exposures})
    tiles = np.array([np.mean([v for v, e in zip(left, exposures) if e.visit == visit]) for visit in visits])
    if options.list:
        for exposure, value in zip(exposures, left):
            print(f"{exposure.name} {value:+.5f}")
    print(f"{options.band}: {len(exposures)} exposures, levels off by {seamless.rms(left):.5f} MJy/sr rms, {np.abs(left).max():.5f} at most;"
          f" tiles {seamless.rms(tiles):.5f} rms")
    return 1 if options.limit is not None and not seamless.rms(left) <= options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
