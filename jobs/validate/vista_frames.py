#!/usr/bin/env python3
"""Six real VISTA/VIRCAM frames, whose levels differ by thousands of counts, matched and cleaned by `tessera mosaic --steps`.

    vista_frames.py --tessera build/release/bin/tessera --frames FOLDER --scratch FOLDER [--pictures FOLDER] [--json FILE]

The files had their sky taken off; what it was (SKYLEVEL, 6143 to 9881 counts) is put back first. Then three mosaics on one grid:
as the frames are, with level_match, with level_match and outlier_detection; and, by astropy:
- after matching, every overlapping pair's clipped median difference (level of the ledger taken off, one frame interpolated onto the
  other's pixels), in units of the pixel noise of a frame: below 0.02;
- pixels of the mosaic more than 6 sigma from the median of the frames other than the one that is farthest from the mosaic there, before and after outlier
  detection; sigma is the scatter of that difference over the whole mosaic. Stars (5 sigma above the background) are counted by
  themselves: their cores differ with the seeing.
Ends with 1 when a pair or the count fails.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import warnings

import h5py
import numpy as np
from astropy.io import fits
from astropy.stats import sigma_clip
from astropy.wcs import WCS
from PIL import Image
from scipy import ndimage

import star_photometry

PAIR_LIMIT = 0.02  # of a frame's pixel noise
THRESHOLD = 6
LEFT_LIMIT = 0.05  # of the deviating pixels off stars


def restore_sky(folder, out):
    """Plain copies of the frames with their sky."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.fits")):
        with fits.open(path) as file:
            hdu = next(h for h in file if h.header.get("NAXIS", 0) == 2 and getattr(h, "data", None) is not None)
            fits.PrimaryHDU((hdu.data + hdu.header["SKYLEVEL"]).astype("f4"), hdu.header).writeto(out / path.name, overwrite=True)


def read_image(path):
    with fits.open(path) as file:
        return file[0].data.astype(float), WCS(file[0].header)


