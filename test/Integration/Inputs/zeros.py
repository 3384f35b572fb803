#!/usr/bin/env python3
"""Holds compare_independent of stats.json to the first table that sparse-run printed for one image: zeros.py STATS LOG."""
import json
import re
import sys

zeros = json.load(open(sys.argv[1]))["compare_independent"]
rows = {}
for line in open(sys.argv[2]).read().split("zeros where they are")[1].splitlines():
    cells = line.split()
    if len(cells) >= 9 and re.match(r"\d", cells[-1]):
        rows[cells[0]] = cells[-8:]
assert zeros["images"] == 1 and zeros["left_out"] == []
names = []
for layer in [*zeros["layers"], {"name": "all", **zeros["all"]}]:
    array, other = layer["array_cycles"], layer["independent_array_cycles"]
    cycles, others = layer["cycles"], layer["independent_cycles"]
    expected = [str(array), str(other), f"{array / other:.3f}", f"{100 * layer['balance']:.1f}%", f"{100 * layer['independent_balance']:.1f}%",
                str(cycles), str(others), f"{cycles / others:.3f}"]
    if rows[layer["name"]] != expected:
        sys.exit(f"{layer['name']}: printed {rows[layer['name']]}, in the file {expected}")
    names.append(layer["name"])
print(*names, end=": as printed\n")
