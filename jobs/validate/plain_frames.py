#!/usr/bin/env python3
"""Plain FITS images for programs that know nothing of JWST files: plain_frames.py SURVEY BAND FOLDER.

SCI in the primary HDU with its own WCS (TAN-SIP), NaN where the pixel is not to be used."""
import pathlib
import sys

import numpy as np
from astropy.io import fits

import seamless

# Cards of the WCS. SIP's inverse (AP, BP) too: Montage asks for it.
WCS_CARDS = ("WCSAXES", "CTYPE", "CUNIT", "CRPIX", "CRVAL", "CDELT", "CD1_", "CD2_", "PC1_", "PC2_", "RADESYS", "EQUINOX", "A_", "B_",
             "AP_", "BP_")


def main():
    survey, band, folder = sys.argv[1:4]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for exposure in seamless.read_survey(survey, band):
        header = fits.getheader(exposure.path, "SCI")
        plain = fits.Header()
        for card in header.cards:
            if card.keyword.startswith(WCS_CARDS):
                plain.append(card)
        image = np.where(exposure.usable(), exposure.plane("SCI"), np.nan).astype("f4")
        fits.PrimaryHDU(image, plain).writeto(folder / f"{exposure.name}.fits", overwrite=True)


if __name__ == "__main__":
    main()
