"""Compares compute times of a stats.json with Eyeriss's published processing times of AlexNet at batch 4 (JSSC 2017), in ms."""
import json
import sys

PUBLISHED = {"conv1": 16.5, "conv2": 39.2, "conv3": 21.8, "conv4": 16.0, "conv5": 10.0}

stats = json.load(open(sys.argv[1]))
total = 0
for layer in stats["layers"]:
    simulated = layer["compute_cycles"] / stats["clock_mhz"] / 1e3
    total += simulated
    error = simulated / PUBLISHED[layer["name"]] - 1
    print(f"{layer['name']} {simulated:.2f} ms, published {PUBLISHED[layer['name']]}: {error:+.1%}", "ok" if abs(error) <= 0.10 else "off")
error = total / sum(PUBLISHED.values()) - 1
print(f"sum {total:.2f} ms: {error:+.1%}", "ok" if abs(error) <= 0.03 else "off")
