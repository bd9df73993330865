"""Draws a run of scripts/space_bench: space_pictures.py warm CSV SVG."""

import collections
import csv
import subprocess
import sys


def plot(path, lines):
    script = "\n".join([f"set output '{path}'", *lines, ""])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print(path)


def warm(rows, path):
    cases = collections.OrderedDict()
    for row in rows:
        cases.setdefault(row["case"], []).append(row)
    blocks = ["\n".join(f"{r['second']} {r['from_memory']} {r['p99_us']}" for r in case)
              for case in cases.values()]
    def curves(column):
        return "plot " + ", ".join(
            f"$data index {i} using 1:{column} with linespoints lw 2 title '{name}'"
            for i, name in enumerate(cases))
    plot(path, [
        "$data << END", "\n\n\n".join(blocks), "END",
        "set terminal svg size 900,380 font 'sans,12' background 'white'",
        "set multiplot layout 1,2", "set xlabel 'second after opening'", "set grid",
        "set key bottom right", "set title 'Reads served from memory, %'", curves(2),
        "set key top right", "set title 'Latency of reads, p99, µs'", "set logscale y", curves(3),
        "unset multiplot"])


def main(what, path, picture):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    {"warm": warm}[what](rows, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
