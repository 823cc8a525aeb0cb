#!/usr/bin/env python3
"""One table of what jobs/bench.sh measured, beside the goals; the whole as summary.json. Private to jobs/bench.sh.

    summarize.py FOLDER PART...

Ends with 1 when a goal is missed.
"""
import datetime
import json
import pathlib
import platform
import sys

GIGABYTE = 1 << 30


def load(folder, part):
    path = folder / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else None


def kernel_rows(report):
    for name, found in report["kernels"].items():
        goal = 3.0 if name == "square/all_planes" else None
        yield (f"{name}: reference {found['reference_s']:.3f} s, ours {found['tessera_s']:.3f} s; throughput", found["ratio"], "x", goal, "least")
    for output in ("sci_wht_con", "all_planes"):
        yield (f"square/{output}: part of the memory bandwidth ({report['bandwidth_bytes_per_s'] / 1e9:.1f} GB/s)",
               report["kernels"][f"square/{output}"]["bandwidth_fraction"] * 100, "%", None, "")


def memory_rows(report):
    for found in report["runs"]:
        peak = max(found["peak_bytes"], found["peak_bytes_of_system"])
        yield f"{found['exposures']} exposures at {report['budget']}: peak memory of the rank", peak / GIGABYTE, "GB", 1.0, "most"
    yield "largest over smallest peak", report["largest_over_smallest"], "", 1.1, "most"


def rank_rows(report):
    for ranks, found in report["best"].items():
        yield f"{found['exposures']} exposures on {ranks} rank(s), {found['wall_s']:.2f} s; throughput", found["exposures"] / found["wall_s"], "exp./s", None, ""
    yield "two ranks over one", report["speedup"], "x", 1.8, "least"


def swarp_rows(report):
    for program, found in report["stars"].items():
        yield f"{program}: position of {found['matched']} stars, rms", found["position_rms"], "px", 0.05, "most"
        yield f"{program}: flux, median off by", abs(found["flux_median"] - 1) * 100, "%", 1.0, "most"
        yield f"{program}: flux of {found['bright']} bright stars, rms", found["flux_rms_bright"] * 100, "%", 1.0, "most"
        for cores, ours in report["seconds"]["tessera"].items():
            theirs = report["seconds"][program][cores]["wall_best"]
            yield f"{program}, {cores} core(s), {theirs:.2f} s; ours {ours['wall_best']:.2f} s; speed", theirs / ours["wall_best"], "x", 1.0, "least"


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return {"processor": model, "cores": len([line for line in open("/proc/cpuinfo") if line.startswith("processor")]),
            "system": platform.platform(), "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
            "load": open("/proc/loadavg").read().split()[:3]}


def main():
    folder, asked = pathlib.Path(sys.argv[1]), set(sys.argv[2:])
    rows_of = {"kernels": kernel_rows, "memory": memory_rows, "ranks": rank_rows, "swarp": swarp_rows}
    summary, missed = {"machine": machine(), "parts": {}, "goals": []}, 0
    print(f"{'measurement':<88} {'value':>10}        {'goal':>8}")
    for part, rows in rows_of.items():
        report = load(folder, part)
        if report is None or not asked & {part, "all"}:
            continue
        summary["parts"][part] = report
        for text, value, unit, goal, sense in rows(report):
            met = goal is None or (value >= goal if sense == "least" else value <= goal)
            missed += not met
            wanted = "" if goal is None else f"{'>=' if sense == 'least' else '<='} {goal:g}"
            print(f"{text:<88} {value:>10.4g} {unit:<6} {wanted:>8} {'' if goal is None else 'met' if met else 'MISSED'}")
            summary["goals"].append({"measurement": text, "value": value, "unit": unit, "goal": wanted, "met": met})
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(f"\n{folder / 'summary.json'}; {summary['machine']['processor']}, {summary['machine']['cores']} cores")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