def run(options, name, steps):
    """The mosaic by name, made with these steps; its SCI and WCS."""
    folder = options.scratch / name
    folder.mkdir(parents=True, exist_ok=True)
    frames = sorted((options.scratch / "frames").glob("*.fits"))
    command = [options.tessera, "mosaic", *frames, "-o", folder / "mosaic.fits", "--rotation", "0", "--weight-type", "none",
               "--no-quicklook"]
    if steps:
        command += ["--steps", ",".join(steps)] + [word for s in options.set for word in ("--set", s) if s.split(".")[0] in steps]
    with open(folder / "log.txt", "w") as log:
        if subprocess.run([str(w) for w in command], stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode:
            sys.exit(f"tessera failed, see {folder}/log.txt")
    with fits.open(folder / "mosaic.fits") as file:
        return file["SCI"].data.astype(float), WCS(file["SCI"].header)


def read_levels(folder):
    """{root of the file: level} of the ledger."""
    levels = {}
    for path in folder.rglob("ledger/*/*_level_match.h5"):
        with h5py.File(path) as file:
            for name, entries in file["exposures"].items():
                levels[name] = sum(float(entry["values"][0]) for entry in entries.values())
    return levels


def place(image, wcs, target_wcs, shape):
    """Bilinear interpolation onto another grid; NaN outside, and where a neighbour is NaN."""
    y, x = np.mgrid[:shape[0], :shape[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        px, py = wcs.all_world2pix(*target_wcs.all_pix2world(x, y, 0), 0, quiet=True)
    return ndimage.map_coordinates(image, [py, px], order=1, mode="constant", cval=np.nan)


def pair_differences(frames, levels):
    """[(i, j, pixels, clipped median in units of noise)] after matching."""
    names = list(frames)
    noise = {name: star_photometry.noise_of(frames[name][0]) for name in names}
    found = []
    for a, i in enumerate(names):
        image, wcs = frames[i]
        for j in names[a + 1:]:
            other = place(*frames[j], wcs, image.shape)
            difference = (image - levels[i]) - (other - levels[j])
            difference = difference[np.isfinite(difference)]
            if difference.size < 1000:
                continue
            kept = sigma_clip(difference, sigma=3, maxiters=10, masked=False, copy=False)
            found.append((i, j, int(kept.size), float(np.median(kept) / np.mean([noise[i], noise[j]]))))
    return found, noise


def deviating(mosaic, stack):
    """|mosaic - median of the other frames| where three frames or more overlap: the frame farthest from the mosaic is left out of the
    median, so that a mosaic that follows one frame is told from one that follows them all."""
    depth = np.isfinite(stack).sum(axis=0)
    farthest = np.argmax(np.where(np.isfinite(stack), np.abs(stack - np.nanmedian(stack, axis=0)), -1), axis=0)
    others = stack.copy()
    np.put_along_axis(others, farthest[None], np.nan, axis=0)
    median = np.nanmedian(others, axis=0)
    difference = np.where(depth >= 3, mosaic - median, np.nan)
    # One constant for the whole: the mosaic has levels of its own where frames are missing.
    return difference - np.nanmedian(difference), median


def side_by_side(path, before, after, box):
    y, x, half = box
    cuts = [m[max(0, y - half):y + half, max(0, x - half):x + half] for m in (before, after)]
    low, high = np.nanpercentile(cuts[1], [2, 99.5])
    gap = np.full((cuts[0].shape[0], 8), high)
    both = np.concatenate([cuts[0], gap, cuts[1]], axis=1)[::-1]
    scaled = np.arcsinh(10 * np.clip((np.nan_to_num(both, nan=low) - low) / (high - low), 0, 1)) / np.arcsinh(10)
    picture = Image.fromarray((255 * scaled).astype("u1"))
    picture.resize((2 * picture.width, 2 * picture.height), Image.NEAREST).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path, required=True)
    parser.add_argument("--frames", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--set", action="append", default=[], help="parameter of a step, as for tessera mosaic")
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    restore_sky(options.frames, options.scratch / "frames")
    run(options, "raw", [])
    matched, grid = run(options, "matched", ["level_match"])
    cleaned, _ = run(options, "cleaned", ["level_match", "outlier_detection"])
    levels = read_levels(options.scratch / "cleaned")
    frames = {path.stem: read_image(path) for path in sorted((options.scratch / "frames").glob("*.fits"))}
    missing = set(frames) - set(levels)
    if missing:
        sys.exit(f"no level of {missing}")

    pairs, noise = pair_differences(frames, levels)
    stack = np.array([place(image - levels[name], wcs, grid, matched.shape) for name, (image, wcs) in frames.items()])
    first, median = deviating(matched, stack)
    second, _ = deviating(cleaned, stack)
    sigma = 1.4826 * np.nanmedian(np.abs(second))
    sky = np.nanmedian(median)
    star = ndimage.maximum_filter(np.nan_to_num(median - sky) > 5 * np.mean(list(noise.values())), size=7)
    counts = {kind: [int(np.sum(np.abs(d[where]) > THRESHOLD * sigma)) for d in (first, second)]
              for kind, where in (("off_stars", ~star), ("on_stars", star))}
    report = {"levels": levels, "noise": noise, "pairs": pairs, "worst_pair": max(abs(p[3]) for p in pairs),
              "pixels": int(np.isfinite(first).sum()), "deviating_before_after": counts}
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.pictures:
        # About the place with the most deviating pixels off stars.
        crowd = ndimage.uniform_filter(((np.abs(first) > THRESHOLD * sigma) & ~star).astype(float), 150)
        box = (*np.unravel_index(np.argmax(crowd), crowd.shape), 100)
        side_by_side(options.pictures / "vista_cleaned.png", matched, cleaned, box)
    good = report["worst_pair"] <= PAIR_LIMIT and counts["off_stars"][1] <= LEFT_LIMIT * counts["off_stars"][0]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
