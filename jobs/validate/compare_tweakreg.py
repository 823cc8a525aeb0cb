#!/usr/bin/env python3
"""tessera's tweakreg beside the official TweakRegStep (package `jwst`) on the same simulated exposures (inputs/alignment).

    compare_tweakreg.py --tessera build/release/bin/tessera --survey SURVEY --scratch /tmp/tweakreg [--cases rshift,phangs] [F300M ...]

The same parameters, the same files, one core each. Points of every detector (3x3) must be put where the official step puts them to
LIMIT (mas, the largest distance), matrices of the fits agree to 1e-9 or what that distance is on the detector. Time is that of the processor: of the whole
program `tessera run` with nothing but tweakreg, its start and the reading of the headers included; of the official step from the
opening of the files on, its imports not counted (no limit on the cases of one visit: four files are too few for our start). What is in SCRATCH of the official step is not made again. With --truth the frame errors of both are
given too. Ends with 1 when a limit is not kept.

In the absolute stage the official step measures in a plane to which the affine of the relative stage was applied once more, and applies what it
finds in the plane without: an exposure that the relative stage turned by r is put r times the absolute shift off what was fitted. "Of its fit" is
the distance to where that fit, undone in its own plane, puts the points; the limit is on this. Both are given.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys

import numpy as np

import alignment

FWHM = {"F200W": 2.141, "F300M": 1.585, "F1000W": 2.982}
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_PROC_BIND": "false"}


def class_of(band):
    return "miri" if band == "F1000W" else "long" if band == "F300M" else "short"


def phangs(band):
    """The values of the PHANGS Cycle 1 configuration (spec 40, 0.9)."""
    # MIRI's separation of 1 and tolerance of 1 are refused by the step today: it was not run on MIRI.
    one = {"short": (125, 2.0, 0.3, 100), "long": (500, 2.0, 0.3, 100), "miri": (500, 1.0, 0.7, 25)}[class_of(band)]
    options = {"brightest": one[0], "separation": one[1], "tolerance": one[2], "bkg_boxsize": one[3], "snr_threshold": 3.0, "expand_refcat": True,
               "fitgeometry": "shift", "minobj": 3, "sigma": 2.0, "use2dhist": False}
    return options if class_of(band) == "miri" else options | {"peakmax": 20.0, "roundlo": -0.5, "roundhi": 0.5}


PLAIN = {"snr_threshold": 5.0, "brightest": 300, "separation": 1.0, "tolerance": 0.5, "searchrad": 1.0, "minobj": 6}
DATUM = {"abs_refcat": "DATUM", "abs_searchrad": 1.0, "abs_separation": 1.0, "abs_tolerance": 0.3, "abs_minobj": 10}
SPARSE = PLAIN | {"snr_threshold": 8.0, "roundhi": 0.4, "tolerance": 0.3, "separation": 0.5, "nclip": 5}
CASES = {
    "rshift": lambda band: PLAIN | {"expand_refcat": True},
    "order": lambda band: PLAIN,
    "dao": lambda band: PLAIN | {"starfinder": "dao", "expand_refcat": True, "sharplo": 0.2, "sharphi": 1.0, "roundlo": -1.0, "roundhi": 1.0},
    "general": lambda band: PLAIN | {"expand_refcat": True, "fitgeometry": "general"},
    "segmentation": lambda band: PLAIN | {"expand_refcat": True, "starfinder": "segmentation"},
    "phangs": phangs,
    "absolute": lambda band: PLAIN | {"expand_refcat": True, **DATUM},
    # For MIRI: visits share strips with a handful of stars, by which neither program finds them; the dithers of one visit, and that on the catalogue.
    "visit": lambda band: SPARSE | {"expand_refcat": True},
    "visit_absolute": lambda band: SPARSE | {"expand_refcat": True, **DATUM, "abs_minobj": 4, "abs_separation": 0.5},
}


def values_of(case, band, survey):
    values = {"kernel_fwhm": FWHM[band], **CASES[case](band)}
    if values.get("abs_refcat") == "DATUM":
        datum, = (survey / "alignment").glob("*_stars.fits")
        values["abs_refcat"] = str(datum)
    return values


def of_one_visit(exposures):
    """The exposures of the visit in the middle of the list: in the middle of the mosaic, or beside it."""
    visits = sorted({e.visit for e in exposures})
    return [e for e in exposures if e.visit == visits[len(visits) // 2]]


def link_files(files, survey, folder):
    """A folder with these files alone, laid out as the survey's."""
    subprocess.run(["rm", "-rf", folder], check=True)
    for path in files:
        place = folder / path.relative_to(survey / "raw")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    return folder


