#!/usr/bin/env python3
"""Runs one step of another program on `_cal` files, in whichever Python has it; started by peers_levels.py and compare_outliers.py.

    peer_steps.py skymatch OUT.csv STATISTIC FILE...     official SkyMatchStep, method match: the sky of every exposure
    peer_steps.py outliers FOLDER in_memory|on_disk|blots FILE...   official OutlierDetectionStep: `_crf` files, seconds.txt (wall, processor); with
                                                         blots (in memory) its intermediate products too
    peer_steps.py tweakreg OUT.json OPTIONS.json FILE...   official TweakRegStep with the options: for every exposure the result of its fit and
                                                         where it puts points of the detector before and after; seconds. With
                                                         "group_visits": true the exposures of a visit are one group
    peer_steps.py pjpipe_level_match FOLDER BAND INPUT_FOLDER             pjpipe's steps: files of the same names
    peer_steps.py pjpipe_multi_tile_destripe FOLDER BAND INPUT_FOLDER

pjpipe (GPL) is only run, by its documented interface.
"""
import csv
import os
import pathlib
import sys
import time
import warnings

os.environ.setdefault("CRDS_PATH", "/nonexistent")  # none of the steps needs a reference file
os.environ.setdefault("STPIPE_DISABLE_CRDS_STEPPARS", "true")
warnings.simplefilter("ignore")


def name_of(path):
    return pathlib.Path(path).name.removesuffix("_cal.fits")


def skymatch(out, statistic, *files):
    from jwst.datamodels import ModelLibrary
    from jwst.skymatch import SkyMatchStep
    result = SkyMatchStep.call(ModelLibrary(list(files), on_disk=False), skymethod="match", subtract=False, skystat=statistic)
    with result, open(out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["exposure", "level"])
        for model in result:
            writer.writerow([name_of(model.meta.filename.replace("_skymatchstep", "_cal")), float(model.meta.background.level)])
            result.shelve(model, modify=False)


def outliers(folder, mode, *files):
    from jwst.datamodels import ModelLibrary
    from jwst.outlier_detection import OutlierDetectionStep
    members = [{"expname": str(pathlib.Path(f).resolve()), "exptype": "science"} for f in files]
    folder = pathlib.Path(folder)
    # Of the step itself: without importing Python packages, without writing its files.
    start, start_processor = time.perf_counter(), time.process_time()
    library = ModelLibrary({"products": [{"name": "peer", "members": members}]}, on_disk=mode == "on_disk")
    step = OutlierDetectionStep()
    step.in_memory = mode != "on_disk"
    step.save_intermediate_results = mode == "blots"
    step.output_dir = str(folder)
    result = step.run(library)
    (folder / "seconds.txt").write_text(f"{time.perf_counter() - start:.2f} {time.process_time() - start_processor:.2f}\n")
    with result:
        for model in result:
            name = name_of(pathlib.Path(model.meta.filename).name)
            model.save(str(folder / f"{name.split('_outlier')[0]}_crf.fits"))
            result.shelve(model, modify=False)


def tweakreg(out, options, *files):
    import json
    import logging

    import numpy as np
    from jwst.datamodels import ModelLibrary
    from jwst.tweakreg import TweakRegStep

    logging.basicConfig(level=logging.WARNING)
    correctors = []

    relative = []

    def affine_of(corrector):
        """Matrix and translation (radians) in the plane of the exposure, as its WCS has them now."""
        frames = corrector.wcs.available_frames
        if "v2v3corr" not in frames:
            return [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
        affine = corrector.wcs.pipeline[frames.index("v2v3corr") - 1].transform["tp_affine"]
        return [*np.ravel(affine.matrix.value).tolist(), *np.ravel(affine.translation.value).tolist()]

    from stcal.tweakreg import tweakreg as stages
    absolute_align = stages.absolute_align

    def keep_relative(found, *more, **named):
        relative.extend(affine_of(corrector) for corrector in found)
        return absolute_align(found, *more, **named)

    stages.absolute_align = keep_relative

    class Step(TweakRegStep):
        """Keeps the fits, which the exposures do not have."""

        def _apply_tweakreg_solution(self, images, found, **more):
            correctors.extend(found)
            return super()._apply_tweakreg_solution(images, found, **more)

    def grid(shape):
        y, x = np.mgrid[0.1:0.9:3j, 0.1:0.9:3j]
        return (x * shape[1]).ravel(), (y * shape[0]).ravel()

    def fit_of(corrector):
        fit = corrector.meta.get("fit_info", {})
        found = {key: np.asarray(fit[key]).tolist() for key in ("shift", "matrix", "rmse", "nmatches") if key in fit}
        return {"status": fit.get("status", ""), "sources": len(corrector.meta["catalog"]), **found}

    options = json.loads(pathlib.Path(options).read_text())
    visits = options.pop("group_visits", False)
    members = [{"expname": str(pathlib.Path(f).resolve()), "exptype": "science"} for f in files]
    for member in members if visits else ():
        member["group_id"] = "_".join(pathlib.Path(member["expname"]).name.split("_")[:2])
    exposures = {}
    library = ModelLibrary({"products": [{"name": "peer", "members": members}]})
    with library:
        for model in library:
            wcs, points = model.meta.wcs, grid(model.data.shape)
            frame = next(f for f in ("v2v3vacorr", "v2v3") if f in wcs.available_frames)
            exposures[name_of(model.meta.filename)] = {
                "v2v3": np.transpose(wcs.get_transform("detector", frame)(*points)).tolist(),
                "pointing": {key: getattr(model.meta.wcsinfo, key) for key in ("ra_ref", "dec_ref", "roll_ref", "v2_ref", "v3_ref")},
                "before": np.transpose(wcs(*points, with_bounding_box=False)).tolist()}
            library.shelve(model, modify=False)
    # Of the step itself: without importing Python packages, from files that it opens, without writing any.
    start, start_processor = time.perf_counter(), time.process_time()
    library = ModelLibrary({"products": [{"name": "peer", "members": members}]})
    step = Step()
    for key, value in options.items():
        setattr(step, key, value)
    result = step.run(library)
    seconds = {"wall": time.perf_counter() - start, "processor": time.process_time() - start_processor}
    with result:
        for k, model in enumerate(result):
            exposure = exposures[name_of(model.meta.filename.replace("_tweakregstep", "_cal"))]
            exposure["fit"] = fit_of(correctors[k]) if correctors else {"status": "FAILED"}
            if correctors:
                exposure["affine"] = affine_of(correctors[k])
                exposure["relative"] = relative[k] if relative else None
            exposure["after"] = np.transpose(model.meta.wcs(*grid(model.data.shape), with_bounding_box=False)).tolist()
            result.shelve(model, modify=False)
    pathlib.Path(out).write_text(json.dumps({"seconds": seconds, "exposures": exposures}))


def pjpipe_level_match(folder, band, inputs):
    from pjpipe import LevelMatchStep
    LevelMatchStep(in_dir=inputs, out_dir=folder, step_ext="cal", procs=1, band=band, weight_method="rms").do_step()


def pjpipe_multi_tile_destripe(folder, _, inputs):
    from pjpipe import MultiTileDestripeStep
    MultiTileDestripeStep(in_dir=inputs, out_dir=folder, step_ext="cal", procs=1).do_step()


if __name__ == "__main__":
    {f.__name__: f for f in (skymatch, outliers, tweakreg, pjpipe_level_match, pjpipe_multi_tile_destripe)}[sys.argv[1]](*sys.argv[2:])
