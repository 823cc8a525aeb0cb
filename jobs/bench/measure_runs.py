#!/usr/bin/env python3
"""Whole runs of `tessera run`: peak memory for surveys of different sizes, and one rank against two. Private to jobs/bench.sh.

    measure_runs.py memory --tessera PROGRAM --surveys SMALL LARGE --json FILE
    measure_runs.py ranks --tessera PROGRAM --surveys SURVEY --repeats 3 --json FILE
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

BUDGET = "1G"


def forget(survey):
    """What a run made: the next one does all the work again."""
    shutil.rmtree(survey / "reprocessed", ignore_errors=True)


def run(program, survey, ranks, launched):
    """Wall and processor seconds of a run, its peak memory a rank, and its own timing table."""
    forget(survey)
    os.sync()  # what an earlier run left to be written is not this one's work
    launcher = ["mpirun", "-n", str(ranks)] if launched else []
    command = [*launcher, str(program), "run", str(survey / "config.toml"), "--memory-per-rank", BUDGET]
    log = survey / "run.log"
    with open(log, "w") as file:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text()}")
    timing = json.loads(next(survey.rglob("timing.json")).read_text())
    peak = max(step["peak_memory_bytes"] for step in timing["steps"])
    return {"exposures": len(list((survey / "raw").rglob("*_cal.fits"))), "ranks": ranks, "wall_s": wall,
            "processor_s": usage.ru_utime + usage.ru_stime, "peak_bytes": peak,
            # With a launcher, the process that was waited for is not a rank.
            "peak_bytes_of_system": None if launched else usage.ru_maxrss * 1024, "steps": timing["steps"]}


def measure_memory(options):
    runs = []
    for survey in options.surveys:
        runs.append(run(options.tessera, survey, 1, launched=False))
        forget(survey)
    peaks = [max(r["peak_bytes"], r["peak_bytes_of_system"]) for r in runs]
    return {"budget": BUDGET, "runs": runs, "largest_over_smallest": max(peaks) / min(peaks), "largest_bytes": max(peaks)}


def measure_ranks(options):
    survey = options.surveys[0]
    runs = {1: [], 2: []}
    run(options.tessera, survey, 2, launched=True)  # the exposures are in the page cache from here on
    for _ in range(options.repeats):
        for ranks in runs:
            runs[ranks].append(run(options.tessera, survey, ranks, launched=True))
    forget(survey)
    best = {ranks: min(found, key=lambda r: r["wall_s"]) for ranks, found in runs.items()}
    return {"runs": [r for found in runs.values() for r in found], "best": best, "speedup": best[1]["wall_s"] / best[2]["wall_s"],
            "exposures_per_s": {ranks: r["exposures"] / r["wall_s"] for ranks, r in best.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["memory", "ranks"])
    parser.add_argument("--tessera", type=pathlib.Path, required=True)
    parser.add_argument("--surveys", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    options = parser.parse_args()
    report = measure_memory(options) if options.what == "memory" else measure_ranks(options)
    options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
