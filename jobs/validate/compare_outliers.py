#!/usr/bin/env python3
"""Outlier flags of tessera beside those of the official OutlierDetectionStep (package `jwst`), from the same exposures.

    compare_outliers.py --tessera build/release/bin/tessera --scratch FOLDER [--json FILE] [--speed] SURVEY BAND [BAND...]

SURVEY is a simulated one; both get its exposures with the true levels and stripes taken off (ideal_frames.py). The two sets of
flagged pixels: intersection over union, over all pixels and outside the band where a difference lies within 1 % of one of the
thresholds, by the official median and blot (spec 30, 3.4); a pixel is in the band, too, when a neighbour that could have seeded it is.
Cosmic rays of both are scored by score_cosmic_rays.py. --speed: seconds and peak memory, one core, ours with 1 GB a rank, the
official step with everything in memory and in its low-memory mode. Ends with 1 when the sets agree less than LIMIT outside the band.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import warnings

import numpy as np
from astropy.io import fits
from scipy import ndimage

import seamless

HERE = pathlib.Path(__file__).parent
LIMIT = 0.99
NEAR = 0.01
SNR, SCALE = (5.0, 4.0), (1.2, 0.7)  # defaults of both programs

CONFIGURATION = """
targets = ["ngc0003"]
version = "v0"
bands = ["{band}"]
steps = ["lv3"]
[tessera]
inputs = ["{inputs}"]
[parameters.lv3.jwst_parameters]
tweakreg.skip = true
skymatch.skip = true
source_catalog.skip = true
"""


def run(command, log, **environment):
    """(seconds, peak GB) of one command on one core."""
    core = sorted(os.sched_getaffinity(0))[0]
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with open(log, "w") as out:
        start = time.perf_counter()
        child = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=out, stderr=subprocess.STDOUT,
                                 env=os.environ | single | environment)
        _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{command[0]} failed, see {log}")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def run_tessera(options, band, folder, inputs):
    """Flags in folder/exported; cost of the step."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIGURATION.format(band=band, inputs=inputs))
    (folder / "local.toml").write_text(f'raw_dir = "{folder}"\nreprocess_dir = "{folder}/products"\nalignment_dir = "{folder}"\n')
    run([options.tessera, "run", folder / "config.toml", "--memory-per-rank", "1G"], folder / "run.log")
    rows = {row["step"]: row for row in json.loads((folder / "products/v0/timing/timing.json").read_text())["steps"]}
    row = rows["outlier_detection"]
    run([options.tessera, "export", folder / "config.toml", "-o", folder / "exported", "--after", "outlier_detection"],
        folder / "export.log")
    return {"seconds": row["busy_max_s"], "gigabytes": row["peak_memory_bytes"] / 2**30}


def run_official(folder, mode, inputs):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _, memory = run([sys.executable, HERE / "peer_steps.py", "outliers", folder, mode, *sorted(inputs.glob("*.fits"))], folder / "log.txt")
    wall, processor = map(float, (folder / "seconds.txt").read_text().split())
    return {"seconds": wall, "processor_seconds": processor, "gigabytes": memory}


def near_threshold(exposure_file, blot_file):
    """True where a difference of 1 % of a threshold could change the verdict; by the official blot."""
    with fits.open(exposure_file) as file:
        sci, err = file["SCI"].data.astype(float), np.nan_to_num(file["ERR"].data.astype(float))
    blot = fits.getdata(blot_file, "SCI").astype(float)
    padded = np.pad(blot, 1, constant_values=np.nan)
    centre, slope = padded[1:-1, 1:-1], np.zeros_like(blot)
    for neighbour in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        slope = np.fmax(slope, np.abs(centre - neighbour))
    difference = np.abs(sci - blot)
    limits = [scale * slope + snr * err for scale, snr in zip(SCALE, SNR)]
    seed, member = (np.abs(difference - limit) < NEAR * limit for limit in limits)
    return member | ndimage.maximum_filter(seed, size=3)


def compare(exposures, inputs, ours, official):
    counts = np.zeros((2, 3), dtype=int)  # all, outside the band: both, only ours, only theirs
    band = 0
    for exposure in exposures:
        a, b = ((fits.getdata(seamless.find_product(folder, exposure), "DQ") & seamless.OUTLIER) != 0 for folder in (ours, official / "crf"))
        near = near_threshold(inputs / exposure.path.name, official / f"{exposure.name}_blot.fits")
        band += int(near.sum())
        for k, where in enumerate((np.ones_like(near), ~near)):
            counts[k] += [np.sum(a & b & where), np.sum(a & ~b & where), np.sum(~a & b & where)]
    return {name: {"both": int(c[0]), "only_ours": int(c[1]), "only_official": int(c[2]), "iou": float(c[0] / max(c.sum(), 1))}
            for name, c in zip(("all", "outside_band"), counts)} | {"pixels_in_band": band}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--official-only", action="store_true", help="run the official step and keep its results for the next time")
    parser.add_argument("survey", type=pathlib.Path)
    parser.add_argument("bands", nargs="+")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    scratch = options.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    report, bad = {}, 0
    for band in options.bands:
        exposures = seamless.read_survey(options.survey, band)
        inputs, official = scratch / f"{band}_inputs", scratch / f"{band}_official"
        speed = scratch / f"{band}_official.json"
        if not speed.exists():
            subprocess.run([sys.executable, HERE / "ideal_frames.py", options.survey, band, inputs], check=True)
            spent = {}
            for mode in ("in_memory", "on_disk") if options.speed else ():
                spent[mode] = run_official(official, mode, inputs)
            run_official(official, "blots", inputs)
            (official / "crf").mkdir()
            for path in official.glob("*_crf.fits"):
                path.rename(official / "crf" / path.name)
            for pattern in ("*_outlier_*i2d.fits", "*_median.fits"):
                for path in official.glob(pattern):
                    path.unlink()
            speed.write_text(json.dumps(spent))
        if options.official_only:
            continue
        ours = run_tessera(options, band, scratch / f"{band}_tessera", inputs)
        found = compare(exposures, inputs, scratch / f"{band}_tessera" / "exported", official)
        found["cost"] = json.loads(speed.read_text()) | {"tessera": ours}
        report[band] = found
        bad += not found["outside_band"]["iou"] >= LIMIT
        subprocess.run([sys.executable, HERE / "score_cosmic_rays.py", options.survey, band,
                        f"tessera={scratch / f'{band}_tessera' / 'exported'}", f"official={official / 'crf'}"], check=True)
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
