"""Writes tests/data/vectors/reproject_cases.json with the reproject package (pip install reproject shapely pyavm).

Usage: make_reproject_vectors.py OUTPUT.json
"""
import json
import sys

import numpy as np
import reproject
from astropy.wcs import WCS
from reproject import reproject_adaptive, reproject_exact, reproject_interp
from reproject.mosaicking import find_optimal_celestial_wcs

rng = np.random.default_rng(3)


def tan(ra, dec, scale, angle, nx, ny):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [(nx + 1) / 2, (ny + 1) / 2]
    a = np.radians(angle)
    wcs.wcs.cdelt = [-scale, scale]
    wcs.wcs.pc = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    wcs.wcs.set()
    wcs.pixel_shape = (nx, ny)
    return wcs


def values(array):
    return [float(v) if np.isfinite(v) else None for v in np.asarray(array, dtype=float).ravel()]


def make_case(scale, angle, with_nan):
    nx, ny, gx, gy = 30, 26, 28, 24
    image_wcs = tan(359.9999, 40.0, 0.1 / 3600, 0.0, nx, ny)
    grid_wcs = tan(0.0, 40.0001, scale, angle, gx, gy)
    image = rng.normal(1, 1, (ny, nx)).astype("f4").astype("f8")
    if with_nan:
        image[12, 14] = np.nan
    case = {
        "image": {"nx": nx, "ny": ny, "ra": 359.9999, "dec": 40.0, "scale": 0.1 / 3600, "angle": 0.0, "values": values(image)},
        "grid": {"nx": gx, "ny": gy, "ra": 0.0, "dec": 40.0001, "scale": scale, "angle": angle},
    }
    methods = {"interp": reproject_interp, "exact": reproject_exact, "adaptive": reproject_adaptive}
    for name, method in methods.items():
        case[name] = values(method((image, image_wcs), grid_wcs, shape_out=(gy, gx))[0])
    return case


def make_grids(count):
    members, planes = [], []
    base = rng.uniform(-80, 80)
    for _ in range(count):
        ra, dec, angle = 150 + rng.uniform(-0.02, 0.02), 2 + rng.uniform(-0.02, 0.02), base + rng.uniform(-10, 10)
        nx, ny, scale = int(rng.integers(100, 300)), int(rng.integers(100, 300)), rng.choice([0.1, 0.12, 0.3]) / 3600
        members.append({"ra": ra, "dec": dec, "angle": angle, "nx": nx, "ny": ny, "scale": scale})
        planes.append(((ny, nx), tan(ra, dec, scale, angle, nx, ny)))
    grids = []
    for rotate in (True, False):
        wcs, shape = find_optimal_celestial_wcs(planes, auto_rotate=rotate)
        grids.append(
            {
                "members": members,
                "auto_rotate": rotate,
                "nx": int(shape[1]),
                "ny": int(shape[0]),
                "crpix": [float(v) for v in wcs.wcs.crpix],
                "crval": [float(v) for v in wcs.wcs.crval],
                "cdelt": [float(v) for v in wcs.wcs.cdelt],
                "pc": [[float(v) for v in row] for row in wcs.wcs.get_pc()],
            }
        )
    return grids


cases = [make_case(0.13 / 3600, 20.0, True), make_case(0.07 / 3600, -35.0, False), make_case(0.25 / 3600, 5.0, False)]
grids = [grid for count in (1, 3, 5, 7) for grid in make_grids(count)]
doc = f"reproject {reproject.__version__}: turned TAN images, and grids that hold several; null is NaN"
with open(sys.argv[1], "w") as file:
    json.dump({"doc": doc, "cases": cases, "grids": grids}, file)
