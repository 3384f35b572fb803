"""Writes float32 values that swing between -PEAK and PEAK: wave.py OUT.npy PEAK EXTENT..."""
import math
import struct
import sys

peak, shape = float(sys.argv[2]), tuple(int(extent) for extent in sys.argv[3:])
count = math.prod(shape)
values = [peak * math.sin(0.7 * i + 0.3) for i in range(count)]
header = repr({"descr": "<f4", "fortran_order": False, "shape": shape})
header += " " * (63 - (10 + len(header)) % 64) + "\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{count}f", *values))
