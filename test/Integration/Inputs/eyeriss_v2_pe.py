"""eyeriss_v2_pe.py SHARED FOLDER writes a workload of the four masked layers; eyeriss_v2_pe.py stats.json compares their compute cycles with the published
ones."""
import json
import pathlib
import sys

LAYERS = {"L07": (64, 64, 32, 1702140), "L09": (128, 64, 16, 1499682), "L19": (256, 256, 8, 1457458), "L27": (512, 512, 4, 775316)}

if len(sys.argv) == 3:
    masks = pathlib.Path(sys.argv[1]).resolve() / "eyeriss_v2_pe"
    lines = ["name: eyeriss_v2_pe", "numerics: int8", "layers:"]
    for name, (m, c, side, _) in LAYERS.items():
        lines.append(f"  - {{name: {name}, c: {c}, h: {side}, w: {side}, m: {m}, r: 1, s: 1, activations: {{mask: '{masks}/{name}.npz:iacts'}}, "
                     f"weights: {{mask: '{masks}/{name}.npz:weights'}}}}")
    pathlib.Path(sys.argv[2], "eyeriss_v2_pe.yaml").write_text("\n".join(lines) + "\n")
else:
    good = True
    for layer in json.load(open(sys.argv[1]))["layers"]:
        published = LAYERS[layer["name"]][3]
        good &= layer["compute_cycles"] == published
        print(f"{layer['name']}: {layer['compute_cycles']} cycles, published {published}")
    print("exact" if good else "NOT EXACT")
    sys.exit(not good)
