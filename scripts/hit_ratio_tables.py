"""Prints the tables of docs/benchmarks.md from a run of hit_ratio: hit_ratio_tables.py CSV."""

import collections
import csv
import statistics
import sys

TABLES = [  # title, costs, column, policies that have no such column
    ("% of cost saved, answer costs", "answer", "cost_saved", ()),
    ("% of accesses hit, native costs", "native", "accesses_hit", ("offline bound",)),
]
MEANS = [("mean, tuned", "1"), ("mean, held out", "0"), ("mean, all", "10")]


def main(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for title, costs, column, without in TABLES:
        chosen = [r for r in rows if r["costs"] == costs and r["policy"] not in without]
        print(f"### {title}")
        table(chosen, column)
        print()


def table(rows, column):
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    cells = collections.OrderedDict()
    for row in sorted(rows, key=lambda r: (r["tuned"] == "0", r["trace"], int(r["capacity_percent"]))):
        where = (row["tuned"], row["trace"], row["capacity_percent"])
        cells.setdefault(where, {})[row["policy"]] = 100 * float(row[column])
    print("| trace | size | " + " | ".join(policies) + " |")
    print("|" + "---|" * (2 + len(policies)))
    for (tuned, trace, capacity), cell in cells.items():
        held_out = "" if tuned == "1" else " (h)"
        print(line(f"{trace}{held_out} | {capacity} %", cell, policies, ".1f"))
    for name, wanted in MEANS:
        chosen = [cell for (tuned, _, _), cell in cells.items() if tuned in wanted]
        means = {p: statistics.mean(cell[p] for cell in chosen) for p in policies} if chosen else {}
        if means:
            print(line(f"{name} |", means, policies, ".2f"))


def line(head, cell, policies, digits):
    points = [f"{cell[p]:{digits}}" for p in policies]
    if digits == ".1f":
        points[0] = f"**{points[0]}**"
    return f"| {head} | " + " | ".join(points) + " |"


if __name__ == "__main__":
    main(*sys.argv[1:])
