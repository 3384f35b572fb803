"""Inputs of edges.test, and what its outputs should be. Runs in the folder of the models.

    edges.py split                  the arrays of each case as the tools take them
    edges.py relu FILE              whether FILE has the positive part of maps.npy
    edges.py edge FOLDER            whether FOLDER has the outputs of edge_outputs
    edges.py near CASE FILE         whether FILE has the first output of CASE, to a thousandth of the largest value
"""

import shutil
import sys

import numpy as np


def near(got, expected, part):
    assert got.shape == expected.shape and got.dtype == expected.dtype, (got.shape, got.dtype, expected.shape, expected.dtype)
    assert np.abs(got - expected).max() <= part * np.abs(expected).max(), (got, expected)


def main(what, *arguments):
    if what == "split":
        shutil.copy(__file__, "edges.py")
        maps = np.random.default_rng(3).uniform(-3, 3, (4, 3, 5, 6)).astype(np.float32)
        np.save("maps.npy", maps)
        np.save("map.npy", maps[0])  # without the batch
        np.save("row.npy", maps[:1, 0, 0, :4])
        np.save("five.npy", maps[:1, 0, :, 0])
        np.save("edge_outputs.npy", np.load("edge_outputs.npz")["in/x"])
        np.save("sparse.npy", np.load("sparse_initialisers.npz")["in/x"])
        two = np.load("two_inputs.npz")
        np.savez("two.npz", b=two["in/b"], a=two["in/a"])
        np.savez("places.npz", two["in/a"], two["in/b"])
    elif what == "relu":
        near(np.load(arguments[0]), np.maximum(np.load("maps.npy"), 0), 1e-3)
    elif what == "edge":
        case = np.load("edge_outputs.npz")
        for index, name in enumerate(["y", "w", "same", "negative", "y"]):
            got = np.load("%s/outputs%s.npy" % (arguments[0], ".%d" % index if index else ""))
            near(got, case["out/" + name], 1e-3 if name == "y" else 0)
    else:
        near(np.load(arguments[1]), np.load(arguments[0] + ".npz")["out/y"], 1e-3)


main(*sys.argv[1:])
