#!/usr/bin/env python3
"""The official calwebb_image2 on the count rates of a simulated survey, with the survey's own CRDS cache, offline.

    official_image2.py SURVEY OUT [--only PATTERN] [--offs] [--asn FILE] [--no-pars] [--set STEP.PARAMETER=VALUE ...]

SURVEY was written by `tessera simulate` with [rates] on. Writes the official _cal.fits (and _combinedbackground.fits
with --set bkg_subtract.save_combined_background=True) into OUT and times.json: seconds of every call, one warm process.
"""
import argparse
import ast
import fnmatch
import glob
import json
import os
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("survey")
parser.add_argument("out")
parser.add_argument("--only", default="*", help="shell pattern of exposure names, e.g. '*_nrcblong'")
parser.add_argument("--offs", action="store_true", help="subtract the off exposures of target and band from MIRI")
parser.add_argument("--asn", help="run this association instead of the single exposures")
parser.add_argument("--no-pars", action="store_true", help="without parameter references")
parser.add_argument("--set", action="append", default=[], metavar="STEP.PARAMETER=VALUE")
arguments = parser.parse_args()

# Before anything of STScI's is imported: it reads its environment once.
os.environ["CRDS_PATH"] = os.path.abspath(os.path.join(arguments.survey, "crds"))
os.environ["CRDS_SERVER_URL"] = "https://crds-serverless-mode.stsci.edu"
os.environ["CRDS_CONTEXT"] = "jwst_0001.pmap"
os.environ["CRDS_OBSERVATORY"] = "jwst"
os.environ["STPIPE_DISABLE_CRDS_STEPPARS"] = "true" if arguments.no_pars else "false"

from jwst.pipeline import Image2Pipeline  # noqa: E402


def parse_value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def step_parameters():
    steps = {}
    for setting in arguments.set:
        key, value = setting.split("=", 1)
        step, parameter = key.split(".", 1)
        steps.setdefault(step, {})[parameter] = parse_value(value)
    return steps


def write_association(exposure, backgrounds):
    """An image2 association of one exposure; returns its path."""
    members = [{"expname": os.path.abspath(exposure["path"]), "exptype": "science"}]
    members += [{"expname": os.path.abspath(off["path"]), "exptype": "background"} for off in backgrounds]
    path = os.path.join(arguments.out, exposure["exposure"] + "_asn.json")
    with open(path, "w") as file:
        json.dump({"asn_type": "image2", "asn_rule": "DMS_Level2b", "asn_pool": "none", "asn_id": "o001",
                   "program": "09001", "products": [{"name": exposure["exposure"], "members": members}]}, file, indent=2)
    return path


def inputs():
    if arguments.asn:
        return [arguments.asn]
    with open(os.path.join(arguments.survey, "truth", "truth.json")) as file:
        exposures = json.load(file)
    for exposure in exposures:
        exposure["path"] = os.path.join(arguments.survey, exposure["file"])
    chosen = []
    for exposure in exposures:
        if not fnmatch.fnmatch(exposure["exposure"], arguments.only):
            continue
        offs = [off for off in exposures if off["off"] and
                all(off[key] == exposure[key] for key in ("target", "band"))]
        subtract = arguments.offs and not exposure["off"] and offs
        chosen.append(write_association(exposure, offs) if subtract else exposure["path"])
    return chosen


def main():
    os.makedirs(arguments.out, exist_ok=True)
    times = {}
    for path in inputs():
        started = time.time()
        Image2Pipeline.call(path, output_dir=os.path.abspath(arguments.out), save_results=True,
                            steps=step_parameters())
        times[os.path.basename(path)] = time.time() - started
    with open(os.path.join(arguments.out, "times.json"), "w") as file:
        json.dump(times, file, indent=1)
    written = glob.glob(os.path.join(arguments.out, "*_cal.fits"))
    print(f"{len(times)} calls, {len(written)} calibrated exposures in {arguments.out}, "
          f"{sum(times.values()):.1f} s")
    return 0 if times else 1


sys.exit(main())
