"""A simulated survey (`tessera simulate`, truth_planes = true) and its truth, for the scripts that score what was made of it.

Where a band has MIRI's coronagraph corner, whose level is another one, that corner is left out (`usable`).
"""
import json
import pathlib

import numpy as np
from astropy.io import fits

DO_NOT_USE, OUTLIER = 1, 16
LYOT_ROW, LYOT_COLUMN = 735, 290  # rows from, columns below: the corner of the full MIRI format


class Exposure:
    """One exposure: planes of its file and of its truth, read when asked for. Images are [ny][nx], MJy/sr.

    Count rates are given as level 2 would make them, with the true response and without MIRI's thermal background.
    """

    def __init__(self, survey, record):
        self.name, self.band, self.visit = record["exposure"], record["band"], record["visit"]
        self.level, self.striped = record["level"], record["striped"]
        self.path = survey / record["file"]
        self.conversion = record.get("conversion")  # of a count rate: MJy/sr per DN/s
        self.truth_path = survey / "truth" / "planes" / f"{self.name}_truth.fits"

    def calibrate(self, rate):
        return rate * (self.conversion / fits.getdata(self.truth_path, "RESPONSE"))

    def plane(self, name):
        plane = fits.getdata(self.path, name)
        if self.conversion is None or name == "DQ":
            return plane
        if name == "SCI" and self.name.endswith("mirimage"):
            plane = plane - fits.getdata(self.truth_path, "BACKGROUND")
        return self.calibrate(plane)

    def truth(self, name):
        """SKY, STRIPES or COSMIC_RAYS."""
        plane = fits.getdata(self.truth_path, name)
        return self.calibrate(plane) if self.conversion is not None and name == "STRIPES" else plane

    def usable(self):
        """True where the detector sees the sky and the pixel is good."""
        good = (self.plane("DQ") & DO_NOT_USE) == 0
        if self.conversion is not None:
            good &= fits.getdata(self.truth_path, "RESPONSE") > 0.1  # flagged by level 2
        if self.name.endswith("mirimage") and good.shape == (1024, 1032):
            good[LYOT_ROW:, :LYOT_COLUMN] = False
        return good

    def true_level(self):
        """What a perfect level match takes out: the level and the median of the stripes over the frame."""
        if not self.striped:
            return self.level
        return self.level + float(np.median(self.truth("STRIPES")[self.usable()]))


def read_survey(folder, band):
    """The science exposures of a band, in order of their names."""
    folder = pathlib.Path(folder)
    records = json.loads((folder / "truth" / "truth.json").read_text())
    found = [Exposure(folder, r) for r in records if r["band"] == band and not r["off"]]
    if not found:
        raise SystemExit(f"{folder}: no exposures of {band}")
    return sorted(found, key=lambda e: e.name)


def find_product(folder, exposure):
    """The file made of an exposure somewhere below `folder` (an export, or what a peer wrote); of halves the imager."""
    found = [p for p in sorted(pathlib.Path(folder).rglob(f"{exposure.name}*.fits")) if "mirimagel" not in p.name]
    if len(found) != 1:
        raise SystemExit(f"{folder}: {len(found)} files of {exposure.name}")
    return found[0]


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))
