"""half.py dense/stats.json sparse/stats.json LAYER...: array cycles of each contraction on the second machine are exactly half of those on the first, but for
those of the layers named, which are the same. Says how many there are of each; exit code 1 where it does not hold."""
import json
import sys

dense, sparse = ({layer["name"]: layer for layer in json.load(open(path))["layers"]} for path in sys.argv[1:3])
same = set(sys.argv[3:])
counts = {0.5: 0, 1.0: 0}
wrong = []
for name, layer in dense.items():
    if not layer["macs"] or layer["where"] != "accelerator":
        continue
    ratio = sparse[name]["compute_cycles"] / layer["compute_cycles"]
    expected = 1.0 if name in same else 0.5
    counts[expected] += 1
    if ratio != expected:
        wrong.append(f"{name}: {ratio}, expected {expected}")
print("\n".join(wrong + [f"{counts[0.5]} layers take half of the cycles, {counts[1.0]} as many"]))
sys.exit(bool(wrong))
