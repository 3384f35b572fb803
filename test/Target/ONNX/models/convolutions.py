"""Convolutions, and what is folded into them."""

import numpy as np

from .common import case, conv, node, random, simple


@case
def conv_floor():
    """The window does not divide the image: the last row and column are never read."""
    x, w = random(1, 3, 8, 8), random(4, 3, 3, 3)
    return simple(13, [node("Conv", "x w", "y", strides=[2, 2])], {"x": x}, {"y": conv(x, w, stride=2)}, {"w": w})


@case
def conv_group():
    x, w, b = random(1, 6, 5, 5), random(4, 3, 3, 3), random(4)
    y = conv(x, w, b, pad=(1, 1, 1, 1), group=2)
    return simple(11, [node("Conv", "x w b", "y", group=2, pads=[1, 1, 1, 1])], {"x": x}, {"y": y}, {"w": w, "b": b})


@case
def conv_depthwise():
    """Two outputs per channel, dilated, padded on one side."""
    x, w = random(2, 3, 9, 7), random(6, 1, 3, 3)
    y = conv(x, w, pad=(0, 1, 2, 0), dilation=2, group=3)
    return simple(11, [node("Conv", "x w", "y", group=3, pads=[0, 1, 2, 0], dilations=[2, 2])], {"x": x}, {"y": y}, {"w": w})


@case
def conv_1d():
    x, w = random(2, 3, 10), random(4, 3, 3)
    y = conv(x[:, :, None], w[:, :, None], stride=1, pad=(0, 1, 0, 1))[:, :, 0]
    return simple(13, [node("Conv", "x w", "y", pads=[1, 1])], {"x": x}, {"y": y}, {"w": w})


@case
def conv_same_lower():
    x, w = random(1, 2, 6, 6), random(3, 2, 4, 4)
    y = conv(x, w, stride=2, pad=(1, 1, 1, 1))
    x2, w2 = random(1, 2, 5, 5), random(3, 2, 2, 2)
    y2 = conv(x2, w2, pad=(1, 1, 0, 0))
    nodes = [node("Conv", "x w", "y", strides=[2, 2], auto_pad="SAME_LOWER"), node("Conv", "x2 w2", "y2", auto_pad="SAME_LOWER")]
    return simple(13, nodes, {"x": x, "x2": x2}, {"y": y, "y2": y2}, {"w": w, "w2": w2})


@case
def conv_folded():
    """Everything after the convolution goes into it: batch normalisation, a scale, an offset, and one more normalisation."""
    x, w, b = random(1, 2, 4, 4), random(3, 2, 3, 3), random(3)
    bn = {k: random(3) for k in ("g", "h", "m")}
    bn["v"] = np.abs(random(3)) + np.float32(0.5)
    scale, offset = random(3, 1, 1), random(1, 3, 1, 1)
    nodes = [
        node("Conv", "x w b", "c", "conv"),
        node("BatchNormalization", "c g h m v", "n", epsilon=1e-3),
        node("Mul", "scale n", "s"),
        node("Sub", "s offset", "o"),
        node("BatchNormalization", "o g h m v", "p"),
        node("Dropout", "p", "d"),
        node("Identity", "d", "y"),
    ]
    column = lambda array: array[:, None, None]
    norm = lambda t, eps: (t - column(bn["m"])) / np.sqrt(column(bn["v"]) + eps) * column(bn["g"]) + column(bn["h"])
    y = norm(norm(conv(x, w, b), 1e-3) * scale - offset, 1e-5).astype(np.float32)
    return simple(11, nodes, {"x": x}, {"y": y}, dict(bn, w=w, b=b, scale=scale, offset=offset))


@case
def batchnorm_alone():
    """The convolution's result is needed as it is: nothing may be folded into it."""
    x, w = random(1, 2, 4, 4), random(3, 2, 1, 1)
    bn = {k: random(3) for k in ("g", "h", "m")}
    bn["v"] = np.abs(random(3)) + np.float32(0.5)
    nodes = [node("Conv", "x w", "c"), node("BatchNormalization", "c g h m v", "y")]
    column = lambda array: array[:, None, None]
    c = conv(x, w)
    y = (c - column(bn["m"])) / np.sqrt(column(bn["v"]) + 1e-5) * column(bn["g"]) + column(bn["h"])
    return simple(9, nodes, {"x": x}, {"c": c, "y": y.astype(np.float32)}, dict(bn, w=w))
