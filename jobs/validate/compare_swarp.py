#!/usr/bin/env python3
"""`tessera mosaic` and SWarp on the same frames and the same output grid: positions and fluxes of stars, and time.

    compare_swarp.py --tessera build/release/bin/tessera --frames ../shared/data/real/vircam --scratch /tmp/swarp --json out.json

Tile-compressed frames are written as plain FITS first (not timed); both programs get these. SWarp takes our grid from
coadd.head. Both take the frames as they are: no weights, no background subtraction, values are means (surface brightness,
FSCALASTRO_TYPE NONE), so the steps between the sky levels of the frames are in both. Ends with 1 if stars disagree by more than
0.05 pixel rms or 1 % in flux, or if SWarp (in the same kernel class) is faster.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
from astropy.io import fits

import star_photometry as stars

POSITION_LIMIT = 0.05  # pixel, rms of the distance
FLUX_LIMIT = 0.01
SNR_LIMIT = 100  # aperture signal to noise of the stars whose scatter is held against FLUX_LIMIT
KEYWORDS = ("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CUNIT1", "CUNIT2", "RADESYS")


def run(command, cores, folder, **environment):
    """(wall seconds, processor seconds) of one run on `cores` cores."""
    available = sorted(os.sched_getaffinity(0))[:cores]
    command = ["taskset", "-c", ",".join(map(str, available)), *map(str, command)]
    with open(folder / "log.txt", "w") as log:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=os.environ | environment)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed:\n" + (folder / "log.txt").read_text())
    return wall, usage.ru_utime + usage.ru_stime


def plain_copies(frames, folder):
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for path in sorted(frames.glob("*.fits")):
        with fits.open(path) as file:
            image = next(hdu for hdu in file if hdu.header.get("NAXIS", 0) == 2 and getattr(hdu, "data", None) is not None)
            fits.PrimaryHDU(image.data.astype("f4"), image.header).writeto(folder / path.name, overwrite=True)
        names.append(folder / path.name)
    return names


class Tessera:
    def __init__(self, program, frames, scratch):
        self.program, self.frames, self.scratch = program, frames, scratch
        self.folder = scratch / "tessera"

    def run(self, cores):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        launcher = [] if cores == 1 else ["mpirun", "-n", cores]
        options = ["--rotation", 0, "--weight-type", "none", "--no-quicklook"]
        return run([*launcher, self.program, "mosaic", *self.frames, "-o", "mosaic.fits", *options], cores, self.folder,
                   OMP_NUM_THREADS="1")

    def image(self):
        with fits.open(self.folder / "mosaic.fits") as file:
            return file["SCI"].data.astype(float), file["SCI"].header


class Swarp:
    def __init__(self, frames, scratch, header, resampling):
        self.frames, self.folder, self.header, self.resampling = frames, scratch / f"swarp-{resampling.lower()}", header, resampling

    def run(self, cores):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "coadd.head").write_text(self.grid_cards())
        settings = {"COMBINE_TYPE": "AVERAGE", "WEIGHT_TYPE": "NONE", "SUBTRACT_BACK": "N", "FSCALASTRO_TYPE": "NONE",
                    "FSCALE_KEYWORD": "NOFSCALE", "FSCALE_DEFAULT": "1.0", "RESAMPLING_TYPE": self.resampling, "OVERSAMPLING": "0",
                    "NTHREADS": cores, "WRITE_XML": "N", "VERBOSE_TYPE": "QUIET", "COPY_KEYWORDS": "OBJECT"}
        options = [word for key, value in settings.items() for word in ("-" + key, value)]
        return run(["SWarp", *self.frames, *options], cores, self.folder)

    def grid_cards(self):
        cards = fits.Header()
        cards["NAXIS"], cards["NAXIS1"], cards["NAXIS2"] = 2, self.header["NAXIS1"], self.header["NAXIS2"]
        for key in KEYWORDS:
            cards[key] = self.header[key]
        for i in (1, 2):
            for j in (1, 2):
                cards[f"CD{i}_{j}"] = self.header[f"CDELT{i}"] * self.header.get(f"PC{i}_{j}", float(i == j))
        return cards.tostring(sep="\n", endcard=True, padding=False) + "\n"

    def image(self):
        with fits.open(self.folder / "coadd.fits") as file:
            image = file[0].data.astype(float)
        with fits.open(self.folder / "coadd.weight.fits") as file:
            image[file[0].data == 0] = np.nan
        return image


def compare_stars(ours, theirs, threshold):
    peaks = stars.find_peaks(ours, threshold), stars.find_peaks(theirs, threshold)
    tables = stars.measure(ours, peaks[0]), stars.measure(theirs, peaks[1])
    a, b = stars.match(*tables)
    first, second = tables[0][a], tables[1][b]
    offset = first[:, :2] - second[:, :2]
    noise = stars.noise_of(theirs) * np.sqrt(np.pi) * stars.APERTURE
    bright = second[:, 2] > SNR_LIMIT * noise
    ratio = first[:, 2] / second[:, 2]
    distance = np.hypot(*offset.T)
    return {
        "found": [len(peaks[0]), len(peaks[1])], "matched": len(a), "bright": int(bright.sum()),
        "position_rms": float(np.sqrt(np.mean(distance**2))), "position_rms_bright": float(np.sqrt(np.mean(distance[bright]**2))),
        "position_max": float(distance.max()), "position_mean": [float(v) for v in offset.mean(axis=0)],
        "flux_median": float(np.median(ratio)), "flux_median_bright": float(np.median(ratio[bright])),
        "flux_rms_bright": float(np.sqrt(np.mean((ratio[bright] - 1) ** 2))),
        "flux_scatter": float(1.4826 * np.median(np.abs(ratio - np.median(ratio)))),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path, required=True)
    parser.add_argument("--frames", type=pathlib.Path, required=True, help="folder of FITS images with a celestial WCS")
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threshold", type=float, default=30, help="height of a star's peak, sigmas")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    scratch = options.scratch.resolve()
    frames = plain_copies(options.frames, scratch / "frames")

    tessera = Tessera(options.tessera.resolve(), frames, scratch)
    tessera.run(1)
    ours, header = tessera.image()
    report = {"frames": len(frames), "grid": list(ours.shape[::-1]), "stars": {}, "seconds": {}}
    programs = {"tessera": tessera} | {f"SWarp {kind}": Swarp(frames, scratch, header, kind) for kind in ("BILINEAR", "LANCZOS3")}

    for cores in options.cores:
        times = {name: [] for name in programs}
        for _ in range(options.repeats):  # in turn, so that a busy moment hits all
            for name, program in programs.items():
                times[name].append(program.run(cores))
        for name, pairs in times.items():
            wall, processor = np.array(pairs).T
            report["seconds"].setdefault(name, {})[str(cores)] = {
                "wall_best": float(wall.min()), "wall_median": float(np.median(wall)), "processor_best": float(processor.min())}
    for name, program in list(programs.items())[1:]:
        report["stars"][name] = compare_stars(ours, program.image(), options.threshold)

    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    failures = []
    for name, found in report["stars"].items():
        if not found["position_rms"] <= POSITION_LIMIT:
            failures.append(f"{name}: positions differ by {found['position_rms']:.3f} pixel rms")
        for key in ("flux_median", "flux_median_bright"):
            if not abs(found[key] - 1) <= FLUX_LIMIT:
                failures.append(f"{name}: {key} {found[key]:.4f}")
        if not found["flux_rms_bright"] <= FLUX_LIMIT:
            failures.append(f"{name}: fluxes of bright stars scatter by {found['flux_rms_bright']:.4f}")
    for cores, ours_s in report["seconds"]["tessera"].items():
        for name in list(programs)[1:]:
            if ours_s["wall_best"] > report["seconds"][name][cores]["wall_best"]:
                failures.append(f"{name} is faster on {cores} cores")
    for failure in failures:
        print("FAILED:", failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
