#!/usr/bin/env python3
"""Frames of a simulated survey after alignment, against the truth: how far every exposure is from where it should be.

    score_alignment.py SURVEY LEDGERS [--bands F200W,F300M] [--relative] [--against F300M] [--steps tweakreg,...] [--limit 0.004] [--json FILE] [--list]

LEDGERS is a folder with ledgers below it ("none": as the headers say). The error of a frame is where its WCS puts points of the detector, minus where
the simulated sky has them; given are the root of the mean square of a coordinate over all points, the offsets and rolls of the visits, and how many
exposures were corrected. Exposures without correction are counted, and scored only with --all. With --relative the shift and rotation that all exposures of a band have in common are
taken off; with --against BAND those of that band, from all: how MIRI lies against NIRCam.

Pulls, where the tables of tweakreg lie beside the ledgers (groups with standard errors): error of the frame of the group's first image
over its standard error; of good errors the width is 1. With --pulls LOW,HIGH a width outside fails. Ends with 1 when a limit (arcsec) is not kept.
"""
import argparse
import json
import pathlib
import sys

import numpy as np

import alignment


def visits_of(frames):
    """{visit: (mean east, mean north, mean roll, exposures)}"""
    table = {}
    for k, exposure in enumerate(frames.exposures):
        table.setdefault(exposure.visit, []).append([*frames.shift(k), frames.roll(k)])
    return {visit: (*np.mean(rows, axis=0), len(rows)) for visit, rows in table.items()}


def belongs(exposure, group):
    """Groups are named after an exposure without its detector, the number without zeros, or after a visit and activity."""
    visit, activity, number = exposure.name.split("_")[:3]
    return group in (f"{visit}_{activity}_{int(number)}", f"{visit}_{activity}", visit, f"{visit}_{activity}_{number}", exposure.name) or group.startswith(f"{visit}_{activity}_{int(number)}_")


def rows_against_sky(rows):
    """None where the sequential method came to no absolute stage: errors are against the reference group then."""
    has_reference = any(row["status"] == "REFERENCE" for row in rows)
    return rows if not has_reference or any(row["group"] == "absolute" and row["status"] == "SUCCESS" for row in rows) else []


def pulls_of(frames, tables):
    """Errors over standard errors [group][east, north, roll], at the reference point of the group's first image, where the fit was made; the mean of the
    dithers of its detector where the group has several: by how much they jitter about the visit no group of visits can know."""
    found = []
    for row in (row for path in tables for row in rows_against_sky(alignment.read_rows(path))):
        errors = [float(row[key] or 0) for key in ("error_x", "error_y", "error_rotation")]
        mine = [k for k, exposure in enumerate(frames.exposures) if belongs(exposure, row["group"])]
        to_sky = "aligned with its neighbours only" not in row["reason"]  # else its errors are not against the sky
        if row["status"] == "SUCCESS" and to_sky and mine and min(errors[:2]) > 0:
            alike = [k for k in mine if frames.exposures[k].detector == frames.exposures[mine[0]].detector]
            east, north = np.mean([frames.left[k][0] for k in alike], axis=0)
            roll = np.mean([frames.roll(k) for k in alike])
            found.append([east / errors[0], north / errors[1], roll / errors[2] if errors[2] > 0 else np.nan])
    return np.array(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey", type=pathlib.Path)
    parser.add_argument("ledgers")
    parser.add_argument("--bands", default="")
    parser.add_argument("--relative", action="store_true")
    parser.add_argument("--against")
    parser.add_argument("--steps", default="")
    parser.add_argument("--limit", type=float)
    parser.add_argument("--pulls")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--list", action="store_true", help="a line for every visit")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    split = lambda text: [t for t in text.split(",") if t]
    exposures = alignment.read_survey(options.survey)
    bands = split(options.bands) or list(dict.fromkeys(e.band for e in exposures))
    none = options.ledgers == "none"
    corrections = {} if none else alignment.read_corrections(options.ledgers, split(options.steps))
    reports, bad = [], False
    for target in dict.fromkeys(e.target for e in exposures):
        for band in bands:
            mine = [e for e in exposures if e.target == target and e.band == band]
            done = mine if none or options.all else [e for e in mine if e.name in corrections]
            line = f"{target} {band}: {len(done)} of {len(mine)} exposures"
            if not done:
                print(line + " corrected")
                bad |= options.limit is not None
                continue
            others = [e for e in exposures if e.target == target and e.band == options.against and (none or e.name in corrections)] if options.against else []
            frames = alignment.Frames(done + (others if band != options.against else []), corrections)
            if options.relative or options.against:
                frames.remove_common(lambda e: e.band == (options.against or band))
            in_band = lambda e: e.band == band
            shifts = np.array([frames.shift(k) for k, e in enumerate(frames.exposures) if in_band(e)])
            rolls = np.array([frames.roll(k) for k, e in enumerate(frames.exposures) if in_band(e)])
            report = {"target": target, "band": band, "exposures": len(done), "of": len(mine), "rms": frames.rms(in_band), "mean": shifts.mean(axis=0).tolist(),
                      "shift_rms": float(np.sqrt(np.mean(shifts**2))), "roll_rms": float(np.sqrt(np.mean(rolls**2))), "largest": float(np.hypot(*shifts.T).max())}
            line += f", frames off by {1000 * report['rms']:.2f} mas rms a coordinate (shift {1000 * report['shift_rms']:.2f}, roll {report['roll_rms']:.5f} deg), {1000 * report['largest']:.1f} at most"
            if not none and not options.relative and not options.against:
                pulls = pulls_of(frames, sorted(pathlib.Path(options.ledgers).rglob(f"{band}/**/*groups.csv")))
                if len(pulls):
                    width = np.sqrt(np.nanmean(pulls**2, axis=0))
                    report["pulls"] = {"groups": len(pulls), "width": width.tolist(), "values": pulls.tolist()}
                    line += f"; pulls of {len(pulls)} groups {width[0]:.2f} {width[1]:.2f} roll {width[2]:.2f}"
                    if options.pulls:
                        low, high = map(float, options.pulls.split(","))
                        bad |= not all(low <= w <= high for w in width[np.isfinite(width)])
            bad |= options.limit is not None and not report["rms"] <= options.limit
            print(line)
            for visit, (east, north, roll, count) in visits_of(frames).items() if options.list else ():
                print(f"  {visit} {count:3d} exposures {1000 * east:+8.2f} {1000 * north:+8.2f} mas {roll:+.5f} deg")
            reports.append(report)
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
