"""Draws a run of scripts/space_bench: space_pictures.py warm|budget|rival CSV SVG."""

import collections
import csv
import statistics
import subprocess
import sys


def plot(path, size, lines):
    script = "\n".join([
        f"set terminal svg size {size} font 'sans,12' background 'white'", f"set output '{path}'",
        "set grid", *lines, ""])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print(path)


def data(blocks):
    return ["$data << END", "\n\n\n".join("\n".join(block) for block in blocks), "END"]


def grouped(rows, key):
    groups = collections.OrderedDict()
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def curves(names, column, style="with linespoints lw 2"):
    return "plot " + ", ".join(
        f"$data index {i} using 1:{column} {style} title '{name}'" for i, name in enumerate(names))


def warm(rows, path):
    cases = grouped(rows, lambda r: r["case"])
    plot(path, "900,380", [
        *data([f"{r['second']} {r['from_memory']} {r['p99_us']}" for r in case]
              for case in cases.values()),
        "set multiplot layout 1,2", "set xlabel 'second after opening'",
        "set key bottom right", "set title 'Reads served from memory, %'", curves(cases, 2),
        "set key top right", "set title 'Latency of reads, p99, µs'", "set logscale y",
        curves(cases, 3), "unset multiplot"])


def rival(rows, path):
    ways = grouped(rows, lambda r: r["way"])
    plot(path, "1000,460", [
        *data([f"{r['memory_mib']} {r['data_hits_percent']} {r['cpu_us']}" for r in way]
              for way in ways.values()),
        "set multiplot layout 1,2", "set xlabel 'memory, MiB'",
        "set key outside bottom center maxrows 7 font ',10'",
        "set title 'Blocks of rows found in memory, %'", curves(ways, 2), "unset key",
        "set title 'A hit, mean of processor time, µs'", "set yrange [0:*]", curves(ways, 3), "unset multiplot"])


# The median over rounds, second by second; and the same of all, as a table.
def budget(rows, path):
    runs = grouped(rows, lambda r: (r["who"], r["mib"]))
    blocks = []
    print("| | du at most, MiB | resident, more than before | stored, MiB/s | reads p50, µs | p99 |")
    print("|---|---|---|---|---|---|")
    for (who, mib), run in runs.items():
        seconds = grouped((r for r in run if r["second"] != "all"), lambda r: int(r["second"]))
        blocks.append([f"{second} {middle(rs, 'du_mib')} {middle(rs, 'p99_us')}"
                       for second, rs in sorted(seconds.items())])
        whole = [r for r in run if r["second"] == "all"]
        most = [max(float(r[name]) for r in whole) for name in ("du_mib", "resident_mib")]
        print(f"| {who}, beside {mib} MiB | {most[0]:.1f} | {most[1]:.1f} | "
              + " | ".join(f"{middle(whole, n):.1f}" for n in ("stored_mib_s", "p50_us", "p99_us"))
              + " |")
        if who != "larder":
            ratios = [float(r["p99_us"]) / float(o["p99_us"])
                      for r, o in zip((r for r in runs[("larder", mib)] if r["second"] == "all"), whole)]
            print(f"p99 against RocksDB's, each round, {mib} MiB: "
                  + ", ".join(f"{ratio:.2f}" for ratio in ratios), file=sys.stderr)
    names = [f"{who}, {mib} MiB" if who == "larder" else f"RocksDB beside {mib} MiB"
             for who, mib in runs]
    plot(path, "1000,420", [
        *data(blocks), "set multiplot layout 1,2", "set xlabel 'second'",
        "set key outside bottom center maxrows 2 font ',10'",
        "set title 'Bytes in the directory at most, MiB'",
        curves(names, 2, "with lines lw 2") + ", 256 dt 2 lc 'grey' notitle, 1024 dt 2 lc 'grey' notitle",
        "set title 'Latency of reads, p99, µs'", "unset key", "set logscale y",
        curves(names, 3, "with lines lw 2"), "unset multiplot"])


def middle(rows, column):
    return statistics.median(float(row[column]) for row in rows)


def main(what, path, picture):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    {"warm": warm, "budget": budget, "rival": rival}[what](rows, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
