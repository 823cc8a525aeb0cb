#!/usr/bin/env python3
"""Pulls of many surveys and datums taken together, from the files that `score_alignment.py --json` writes.

    pool_pulls.py [--limits 0.85,1.15] FILE...

For each band, and for the bands of each instrument together: root of the mean square of the pulls of all groups, of east, north and roll and of all three.
Groups of one survey are not independent, but the mean square is right whatever they have in common; it is only less certain, by about the
root of one over twice the independent values (three a survey and datum, and those of visits with few stars besides). With --limits the widths over
all axes, of each instrument, are held to them.
"""
import argparse
import json
import pathlib
import sys

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limits")
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    found, bad = {}, False
    for path in options.files:
        for report in json.loads(path.read_text()):
            if report.get("pulls"):
                found.setdefault(report["band"], []).append(np.array(report["pulls"]["values"], float))
    is_miri = lambda band: int(band[1:4]) >= 560 or band[4].isdigit()  # F560W, F1000W
    instruments = {"NIRCam": [b for b in sorted(found) if not is_miri(b)], "MIRI": [b for b in sorted(found) if is_miri(b)]}
    for name, bands in [(b, [b]) for b in sorted(found)] + list(instruments.items()):
        values = [v for b in bands for v in found[b]]
        if not values:
            continue
        pulls = np.concatenate(values)
        axes, width = np.sqrt(np.nanmean(pulls**2, axis=0)), float(np.sqrt(np.nanmean(pulls**2)))
        print(f"{name}: {len(pulls)} groups of {len(values)} solutions, width of the pulls {width:.2f} (east {axes[0]:.2f}, north {axes[1]:.2f}, roll {axes[2]:.2f})")
        if options.limits and name in instruments:
            low, high = map(float, options.limits.split(","))
            bad |= not low <= width <= high
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
