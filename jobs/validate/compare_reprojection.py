#!/usr/bin/env python3
"""A mosaic beside its inputs, each re-projected by the official software: own gwcs, astropy WCS of the mosaic, `drizzle` library.

    compare_reprojection.py MOSAIC INPUT...

The pixel map is made here by astropy and gwcs, the drizzling by the reference C library; SCI and WHT of the mosaic must
agree with it. The inputs are products with WHT and VAR_RNOISE; tessera weighs them as the pipeline does (ivm).
"""
import gzip
import io
import os
import sys
import warnings

os.environ.setdefault("CRDS_PATH", "/nonexistent")
warnings.simplefilter("ignore")

import asdf
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from drizzle.resample import Drizzle

LIMIT = 2e-5  # relative, spec 30, section 10
BORDER = 2


def open_fits(path):
    data = open(path, "rb").read()
    return fits.open(io.BytesIO(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data))


def weights(file):
    sci, noise = file["SCI"].data, file["VAR_RNOISE"].data.astype(np.float32)
    good = np.isfinite(sci) & (file["WHT"].data > 0)  # older products have zeros where there are no data
    for name in ("ERR", "VAR_RNOISE", "VAR_FLAT", "VAR_POISSON"):
        good &= ~np.isnan(file[name].data)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (1 / noise).astype(np.float32)
    return np.where(good & np.isfinite(weight), weight, 0).astype(np.float32)


def main():
    mosaic = fits.open(sys.argv[1])
    grid = WCS(mosaic["SCI"].header)
    shape = mosaic["SCI"].data.shape
    reference = Drizzle(kernel="square", fillval="NaN", out_shape=shape, disable_ctx=True)
    for path in sys.argv[2:]:
        with open_fits(path) as file:
            gwcs = asdf.open(io.BytesIO(file["ASDF"].data[0][0].tobytes()))["meta"]["wcs"]
            y, x = np.mgrid[0:file["SCI"].data.shape[0], 0:file["SCI"].data.shape[1]].astype(float)
            there = grid.all_world2pix(*gwcs(x, y), 0)
            weight = weights(file)
            data = np.where(weight > 0, file["SCI"].data, 0).astype(np.float32)
            reference.add_image(data, exptime=1.0, pixmap=np.dstack(there), weight_map=weight, pixfrac=1.0, pixel_scale_ratio=1.0,
                                iscale=1.0, in_units="cps")
    inner = (slice(BORDER, -BORDER),) * 2
    bad = 0
    for name, theirs in (("SCI", reference.out_img), ("WHT", reference.out_wht)):
        a, b = mosaic[name].data[inner].astype(float), theirs[inner].astype(float)
        has = mosaic["WHT"].data[inner] > 0
        only = int(np.sum(has != (reference.out_wht[inner] > 0)))
        difference = float(np.max(np.abs(a - b)[has] / np.maximum(np.abs(b[has]), np.median(np.abs(b[has])))))
        ok = difference < LIMIT and only == 0
        bad += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {name}: {int(has.sum())} pixels, largest relative difference {difference:.1e}, {only} only in one")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
