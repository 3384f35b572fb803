"""invariants.py stats.json...: what holds for every simulation, by layer and in total."""
import json
import sys

good = True


def expect(condition, what):
    global good
    if not condition:
        good = False
        print("broken:", what)


for path in sys.argv[1:]:
    stats = json.load(open(path))
    layers = stats["layers"]
    for entry in layers + [dict(stats["totals"], name="total", where="accelerator")]:
        name = f"{path}: {entry['name']}"
        expect(0 <= entry["utilization"] <= 1, f"{name}: utilisation {entry['utilization']}")
        expect(entry["effectual_macs"] <= entry["performed_macs"], f"{name}: effectual products that nobody did")
        expect(entry["performed_macs"] + entry["gated_macs"] <= entry["macs"] * (1 + 1e-12), f"{name}: more products than the layer has")
        expect(abs(sum(entry["energy_by_component_pj"].values()) - entry["energy_pj"]) <= 1e-6 * max(1, entry["energy_pj"]), f"{name}: energies do not add up")
        if entry["where"] == "host":
            expect(entry["cycles"] == 0, f"{name}: a host layer takes machine time")
    for key in ("cycles", "macs", "effectual_macs", "performed_macs", "gated_macs", "wasted_slots", "wasted_padding_slots", "wasted_out_of_plane_slots", "dram_bytes", "energy_pj"):
        total = sum(layer[key] for layer in layers)
        expect(abs(total - stats["totals"][key]) <= 1e-6 * max(1, abs(total)), f"{path}: {key} of the layers is {total}, in total {stats['totals'][key]}")
print("all hold" if good else "BROKEN")
sys.exit(not good)