def run(command, folder, log):
    """Processor seconds of the command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(log, "w") as file:
        code = subprocess.run(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, env=os.environ | SINGLE).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        raise SystemExit(f"{command[0]} ended with {code}, see {log}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def official(files, values, folder):
    out = folder / "official.json"
    options = json.dumps(values, indent=1)
    if not out.exists() or (folder / "options.json").read_text() != options:
        (folder / "options.json").write_text(options)
        peer = pathlib.Path(__file__).with_name("peer_steps.py")
        run([sys.executable, peer, "tweakreg", out, folder / "options.json", *files], folder, folder / "official.log")
    return json.loads(out.read_text())


def ours(program, survey, raw, target, band, values, folder):
    """Corrections of the ledger, processor seconds."""
    settings = "".join(f"{step}.skip = true\n" for step in ("skymatch", "outlier_detection", "resample", "source_catalog"))
    settings += "".join(f"tweakreg.{key} = {json.dumps(value)}\n" for key, value in values.items())
    (folder / "config.toml").write_text(f'targets = ["{target}"]\nversion = "v0p1"\nbands = ["{band}"]\nsteps = ["lv3"]\n'
                                        f"[parameters.lv3.jwst_parameters]\n{settings}")
    (folder / "local.toml").write_text(f'raw_dir = "{raw}"\nreprocess_dir = "{folder / "ours"}"\nalignment_dir = "{survey / "alignment"}"\n')
    subprocess.run(["rm", "-rf", folder / "ours"], check=True)
    seconds = run([program, "run", folder / "config.toml", "--local", folder / "local.toml"], folder, folder / "ours.log")
    return alignment.read_corrections(folder / "ours"), seconds


def meant(exposure, points):
    """Where the fit of the official absolute stage puts points (V2V3): its affine in the plane that it was measured in."""
    final, relative = exposure["affine"], exposure["relative"]
    m, t = np.reshape(final[:4], (2, 2)), np.array(final[4:])
    a, b = np.reshape(relative[:4], (2, 2)), np.array(relative[4:])
    back = np.linalg.inv(a)
    f = m @ back
    shift = t - f @ b
    own_matrix, own_shift = back @ f @ a, back @ (f @ b + shift - b)
    pointing = exposure["pointing"]
    plane = [pointing["v2_ref"], pointing["v3_ref"], pointing["roll_ref"]]
    return alignment.correct(points, [*np.ravel(own_matrix @ a), *(own_matrix @ b + own_shift), *plane])


def compare(theirs, corrections):
    """Largest distance in mas of a point from where the official step has it and from where its fit has it, and the exposures that only one has moved."""
    largest, of_fit, only = 0.0, 0.0, []
    for name, exposure in theirs["exposures"].items():
        moved = exposure["fit"]["status"].startswith("SUCCESS")
        if moved != (name in corrections):
            only.append(name)
        points = np.array(exposure["v2v3"])
        for correction in corrections.get(name, ()):
            points = alignment.correct(points, correction)
        ours = alignment.to_sky(points, exposure["pointing"])
        apart = lambda sky: 1000 * float(np.hypot(*alignment.offsets(ours, sky).T).max())
        largest = max(largest, apart(np.array(exposure["after"])))
        has_both = moved and exposure.get("relative")
        fitted = alignment.to_sky(meant(exposure, np.array(exposure["v2v3"])), exposure["pointing"]) if has_both else np.array(exposure["after"])
        of_fit = max(of_fit, apart(fitted))
    return largest, of_fit, only


def official_frames(exposures, theirs, relative):
    """Root of the mean square frame error of the official solution, mas a coordinate."""
    frames = alignment.Frames(exposures, {})
    for k, exposure in enumerate(exposures):
        peer = theirs["exposures"][exposure.name]
        frames.true[k] = exposure.true_sky(np.array(peer["v2v3"]))
        frames.left[k] = alignment.offsets(np.array(peer["after"]), frames.true[k])
    if relative:
        frames.remove_common()
    return 1000 * frames.rms()


def our_frames(exposures, corrections, relative):
    frames = alignment.Frames(exposures, corrections)
    if relative:
        frames.remove_common()
    return 1000 * frames.rms()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", type=pathlib.Path)
    parser.add_argument("--survey", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--limit", type=float, default=0.1, help="mas")
    parser.add_argument("--faster", type=float, default=20, help="least ratio of the times")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("bands", nargs="*", default=["F300M", "F1000W", "F200W"])
    options = parser.parse_args()
    survey, bad, report = options.survey.resolve(), 0, []
    for band in options.bands:
        everything = alignment.read_survey(survey, [band])
        for case in options.cases.split(","):
            exposures = of_one_visit(everything) if case.startswith("visit") else everything
            files = [p for e in exposures for p in survey.glob(f"raw/*/mastDownload/JWST/{e.name}/{e.name}_cal.fits")]
            folder = options.scratch.resolve() / band / case
            folder.mkdir(parents=True, exist_ok=True)
            values = values_of(case, band, survey)
            relative = "abs_refcat" not in values
            theirs = official(files, values, folder)
            aligned = sum(e["fit"]["status"].startswith("SUCCESS") for e in theirs["exposures"].values())
            line = {"band": band, "case": case, "exposures": len(files), "aligned": aligned, "official_frame_error_mas": official_frames(exposures, theirs, relative),
                    "official_seconds": theirs["seconds"]["processor"]}
            text = f"{band} {case}: {aligned} of {len(files)} aligned; official {line['official_seconds']:.1f} s, frames off by {line['official_frame_error_mas']:.2f} mas rms"
            if options.tessera:
                raw = survey / "raw" if exposures is everything else link_files(files, survey, folder / "raw")
                corrections, seconds = ours(options.tessera.resolve(), survey, raw, exposures[0].target, band, values, folder)
                apart, of_fit, only = compare(theirs, corrections)
                ratio = theirs["seconds"]["processor"] / seconds
                line |= {"seconds": seconds, "ratio": ratio, "apart_mas": apart, "apart_of_fit_mas": of_fit, "only_one": only, "frame_error_mas": our_frames(exposures, corrections, relative)}
                fails = [what for what, wrong in (("distance", not of_fit <= options.limit), ("aligned by one alone", only), ("time", not case.startswith("visit") and not ratio >= options.faster)) if wrong]
                bad |= bool(fails)
                text += f"; ours {seconds:.2f} s ({ratio:.1f} times faster), {line['frame_error_mas']:.2f} mas; apart {apart:.4f} mas, of its fit {of_fit:.4f}" + "".join(f"  FAILED: {f}" for f in fails)
            print(text, flush=True)
            report.append(line)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
