#!/usr/bin/env python3
"""Opens products of tessera (mosaics `_i2d`, exposures `_cal`) with the software their readers use.

    check_i2d.py --tessera build/release/bin/tessera [--official] FILE...

Of each file: CHECKSUM and DATASUM (astropy); fitsverify, without errors and without any warning that the official
pipeline's own products do not give; `jwst.datamodels.open`, its schema validation, names, dtypes and shapes of the planes,
the header table; the gwcs against the FITS keywords (mosaics: within 1e-6 pixel over the whole frame; exposures: within the error
that the SIP fit states), and against the outline that `tessera inspect` prints. With --official the files are the pipeline's own, which
have no checksums: what is checked then is how we read them. Ends with 1 if anything is wrong.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import warnings

os.environ.setdefault("CRDS_PATH", "/nonexistent")  # nothing here needs a reference file

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from jwst import datamodels

WCS_LIMIT = 1e-6  # pixel, mosaics
SIP_LIMIT = 0.02  # pixel, exposures: twice the forward tolerance of the fit
INVERSE_LIMIT = 0.05  # pixel, exposures: what the inverse polynomials of the instruments' own aperture files reach
OUTLINE_LIMIT = 2e-9  # degree: `inspect` prints nine decimals

MOSAIC_PLANES = {"data": ">f4", "err": ">f4", "con": ">i4", "wht": ">f4", "var_poisson": ">f4", "var_rnoise": ">f4",
                 "var_flat": ">f4"}
EXPOSURE_PLANES = {"data": ">f4", "err": ">f4", "dq": ">u4", "var_poisson": ">f4", "var_rnoise": ">f4", "var_flat": ">f4",
                   "area": ">f4"}
MOSAIC_ORDER = ["PRIMARY", "SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "HDRTAB", "ASDF"]

# Official products give these two as well: long strings without LONGSTRN, and header-table columns named as keywords.
KNOWN_WARNINGS = (r"The OGIP long string keyword convention is used without the",
                  r'Column #\d+: Name "[A-Z]+-[A-Z]+" contains character \'-\'')


class Check:
    def __init__(self, path):
        self.path, self.failures, self.notes = path, [], []

    def require(self, condition, message):
        if not condition:
            self.failures.append(message)


def check_bytes(check, official):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with fits.open(check.path, checksum=True) as file:
                file.verify("exception")
                for hdu in file:
                    check.require(official or "CHECKSUM" in hdu.header and "DATASUM" in hdu.header, f"{hdu.name} has no checksums")
        except Exception as error:
            check.failures.append(f"astropy: {error}")
    told = subprocess.run(["fitsverify", check.path], capture_output=True, text=True).stdout
    problems = [line for line in told.splitlines() if re.match(r"\*\*\* (Warning|Error)", line)]
    unknown = [line for line in problems if not any(re.search(known, line) for known in KNOWN_WARNINGS)]
    check.require(re.search(r"and 0 error\(s\)|OK", told), "fitsverify found errors")
    for line in unknown:
        check.failures.append("fitsverify: " + line)


def frame_pixels(shape, most=1 << 20):
    """Pixel centres and edges of the whole frame: every pixel, or a grid that has its borders."""
    step = max(1, int(np.ceil(np.sqrt(shape[0] * shape[1] / most))))
    axes = [np.union1d(np.arange(0, n, step), [-0.5, n - 1, n - 0.5]) for n in shape]
    y, x = np.meshgrid(*axes, indexing="ij")
    return x.ravel(), y.ravel()


def check_wcs(check, model, header, is_mosaic):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keywords = WCS(header)
    x, y = frame_pixels(model.data.shape)
    ra, dec = model.meta.wcs(x, y, with_bounding_box=False)
    back_x, back_y = keywords.all_world2pix(ra, dec, 0)
    if is_mosaic:
        distance = np.hypot(back_x - x, back_y - y)
        limit = WCS_LIMIT
    else:
        # all_world2pix inverts SIP; compare on the sky side instead, in pixels.
        sky = keywords.all_pix2world(x, y, 0)
        scale = np.sqrt(np.abs(np.linalg.det(keywords.pixel_scale_matrix)))
        distance = np.hypot((sky[0] - ra) * np.cos(np.radians(dec)), sky[1] - dec) / scale
        limit = SIP_LIMIT
    worst = float(np.max(distance))
    check.notes.append(f"WCS {worst:.1e} px")
    check.require(worst < limit, f"gwcs and FITS keywords differ by {worst:.3g} pixel")
    inverse = model.meta.wcs.invert(ra, dec, with_bounding_box=False)
    round_trip = float(np.nanmax(np.hypot(inverse[0] - x, inverse[1] - y)))
    check.require(round_trip < (WCS_LIMIT if is_mosaic else INVERSE_LIMIT), f"gwcs there and back: {round_trip:.3g} pixel")
    check.notes.append(f"there and back {round_trip:.1e} px")


def check_outline(check, model, program):
    told = subprocess.run([program, "inspect", check.path], capture_output=True, text=True).stdout
    numbers = re.search(r"POLYGON ICRS +([-+0-9. ]+)", told)
    if not numbers:
        check.failures.append("`tessera inspect` prints no outline")
        return
    ours = np.array(numbers.group(1).split(), dtype=float).reshape(-1, 2)
    (x0, x1), (y0, y1) = model.meta.wcs.bounding_box.bounding_box(order="F")
    corners = np.array(model.meta.wcs(np.array([x0, x0, x1, x1]), np.array([y0, y1, y1, y0]), with_bounding_box=False)).T
    difference = [np.min(np.hypot((ours[:, 0] - ra) * np.cos(np.radians(dec)), ours[:, 1] - dec)) for ra, dec in corners]
    check.require(max(difference) < OUTLINE_LIMIT, f"our outline and gwcs differ by {max(difference):.3g} degree")


def check_model(check, program):
    is_mosaic = check.path.endswith("i2d.fits")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with datamodels.open(check.path) as model, fits.open(check.path) as file:
            check.require(type(model) is datamodels.ImageModel, f"opens as {type(model).__name__}")
            model.validate()
            names = [hdu.name for hdu in file]
            if is_mosaic:
                wanted = [name for name in MOSAIC_ORDER if name != "HDRTAB" or "HDRTAB" in names]
                check.require(names == wanted, f"extensions are {names}")
            for name, dtype in (MOSAIC_PLANES if is_mosaic else EXPOSURE_PLANES).items():
                if not model.hasattr(name):
                    check.failures.append(f"no {name}")
                    continue
                plane = np.asarray(getattr(model, name))
                check.require(plane.dtype == np.dtype(dtype) or plane.dtype == np.dtype(dtype).newbyteorder("="),
                              f"{name} is {plane.dtype}")
                check.require(plane.shape[-2:] == model.data.shape, f"{name} is {plane.shape}")
                check.require((plane.ndim == 3) == (name == "con"), f"{name} has {plane.ndim} axes")
            if "HDRTAB" in names:
                check.require(model.hasattr("hdrtab"), "the datamodel has no hdrtab")
                table = model.hdrtab if model.hasattr("hdrtab") else file["HDRTAB"].data
                inputs = {name.strip() for name in table["FILENAME"]}
                check.require(len(inputs) == len(table) and all(inputs), "HDRTAB does not name every input once")
                check.require(len(table) >= (model.meta.resample.pointings or 0), "HDRTAB has too few rows")
                check.notes.append(f"{len(table)} rows x {len(table.dtype)} columns of HDRTAB")
            metadata = model.to_flat_dict(include_arrays=False)
            for keyword in ("telescope", "instrument.name", "instrument.filter", "exposure.type", "photometry.pixelarea_steradians"):
                check.require("meta." + keyword in metadata, f"meta.{keyword} is missing")
            check_wcs(check, model, file["SCI"].header, is_mosaic)
            check_outline(check, model, program)
    for warning in told:
        if "datamodels" in str(warning.filename) or "validation" in str(warning.message).lower():
            check.failures.append(f"jwst.datamodels warns: {warning.message}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tessera", required=True)
    parser.add_argument("--official", action="store_true", help="files of the official pipeline")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    bad = 0
    for path in options.files:
        check = Check(path)
        check_bytes(check, options.official)
        try:
            check_model(check, options.tessera)
        except Exception as error:
            check.failures.append(f"{type(error).__name__}: {error}")
        print(f"{'FAILED' if check.failures else 'ok    '} {pathlib.Path(path).name}: {', '.join(check.notes)}")
        for failure in check.failures:
            print("       " + failure)
        bad += bool(check.failures)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
