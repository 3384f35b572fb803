"""eyeriss.py stats.json: processing time of AlexNet conv1-5 (batch 4) beside the chip's measurements (JSSC 2017, ms): each within 10%, the sum within 3%."""
import json
import sys

PUBLISHED = {"conv1": 16.5, "conv2": 39.2, "conv3": 21.8, "conv4": 16.0, "conv5": 10.0}

stats = json.load(open(sys.argv[1]))
layers = {layer["name"]: layer["compute_cycles"] / stats["clock_mhz"] / 1e3 for layer in stats["layers"]}
good = True
for name, published in PUBLISHED.items():
    error = layers[name] / published - 1
    good &= abs(error) <= 0.10
    print(f"{name}: {layers[name]:.2f} ms, published {published}, {error:+.1%}")
total = sum(layers[name] for name in PUBLISHED)
error = total / 103.5 - 1
good &= abs(error) <= 0.03
print(f"all: {total:.2f} ms, published 103.5, {error:+.1%}: {'within' if good else 'OUTSIDE OF'} the bounds")
sys.exit(not good)
