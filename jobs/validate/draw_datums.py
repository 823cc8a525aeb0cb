#!/usr/bin/env python3
"""New draws of the datum of a simulated survey: the stars of alignment/TARGET_stars.fits at their true places, with new errors.

    draw_datums.py SURVEY TARGET FOLDER COUNT SCATTER

Writes FOLDER/0.fits to COUNT-1. SCATTER [arcsec along an axis] as the survey's own has. All groups of a survey hang on one datum: of its errors one
survey knows three numbers, two of a shift and one of a roll, and says little of pulls. The draws of two targets have nothing in common.
"""
import pathlib
import sys
import zlib

import numpy as np
from astropy.io import fits


def main(survey, target, folder, count, scatter):
    survey, folder = pathlib.Path(survey), pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sources = fits.getdata(survey / "truth" / f"{target}_sources.fits")
    key = lambda table: list(zip(*(table[c] for c in table.names if c.startswith("FLUX_"))))
    place = {flux: k for k, flux in enumerate(key(sources))}
    with fits.open(survey / "alignment" / f"{target}_stars.fits") as file:
        stars = file[1].data
        true = sources[[place[flux] for flux in key(stars)]]  # by their fluxes, which no two share
        for draw in range(int(count)):
            errors = np.random.default_rng([zlib.crc32(target.encode()), draw]).normal(0, float(scatter) / 3600, (len(stars), 2))
            stars["RA"] = true["RA"] + errors[:, 0] / np.cos(np.radians(true["DEC"]))
            stars["DEC"] = true["DEC"] + errors[:, 1]
            file.writeto(folder / f"{draw}.fits", overwrite=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 6 else __doc__)
