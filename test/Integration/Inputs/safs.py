"""safs.py FOLDER SPARSE_RUN SOURCE: runs the bundled model on every shipped machine that takes convolutions, with its own SAFs, with
none, without its gates and with its optional ones, and checks that outputs never differ, and cycles not where only gates do."""
import json
import pathlib
import re
import subprocess
import sys

folder, tool, source = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
digits = source / "models/digits"
good = True


def expect(condition, what):
    global good
    if not condition:
        good = False
        print("broken:", what)


def offers(machine):
    """(action, text, optional) of each SAF in a machine file."""
    found = []
    for line in (source / "machines" / f"{machine}.yaml").read_text().splitlines():
        match = re.match(r"  - \{level: (\w+), target: (\w), action: (\w+), condition-on: \[([^\]]*)\](.*)\}", line)
        if match:
            level, target, action, on, rest = match.groups()
            found.append((action, f"{action} {target} at {level} if {' or '.join(on.split(', '))}", "optional: true" in rest))
    return found


def run(machine, name, saf):
    out = folder / machine / name
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([tool, digits / "digits.onnx", "--machine", machine, "--calibrate", digits / "digits_calibrate.npz", "--input",
                    digits / "digits_test.npz", "--images", "2", "--quiet", "--out", out, *(["--saf", saf] if saf else [])], check=True)
    return (out / "outputs.npy").read_bytes(), json.loads((out / "stats.json").read_text())


for path in sorted((source / "machines").glob("*.yaml")):
    machine = path.stem
    every = offers(machine)
    variants = {"own": "", "none": "none"}
    fromDram = re.findall(r"^  [abo]: \{dram: \[(.*)\], buffer", path.read_text(), re.M)
    if len(fromDram) == 3 and all("dense" in formats for formats in fromDram) and any(formats != "dense" for formats in fromDram):
        variants["dense"] = "-format"
    actions = {action for action, _, optional in every if not optional}
    if "gate" in actions:
        variants["ungated"] = "-gate"
    if "skip" in actions:
        variants["unskipped"] = "-skip"
    if len(every) > 1:
        variants["last"] = every[-1][1]
    results = {name: run(machine, name, saf) for name, saf in variants.items()}
    values, own = results["own"]
    for name, (other, stats) in results.items():
        expect(other == values, f"{machine}: --saf '{variants[name]}' changes a value")
        for layer in stats["layers"]:
            kinds = {saf.split()[0] for saf in layer["safs"]} - {"format"}
            if name == "none":
                expect(not kinds, f"{machine}: {layer['name']} has {layer['safs']} where none was asked for")
            if layer["where"] == "accelerator" and not kinds:
                expect(layer["gated_macs"] == 0, f"{machine}: {layer['name']} gates without a gate")
    if "ungated" in results:
        ungated = results["ungated"][1]
        for layer, other in zip(own["layers"], ungated["layers"]):
            expect(layer["cycles"] == other["cycles"], f"{machine}: gating changes the cycles of {layer['name']}: {other['cycles']} to {layer['cycles']}")
        if any(layer["gated_macs"] for layer in own["layers"]):
            expect(own["totals"]["energy_pj"] < ungated["totals"]["energy_pj"], f"{machine}: gating saves no energy")
    print(f"{machine}: {len(results)} variants, same outputs")
print("all hold" if good else "BROKEN")
sys.exit(not good)
