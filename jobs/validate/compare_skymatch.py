#!/usr/bin/env python3
"""Sky levels of tessera's skymatch beside those of the official SkyMatchStep (package `jwst`), from the same simulated exposures.

    compare_skymatch.py --tessera build/release/bin/tessera --scratch /tmp/skymatch

All methods and statistics, detectors by themselves, in exposures and in visits. A difference is given in units of the
exposure's noise, the median of its ERR. Where no overlap is measured (local, global) levels must agree to 1e-5 of it. In
an overlap the official fill of a polygon may lie one pixel off: round(-0.5 +- rounding noise) is 0 or -1 (spec 30, 2.2),
so that pixels at the overlap's border differ; mean and median must then agree to LIMIT, and the mode, which follows the peak
of a histogram of 0.1 sigma bins, to MODE_LIMIT. To show that this is all, the official step is then run again with vertices
within a millionth of a pixel of -0.5 moved to it, as we take them: all must agree to EXACT_LIMIT. With stepsize we take the
image for a rectangle of pixels and not of great circles: a hundredth of a pixel, which moves rows at the border in and out
(STEP_LIMIT). Ends with 1 when one does not.
"""
import argparse
import contextlib
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import warnings

os.environ.setdefault("CRDS_PATH", "/nonexistent")  # the step needs no reference file
os.environ.setdefault("STPIPE_DISABLE_CRDS_STEPPARS", "true")
warnings.simplefilter("ignore")

import numpy as np
from astropy.io import fits
from gwcs import region
from jwst.skymatch import SkyMatchStep

SURVEY = """
seed = {seed}
bands = ["F300M", "F1000W"]
[[targets]]
name = "ngc0001"
ra = {ra}
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
[effects.levels]
rms = 0.15
"""
BANDS = {"F300M": "nrc?long", "F1000W": "mirimage"}
GROUPINGS = {"exposures": {}, "detectors": {"skymatch_degroup_dithers": ["nircam_long", "miri"]},
             "visits": {"skymatch_group_dithers": ["nircam_long", "miri"]}}
METHODS = ("local", "global", "match", "global+match")
EVERY = [{"skymethod": method, "skystat": "median"} for method in METHODS]
CASES = {
    ("plain", "exposures"): [{"skymethod": method, "skystat": statistic} for method in METHODS for statistic in ("mode", "median", "mean", "midpt")] + [
        {"skymethod": "global", "skystat": "median", "subtract": True, "nclip": 20, "lsigma": 3.0, "usigma": 3.0},
        {"skymethod": "match", "skystat": "median", "match_down": False},
        {"skymethod": "match", "skystat": "median", "nclip": 0},
        {"skymethod": "match", "skystat": "mean", "lower": -0.5, "upper": 1.5},
        {"skymethod": "match", "skystat": "median", "dqbits": "~DO_NOT_USE"},
        {"skymethod": "match", "skystat": "mode", "binwidth": 0.3},
        {"skymethod": "match", "skystat": "median", "stepsize": 100},
        {"skymethod": "local", "lower": 1e6},
    ],
    ("plain", "detectors"): EVERY,
    ("plain", "visits"): EVERY,
    ("hard", "exposures"): EVERY,
    ("hard", "detectors"): EVERY,
}
EXACT_LIMIT = 1e-5
LIMIT = 0.02
MODE_LIMIT = 0.2
STEP_LIMIT = 1.0


def simulate(program, folder):
    """{set: {band: files}}: "plain", and "hard": a second field that does not overlap the first, and an exposure all flagged."""
    files = {}
    for name, seed, ra in (("plain", 3, 24.1739), ("hard", 4, 24.1739), ("beside", 5, 24.2739)):
        survey = folder / name / "survey"
        survey.parent.mkdir(parents=True, exist_ok=True)
        (folder / name / "simulate.toml").write_text(SURVEY.format(seed=seed, ra=ra))
        subprocess.run([program, "simulate", folder / name / "simulate.toml", "-o", survey], check=True, capture_output=True)
        files[name] = {band: sorted(survey.rglob(f"*{detector}_cal.fits")) for band, detector in BANDS.items()}
    for band, members in files.pop("beside").items():
        flagged = files["hard"][band][0]
        with fits.open(flagged, mode="update") as exposure:
            exposure["DQ"].data[:] |= 513
        for path in members:  # another programme of the same target
            copy = flagged.parent / path.name.replace("jw09001", "jw09002")
            shutil.copyfile(path, copy)
            fits.setval(copy, "PROGRAM", value="09002")
            fits.setval(copy, "FILENAME", value=copy.name)
            files["hard"][band].append(copy)
    return files


def root(path):
    return path.name.removesuffix("_cal.fits")


