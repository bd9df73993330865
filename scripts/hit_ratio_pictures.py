"""Draws the means of a run of hit_ratio over its traces: hit_ratio_pictures.py CSV DIRECTORY."""

import collections
import csv
import statistics
import subprocess
import sys

PICTURES = [  # file, costs, column, title
    ("cost_saved", "answer", "cost_saved", "Cost saved, costs of answers"),
    ("accesses_hit", "native", "accesses_hit", "Accesses hit, native sizes and costs"),
]


def main(path, directory):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for name, costs, column, title in PICTURES:
        shares = collections.defaultdict(lambda: collections.defaultdict(list))
        for row in rows:
            bound = row["policy"] == "offline bound"
            if row["costs"] == costs and not (bound and column != "cost_saved"):
                shares[row["policy"]][int(row["capacity_percent"])].append(100 * float(row[column]))
        draw(f"{directory}/{name}.svg", title, shares)


def draw(path, title, shares):
    blocks = []
    plots = []
    for policy, points in shares.items():
        width = 3 if policy == "larder" else 1.5
        plots.append(f"$data index {len(plots)} with linespoints lw {width} title '{policy}'")
        lines = [f"{size} {statistics.mean(points[size])}" for size in sorted(points)]
        blocks.append("\n".join(lines))
    script = "\n".join([
        "$data << END", "\n\n\n".join(blocks), "END",
        "set terminal svg size 720,420 font 'sans,12' background 'white'",
        f"set output '{path}'", f"set title '{title}, mean over all traces'",
        "set xlabel 'capacity, % of the footprint'", "set ylabel '%'", "set logscale x",
        "set xtics (1, 5, 10, 20)", "set xrange [0.9:22]", "set key outside right", "set grid",
        "plot " + ", ".join(plots), ""])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
