#!/usr/bin/env python3
"""The exposures of a simulated survey with true levels and stripes taken out: ideal_frames.py SURVEY BAND FOLDER.

To score outlier detection by itself, and to give the same frames to two programs. MIRI's coronagraph corner is flagged."""
import pathlib
import sys

import numpy as np
from astropy.io import fits

import seamless


def main():
    survey, band, folder = sys.argv[1:4]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for exposure in seamless.read_survey(survey, band):
        with fits.open(exposure.path) as file:
            file["SCI"].data -= np.float32(exposure.level)
            if exposure.striped:
                file["SCI"].data -= exposure.truth("STRIPES")
            masked = ~exposure.usable()
            file["DQ"].data[masked] |= seamless.DO_NOT_USE
            for plane in ("SCI", "ERR", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"):
                file[plane].data[masked] = np.nan
            file.writeto(folder / exposure.path.name, overwrite=True)


if __name__ == "__main__":
    main()