@contextlib.contextmanager
def snapped_edges():
    """The official fill with vertices within 1e-6 pixel of -0.5 moved to it."""
    original = region.Polygon

    class Snapped(original):
        def __init__(self, name, vertices, *rest):
            super().__init__(name, [tuple(-0.5 if abs(c + 0.5) < 1e-6 else c for c in vertex) for vertex in vertices], *rest)

    region.Polygon = Snapped
    try:
        yield
    finally:
        region.Polygon = original


def official(files, folder, options, grouping):
    """{exposure: level, or None where SKIPPED}"""
    members = []
    for path in files:
        member = {"expname": str(path.resolve()), "exptype": "science"}
        if grouping != "exposures":
            member["group_id"] = root(path) if grouping == "detectors" else "_".join(root(path).split("_")[:2])
        members.append(member)
    association = folder / "skymatch_asn.json"
    association.write_text(json.dumps({"asn_type": "image3", "asn_id": "a3001", "products": [{"name": "skymatch", "members": members}]}))
    step = SkyMatchStep()
    for key, value in options.items():
        setattr(step, key, value)
    library = step.run(str(association))
    levels = {}
    with library:
        for model in library:
            levels[model.meta.filename.removesuffix("_skymatchstep.fits").removesuffix("_cal.fits")] = model.meta.background.level
            library.shelve(model, modify=False)
    return levels


def ours(program, folder, options, grouping):
    """{band: {exposure: level}} of one run over both bands."""
    config = folder / "survey" / "config.toml"
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in GROUPINGS[grouping].items())
    settings += "[parameters.lv3.jwst_parameters]\n" + "".join(
        f"{step}.skip = true\n" for step in ("tweakreg", "outlier_detection", "resample", "source_catalog"))
    settings += "".join(f"skymatch.{key} = {json.dumps(value)}\n" for key, value in options.items())
    config.write_text('targets = ["ngc0001"]\nversion = "v0p1"\nbands = ["F300M", "F1000W"]\nsteps = ["lv3"]\n'
                      f"[parameters.lv3]\n{settings}")
    run = subprocess.run([program, "run", config], capture_output=True, text=True,
                         env=os.environ | {"OMP_NUM_THREADS": "1", "OMP_PROC_BIND": "false"})
    if run.returncode:
        raise SystemExit(f"tessera run ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    levels = {}
    for band in BANDS:
        table, = (folder / "survey").rglob(f"{band}/**/skymatch.csv")
        with open(table, newline="") as rows:
            levels[band] = {row["exposure"]: float(row["sky"]) if row["sky"] else None for row in csv.DictReader(rows)}
    return levels


def differences(mine, theirs, noise):
    """Largest difference in units of the noise; infinite where only one has a level."""
    largest = 0.0
    for exposure, sigma in noise.items():
        a, b = mine[exposure], theirs[exposure]
        if (a is None) != (b is None):
            return np.inf
        if a is not None:
            largest = max(largest, abs(a - b) / sigma)
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    program, scratch = options.tessera.resolve(), options.scratch.resolve()
    files = simulate(program, scratch)
    report, failures = [], []
    for (survey, grouping), cases in CASES.items():
        folder = scratch / survey
        noise = {band: {root(path): float(np.nanmedian(fits.getdata(path, "ERR"))) for path in members}
                 for band, members in files[survey].items()}
        for case in cases:
            mine = ours(program, folder, case, grouping)
            for band, members in files[survey].items():
                found = {"official": differences(mine[band], official(members, folder, case, grouping), noise[band])}
                compares = "match" in case["skymethod"]
                steps = "stepsize" in case
                if compares and not steps and not found["official"] <= EXACT_LIMIT:
                    with snapped_edges():
                        found["snapped"] = differences(mine[band], official(members, folder, case, grouping), noise[band])
                label = f"{survey} {band} {grouping}: " + ", ".join(f"{key} {value}" for key, value in case.items())
                report.append({"survey": survey, "band": band, "grouping": grouping, "case": case} | found)
                print(f"{label}: " + ", ".join(f"{name} {value:.1e} of the noise" for name, value in found.items()), flush=True)
                limit = EXACT_LIMIT if not compares else STEP_LIMIT if steps else MODE_LIMIT if case.get("skystat", "mode") in ("mode", "midpt") else LIMIT
                if not found["official"] <= limit:
                    failures.append(f"{label}: differs by {found['official']:.1e} of the noise, more than {limit:.0e}")
                if not found.get("snapped", 0.0) <= EXACT_LIMIT:
                    failures.append(f"{label}: differs by {found['snapped']:.1e} of the noise with the same edges, more than {EXACT_LIMIT:.0e}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    for failure in failures:
        print("FAILED:", failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
