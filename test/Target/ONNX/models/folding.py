"""Constants that operators compute: weights as exporters write them that fold nothing."""

import numpy as np

from .common import case, conv, node, random, sigmoid, simple, softmax


@case
def fold_weight_norm():
    """Weight normalisation: a direction over its length, times a gain."""
    x, v, g = random(1, 3, 6, 6), random(4, 3, 3, 3), random(4, 1, 1, 1)
    nodes = [
        node("ReduceL2", "v", "length", axes=[1, 2, 3]),
        node("Div", "v length", "direction"),
        node("Mul", "g direction", "w"),
        node("Conv", "x w", "y"),
    ]
    w = g * v / np.sqrt((v * v).sum((1, 2, 3), keepdims=True))
    return simple(13, nodes, {"x": x}, {"y": conv(x, w)}, {"v": v, "g": g})


@case
def fold_standardise():
    """Weight standardisation; the mean is read twice, and the weights have two readers."""
    x, v = random(1, 2, 5, 5), random(3, 2, 3, 3)
    nodes = [
        node("ReduceMean", "v", "mean", axes=[1, 2, 3]),
        node("Sub", "v mean", "centred"),
        node("Mul", "centred centred", "squares"),
        node("ReduceMean", "squares", "variance", axes=[1, 2, 3]),
        node("Add", "variance epsilon", "positive"),
        node("Sqrt", "positive", "deviation"),
        node("Div", "centred deviation", "w"),
        node("Conv", "x w", "a"),
        node("Relu", "w", "positive_w"),
        node("Conv", "x positive_w", "b"),
    ]
    epsilon = np.array([1e-5], np.float32)
    centred = v - v.mean((1, 2, 3), keepdims=True)
    w = centred / np.sqrt((centred * centred).mean((1, 2, 3), keepdims=True) + epsilon)
    given, expected = {"x": x}, {"a": conv(x, w), "b": conv(x, np.maximum(w, 0))}
    return simple(13, nodes, given, expected, {"v": v, "epsilon": epsilon})


@case
def fold_anything():
    """Operators of each kind in one chain of constants, a host operator's function and one with two results among them."""
    x, c, m = random(2, 4), random(2, 6), random(4, 4)
    nodes = [
        node("Clip", "c low high", "clipped"),
        node("Tanh", "clipped", "t"),
        node("Split", "t", "left right", axis=1),
        node("Pad", "left pads zero", "padded"),
        node("MatMul", "padded m", "product"),
        node("Softmax", "product", "shares", axis=1),
        node("Sigmoid", "right", "s"),
        node("ReduceMax", "s", "largest", axes=[1]),
        node("Sum", "x shares largest", "y"),
    ]
    t = np.tanh(np.clip(c, -1, 1))
    product = np.pad(t[:, :3], ((0, 0), (1, 0))) @ m
    y = x + softmax(product, 1) + sigmoid(t[:, 3:]).max(1, keepdims=True)
    constants = {"c": c, "m": m, "low": np.float32(-1), "high": np.float32(1), "zero": np.float32(0)}
    constants["pads"] = np.array([0, 1, 0, 0], np.int64)
    return simple(11, nodes, {"x": x}, {"y": y.astype(np.float32)}, constants)


@case
def fold_convolution():
    """A convolution of constants, into which the scale behind it goes, gives the weights of another."""
    x, image, kernel, scale = random(1, 3, 6, 6), random(5, 2, 4, 4), random(3, 2, 2, 2), random(1, 3, 1, 1)
    nodes = [
        node("Conv", "image kernel", "filtered"),
        node("Mul", "filtered scale", "w"),
        node("Conv", "x w", "y"),
    ]
    y = conv(x, conv(image, kernel) * scale)
    return simple(13, nodes, {"x": x}, {"y": y}, {"image": image, "kernel": kernel, "scale": scale})
