#!/usr/bin/env python3
"""Sharpness of mosaics of a simulated survey: the widths of its stars, the same stars in every mosaic.

    sharpness.py SURVEY BAND NAME=MOSAIC_i2d.fits ... [--json FILE] [--sharper FIRST,SECOND]

Stars of truth/<target>_sources.fits (no galaxies, no clusters) that are bright, alone and unsaturated, fitted with an elliptic Gaussian on a constant in
a box of three times their FWHM. Given are the median FWHM (arcsec, root of the product of the axes), the 84th percentile, the median axis ratio, and the offset of the
stars from the truth: mean and scatter. All stars, and those that more than one visit sees. With --sharper the median of FIRST among the latter must be below that of
SECOND. Ends with 1 when it is not.
"""
import argparse
import json
import pathlib
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from scipy.optimize import least_squares

import alignment

warnings.simplefilter("ignore")


def choose_stars(survey, band, exposures, at_most=400):
    """(ra, dec, visits) of isolated stars: no neighbour of more than a fifth of the light within an arcsec (of MIRI two)."""
    table = fits.getdata(survey / "truth" / f"{exposures[0].target}_sources.fits", 1)
    flux = table[f"FLUX_{band}"]
    sky = np.column_stack([table["RA"], table["DEC"]])
    plane = alignment.plane_at(sky, sky.mean(axis=0))
    apart = 2.0 if exposures[0].detector == "mirimage" else 1.0
    order = np.argsort(-flux)
    stars = [k for k in order if table["SIZE"][k] == 0][:4 * at_most]
    chosen = []
    for k in stars:
        near = np.hypot(*(plane - plane[k]).T) < apart
        if np.count_nonzero(near & (flux > flux[k] / 5)) == 1:
            chosen.append(k)
    half = {e.name: np.abs(e.v2v3 - e.v2v3[0]).max() for e in exposures}
    visits = np.zeros(len(chosen), dtype=int)
    for visit in sorted({e.visit for e in exposures}):
        seen = np.zeros(len(chosen), dtype=bool)
        for e in exposures:
            if e.visit == visit:
                away = alignment.plane_at(sky[chosen], e.true_sky()[0])
                roll = np.radians(e.actual["roll_ref"])
                turned = np.abs([away @ [np.cos(roll), -np.sin(roll)], away @ [np.sin(roll), np.cos(roll)]])
                seen |= turned.max(axis=0) < 0.95 * half[e.name]
        visits += seen
    return sky[chosen], visits


def fit_star(image, x, y, fwhm):
    """x, y, major and minor FWHM in pixels, or None."""
    half = int(np.ceil(1.5 * fwhm)) + 2
    column, row = int(round(x)), int(round(y))
    if not (half <= column < image.shape[1] - half and half <= row < image.shape[0] - half):
        return None
    stamp = image[row - half:row + half + 1, column - half:column + half + 1].astype(float)
    if not np.isfinite(stamp).all():
        return None
    yy, xx = np.mgrid[-half:half + 1, -half:half + 1]
    floor = np.percentile(stamp, 20)
    peak = stamp[half - 1:half + 2, half - 1:half + 2].max() - floor
    if peak <= 0:
        return None

    def residual(p):
        a, b, c = p[4], p[5], p[6]
        u, v = xx - p[2], yy - p[3]
        return (p[0] + p[1] * np.exp(-0.5 * (a * u * u + 2 * c * u * v + b * v * v)) - stamp).ravel() / peak

    start = (2.3548 / fwhm) ** 2
    fit = least_squares(residual, [floor, peak, x - column, y - row, start, start, 0.0], x_scale=[peak, peak, 1, 1, start, start, start])
    values = np.linalg.eigvalsh([[fit.x[4], fit.x[6]], [fit.x[6], fit.x[5]]])
    if not fit.success or values.min() <= 0 or fit.x[1] <= 0 or np.hypot(fit.x[2], fit.x[3]) > half or np.sqrt(2 * fit.cost / stamp.size) > 0.05:
        return None
    return column + fit.x[2], row + fit.x[3], 2.3548 / np.sqrt(values[0]), 2.3548 / np.sqrt(values[1])


def measure(path, sky, fwhm_arcsec):
    """[star][offset east, north, major, minor] arcsec, NaN where there is no fit."""
    with fits.open(path) as file:
        image, wcs = file["SCI"].data, WCS(file["SCI"].header)
    scale = 3600 * np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))
    rows = []
    for (x, y), place in zip(np.transpose(wcs.all_world2pix(sky[:, 0], sky[:, 1], 0)), sky):
        fit = fit_star(image, x, y, fwhm_arcsec / scale)
        if fit is None:
            rows.append([np.nan] * 4)
            continue
        found = np.transpose(wcs.all_pix2world([fit[0]], [fit[1]], 0))
        rows.append([*alignment.offsets(found, place[None])[0], scale * fit[2], scale * fit[3]])
    return np.array(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey", type=pathlib.Path)
    parser.add_argument("band")
    parser.add_argument("mosaics", nargs="+")
    parser.add_argument("--sharper")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    exposures = alignment.read_survey(options.survey, [options.band])
    sky, visits = choose_stars(options.survey, options.band, exposures)
    wide = {"miri": 0.33, "nircam_long": 0.11, "nircam_short": 0.07}[exposures[0].instrument]
    measured = {name: measure(path, sky, wide) for name, _, path in (m.partition("=") for m in options.mosaics)}
    common = np.all([np.isfinite(m).all(axis=1) for m in measured.values()], axis=0)
    report = {}
    for name, rows in measured.items():
        for label, mask in (("all", common), ("several visits", common & (visits > 1))):
            some = rows[mask]
            if not len(some):
                continue
            width = np.sqrt(some[:, 2] * some[:, 3])
            report[f"{name}, {label}"] = {"stars": len(some), "fwhm": float(np.median(width)), "fwhm84": float(np.percentile(width, 84)),
                                          "axis_ratio": float(np.median(some[:, 3] / some[:, 2])), "offset": some[:, :2].mean(axis=0).tolist(),
                                          "scatter": float(some[:, :2].std(axis=0).mean())}
            r = report[f"{name}, {label}"]
            print(f"{options.band} {name}, {label}: {r['stars']} stars, FWHM {r['fwhm']:.4f}\" (84 %: {r['fwhm84']:.4f}), axis ratio {r['axis_ratio']:.3f},"
                  f" off by {1000 * r['offset'][0]:+.1f} {1000 * r['offset'][1]:+.1f} mas, scatter {1000 * r['scatter']:.1f}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    if options.sharper:
        first, second = (report[f"{name}, several visits"]["fwhm"] for name in options.sharper.split(","))
        return int(not first < second)
    return 0


if __name__ == "__main__":
    sys.exit(main())
