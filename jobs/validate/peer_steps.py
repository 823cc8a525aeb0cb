#!/usr/bin/env python3
"""Runs one step of another program on `_cal` files, in whichever Python has it; started by peers_levels.py and compare_outliers.py.

    peer_steps.py skymatch OUT.csv STATISTIC FILE...     official SkyMatchStep, method match: the sky of every exposure
    peer_steps.py outliers FOLDER in_memory|on_disk|blots FILE...   official OutlierDetectionStep: `_crf` files, seconds.txt (wall, processor); with
                                                         blots (in memory) its intermediate products too
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


def pjpipe_level_match(folder, band, inputs):
    from pjpipe import LevelMatchStep
    LevelMatchStep(in_dir=inputs, out_dir=folder, step_ext="cal", procs=1, band=band, weight_method="rms").do_step()


def pjpipe_multi_tile_destripe(folder, _, inputs):
    from pjpipe import MultiTileDestripeStep
    MultiTileDestripeStep(in_dir=inputs, out_dir=folder, step_ext="cal", procs=1).do_step()


if __name__ == "__main__":
    {f.__name__: f for f in (skymatch, outliers, pjpipe_level_match, pjpipe_multi_tile_destripe)}[sys.argv[1]](*sys.argv[2:])
