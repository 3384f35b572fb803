#!/usr/bin/env python3
"""Prints how the scheduler's estimates of stats.json compare with what was measured: estimates.py STATS."""
import json
import sys

stats = json.load(open(sys.argv[1]))
sums = {}
for layer in stats["layers"]:
    estimate = layer.get("estimate")
    if (estimate is None) != (layer["where"] == "host"):
        sys.exit(f"{layer['name']} on the {layer['where']}: estimate {estimate}")
    if estimate is None:
        continue
    for key, value in estimate.items():
        sums[key] = sums.get(key, 0) + value
    exact = [key for key in ("compute_cycles", "dram_bytes") if abs(estimate[key] - layer[key]) <= 1e-9 * layer[key]]
    print(layer["name"], layer["kind"], "exact:", *exact, "energy below:", estimate["energy_pj"] <= layer["energy_pj"])
for key, value in stats["totals"]["estimate"].items():
    if abs(value - sums[key]) > 1e-6 * sums[key]:
        sys.exit(f"{key}: the layers sum to {sums[key]}, the total is {value}")
    print(f"{key}: measured / estimated {stats['totals'][key] / value:.3f}")
