#!/usr/bin/env python3
"""What a run made of a simulated survey, against the truth: one table of levels, stripes, cosmic rays, photometry and astrometry of every band.

    score_survey.py SURVEY [--products FOLDER] [--tessera PROGRAM | --exported FOLDER] [--json FILE]

SURVEY was written by `tessera simulate` with truth_planes = true (count rates or calibrated exposures) and run with its own configuration; FOLDER
(default SURVEY/reprocessed/<version>) holds the products. The exposures as they go into the mosaics, `tessera export --after outlier_detection`, are
made in SURVEY/exported by --tessera where they are not yet. In MJy/sr, one line a target and band:

    levels        rms of what is left of the exposures' levels (score_levels.py), one constant a group of overlapping
                  exposures removed; before: of the levels that were added, with the medians of the stripes
    stripes       rms of what is left of the rows' stripes on all scales (score_stripes.py), the same in floors of a row median, and before; NIRCam
    rays          share found of cosmic ray pixels above ten ERR on smooth sky; false: share flagged of clean pixels there (score_cosmic_rays.py)
    flux          median over isolated stars on quiet sky of flux in the mosaic / true flux, in apertures of 7 pixels, corrected for the light outside; the scatter
    frames        how far WCS of exposures are from the truth, mas rms a coordinate, and before (score_alignment.py)
    stars         the mean offset of stars of the mosaic from the truth, and their scatter, mas a coordinate (sharpness.py)

Ends with 1 when something of it is missing.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from matplotlib.path import Path

import alignment
import score_cosmic_rays
import score_levels
import score_stripes
import seamless
import sharpness
import star_photometry

warnings.simplefilter("ignore")
FWHM = {"F200W": 2.141, "F300M": 1.585, "F335M": 1.760, "F360M": 1.901, "F770W": 2.445, "F1000W": 2.982, "F1130W": 3.409, "F2100W": 6.127}  # pixels, of the simulator
STARS = 150
QUIET = 0.02  # scatter of the ring about a star, over its aperture, in parts of its flux
# Gaussian core, Moffat wings, spikes: shares of the light of the simulator's PSF.
CORE, WING, SPIKE = 0.82, 0.14, 0.04


def share_in_aperture(fwhm):
    """The part of a simulated star's light that an aperture with its local background (star_photometry) finds."""
    step, half = 0.25, 150
    x, y = np.meshgrid(*[np.arange(-half, half + step, step)] * 2)
    r2, sigma, wing = x * x + y * y, np.hypot(fwhm / 2.3548, np.sqrt(1 / 6)), 1.6 * fwhm  # of the core: over a pixel, drizzled to another
    width, length = max(0.6, 0.4 * fwhm), 7 * fwhm
    light = CORE * np.exp(-0.5 * r2 / sigma**2) / (2 * np.pi * sigma**2) + WING / (np.pi * wing**2 * (1 + r2 / wing**2)**2)
    for cx, cy in ((0, 1), (np.sqrt(0.75), 0.5), (np.sqrt(0.75), -0.5)):
        light += SPIKE / (6 * np.sqrt(2 * np.pi) * width * length) * np.exp(-0.5 * ((x * cy - y * cx) / width)**2 - np.abs(x * cx + y * cy) / length)
    inside, (low, high) = r2 <= star_photometry.APERTURE**2, star_photometry.ANNULUS
    level = np.median(light[(r2 >= low**2) & (r2 <= high**2)])
    return float((light[inside] - level).sum() * step**2)


def ring_scatter(image, x, y):
    """Robust scatter of the pixels of the local background."""
    column, row, half = int(round(x)), int(round(y)), int(star_photometry.ANNULUS[1]) + 1
    yy, xx = np.mgrid[-half:half + 1, -half:half + 1]
    stamp, radius = image[row - half:row + half + 1, column - half:column + half + 1], np.hypot(xx - (x - column), yy - (y - row))
    values = stamp[(radius >= star_photometry.ANNULUS[0]) & (radius <= star_photometry.ANNULUS[1])]
    return 1.4826 * np.median(np.abs(values - np.median(values)))


def stars_of(mosaic, survey, band, exposures):
    """Photometry and places of isolated stars in a mosaic."""
    with fits.open(mosaic) as file:
        image, header = file["SCI"].data.astype(float), file["SCI"].header
    wcs = WCS(header)
    sky, _ = sharpness.choose_stars(survey, band, exposures)
    table = fits.getdata(survey / "truth" / f"{exposures[0].target}_sources.fits", 1)
    flux = {(ra, dec): value for ra, dec, value in zip(table["RA"], table["DEC"], table[f"FLUX_{band}"])}
    margin, found = star_photometry.MARGIN, []
    for place, (x, y) in zip(sky, np.transpose(wcs.all_world2pix(sky[:, 0], sky[:, 1], 0))):
        column, row = int(round(x)), int(round(y))
        if not (margin <= column < image.shape[1] - margin and margin <= row < image.shape[0] - margin):
            continue
        if not np.isfinite(image[row - margin:row + margin + 1, column - margin:column + margin + 1]).all():
            continue
        centre = star_photometry.centroid(image, x, y, sigma=FWHM[band] / 2.3548 + 0.5)
        if centre is None:
            continue
        counts = star_photometry.aperture_flux(image, *centre)
        if not QUIET * counts > ring_scatter(image, *centre) * np.sqrt(np.pi) * star_photometry.APERTURE:
            continue
        measured = counts * header["PIXAR_SR"] * 1e12  # microjansky
        east, north = alignment.offsets(np.transpose(wcs.all_pix2world([centre[0]], [centre[1]], 0)), place[None])[0]
        found.append((measured / flux[tuple(place)], 1000 * east, 1000 * north))
        if len(found) == STARS:
            break
    if not found:
        return None
    ratio, offsets = np.array(found)[:, 0] / share_in_aperture(FWHM[band]), np.array(found)[:, 1:]
    spread = lambda values: float(1.4826 * np.median(np.abs(values - np.median(values))))
    return {"stars": len(found), "flux": float(np.median(ratio)), "flux_scatter": spread(ratio), "offset": float(np.hypot(*np.median(offsets, axis=0))),
            "star_scatter": float(np.sqrt((spread(offsets[:, 0])**2 + spread(offsets[:, 1])**2) / 2))}


