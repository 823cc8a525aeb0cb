#!/usr/bin/env python3
"""Row noise of the real NIRCam integrations before and after single_tile_destripe: a table and spectra.

    rateints_noise.py UNIT_STEPS SHARED OUT

Runs the test DestripeExposure.QuietsTheRowsOfRealIntegrations of the program UNIT_STEPS, which destripes each plane of
SHARED/data/real/jwst_nircam_rateints and keeps the models in OUT; then takes row medians of each amplifier outside sources,
before and after. The table: their rms on scales of 1, 2, 4, ... rows (means over 2^k rows less means over 2^(k+1) rows), in
floors of a row median of white noise, 1.2533 sigma / sqrt(n), sigma the scatter of pixels about their row. The picture
OUT/rateints_noise.png: power spectra along y, the mean over the amplifiers. Ends with 1 where a scale below 64 rows
keeps more than 1.5 floors.
"""
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
from astropy.io import fits
from astropy.stats import sigma_clip, sigma_clipped_stats
from scipy.ndimage import binary_dilation

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from score_stripes import mean_square_by_scale  # noqa: E402

AMPLIFIERS = 4
FINE_ROWS = 64
FINE_LIMIT = 1.5


def mask_of(image):
    """Sources (3 sigma, grown by 7) and pixels without data."""
    _, median, std = sigma_clipped_stats(image[np.isfinite(image) & (image != 0)], sigma=3)
    return binary_dilation(np.nan_to_num(np.abs(image - median)) > 3 * std, np.ones((7, 7))) | ~np.isfinite(image) | (image == 0)


def row_profiles(image, mask):
    """Clipped row medians, and their floor: [amplifier, row], number."""
    profiles, floors = [], []
    for part, masked in zip(np.split(image, AMPLIFIERS, axis=1), np.split(mask, AMPLIFIERS, axis=1)):
        clipped = sigma_clip(np.ma.array(part, mask=masked), sigma=3, axis=1)
        medians = np.ma.median(clipped, axis=1).filled(np.nan)
        profiles.append(medians - np.nanmedian(medians))
        sigma = np.ma.std(clipped - np.ma.median(clipped, axis=1)[:, None])
        floors.append(1.2533 * sigma / np.sqrt(np.median((~clipped.mask).sum(axis=1))))
    return np.array(profiles), float(np.mean(floors))


def spectrum(profiles):
    filled = np.nan_to_num(profiles) * np.hanning(profiles.shape[1])
    power = np.abs(np.fft.rfft(filled, axis=1)) ** 2 / profiles.shape[1] / 0.375
    return np.fft.rfftfreq(profiles.shape[1])[1:], power.mean(axis=0)[1:]


def main():
    program, shared, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, "--gtest_filter=DestripeExposure.QuietsTheRowsOfRealIntegrations"], check=True,
                   env={**os.environ, "TESSERA_SHARED": str(shared), "TESSERA_PRODUCTS": str(out)})
    too_much = False
    models = sorted(out.glob("*_stripes.fits"))
    figure, axes = plt.subplots(1, len(models), figsize=(6 * len(models), 4.5), squeeze=False)
    for axis, path in zip(axes[0], models):
        stem, plane = path.name.removesuffix("_stripes.fits").rsplit("_", 1)
        cube = fits.getdata(shared / "data/real/jwst_nircam_rateints" / f"{stem}.fits").astype(float)
        before = cube if cube.ndim == 2 else cube[int(plane)]
        after = np.where(before == 0, 0, before - fits.getdata(path, "MODEL"))
        mask = mask_of(after)
        print(stem)
        for name, image in (("before", before), ("after", after)):
            profiles, floor = row_profiles(image, mask)
            scales = {rows: np.sqrt(square) / floor for rows, square in mean_square_by_scale(profiles).items() if rows}
            print(f"  {name:6} rms {np.nanstd(profiles):.4f}, floor {floor:.4f} DN/s; in floors by rows:",
                  " ".join(f"{rows}: {value:.2f}" for rows, value in scales.items()))
            if name == "after":
                too_much |= any(value > FINE_LIMIT for rows, value in scales.items() if rows < FINE_ROWS)
            axis.loglog(*spectrum(profiles), label=name, lw=1)
        axis.axhline(floor ** 2, color="grey", ls=":", label="floor of a row median")
        axis.set_title(stem[:25], fontsize=9)
        axis.set_xlabel("cycles a row")
        axis.set_ylabel("power of row medians, (DN/s)$^2$")
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(out / "rateints_noise.png", dpi=110)
    print(out / "rateints_noise.png")
    return int(too_much)


if __name__ == "__main__":
    sys.exit(main())
