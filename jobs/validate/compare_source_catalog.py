#!/usr/bin/env python3
"""Compare <product>_cat.ecsv and <product>_segm.fits with those of the official step on the same mosaic.

Runs jwst's SourceCatalogStep (Python with jwst installed) on <product>_i2d.fits with the references and parameters
given, beside the catalogue that tessera made with the same ones, and says: labels that differ, positions, fluxes,
magnitudes, shapes. Exit status 1 where labels differ or a tolerance is missed.

    compare_source_catalog.py PRODUCT --apcorr A.fits --abvegaoffset B.asdf [--set kernel_fwhm=2.0 ...]
    compare_source_catalog.py --make-references FOLDER     synthetic APCORR and ABVEGAOFFSET files for NIRCam and MIRI
"""
import argparse
import ast
import os
import pathlib
import sys
import tempfile

import numpy as np

os.environ.setdefault("CRDS_SERVER_URL", "https://none.invalid")
os.environ.setdefault("CRDS_PATH", tempfile.gettempdir())

POSITION = 1e-3  # pixel
FLUX = 1e-5      # relative

ENERGIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
BANDS = {
    "nircam": [(name, "CLEAR") for name in ("F115W", "F150W", "F200W", "F300M", "F335M", "F360M")],
    "miri": [(name, "FULL") for name in ("F770W", "F1000W", "F1130W", "F2100W")],
}


def make_references(folder):
    """Files in the official formats with invented radii: enough to compare two programs."""
    from astropy.table import Table
    from stdatamodels.jwst import datamodels

    folder.mkdir(parents=True, exist_ok=True)
    for instrument, bands in BANDS.items():
        model = datamodels.NrcImgApcorrModel() if instrument == "nircam" else datamodels.MirImgApcorrModel()
        rows = [(band, second, energy, 0.6 + 0.5 * k, 1 / energy, 8.0, 12.0)
                for band, second in bands for k, energy in enumerate(ENERGIES)]
        model.apcorr_table = np.array(rows, dtype=model.get_dtype("apcorr_table"))
        model.save(folder / f"{instrument}_apcorr.fits")
        columns = {"filter": [band for band, _ in bands]}
        if instrument == "nircam":
            columns["pupil"] = [second for _, second in bands]
        columns["abvega_offset"] = np.linspace(1, 3, len(bands)).astype("f4")
        offsets = datamodels.ABVegaOffsetModel()
        offsets.abvega_offset = Table(columns)
        offsets.save(folder / f"{instrument}_abvegaoffset.asdf")


def run_official(mosaic, arguments):
    """Catalogue and labels of the official step."""
    from jwst import datamodels
    from jwst.source_catalog import SourceCatalogStep

    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            step = SourceCatalogStep()
            step.save_results = True
            step.output_file = "official"
            step.override_apcorr = str(pathlib.Path(before) / arguments.apcorr)
            step.override_abvegaoffset = str(pathlib.Path(before) / arguments.abvegaoffset)
            for setting in arguments.set:
                key, value = setting.split("=", 1)
                try:
                    value = ast.literal_eval(value)
                except (ValueError, SyntaxError):
                    pass
                setattr(step, key, value)
            with datamodels.open(mosaic) as model:
                catalogue = step.process(model)
            from astropy.io import fits
            files = list(pathlib.Path(folder).glob("*_segm.fits"))
            labels = fits.getdata(files[0], "SCI").astype(np.int64)
            return catalogue, labels
        finally:
            os.chdir(before)


def plain(column):
    values = getattr(column, "value", column)
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)


def compare_columns(mine, official, pixel):
    """Rows of (name, largest difference, its kind, allowed or None). `pixel`: arcsec."""
    rows = []
    if list(mine.colnames) != list(official.colnames):
        print("columns differ:", set(mine.colnames) ^ set(official.colnames) or "in their order")
    for name in official.colnames:
        if name not in mine.colnames:
            continue
        if hasattr(mine[name], "separation") and not hasattr(official[name], "separation"):
            print(f"  {name}: none in the official catalogue (the mosaic has no ASDF extension)")
            continue
        if hasattr(official[name], "separation"):
            apart = official[name].separation(mine[name]).to_value("arcsec").max()
            # jwst 3.0 puts the upper edges of the box one pixel further out than the edge of the last pixel.
            is_upper = name in ("sky_bbox_ul", "sky_bbox_lr", "sky_bbox_ur")
            rows.append((name, apart, "arcsec", 1.001 * 2**0.5 * pixel if is_upper else 1e-4))
            continue
        a, b = plain(mine[name]), plain(official[name])
        different_nan = int(np.sum(np.isnan(a) != np.isnan(b)))
        good = np.isfinite(a) & np.isfinite(b)
        apart = np.abs(a - b)[good]
        if "flux" in name:
            # Rounded to 6 digits in the file; against the error where an aperture's flux is near zero.
            scale = np.maximum(np.abs(b), plain(official[name if name.endswith("_err") else name + "_err"]))[good]
            rows.append((name, np.max(apart / scale, initial=0), "relative", FLUX))
        elif name in ("xcentroid", "ycentroid", "nn_dist"):
            rows.append((name, np.max(apart, initial=0), "pixel", POSITION))
        elif name in ("label", "nn_label", "is_extended", "isophotal_area"):
            rows.append((name, np.max(apart, initial=0), "", 0))
        elif "orientation" in name:
            turn = np.abs((apart + 90) % 180 - 90)
            rows.append((name, np.max(turn, initial=0), "deg", None))
        else:
            rows.append((name, np.max(apart, initial=0), "", None))
        if different_nan:
            rows.append((name + ": NaN in one only", different_nan, "rows", 0))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("product", nargs="?", help="path without _i2d.fits")
    parser.add_argument("--mosaic", type=pathlib.Path, help="mosaic that lies elsewhere")
    parser.add_argument("--apcorr", type=pathlib.Path)
    parser.add_argument("--abvegaoffset", type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--make-references", type=pathlib.Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.make_references:
        make_references(arguments.make_references)
        return 0
    if not (arguments.product and arguments.apcorr and arguments.abvegaoffset):
        parser.error("PRODUCT, --apcorr and --abvegaoffset are needed")
    from astropy.io import fits
    from astropy.table import QTable

    mosaic = arguments.mosaic or pathlib.Path(arguments.product + "_i2d.fits")
    official, official_labels = run_official(mosaic.resolve(), arguments)
    mine = QTable.read(arguments.product + "_cat.ecsv")
    labels = fits.getdata(arguments.product + "_segm.fits", "SCI").astype(np.int64)
    differing = int(np.sum(labels != official_labels)) if labels.shape == official_labels.shape else -1
    print(f"sources: {len(mine)} here, {len(official)} official; labelled pixels: {int(np.sum(official_labels > 0))}, "
          f"differing: {differing}")
    failed = differing != 0
    if len(mine) == len(official):
        for name, apart, kind, allowed in compare_columns(mine, official, fits.getval(mosaic, "PIXAR_A2", "SCI") ** 0.5):
            bad = allowed is not None and not apart <= allowed
            failed |= bad
            print(f"  {name:28s} {apart:.3g} {kind}{'   MORE THAN ' + str(allowed) if bad else ''}")
    return int(failed or len(mine) != len(official))


if __name__ == "__main__":
    sys.exit(main())
