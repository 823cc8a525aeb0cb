#!/usr/bin/env python3
"""From count rates to mosaics by the official pipeline and pjpipe, in one warm process: seconds of every stage.

    peer_level2.py SURVEY OUT [--limit 3000] [--bands F300M,F770W]

SURVEY is that of inputs/level2/speed.toml; parameters are those of inputs/level2/config.toml. Run by the Python of a virtual environment that has
both. Stages: pjpipe's single_tile_destripe (NIRCam), the official Image2Pipeline, pjpipe's level_match and multi_tile_destripe (NIRCam), the official
Image3Pipeline without tweakreg and source_catalog. One process, imports not counted, reading and writing counted. OUT/times.json: of every stage wall
and processor seconds, children included, written when the stage ends. A stage that takes longer than --limit (processor seconds) is given up and counts with what it took; the next
goes on with the files it had.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import sys
import time
import warnings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("survey", type=pathlib.Path)
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--limit", type=float, default=3000)
parser.add_argument("--bands", default="F300M,F770W")
options = parser.parse_args()
survey, out = options.survey.resolve(), options.out.resolve()

# Before anything of STScI's or numpy is imported: one thread, no network.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.update({"CRDS_PATH": str(survey / "crds"), "CRDS_SERVER_URL": "https://crds-serverless-mode.stsci.edu", "CRDS_CONTEXT": "jwst_0001.pmap",
                   "CRDS_OBSERVATORY": "jwst"})
warnings.simplefilter("ignore")

from jwst.pipeline import Image2Pipeline, Image3Pipeline  # noqa: E402
from pjpipe import LevelMatchStep, MultiTileDestripeStep, SingleTileDestripeStep  # noqa: E402


class TookTooLong(Exception):
    pass


def give_up(*_):
    raise TookTooLong


def processor_seconds():
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def timed(times, name, fall_back, work):
    """`work()` returns a folder of its files; those of `fall_back` where it was given up."""
    signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, options.limit)
    wall, processor, done = time.perf_counter(), processor_seconds(), True
    try:
        made = work()
    except TookTooLong:
        made, done = fall_back, False
    signal.setitimer(signal.ITIMER_PROF, 0)
    times[name] = {"wall": time.perf_counter() - wall, "processor": processor_seconds() - processor, "done": done}
    (out / "times.json").write_text(json.dumps(times, indent=1) + "\n")
    return made


def folder_of(*names):
    folder = out.joinpath(*names)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_association(path, rule, name, science, backgrounds=()):
    members = [{"expname": str(f), "exptype": "science"} for f in science] + [{"expname": str(f), "exptype": "background"} for f in backgrounds]
    path.write_text(json.dumps({"asn_type": rule, "asn_rule": "DMS_Level2b" if rule == "image2" else "DMS_Level3_Base", "asn_pool": "none", "asn_id": "o001",
                                "program": "09001", "products": [{"name": name, "members": members}]}))
    return path


def calibrate(rates, backgrounds, folder):
    for rate in sorted(rates.glob("*_rate.fits")):
        path = rate if not backgrounds else write_association(folder / rate.name.replace("_rate.fits", "_asn.json"), "image2",
                                                              rate.name.removesuffix("_rate.fits"), [rate], backgrounds)
        Image2Pipeline.call(str(path), output_dir=str(folder), save_results=True, steps={"bkg_subtract": {"sigma": 1.5}, "resample": {"skip": True}})
    return folder


def mosaic(calibrated, band, folder):
    path = write_association(folder / f"{band}_asn.json", "image3", band.lower(), sorted(calibrated.glob("*_cal.fits")))
    Image3Pipeline.call(str(path), output_dir=str(folder), save_results=True, steps={
        "tweakreg": {"skip": True}, "source_catalog": {"skip": True}, "resample": {"rotation": 0.0},
        "skymatch": {"skymethod": "global", "subtract": True, "skystat": "median"}})
    return folder


def main():
    shutil.rmtree(out, ignore_errors=True)
    records = json.loads((survey / "truth" / "truth.json").read_text())
    times = {}
    for band in options.bands.split(","):
        nircam = band == "F300M"
        rates = folder_of(band, "rate")
        for record in records:
            if record["band"] == band and not record["off"]:
                path = survey / record["file"]
                (rates / path.name).symlink_to(path)
        offs = [survey / r["file"] for r in records if r["band"] == band and r["off"]]

        def destripe():
            made = folder_of(band, "destriped")
            SingleTileDestripeStep(in_dir=str(rates), out_dir=str(made), step_ext="rate", procs=1, quadrants=True, vertical_subtraction=True,
                                   destriping_method="median_filter", vertical_destriping_method="row_median", filter_diffuse=True, dilate_size=7,
                                   filter_scales=[3, 7, 15, 31, 63, 127, 255], filter_extend_mode="reflect").do_step()
            return made

        def match():
            made = folder_of(band, "matched")
            LevelMatchStep(in_dir=str(calibrated), out_dir=str(made), step_ext="cal", procs=1, band=band, weight_method="rms").do_step()
            return made

        def destripe_jointly():
            made = folder_of(band, "jointly")
            MultiTileDestripeStep(in_dir=str(matched), out_dir=str(made), step_ext="cal", procs=1).do_step()
            return made

        if nircam:
            rates = timed(times, f"{band} single_tile_destripe", rates, destripe)
        calibrated = timed(times, f"{band} lv2", None, lambda: calibrate(rates, offs, folder_of(band, "cal")))
        matched = timed(times, f"{band} level_match", calibrated, match)
        if nircam:
            matched = timed(times, f"{band} multi_tile_destripe", matched, destripe_jointly)
        timed(times, f"{band} lv3", None, lambda: mosaic(matched, band, folder_of(band, "lv3")))
    print(json.dumps(times, indent=1))


if __name__ == "__main__":
    sys.exit(main())
