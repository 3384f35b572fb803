"""Pools and reductions."""

import numpy as np

from .common import case, conv, ints, node, random, simple


def pool(x, kernel, stride, low, high, ceil, include):
    """Average over rows, brute force, in one dimension of [N, C, W]."""
    n, c, w = x.shape
    span = w + low + high - kernel
    out = (-(-span // stride) if ceil else span // stride) + 1
    if ceil and (out - 1) * stride >= w + low:
        out -= 1
    y = np.zeros((n, c, out), np.float32)
    for o in range(out):
        first = o * stride - low
        inside = [i for i in range(first, first + kernel) if 0 <= i < w]
        counted = [i for i in range(first, first + kernel) if -low <= i < w + high] if include else inside
        y[:, :, o] = x[:, :, inside].sum(2) / len(counted)
    return y


@case
def averagepool_ceil():
    x = random(1, 2, 8)
    given, expected, nodes = {"x": x}, {}, []
    for name, (k, s, pads, ceil, include) in {
        "a": (3, 2, (0, 0), 1, 0),
        "b": (3, 2, (1, 1), 1, 1),
        "c": (3, 2, (1, 1), 1, 0),
        "d": (3, 3, (1, 0), 0, 1),
        "e": (2, 3, (1, 1), 1, 1),
    }.items():
        nodes.append(node("AveragePool", "x", name, kernel_shape=[k], strides=[s], pads=pads, ceil_mode=ceil, count_include_pad=include))
        expected[name] = pool(x, k, s, *pads, ceil, include)
    return simple(19, nodes, given, expected)


@case
def reducemean_axes():
    x = random(2, 3, 4, 5)
    nodes = [
        node("ReduceMean", "x hw", "a", keepdims=0),
        node("ReduceMean", "x c", "b"),
        node("ReduceMean", "x", "d"),
        node("ReduceMean", "x none", "e", noop_with_empty_axes=1),
        node("ReduceMean", "x ends", "f", keepdims=0),
    ]
    expected = {"a": x.mean((2, 3)), "b": x.mean(1, keepdims=True), "d": x.mean(keepdims=True), "e": x, "f": x.mean((0, 3))}
    constants = {"hw": ints(2, -1), "c": ints(1), "none": ints(), "ends": ints(0, 3)}
    return simple(18, nodes, {"x": x}, {k: np.asarray(v, np.float32) for k, v in expected.items()}, constants)


@case
def reducemean_attribute():
    x = random(1, 3, 4, 5)
    nodes = [node("ReduceMean", "x", "a", axes=[2, 3]), node("ReduceMean", "x", "b", axes=[-1], keepdims=0)]
    return simple(11, nodes, {"x": x}, {"a": x.mean((2, 3), keepdims=True), "b": x.mean(3)})


@case
def reductions():
    x = random(2, 3, 4)
    nodes = [
        node("ReduceSum", "x last", "a"),
        node("ReduceSum", "x last", "b", keepdims=0),
        node("ReduceMax", "x", "c", axes=[1, 2]),
        node("ReduceMin", "x", "d", axes=[0], keepdims=0),
        node("ReduceMean", "x", "e", axes=[-1]),
    ]
    expected = {"a": x.sum(2, keepdims=True), "b": x.sum(2), "c": x.max((1, 2), keepdims=True), "d": x.min(0), "e": x.mean(2, keepdims=True)}
    return simple(13, nodes, {"x": x}, expected, {"last": ints(-1)})


@case
def reductions_young():
    x = random(2, 3, 4)
    nodes = [node("ReduceMax", "x last", "a"), node("ReduceMin", "x last", "b", keepdims=0), node("ReduceSum", "x", "c", noop_with_empty_axes=1)]
    return simple(18, nodes, {"x": x}, {"a": x.max(2, keepdims=True), "b": x.min(2), "c": x}, {"last": ints(2)})


@case
def reductions_composed():
    """A function before or behind the sum; over an extent of 1 as well, and with axes as an operand."""
    x = np.abs(random(2, 3, 1)) + np.float32(0.1)
    functions = {
        "ReduceL1": lambda a: np.abs(x).sum(a, keepdims=True),
        "ReduceL2": lambda a: np.sqrt((x * x).sum(a, keepdims=True)),
        "ReduceSumSquare": lambda a: (x * x).sum(a, keepdims=True),
        "ReduceLogSum": lambda a: np.log(x.sum(a, keepdims=True)),
        "ReduceLogSumExp": lambda a: np.log(np.exp(x).sum(a, keepdims=True)),
        "ReduceProd": lambda a: x.prod(a, keepdims=True),
    }
    nodes, expected = [], {}
    for op, function in functions.items():
        for name, axes in (("rows", 1), ("one", 2)):
            nodes.append(node(op, "x " + name, op + name))
            expected[op + name] = function(axes)
    return simple(18, nodes, {"x": x}, expected, {"rows": ints(1), "one": ints(2)})


@case
def globalmaxpool_map():
    x, w = random(2, 3, 4, 5), random(6, 3, 1, 1)
    return simple(13, [node("Conv", "x w", "c"), node("GlobalMaxPool", "c", "y")], {"x": x}, {"y": conv(x, w).max((2, 3), keepdims=True)}, {"w": w})


@case
def batchnorm_computed():
    """Statistics of the batch itself: parameters that are computed, behind a convolution into which nothing is folded."""
    x, w, bias = random(2, 3, 4, 4), random(4, 3, 1, 1), random(4)
    nodes = [
        node("Conv", "x w", "c"),
        node("ReduceMean", "c", "mean", axes=[0, 2, 3], keepdims=0),
        node("ReduceSumSquare", "c", "sum", axes=[0, 2, 3], keepdims=0),
        node("Mul", "sum share", "power"),
        node("BatchNormalization", "c power bias mean power", "y", epsilon=0.01),
    ]
    c = conv(x, w)
    mean, power = c.mean((0, 2, 3)), (c * c).sum((0, 2, 3)) / 32
    column = lambda v: v.reshape(1, 4, 1, 1)
    y = (c - column(mean)) / np.sqrt(column(power) + 0.01) * column(power) + column(bias)
    return simple(15, nodes, {"x": x}, {"y": y.astype(np.float32)}, {"w": w, "bias": bias, "share": np.float32(1 / 32)})
