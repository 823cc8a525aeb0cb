#!/usr/bin/env python3
"""The drizzle kernels and the reference library in turn, on one core, in one run. Private to jobs/bench.sh.

A machine may be busy: each round runs both, processor time counts, and the best round of each is compared. The planes of the
two are compared as well (reference_drizzle.py --compare, its tolerances): a fast wrong answer is no result.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

# Our name, and the kernel of the reference.
KERNELS = ("square", "turbo", "point", "gaussian", "lanczos2", "lanczos3")
OUTPUTS = ("sci_wht_con", "all_planes")


def pinned(command, capture=True):
    core = str(min(os.sched_getaffinity(0)))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_PROC_BIND": "false", "KOKKOS_DISABLE_WARNINGS": "1"}
    return subprocess.run(["taskset", "-c", core, *map(str, command)], check=True, text=True, env=environment,
                          stdout=subprocess.PIPE if capture else None).stdout


def our_round(bench):
    """{name: (processor seconds a frame, bytes that must move)}"""
    names = "|".join(KERNELS)
    told = json.loads(pinned([bench, f"--benchmark_filter=drizzle/({names})/|stream_|evaluate_map", "--benchmark_format=json"]))
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    found = {}
    for row in told["benchmarks"]:
        unit = scale[row["time_unit"]]
        found[row["name"].removesuffix("/real_time")] = (row["cpu_time"] * unit, row.get("bytes_per_second", 0) * row["real_time"] * unit)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=pathlib.Path, required=True)
    parser.add_argument("--reference", type=pathlib.Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    options = parser.parse_args()

    planes = options.scratch / "planes.raw"
    pinned([options.bench, f"--dump={planes}"])
    ours, theirs, differences = {}, {}, {}
    for number in range(options.repeats):
        for name, (seconds, size) in our_round(options.bench).items():
            if name not in ours or seconds < ours[name][0]:
                ours[name] = (seconds, size)
        for kernel in KERNELS:
            compare = ["--compare", planes] if kernel == "square" and number == 0 else []
            told = json.loads(pinned([sys.executable, options.reference, "--repeats", 1, "--kernel", kernel, *compare]))
            differences = told.get("differences", differences)
            for output in OUTPUTS:
                key = f"{kernel}/{output}"
                theirs[key] = min(theirs.get(key, float("inf")), told[output]["seconds"])
    planes.unlink()

    bandwidth = max(size / seconds for name, (seconds, size) in ours.items() if name.startswith("stream_"))
    report = {"frame": "2048x2048 onto 2816x2816, one thread", "bandwidth_bytes_per_s": bandwidth, "differences": differences, "kernels": {}}
    for key, reference in theirs.items():
        seconds, size = ours["drizzle/" + key]
        report["kernels"][key] = {"tessera_s": seconds, "reference_s": reference, "ratio": reference / seconds,
                                  "bytes_per_s": size / seconds, "bandwidth_fraction": size / seconds / bandwidth}
    report["evaluate_map_s"] = ours["evaluate_map"][0]
    options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
