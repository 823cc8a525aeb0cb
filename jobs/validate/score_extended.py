#!/usr/bin/env python3
"""What destriping does to extended emission in the exposures of a simulated survey.

    score_extended.py SURVEY BAND FOLDER

FOLDER holds the corrected exposures (`tessera export`). Corrected less raw plus true stripes is what destriping got wrong; it
is noise-free. Its mean over the brightest tenth of the true sky of an exposure less that over the fainter half is flux that
extended emission gained (+) or lost: mean and rms over the exposures, in MJy/sr and as a part of the true difference.
"""
import sys

import numpy as np
from astropy.io import fits

import seamless


def gained(exposure, folder):
    usable = exposure.usable()
    raw, sky = exposure.plane("SCI"), exposure.truth("SKY")
    stripes = exposure.truth("STRIPES") if exposure.striped else 0
    wrong = fits.getdata(seamless.find_product(folder, exposure), "SCI") - raw + stripes
    usable &= np.isfinite(wrong) & np.isfinite(sky)
    bright = usable & (sky > np.percentile(sky[usable], 90))
    faint = usable & (sky < np.median(sky[usable]))
    return wrong[bright].mean() - wrong[faint].mean(), sky[bright].mean() - sky[faint].mean()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    survey, band, folder = sys.argv[1:]
    values = np.array([gained(e, folder) for e in seamless.read_survey(survey, band)])
    print(f"{band}: {len(values)} exposures, bright less faint sky {values[:, 1].mean():.4f} MJy/sr; "
          f"changed by {values[:, 0].mean():+.5f} (mean) and {seamless.rms(values[:, 0]):.5f} (rms), "
          f"{100 * values[:, 0].mean() / values[:, 1].mean():+.3f} %")


if __name__ == "__main__":
    main()
