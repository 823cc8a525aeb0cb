#!/usr/bin/env python3
"""Levels that other programs find for the exposures of a simulated survey, one CSV each for score_levels.py.

    peers_levels.py SURVEY BAND OUT [--peers montage,skymatch,pjpipe] [--pjpipe-python .../bin/python]

    OUT/montage_level.csv, OUT/montage_plane.csv   mProjExec, mOverlaps, mDiffExec, mFitExec, mBgModel with and without -l
    OUT/skymatch_median.csv, OUT/skymatch_mode.csv official SkyMatchStep, method match
    OUT/pjpipe.csv                                 pjpipe's level_match, weight_method rms; its frames in OUT/pjpipe/
and OUT/peers.json: wall seconds and peak memory of each. A plane counts with its value at the middle of the exposure.
Montage: Debian's package; the Python that runs this has `jwst`; pjpipe wants a Python of its own.
"""
import argparse
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import warnings

import numpy as np
from astropy.io import ascii, fits
from astropy.wcs import WCS

import seamless

warnings.simplefilter("ignore")  # astropy about dates in headers
HERE = pathlib.Path(__file__).parent


def run(command, folder, log):
    """(seconds, peak GB of the largest process) of one command."""
    with open(log, "a") as out:
        start = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command[0]} failed, see {log}")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def calibrated_files(exposures, out):
    """`_cal` files for the peers: links, or copies without MIRI's coronagraph corner, which has a level of its own."""
    folder = out / "inputs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for exposure in exposures:
        path = folder / exposure.path.name
        if not exposure.name.endswith("mirimage"):
            path.symlink_to(exposure.path.resolve())
            continue
        with fits.open(exposure.path) as file:
            masked = ~exposure.usable()
            file["DQ"].data[masked] |= seamless.DO_NOT_USE
            for plane in ("SCI", "ERR"):
                file[plane].data[masked] = np.nan
            file.writeto(path)
    return folder


def write_levels(path, levels):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["exposure", "level"])
        writer.writerows(sorted(levels.items()))


def montage(options, exposures, out):
    folder = out / "montage"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("raw", "projected", "differences"):
        (folder / name).mkdir(parents=True)
    subprocess.run([sys.executable, HERE / "plain_frames.py", options.survey, options.band, folder / "raw"], check=True)
    common = [["mImgtbl", "raw", "raw.tbl"], ["mMakeHdr", "-n", "raw.tbl", "grid.hdr"],
              ["mProjExec", "-p", "raw", "raw.tbl", "grid.hdr", "projected", "stats.tbl"], ["mImgtbl", "projected", "images.tbl"],
              ["mOverlaps", "images.tbl", "pairs.tbl"],
              ["mDiffExec", "-p", "projected", "pairs.tbl", "grid.hdr", "differences"]]
    spent = [run(command, folder, folder / "log.txt") for command in common]
    results = {}
    for kind, flag in (("level", ["-l"]), ("plane", [])):
        fit, model = f"fits_{kind}.tbl", f"corrections_{kind}.tbl"
        own = [run(command, folder, folder / "log.txt") for command in
               (["mFitExec", *flag, "pairs.tbl", fit, "differences"], ["mBgModel", *flag, "images.tbl", fit, model])]
        results[f"montage_{kind}"] = {"seconds": sum(s for s, _ in spent + own), "gigabytes": max(g for _, g in spent + own)}
        write_levels(out / f"montage_{kind}.csv", montage_levels(folder, exposures, model))
    for name in ("raw", "projected", "differences"):
        shutil.rmtree(folder / name)
    return results


def montage_levels(folder, exposures, model):
    """A correction a x + b y + c, x and y from CRPIX of the grid, at the middle of each exposure; mBackground subtracts it."""
    names = {int(row["cntr"]): pathlib.Path(row["fname"]).stem for row in ascii.read(folder / "images.tbl", format="ipac")}
    grid = WCS(fits.Header.fromtextfile(folder / "grid.hdr"))
    places = {}
    for exposure in exposures:
        header = fits.getheader(exposure.path, "SCI")
        middle = WCS(header).all_pix2world(header["NAXIS1"] / 2, header["NAXIS2"] / 2, 0)
        places[exposure.name] = np.array(grid.all_world2pix(*middle, 1)) - grid.wcs.crpix
    levels = {}
    for row in ascii.read(folder / model, format="ipac"):
        name = next(e.name for e in exposures if e.name in names[int(row["id"])])
        x, y = places[name]
        levels[name] = row["a"] * x + row["b"] * y + row["c"]
    return levels


def skymatch(options, exposures, out):
    results, inputs = {}, calibrated_files(exposures, out)
    for statistic in ("median", "mode"):
        seconds, memory = run([sys.executable, HERE / "peer_steps.py", "skymatch", out / f"skymatch_{statistic}.csv", statistic,
                               *sorted(inputs.iterdir())], out, out / "skymatch_log.txt")
        results[f"skymatch_{statistic}"] = {"seconds": seconds, "gigabytes": memory}
    return results


def pjpipe(options, exposures, out):
    inputs, made = calibrated_files(exposures, out), out / "pjpipe"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    seconds, memory = run([options.pjpipe_python, HERE / "peer_steps.py", "pjpipe_level_match", made, options.band, inputs], out,
                          out / "pjpipe_log.txt")
    levels = {}
    for exposure in exposures:
        change = exposure.plane("SCI") - fits.getdata(seamless.find_product(made, exposure), "SCI")
        levels[exposure.name] = float(np.nanmedian(change[exposure.usable()]))
    write_levels(out / "pjpipe.csv", levels)
    return {"pjpipe": {"seconds": seconds, "gigabytes": memory}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey", type=pathlib.Path)
    parser.add_argument("band")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--peers", default="montage,skymatch,pjpipe")
    parser.add_argument("--pjpipe-python", default="/opt/ref/pjpipe/bin/python")
    options = parser.parse_args()
    options.survey = options.survey.resolve()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    exposures = seamless.read_survey(options.survey, options.band)
    report = out / "peers.json"
    results = json.loads(report.read_text()) if report.exists() else {}
    for peer in options.peers.split(","):
        results |= {"montage": montage, "skymatch": skymatch, "pjpipe": pjpipe}[peer](options, exposures, out)
        report.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
