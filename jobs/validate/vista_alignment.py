#!/usr/bin/env python3
"""Six real VISTA/VIRCAM frames aligned on each other by `tessera mosaic --steps tweakreg`, and by tweakwcs.

    vista_alignment.py --frames FOLDER --scratch FOLDER [--tessera build/release/bin/tessera] [--gaia FOLDER] [--set tweakreg.KEY=VALUE ...] [--json FILE]

Stars are found and centred in every frame by a ruler of our own (star_photometry.py), not by either program, and brought to the sky by the
frame's WCS as it is in the file, with the ledger's corrections, and with those of tweakwcs (align_wcs, rshift) from the ruler's own lists. For all pairs of
frames: the root of the mean square difference of a coordinate of the stars both have, clipped at 4 MAD sigmas once before anything is aligned, so that all three
are measured with the same stars. The scatter of the stars hides what is left of the frames: what counts is how far apart the frames are, the mean difference of a pair.
The worst pair must be below half of what it was before, and the scatter at most 1.01 times what tweakwcs leaves.
Says whether a Gaia chunk of FOLDER covers the field.
"""
import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

import alignment
import star_photometry

warnings.simplefilter("ignore")
# sigma_radius: in the default footprint (1.5 sigma) the finder's centres of stars of this width are drawn to the middle of the pixel by a tenth of
# one, more than the frames are apart.
SETTINGS = ["method=\"global\"", "sigma_radius=3.0", "expand_refcat=true", "searchrad=2.0", "separation=4.0", "tolerance=1.0", "snr_threshold=20", "kernel_fwhm=2.7", "bkg_boxsize=64",
            "brightest=300", "minobj=10", "sharplo=0.2", "sharphi=2.0", "roundhi=0.5"]


def read_frame(path):
    with fits.open(path) as file:
        hdu = next(h for h in file if h.header.get("NAXIS", 0) == 2 and getattr(h, "data", None) is not None)
        return hdu.data.astype(float), WCS(hdu.header)


def list_stars(image):
    stars = star_photometry.measure(image, star_photometry.find_peaks(image, 30, maximum=600))
    return stars[np.isfinite(stars).all(axis=1)]


def pairs_of(skies, radius=1.0):
    """{(i, j): indices into both} of stars within `radius` arcsec, clipped."""
    centre = skies[0].mean(axis=0)
    planes = [alignment.plane_at(sky, centre) for sky in skies]
    found = {}
    for i, j in itertools.combinations(range(len(skies)), 2):
        a, b = star_photometry.match(planes[i], planes[j], radius)
        difference = planes[i][a] - planes[j][b]
        difference -= np.median(difference, axis=0)
        sigma = 1.4826 * np.median(np.abs(difference))
        keep = np.abs(difference).max(axis=1) < 4 * sigma
        found[i, j] = a[keep], b[keep]
    return found


def residuals(skies, pairs):
    """{pair: (rms of a coordinate, mean east, mean north)} arcsec."""
    centre = skies[0].mean(axis=0)
    planes = [alignment.plane_at(sky, centre) for sky in skies]
    table = {}
    for (i, j), (a, b) in pairs.items():
        difference = planes[i][a] - planes[j][b]
        table[i, j] = float(np.sqrt(np.mean(difference**2))), *np.mean(difference, axis=0).tolist(), len(a)
    return table


def total(table):
    weights = np.array([row[3] for row in table.values()])
    return float(np.sqrt(np.sum(weights * np.array([row[0] ** 2 for row in table.values()])) / weights.sum()))


def by_tweakwcs(frames, stars):
    from astropy.table import Table
    from tweakwcs import FITSWCSCorrector, XYXYMatch, align_wcs
    correctors = [FITSWCSCorrector(wcs.deepcopy(), meta={"catalog": Table({"x": s[:, 0], "y": s[:, 1]}), "name": str(k), "group_id": k})
                  for k, ((_, wcs), s) in enumerate(zip(frames, stars))]
    align_wcs(correctors, fitgeom="rshift", expand_refcat=True, match=XYXYMatch(searchrad=2.0, separation=4.0, tolerance=1.0), nclip=3, sigma=3)
    return [np.transpose(c.wcs.all_pix2world(s[:, 0], s[:, 1], 0)) for c, s in zip(correctors, stars)]


def by_tessera(options, paths, skies):
    folder = options.scratch / "aligned"
    folder.mkdir(parents=True, exist_ok=True)
    command = [options.tessera, "mosaic", *paths, "-o", folder / "mosaic.fits", "--rotation", "0", "--weight-type", "none", "--no-quicklook", "--steps", "tweakreg"]
    command += [word for s in SETTINGS for word in ("--set", "tweakreg." + s)] + [word for s in options.set for word in ("--set", s)]
    with open(folder / "log.txt", "w") as log:
        if subprocess.run([str(w) for w in command], stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode:
            sys.exit(f"tessera failed, see {folder}/log.txt")
    corrections = alignment.read_corrections(folder)
    moved = []
    for path, sky in zip(paths, skies):
        # Of a WCS without V2V3 the sky takes its place: spec 30, 1.7 with v2 = 3600 ra, v3 = 3600 dec.
        points = 3600 * sky
        for correction in corrections.get(path.stem, ()):
            points = alignment.correct(points, correction)
        moved.append(points / 3600)
    return moved, sorted(corrections)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path)
    parser.add_argument("--frames", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--gaia", type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    paths = sorted(options.frames.glob("*.fits"))
    frames = [read_frame(path) for path in paths]
    stars = [list_stars(image) for image, _ in frames]
    skies = [np.transpose(wcs.all_pix2world(s[:, 0], s[:, 1], 0)) for (_, wcs), s in zip(frames, stars)]
    pairs = pairs_of(skies)
    report = {"frames": [p.name for p in paths], "stars": [len(s) for s in stars]}
    solutions = {"before": skies, "tweakwcs": by_tweakwcs(frames, stars)}
    if options.tessera:
        solutions["tessera"], moved = by_tessera(options, paths, skies)
        print(f"tessera moved {len(moved)} of {len(paths)} frames")
    for name, positions in solutions.items():
        table = residuals(positions, pairs)
        report[name] = total(table)
        worst = max(table.items(), key=lambda item: np.hypot(*item[1][1:3]))
        report[name + " apart"] = float(np.hypot(*worst[1][1:3]))
        print(f"{name}: {1000 * report[name]:.2f} mas rms a coordinate over {sum(row[3] for row in table.values())} pairs of stars;"
              f" frames apart by {1000 * report[name + ' apart']:.2f} mas at most")
    if options.gaia:
        centre = np.mean([s.mean(axis=0) for s in skies], axis=0)
        for chunk in sorted(options.gaia.glob("*.fits")):
            table = fits.getdata(chunk, 1)
            inside = (np.abs(table["dec"] - centre[1]) < 0.1) & (np.abs(table["ra"] - centre[0]) < 0.1)
            print(f"{chunk.name}: {np.count_nonzero(inside)} of {len(table)} stars in the field")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    if not options.tessera:
        return 0
    return int(not (report["tessera"] <= 1.01 * report["tweakwcs"] and report["tessera apart"] <= 0.5 * report["before apart"]))


if __name__ == "__main__":
    sys.exit(main())
