"""eyeriss_v2_pe.py SHARED FOLDER: writes a workload of the four masked layers."""
import pathlib
import sys

LAYERS = {"L07": (64, 64, 32), "L09": (128, 64, 16), "L19": (256, 256, 8), "L27": (512, 512, 4)}

masks = pathlib.Path(sys.argv[1]).resolve() / "eyeriss_v2_pe"
lines = ["name: eyeriss_v2_pe", "numerics: int8", "layers:"]
for name, (m, c, side) in LAYERS.items():
    lines.append(f"  - {{name: {name}, c: {c}, h: {side}, w: {side}, m: {m}, r: 1, s: 1, activations: {{mask: '{masks}/{name}.npz:iacts'}}, "
                 f"weights: {{mask: '{masks}/{name}.npz:weights'}}}}")
pathlib.Path(sys.argv[2], "eyeriss_v2_pe.yaml").write_text("\n".join(lines) + "\n")
