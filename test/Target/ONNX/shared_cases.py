#!/usr/bin/env python3
"""Writes inputs and reference outputs of the shared models as files for onnx-check.

    shared_cases.py SHARED_DATA OUT_DIR
"""

import os
import sys

import numpy as np

shared, out = sys.argv[1], sys.argv[2]
os.makedirs(out, exist_ok=True)
load = lambda *path: np.load(os.path.join(shared, *path))


def save(name, **arrays):
    # One more dimension than the model's: independent cases.
    np.savez(os.path.join(out, name), **{key.replace("__", "/"): value[:, None] for key, value in arrays.items()})


pictures = load("imagenet_dev", "dev16_u8.npz")["x"][:2].astype(np.float32)
x = pictures[:, 14:241, 14:241, ::-1] - np.float32([104, 117, 123])
save("squeezenet", in__data=x.transpose(0, 3, 1, 2), out__prob=load("squeezenet_dc", "squeezenet_v1.0_dc.ref.npz")["prob_dev16"][:2])
x = (pictures[:, 16:240, 16:240] - 128) / 128
save("mobilenet", in__input=x.transpose(0, 3, 1, 2), out__output=load("mobilenet_v2_int8", "mobilenet_v2_1.0_224_dqw.ref.npz")["prob_dev16"][:2])

digits = load("mnist", "mnist.npz")["test_x"][:16].astype(np.float32) / 256
for kind in ("original", "sparse"):
    save("lenet_" + kind, in__data=digits[:, None], out__logits=load("lenet_dns", "lenet5_%s.ref.npz" % kind)["logits_first16"])

x = load("cifar10_jpeg", "cifar10_test_dev1000.npz")["x"][:16].astype(np.float32).transpose(0, 3, 1, 2)
column = lambda *values: np.float32(values)[:, None, None]
normal = (x / 255 - column(0.485, 0.456, 0.406)) / column(0.229, 0.224, 0.225)
for kind in ("dense", "unstructured90", "2to4"):
    save("resnet20_" + kind, in__input=normal, out__logits=load("resnet20_cifar", "resnet20_%s.ref.npz" % kind)["logits_first16"])
save("resnet8", in__input=x, out__output=load("mlperf_tiny", "ic_resnet8_fp32.ref.npz")["prob_first16"])
words = load("mlperf_tiny", "kws01_inputs.npz")
x = (words["x"][:16].astype(np.float32) - words["zp"]) * words["scale"]
save("dscnn", in__input=x[:, None], out__output=load("mlperf_tiny", "kws_dscnn_fp32.ref.npz")["prob_first16"])
save("kwt1", in__mfcc=load("kwt1", "kwt1_inputs.npz")["mfcc"][:16].astype(np.float32), out__logits=load("kwt1", "kwt1_fp32.ref.npz")["logits_first16"])
