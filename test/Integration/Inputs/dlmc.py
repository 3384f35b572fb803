#!/usr/bin/env python3
"""Writes workloads of a few matrices of the Deep Learning Matrix Collection: dlmc.py DLMC FOLDER."""
import pathlib
import sys

dlmc, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
for name, archive, only, rows in [
    ("pruned", "rn50_magnitude_pruning_0.8", "bottleneck_2_block_group3_*", dlmc / "rn50_batchsizes.txt"),
    ("random", "rn50_random_pruning_0.8", "bottleneck_2_block_group3_*", dlmc / "rn50_batchsizes.txt"),
    ("transformer", "transformer_magnitude_pruning_0.8", "body_encoder_layer_0_*", 64),
]:
    (folder / f"{name}.yaml").write_text(f"""name: {name}
layers:
  - {{each: {dlmc / archive}.npz, only: "{only}", n: {rows}, activation_density: 0.5}}
""")
