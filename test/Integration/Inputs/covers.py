"""covers.py PROGRAM LAYER=RxS ...: every product of each layer is done once by the CONTRACTs of a disassembled program.

Reads `sparse-translate --disassemble`. The boxes (n, g, m, c, p, q) of a layer's CONTRACTs must be disjoint and their volumes must sum to the layer's MACs; a loop over R and S
is in each of them."""
import re
import sys

text = open(sys.argv[1]).read()
layers = {int(i): (name, int(macs)) for i, name, macs in re.findall(r'^layer l(\d+) "([^"]*)" \S+ accelerator macs=(\d+)', text, re.M)}
tiles = {}
for line in re.findall(r"^\s*\d+: contract .*", text, re.M):
    field = {key: int(value) for key, value in re.findall(r"\b([A-Za-z]+)=(\d+)\b", line)}
    # Where the sums lie in the output, and the first input channel of the filters.
    def origin(name):
        return [int(x) for x in re.search(name + r"=\[([^\]]*)\]", line)[1].split(",")]
    n, p, q, channel = origin("oOrigin")
    c = origin("bOrigin")[3]
    first = (n, channel, c, p, q)
    extent = (field["n"], field["g"] * field["m"], field["c"], field["p"], field["q"])
    volume = field["r"] * field["s"] * field["n"] * field["g"] * field["m"] * field["c"] * field["p"] * field["q"]
    tiles.setdefault(field["layer"], []).append((first, extent, volume))

good = True
for layer, (name, macs) in layers.items():
    boxes = tiles.get(layer, [])
    if not boxes:
        continue
    overlaps = 0
    for i, (a, x, _) in enumerate(boxes):
        for b, y, _ in boxes[:i]:
            overlaps += all(a[d] < b[d] + y[d] and b[d] < a[d] + x[d] for d in range(5))
    done = sum(volume for _, _, volume in boxes)
    good &= done == macs and overlaps == 0
    print(f"{name}: {len(boxes)} CONTRACTs, {done} of {macs} products, {overlaps} overlaps")
print("every product is done once" if good and tiles else "NOT covered")
sys.exit(not (good and tiles))
