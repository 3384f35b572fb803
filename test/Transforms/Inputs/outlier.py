"""Writes OUT.npy: 1250 images of 2x2x2 float32 that rise evenly from -1 to 1, but for one element of 100."""
import struct
import sys

count = 1250 * 8
values = [-1 + 2 * i / (count - 1) for i in range(count)]
values[count // 2] = 100.0
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1250, 2, 2, 2), }"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % count, *values))
