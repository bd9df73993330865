"""Prints the medians of a Google Benchmark JSON file, and what Larder takes beside its peers.

A benchmark is named Operation/who[/variant]; all of one operation and variant form a row, and
`larder` is divided by each other `who`. A variant N_threads shows what the threads gain. All from
the repetitions of one run: no figure of another day.
"""
import json
import re
import statistics
import sys

# What Google Benchmark adds to a name by itself.
ADDED = re.compile(r"/(real_time|process_time|manual_time|iterations:\d+|repeats:\d+|threads:\d+)")


# Fields of a run that are not counters of the benchmark's own.
FIELDS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads",
          "iterations", "real_time", "cpu_time", "items_per_second"}


def medians(path):
    """Median time in us, and the benchmark's own counters, by name."""
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    times = {}
    rates = {}
    counters = {}
    for run in runs:
        if run.get("run_type") == "aggregate":
            continue
        if run.get("error_occurred"):
            sys.exit(f"{run['name']}: {run['error_message']}")
        to_us = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}[run["time_unit"]]
        # As Google Benchmark does it: CPU time, which a busy machine disturbs less, or real time
        # where the benchmark asks for it.
        time = run["real_time" if "/real_time" in run["run_name"] else "cpu_time"]
        name = ADDED.sub("", run["run_name"])
        times.setdefault(name, []).append(time * to_us)
        counters[name] = {key: value for key, value in run.items()
                          if key not in FIELDS and isinstance(value, (int, float))}
        if "bytes_per_second" in counters[name]:
            rates.setdefault(name, []).append(counters[name].pop("bytes_per_second") / 1e6)
            counters[name]["MB/s"] = statistics.median(rates[name])
    return {name: statistics.median(values) for name, values in times.items()}, counters


def main():
    rows = {}
    times, counters = medians(sys.argv[1])
    for name, us in times.items():
        operation, who, *variant = name.split("/")
        rows.setdefault("/".join([operation, *variant]), {})[who] = us
    width = max(map(len, rows))
    for operation, by_who in sorted(rows.items()):
        cells = []
        for who, us in by_who.items():
            name, *variant = operation.split("/")
            extra = counters["/".join([name, who, *variant])]
            cells.append(" ".join([f"{who} {us:,.3f} us"] +
                                  [f"{key}={value:,.6g}" for key, value in extra.items()]))
        if "larder" in by_who and len(by_who) > 1:
            cells += [f"{by_who['larder'] / us:.2f} x {who} ({by_who['larder'] - us:+,.3f} us)"
                      for who, us in by_who.items() if who != "larder"]
        one_thread = re.sub(r"/\d+_threads$", "", operation)
        if one_thread != operation:
            cells += [f"{who} gains {rows[one_thread][who] / us:.2f} x" for who, us in by_who.items()]
        print(f"{operation:<{width}}  " + "  ".join(cells))


main()
