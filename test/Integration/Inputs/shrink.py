"""Multiplies the float32 arrays of an .npz file: shrink.py IN.npz FACTOR OUT.npz."""
import array
import struct
import sys
import zipfile

factor = float(sys.argv[2])
with zipfile.ZipFile(sys.argv[1]) as source, zipfile.ZipFile(sys.argv[3], "w") as target:
    for name in source.namelist():
        data = source.read(name)
        wide = data[6] > 1  # version 2 of the header has four bytes of length
        begin = (12 if wide else 10) + struct.unpack("<I" if wide else "<H", data[8:12 if wide else 10])[0]
        if b"'<f4'" in data[:begin]:
            values = array.array("f", data[begin:])
            data = data[:begin] + array.array("f", (value * factor for value in values)).tobytes()
        target.writestr(name, data)
