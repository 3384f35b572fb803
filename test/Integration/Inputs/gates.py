"""gates.py FOLDER SPARSE_RUN MACHINE...: runs FOLDER/layer.yaml with `--saf gate` and with `--saf none`, and says what differs."""
import json
import pathlib
import subprocess
import sys

folder, tool = pathlib.Path(sys.argv[1]), sys.argv[2]
for machine in sys.argv[3:]:
    stats = {}
    for saf in ("gate", "none"):
        out = folder / "gates" / machine / saf
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([tool, "--workload", folder / "layer.yaml", "--machine", machine, "--quiet", "--saf", saf, "--out", out], check=True)
        stats[saf] = json.loads((out / "stats.json").read_text())
    gate, none = (stats[saf]["layers"][0] for saf in ("gate", "none"))
    active = [saf for saf in gate["safs"] if not saf.startswith("format")]
    cycles = "as many" if gate["compute_cycles"] == none["compute_cycles"] else "OTHER"
    energy = "less" if gate["energy_pj"] < none["energy_pj"] else "NO LESS"
    print(f"{machine}: {', '.join(active)}: {cycles} cycles, {energy} energy")
