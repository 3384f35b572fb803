"""Models with QuantizeLinear and DequantizeLinear."""

import numpy as np

from .common import case, conv, model, node, random, rng, simple, structure


@case
def quantised_weights():
    """Codes per channel, for a convolution, a depthwise one and a product."""
    x = random(1, 2, 3, 3)
    codes = lambda *shape: rng.integers(-127, 128, shape).astype(np.int8)
    w, d, v = codes(3, 2, 1, 1), codes(3, 1, 3, 3), codes(3, 4)
    ws, ds = np.float32([0.5, 0.25, 0.125]), np.float32([0.125, 0.5, 0.25])
    vs, vz = np.float32(0.0625), np.int8(3)
    nodes = [
        node("DequantizeLinear", "w ws", "wf", axis=0),
        node("DequantizeLinear", "d ds zeros", "df", axis=0),
        node("DequantizeLinear", "v vs vz", "vf"),
        node("Conv", "x wf", "c"),
        node("Conv", "c df", "e", group=3),
        node("Flatten", "e", "f"),
        node("MatMul", "f vf", "y"),
    ]
    wf, df = w * ws[:, None, None, None], d * ds[:, None, None, None]
    y = conv(conv(x, wf), df, group=3).reshape(1, 3) @ ((v.astype(np.float32) - 3) * vs)
    constants = {"w": w, "d": d, "v": v, "ws": ws, "ds": ds, "vs": np.array(vs), "vz": np.array(vz), "zeros": np.zeros(3, np.int8)}
    return simple(13, nodes, {"x": x}, {"y": y.astype(np.float32)}, constants)


@case
def quantised_blocks():
    x = random(2, 4)
    v, s = rng.integers(-8, 8, (4, 3)).astype(np.int8), np.float32([[0.5, 1, 2], [4, 0.25, 1]])
    nodes = [node("DequantizeLinear", "v s", "vf", axis=0, block_size=2), node("MatMul", "x vf", "y")]
    return simple(21, nodes, {"x": x}, {"y": x @ (v * np.repeat(s, 2, 0))}, {"v": v, "s": s})


@structure
def quantised_activations():
    """A pair after the input, one that only marks, and one whose unsigned codes act as a ReLU."""
    w = random(2, 2, 1, 1)
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xd"),
        node("Conv", "xd w", "c", "conv0"),
        node("QuantizeLinear", "c s z", "cq"),
        node("DequantizeLinear", "cq s z", "cd"),
        node("Conv", "cd w", "e", "conv1"),
        node("QuantizeLinear", "e s u", "eq"),
        node("Transpose", "eq", "et", perm=[0, 2, 3, 1]),
        node("DequantizeLinear", "et s u", "y"),
    ]
    constants = {"w": w, "s": np.array(0.5, np.float32), "z": np.array(0, np.int8), "u": np.array(0, np.uint8)}
    return model(13, nodes, {"x": (1, 2, 3, 3)}, {"y": (1, 3, 3, 2)}, constants), {}, {}
