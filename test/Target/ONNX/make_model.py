#!/usr/bin/env python3
"""Writes small ONNX models for the importer's tests.

    make_model.py OUT_DIR CASE...    writes OUT_DIR/CASE.onnx, and OUT_DIR/CASE.npz with inputs and expected outputs
    make_model.py OUT_DIR --all      writes every case that has expected outputs

Expected outputs are computed with NumPy and from the operators' definitions. The cases are in models/, by kind of operator.
"""

import os
import sys

import numpy as np
from onnx import save

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import models  # noqa: E402, F401
from models.common import CASES, WITHOUT_REFERENCE, seed  # noqa: E402
from models.files import write_external  # noqa: E402


def main():
    folder, names = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    if names == ["--all"]:
        names = [name for name in CASES if name not in WITHOUT_REFERENCE]
    for name in names:
        seed(name)
        proto, given, expected = CASES[name]()
        if name == "external":
            write_external(folder, proto)
        save(proto, os.path.join(folder, name + ".onnx"))
        arrays = {"in/" + key: value for key, value in given.items()}
        arrays.update({"out/" + key: value for key, value in expected.items()})
        if expected:
            np.savez(os.path.join(folder, name + ".npz"), **arrays)
    print("wrote %d" % len(names))


if __name__ == "__main__":
    main()
