"""eyeriss.py STATS DENSE: what run-length coding saves of AlexNet's DRAM traffic (conv1-5, batch 4) on Eyeriss with the published mappings, beside the chip's (JSSC 2017).

STATS is the report of the machine as it is, DENSE that of one without coding. The ratio of DRAM traffic without and with coding is held to 0.25. That of conv5 is printed and not held: how
many of its results are zero is not published, and half of a synthetic layer's are."""
import json
import sys

PUBLISHED = {"conv1": 1.2, "conv2": 1.4, "conv3": 1.7, "conv4": 1.8, "conv5": 1.9}
KNOWN_GAPS = {"conv5"}

coded, plain = ({layer["name"]: layer["dram_bytes"] for layer in json.load(open(path))["layers"]} for path in sys.argv[1:3])
good = True
for name, published in PUBLISHED.items():
    ratio = plain[name] / coded[name]
    fits = abs(ratio - published) <= 0.25
    good &= fits or name in KNOWN_GAPS
    print(f"{name}, coding ratio: {ratio:.2f}, published {published}{'' if fits else ' known gap' if name in KNOWN_GAPS else ' OUTSIDE'}")
print("all within the bounds" if good else "some OUTSIDE OF the bounds")
sys.exit(not good)
