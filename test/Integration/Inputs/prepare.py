"""Prepares inputs of the real models as float32 .npz files: prepare.py SHARED MODEL OUT.npz [COUNT]. Needs numpy."""
import sys

import numpy as np

shared, model, out = sys.argv[1:4]
count = int(sys.argv[4]) if len(sys.argv) > 4 else None


def imagenet(crop, low):
    data = np.load(f"{shared}/imagenet_dev/dev16_u8.npz")
    return data["x"][:, low:low + crop, low:low + crop].astype(np.float32), data["y"]


if model == "squeezenet":
    x, y = imagenet(227, 14)
    x = x[..., ::-1] - np.array([104, 117, 123], np.float32)
elif model == "mobilenet_v2":
    x, y = imagenet(224, 16)
    x, y = (x - 128) / 128, y + 1
elif model == "lenet":
    data = np.load(f"{shared}/mnist/mnist.npz")
    x, y = data["test_x"][:256, :, :, None].astype(np.float32) / 256, data["test_y"][:256]
elif model in ("resnet20", "resnet8"):
    data = np.load(f"{shared}/cifar10_jpeg/cifar10_test_dev1000.npz")
    x, y = data["x"][:64].astype(np.float32), data["y"][:64]
    if model == "resnet20":
        x = (x / 255 - np.array([.485, .456, .406], np.float32)) / np.array([.229, .224, .225], np.float32)
elif model == "vww":
    x, y = imagenet(96, 80)
    x, y = x / 255, np.zeros(len(x), np.int64)
elif model == "kws":
    data = np.load(f"{shared}/mlperf_tiny/kws01_inputs.npz")
    x, y = (data["x"].astype(np.float32) - data["zp"]) * data["scale"], data["y"]
    x = x[..., None]
elif model == "ad":
    x = np.load(f"{shared}/mlperf_tiny/ad01_inputs.npz")["x"]
    y = np.zeros(len(x), np.int64)
elif model == "kwt1":
    data = np.load(f"{shared}/kwt1/kwt1_inputs.npz")
    # One word a clip, by its name: one of the model's, or unknown. Noise, silence and the ten unnamed clips have none.
    words = "silence unknown yes no up down left right on off stop go".split()
    names = [str(name).removeprefix("tflm_").removesuffix(".wav") for name in data["names"]]
    y = np.array([-1 if name in ("noise", "silence") or name.startswith("easy10s") else words.index(name) if name in words else 1
                  for name in names])
    x, y = data["mfcc"][y >= 0], y[y >= 0]
else:
    raise SystemExit(f"unknown model {model}")
x = np.asarray(x, np.float32)
if x.ndim == 4:
    x = x.transpose(0, 3, 1, 2)
if count:
    x, y = x[:count], y[:count]
np.savez(out, x=np.ascontiguousarray(x), y=np.asarray(y, np.int64))
