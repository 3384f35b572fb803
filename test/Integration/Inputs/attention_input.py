"""Writes the argument of a test case of make_model.py as inputs of sparse-run: attention_input.py CASE.npz OUT.npy."""
import sys

import numpy as np

np.save(sys.argv[2], np.load(sys.argv[1])["in/x"])
