#!/usr/bin/env python3
"""Writes masks, an archive in bits, and workloads that name them: masks.py FOLDER."""
import pathlib
import struct
import sys
import zipfile


def npy(descr, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (descr, tuple(shape))
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def main(folder):
    # 256 channels are 16 lanes of 16 channels, a brick each.
    (folder / "one_lane.npy").write_bytes(npy("|b1", (1, 256), bytes([1] * 16 + [0] * 240)))
    (folder / "even.npy").write_bytes(npy("|u1", (1, 256), bytes([1, 0] * 128)))
    (folder / "masks.yaml").write_text("""name: masks
layers:
  - {name: one_lane, kind: fc, c: 256, m: 256, activations: {mask: one_lane.npy}}
  - {name: even, kind: fc, c: 256, m: 256, activations: {mask: even.npy}}
""")
    with zipfile.ZipFile(folder / "bits.npz", "w") as archive:
        for name in ("first", "second"):
            archive.writestr(name + ".npy", npy("|u1", (16, 2), bytes([0x80, 0x10] * 16)))
            archive.writestr(name + "__shape.npy", npy("<i4", (2,), struct.pack("<2i", 16, 12)))
    (folder / "rows.txt").write_text("first,3\n")
    (folder / "each.yaml").write_text("name: each\nlayers:\n  - {each: bits.npz, only: fir*, n: rows.txt}\n")
    product = "{name: scores, kind: matmul, groups: 2, n: 16, c: 32, m: 64}"
    (folder / "product.yaml").write_text("name: product\nlayers:\n  - %s\n  - {name: key, kind: fc, n: 16, c: 32, m: 32}\n" % product)
    (folder / "only.yaml").write_text("name: only\nlayers:\n  - %s\n" % product)


main(pathlib.Path(sys.argv[1]))
