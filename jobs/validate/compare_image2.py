#!/usr/bin/env python3
"""tessera's level 2 beside the official calwebb_image2 on the same count rates and the same CRDS cache.

    compare_image2.py --tessera build/release/bin/tessera --survey SURVEY --scratch /tmp/image2 [--only PATTERN]

SURVEY was written by `tessera simulate` with [rates] on. Both run twice, with and without the parameter references of
the cache, and subtract the offs from MIRI. On SHARE of the pixels of every plane |difference| <= 1e-5 |x| + 1e-3 ERR, with
NaN in the same places, and DQ is the same; sky positions agree to 1e-3 pixel: by the gwcs at every sixteenth pixel of every sixteenth row and
at all edges, by the SIP keywords there, and the corners in S_REGION. Keywords of the headers that are not the same are listed. What is in SCRATCH of the official
pipeline is not made again. Ends with 1 when a limit is not kept.
"""
import argparse
import collections
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

warnings.simplefilter("ignore")  # astropy about dates in headers

PLANES = ("SCI", "ERR", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "AREA")
SHARE, RELATIVE, OF_ERROR, PIXEL = 0.9999, 1e-5, 1e-3, 1e-3
# Of the program that wrote the file, or of the place of the copy.
WRITER = {"DATE", "CHECKSUM", "DATASUM", "CAL_VER", "CAL_VCS", "HISTORY", "COMMENT", "EXTEND", "NEXTEND", "FILENAME", "ASNTABLE", "ASNPOOL",
          "CRDS_VER", "PRD_VER", "PRDOPSSOFTVER"}
POLYNOMIAL = re.compile(r"[AB]P?_\d_\d")
HERE = pathlib.Path(__file__).parent


