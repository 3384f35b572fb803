"""Writes inputs, right and wrong, for the tests of what the tools say of them. Needs no NumPy."""

import os
import struct
import sys
import zipfile

MODEL_SHAPE = (1, 8, 8)


def npy(descr, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (descr, tuple(shape))
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def floats(shape, value=0.5):
    count = 1
    for extent in shape:
        count *= extent
    return npy("<f4", shape, struct.pack("<f", value) * count)


def integers(values):
    return npy("<i8", (len(values),), struct.pack("<%dq" % len(values), *values))


def archive(path, **arrays):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in arrays.items():
            file.writestr(name + ".npy", content)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    good = floats((2,) + MODEL_SHAPE)
    files = {
        "x.npy": good,
        "empty.npy": floats((0,) + MODEL_SHAPE),
        "shape.npy": floats((2, 3, 8, 8)),
        "rank.npy": floats((64,)),
        "nan.npy": floats((2,) + MODEL_SHAPE, float("nan")),
        "complex.npy": npy("<c16", (1,), bytes(16)),
        "short.npy": good[:300],
        "zero.npy": b"",
        "text.npy": b"hello, this is no array\n",
        "labels-one.npy": integers([3]),
        "labels-two.npy": integers([3, 7]),
        "labels-wild.npy": integers([3, 100]),
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    archive(os.path.join(folder, "none.npz"))
    archive(os.path.join(folder, "two.npz"), a=good, b=good)
    archive(os.path.join(folder, "x.npz"), x=good)
    with open(os.path.join(folder, "x.npz"), "rb") as file:
        content = file.read()
    with open(os.path.join(folder, "cut.npz"), "wb") as file:
        file.write(content[: len(content) // 2])
    with open(os.path.join(folder, "flipped.npz"), "wb") as file:
        file.write(content[:400] + bytes([content[400] ^ 1]) + content[401:])


main(sys.argv[1])
