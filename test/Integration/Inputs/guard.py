"""What the guard wrote: guard.py STATS.json IMAGES LEAST_DB. Fails unless IMAGES were looked at and each value's ratio is at least LEAST_DB."""
import json
import sys

stats = json.load(open(sys.argv[1]))
images, least = int(sys.argv[2]), float(sys.argv[3])
guard = stats["guard"]
layers = guard["layers"]
names = {layer["name"] for layer in stats["layers"]}
saturated = any(layer.get("saturated", 0) > 0 for layer in layers)
wrong = [layer["name"] for layer in layers if layer.get("snr_db", 300) < least or layer["name"] not in names or not layer["compared"]]
print(f"at most {100 * guard['most_saturated']:.2f}% saturated")
print(f"{guard['images']} inputs, {guard['least_snr_db']:g} dB, {len(layers)} values, all above {least:g} dB, "
      f"{'some' if saturated else 'nothing'} saturated, {len(guard['findings'])} findings")
for output in stats.get("against_float", {}).get("outputs", []):
    print(f"output {output['name']}: {output['rms_over_range']:.3g} of the range")
if wrong or not layers or guard["images"] != images:
    sys.exit(f"wrong: {wrong}, {guard['images']} inputs")