def components_of(exposures, exported):
    """Names of the groups of exposures that overlap, straight or through others: between groups no level can be known."""
    headers = [fits.getheader(seamless.find_product(exported, e), "SCI") for e in exposures]
    outlines = [Path(score_cosmic_rays.outline(e, h)) for e, h in zip(exposures, headers)]
    group = list(range(len(exposures)))
    for k, header in enumerate(headers):
        x, y = np.meshgrid(*[np.linspace(8, header[f"NAXIS{axis}"] - 9, 65) for axis in (1, 2)])
        places = np.column_stack(WCS(header).all_pix2world(x.ravel(), y.ravel(), 0))
        for other in range(k):
            if group[other] != group[k] and np.count_nonzero(outlines[other].contains_points(places)) > len(places) / 100:
                joined = group[k]
                group = [group[other] if g == joined else g for g in group]
    return group


def score_band(survey, products, exported, target, band):
    row = {"target": target, "band": band}
    exposures = [e for e in seamless.read_survey(survey, band) if f"/{target}/" in str(e.path)]
    components = components_of(exposures, exported)
    left = score_levels.score(score_levels.residual_levels(exposures, exported), components)
    row |= {"exposures": len(exposures), "levels": seamless.rms(left), "groups": len(set(components)),
            "levels_before": seamless.rms(score_levels.score(np.array([e.true_level() for e in exposures]), components))}
    if any(e.striped for e in exposures):
        stripes = score_stripes.score(exposures, exported)
        row |= {"stripes": score_stripes.total(stripes["left"]), "stripes_before": score_stripes.total(stripes["before"]), "floor": stripes["floor"]}
    rays, pixels, tally = score_cosmic_rays.score(exposures, {"tessera": exported})
    row |= {"rays": int(rays[0]), "rays_found": float(tally["tessera"][0, 0] / max(rays[0], 1)), "rays_false": float(tally["tessera"][0, 1] / max(pixels[0], 1))}
    frames = [e for e in alignment.read_survey(survey, [band]) if e.target == target]
    mas = lambda corrections: 1000 * alignment.Frames(frames, corrections).rms()
    row |= {"frames": mas(alignment.read_corrections(products / target / band) or alignment.read_corrections(products)), "frames_before": mas({})}
    folder = products / target / band / "lv3"
    mosaics = sorted(folder.glob("*_i2d_align.fits")) or sorted(folder.glob("*_i2d.fits"))
    stars = stars_of(mosaics[0], survey, band, frames) if mosaics else None
    return row | (stars or {})


def text_of(row):
    def put(form, *keys):
        return form.format(*(row[k] for k in keys)) if all(k in row for k in keys) else "-"
    floors = row | ({"in_floors": row["stripes"] / row["floor"]} if "stripes" in row else {})
    row = floors
    return (row["target"], row["band"], str(row["exposures"]), put("{:.4f}, {} ({:.4f})", "levels", "groups", "levels_before"),
            put("{:.4f}, {:.1f} ({:.4f})", "stripes", "in_floors", "stripes_before"), put("{:.2%} of {}, {:.4%}", "rays_found", "rays", "rays_false"),
            put("{:.4f}, {:.4f} ({})", "flux", "flux_scatter", "stars"), put("{:.1f} ({:.1f})", "frames", "frames_before"), put("{:.1f}, {:.1f}", "offset", "star_scatter"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("survey", type=pathlib.Path)
    parser.add_argument("--products", type=pathlib.Path)
    parser.add_argument("--tessera")
    parser.add_argument("--exported", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    survey = options.survey.resolve()
    exported = options.exported or survey / "exported"
    if options.tessera and not exported.exists():
        subprocess.run([options.tessera, "export", survey / "config.toml", "-o", exported, "--after", "outlier_detection"], check=True, stderr=subprocess.DEVNULL)
    products = options.products or next(iter(sorted((survey / "reprocessed").glob("v*"))))
    records = json.loads((survey / "truth" / "truth.json").read_text())
    bands = dict.fromkeys((r["target"], r["band"]) for r in records if not r["off"])
    rows = [score_band(survey, products, exported, *which) for which in bands]
    head = ("target", "band", "exposures", "levels, groups (before)", "stripes, floors (before)", "rays found, false", "flux, scatter (stars)", "frames (before)", "stars, scatter")
    for cells in (head, ("---",) * len(head), *map(text_of, rows)):
        print("| " + " | ".join(cells) + " |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0 if rows and all("stars" in row for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