def run_tessera(arguments, parameters, records, folder):
    """Level 2 alone; returns {exposure: calibrated file}."""
    survey = arguments.survey.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bands = sorted({r["band"] + ("_bgr" if r["off"] else "") for r in records})
    targets = sorted({r["target"] for r in records})
    offs = any(r["off"] for r in records)
    (folder / "config.toml").write_text(
        f"targets = {json.dumps(targets)}\nversion = \"v0p1\"\nbands = {json.dumps(bands)}\nsteps = [\"lv2\"]\n"
        f"[tessera]\nparameter_references = {json.dumps(parameters)}\n"
        f"[parameters.lv2]\nbgr_observation_types = {json.dumps(['miri'] if offs else [])}\n")
    (folder / "local.toml").write_text(
        f"raw_dir = \"{survey}/raw\"\nreprocess_dir = \"{folder}/reprocessed\"\nalignment_dir = \"{survey}/alignment\"\n"
        f"crds_path = \"{survey}/crds\"\ncrds_context = \"jwst_0001.pmap\"\n")
    done = subprocess.run([arguments.tessera, "run", folder / "config.toml"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"tessera ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return {p.name.removesuffix("_cal.fits"): p for p in folder.rglob("lv2/*_cal.fits")}


def run_official(arguments, parameters, folder):
    if not (folder / "times.json").exists():
        command = [sys.executable, HERE / "official_image2.py", arguments.survey, folder, "--only", arguments.only, "--offs"]
        if not parameters:
            command += ["--no-pars", "--set", "resample.skip=True"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"official_image2.py ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return {p.name.removesuffix("_cal.fits"): p for p in folder.glob("*_cal.fits")}


def compare_planes(ours, theirs):
    """{plane: share of pixels within the limits}, and how many pixels have data in only one of the two, of all planes."""
    found, alone = {}, 0
    with fits.open(ours) as a, fits.open(theirs) as b:
        found["DQ"] = float(np.mean(a["DQ"].data == b["DQ"].data))
        error = np.nan_to_num(b["ERR"].data.astype(float))
        for name in PLANES:
            x, y = a[name].data.astype(float), b[name].data.astype(float)
            # Variances are squares: so is the part of their limit that comes from ERR.
            allowance = OF_ERROR * (error * error if name.startswith("VAR") else error)
            near = np.abs(x - y) <= RELATIVE * np.abs(y) + allowance
            found[name] = float(np.mean(near | (np.isnan(x) & np.isnan(y))))
            alone += int(np.count_nonzero(np.isfinite(x) != np.isfinite(y)))
    return found, alone


def apart(ours, theirs):
    """Distances on the sky, arcsec; (ra, dec) in degrees."""
    east = (np.asarray(ours[0]) - theirs[0] + 180) % 360 - 180
    return 3600 * np.hypot(east * np.cos(np.radians(theirs[1])), np.asarray(ours[1]) - theirs[1])


def compare_skies(ours, theirs):
    """Largest distances of the positions of pixels, in pixels: by the gwcs, by the SIP keywords, of the corners in S_REGION."""
    from jwst import datamodels
    with datamodels.open(ours) as a, datamodels.open(theirs) as b:
        ny, nx = b.data.shape
        places = [np.concatenate([[-0.5], np.arange(0, n, 16), [n - 0.5]]) for n in (nx, ny)]
        x, y = np.meshgrid(*places)
        skies = [m.meta.wcs(x, y, with_bounding_box=False) for m in (a, b)]
        pixel = np.sqrt(b.meta.photometry.pixelarea_arcsecsq or 0) or 3600 * np.sqrt(abs(np.linalg.det(WCS(fits.getheader(theirs, "SCI")).pixel_scale_matrix)))
        corners = [np.array(m.meta.wcsinfo.s_region.split()[2:], float).reshape(-1, 2).T for m in (a, b)]
    headers = [fits.getheader(path, "SCI") for path in (ours, theirs)]
    by_header = [WCS(h).all_pix2world(x, y, 0) for h in headers]
    corner = np.max(apart(*corners)) if corners[0].shape == corners[1].shape else np.inf
    return {"gwcs": float(np.max(apart(*skies)) / pixel), "SIP": float(np.max(apart(*by_header)) / pixel), "S_REGION": float(corner / pixel)}


def compare_headers(ours, theirs):
    """[(HDU, keyword, ours, theirs)] where they differ; None where the keyword is not there. Floats count as the same to 1e-6; the polynomials are left
    to `compare_skies`."""
    def same(x, y):
        if isinstance(x, float) or isinstance(y, float):
            return isinstance(x, (int, float)) and isinstance(y, (int, float)) and (x == y or abs(x - y) <= 1e-6 * max(abs(x), abs(y)))
        return type(x) is type(y) and x == y

    found = []
    with fits.open(ours) as a, fits.open(theirs) as b:
        names = [hdu.name for hdu in a], [hdu.name for hdu in b]
        if names[0] != names[1]:
            found.append(("", "HDUs", " ".join(names[0]), " ".join(names[1])))
        for name in (n for n in names[1] if n in names[0] and n != "ASDF"):
            headers = [{k: h[name].header[k] for k in h[name].header if k and k not in WRITER and not POLYNOMIAL.fullmatch(k)} for h in (a, b)]
            for key in list(headers[0]) + [k for k in headers[1] if k not in headers[0]]:
                values = [h.get(key) for h in headers]
                if not (all(key in h for h in headers) and same(*values)):
                    found.append((name, key, *values))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", required=True)
    parser.add_argument("--survey", required=True, type=pathlib.Path)
    parser.add_argument("--scratch", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="*", help="shell pattern of exposure names")
    arguments = parser.parse_args()
    records = json.loads((arguments.survey / "truth" / "truth.json").read_text())
    chosen = [r["exposure"] for r in records if fnmatch.fnmatch(r["exposure"], arguments.only)]
    broken, differences = 0, collections.defaultdict(list)
    print(f"{'references':<11}{'exposure':<36}" + "".join(f"{n:>12}" for n in ("DQ", *PLANES, "one only", "gwcs", "SIP", "S_REGION")))
    for parameters in (True, False):
        label = "on" if parameters else "off"
        ours = run_tessera(arguments, parameters, records, (arguments.scratch / f"tessera-{label}").resolve())
        theirs = run_official(arguments, parameters, arguments.scratch / f"official-{label}")
        for name in chosen:
            if name not in ours or name not in theirs:
                print(f"{label:<11}{name:<36} missing: {'tessera' if name not in ours else 'official'}")
                broken += 1
                continue
            shares, alone = compare_planes(ours[name], theirs[name])
            sky = compare_skies(ours[name], theirs[name])
            broken += any(share < SHARE for share in shares.values()) or not all(value < PIXEL for value in sky.values())
            print(f"{label:<11}{name:<36}" + "".join(f"{s:>12.6f}" for s in shares.values()) + f"{alone:>12}" + "".join(f"{s:>12.1e}" for s in sky.values()))
            for hdu, key, mine, other in compare_headers(ours[name], theirs[name]):
                differences[hdu, key].append((f"{name}, {label}", mine, other))
    print(f"{2 * len(chosen)} comparisons, {broken} beyond the limits")
    print(f"\nkeywords that are not the same{'' if differences else ': none'}")
    for (hdu, key), where in differences.items():
        print(f"{hdu:<12}{key:<10}{len(where):>3} files, {where[0][0]}: tessera {where[0][1]!r}, official {where[0][2]!r}")
    return 1 if broken or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
