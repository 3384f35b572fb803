#!/usr/bin/env python3
"""Writes small ONNX models for the importer's tests.

    make_model.py OUT_DIR CASE...    writes OUT_DIR/CASE.onnx, and OUT_DIR/CASE.npz with inputs and expected outputs
    make_model.py OUT_DIR --all      writes every case that has expected outputs

Expected outputs are computed here, with NumPy and from the operators' definitions.
"""

import math
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

CASES = {}
WITHOUT_REFERENCE = set()
rng = np.random.default_rng(7)


def case(function):
    CASES[function.__name__] = function
    return function


def structure(function):
    WITHOUT_REFERENCE.add(function.__name__)
    return case(function)


def random(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def node(op, inputs, outputs, name=None, **attributes):
    inputs, outputs = inputs.split(), outputs.split()
    inputs = ["" if i == "-" else i for i in inputs]
    return helper.make_node(op, inputs, outputs, name=name or "n_" + outputs[0], **attributes)


def model(opset, nodes, inputs, outputs, constants=None):
    """inputs and outputs: name -> shape; constants: name -> array."""
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes,
        "test",
        [info(*item) for item in inputs.items()],
        [info(*item) for item in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def simple(opset, nodes, given, expected, constants=None):
    """A model whose arguments and results have the shapes of the arrays."""
    shapes = lambda arrays: {name: array.shape for name, array in arrays.items()}
    return model(opset, nodes, shapes(given), shapes(expected), constants), given, expected


def conv(x, w, b=None, stride=1, pad=(0, 0, 0, 0), dilation=1, group=1):
    x = np.pad(x, ((0, 0), (0, 0), (pad[0], pad[2]), (pad[1], pad[3])))
    n, c, h, width = x.shape
    m, depth, r, s = w.shape
    p, q = (h - (r - 1) * dilation - 1) // stride + 1, (width - (s - 1) * dilation - 1) // stride + 1
    y = np.zeros((n, m, p, q), np.float64)
    for o in range(m):
        first = o // (m // group) * depth
        for i in range(r):
            for j in range(s):
                part = x[:, first : first + depth, i * dilation :, j * dilation :][:, :, : (p - 1) * stride + 1 : stride, : (q - 1) * stride + 1 : stride]
                y[:, o] += np.einsum("nchw,c->nhw", part, w[o, :, i, j])
    if b is not None:
        y += b[None, :, None, None]
    return y.astype(np.float32)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


# Convolutions


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


# Matrix products


@case
def flatten_gemm():
    """Flattening an NHWC map turns the weights, not the map."""
    x, w, v, b = random(2, 3, 4, 5), random(4, 3, 1, 1), random(6, 80), random(6)
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Flatten", "r", "f"), node("Gemm", "f v b", "y", transB=1, alpha=0.5, beta=2.0)]
    y = 0.5 * np.maximum(conv(x, w), 0).reshape(2, -1) @ v.T + 2 * b
    return simple(9, nodes, {"x": x}, {"y": y.astype(np.float32)}, {"w": w, "v": v, "b": b})


@case
def reshape_gemm_relu():
    """The activation between reshape and product does not force the reshape to happen."""
    x, w, v = random(1, 3, 4, 4), random(4, 3, 1, 1), random(64, 5)
    nodes = [
        node("Conv", "x w", "c"),
        node("Reshape", "c shape", "f"),
        node("Relu", "f", "r"),
        node("MatMul", "r v", "m"),
        node("Add", "bias m", "y"),
    ]
    bias = random(5)
    y = np.maximum(conv(x, w), 0).reshape(1, -1) @ v + bias
    return simple(13, nodes, {"x": x}, {"y": y.astype(np.float32)}, {"w": w, "v": v, "bias": bias, "shape": ints(0, -1)})


@case
def matmul_rank3():
    x, v, bias = random(2, 7, 6), random(6, 5), random(5)
    nodes = [node("MatMul", "x v", "m"), node("Add", "m bias", "a"), node("Sigmoid", "a", "y")]
    return simple(13, nodes, {"x": x}, {"y": (1 / (1 + np.exp(-(x @ v + bias)))).astype(np.float32)}, {"v": v, "bias": bias})


@case
def matmul_activations():
    """Leading extents broadcast, and the transpose of an operand is carried out once."""
    a, b = random(2, 3, 4, 5), random(3, 6, 5)
    nodes = [node("Transpose", "b", "t", perm=[0, 2, 1]), node("MatMul", "a t", "y")]
    return simple(13, nodes, {"a": a, "b": b}, {"y": a @ b.transpose(0, 2, 1)})


@case
def matmul_batched_constant():
    a, b = random(2, 4, 5), random(2, 5, 3)
    return simple(13, [node("MatMul", "a b", "y")], {"a": a}, {"y": a @ b}, {"b": b})


@case
def matmul_rank5():
    a, b = random(2, 1, 3, 4, 5), random(5, 3)
    return simple(13, [node("MatMul", "a b", "y")], {"a": a}, {"y": a @ b}, {"b": b})


@case
def gemm_activations():
    a, b, c = random(5, 4), random(5, 3), random(4, 1)
    nodes = [node("Gemm", "a b c", "y", transA=1, alpha=2.0, beta=0.5)]
    return simple(11, nodes, {"a": a, "b": b, "c": c}, {"y": 2 * a.T @ b + np.float32(0.5) * c})


# Pools


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


# Older and younger versions of operators


@case
def softmax_matrix():
    """Up to opset 12 all dimensions from the axis on are one."""
    x = random(2, 3, 4)
    nodes = [node("Softmax", "x", "a"), node("Softmax", "x", "b", axis=2), node("Softmax", "x", "c", axis=0)]
    a, c = softmax(x.reshape(2, 12), 1).reshape(x.shape), softmax(x.reshape(1, 24), 1).reshape(x.shape)
    return simple(11, nodes, {"x": x}, {"a": a, "b": softmax(x, 2), "c": c})


@case
def softmax_channels():
    x, w = random(1, 3, 2, 2), random(4, 3, 1, 1)
    nodes = [node("Conv", "x w", "c"), node("Softmax", "c", "y", axis=1)]
    return simple(13, nodes, {"x": x}, {"y": softmax(conv(x, w), 1)}, {"w": w})


@case
def clip_attributes():
    x = random(3, 4) * 4
    nodes = [node("Clip", "x", "a", min=0.0, max=6.0), node("Clip", "x", "b", max=1.0)]
    return simple(7, nodes, {"x": x}, {"a": x.clip(0, 6), "b": x.clip(None, 1)})


@case
def slice_attributes():
    x = random(3, 4, 5)
    nodes = [node("Slice", "x", "a", starts=[1, -3], ends=[2147483647, -1], axes=[0, 2]), node("Slice", "x", "b", starts=[0, 1], ends=[2, 3])]
    return simple(9, nodes, {"x": x}, {"a": x[1:, :, -3:-1], "b": x[0:2, 1:3]})


@case
def slice_steps():
    """Strides over rows and columns become a pool of 1x1; the others are reshapes."""
    x, w = random(1, 3, 7, 8), random(5, 3, 1, 1)
    nodes = [
        node("Conv", "x w", "c"),
        node("Slice", "c s0 e axes2 two", "a"),
        node("Slice", "c s0 e axes1 two1", "b"),
        node("Slice", "c minus lowest axes2 minus2", "d"),
    ]
    c = conv(x, w)
    big = 2**62
    constants = {
        "w": w, "s0": ints(1, 0), "e": ints(big, big), "axes2": ints(2, 3), "two": ints(2, 3), "axes1": ints(1, 3), "two1": ints(2, 1),
        "minus": ints(-1, big), "lowest": ints(-big, 0), "minus2": ints(-2, -1),
    }  # fmt: skip
    expected = {"a": c[:, :, 1::2, 0::3], "b": c[:, 1::2], "d": c[:, :, -1::-2, :0:-1]}
    return simple(13, nodes, {"x": x}, expected, constants)


@case
def squeeze_attributes():
    x = random(1, 3, 1, 4)
    nodes = [node("Squeeze", "x", "a", axes=[2]), node("Squeeze", "x", "b"), node("Unsqueeze", "b", "c", axes=[0, 3])]
    return simple(11, nodes, {"x": x}, {"a": x[:, :, 0], "b": x[0, :, 0], "c": x[0, :, 0][None, :, :, None]})


@case
def split_sizes():
    x, w = random(1, 3, 2, 2), random(7, 3, 1, 1)
    nodes = [node("Conv", "x w", "c"), node("Split", "c", "a b", axis=1, split=[3, 4]), node("Split", "x", "d e f", axis=1)]
    c = conv(x, w)
    expected = {"a": c[:, :3], "b": c[:, 3:], "d": x[:, :1], "e": x[:, 1:2], "f": x[:, 2:]}
    return simple(11, nodes, {"x": x}, expected, {"w": w})


@case
def split_uneven():
    x = random(1, 7)
    return simple(18, [node("Split", "x", "a b c", axis=1, num_outputs=3)], {"x": x}, {"a": x[:, :3], "b": x[:, 3:6], "c": x[:, 6:]})


@case
def pad_modes():
    x = random(1, 2, 4, 5)
    nodes = [
        node("Pad", "x pads seven", "a"),
        node("Pad", "x two - axes", "b", mode="reflect"),
        node("Pad", "x two - axes", "c", mode="edge"),
        node("Pad", "x two - axes", "d", mode="wrap"),
        node("Pad", "x cut", "e"),
    ]
    constants = {"pads": ints(0, 1, 0, 2, 0, 0, 1, 0), "seven": np.array(7, np.float32), "two": ints(1, 2, 3, 0), "axes": ints(2, -1), "cut": ints(0, 0, -1, 1, 0, 0, 0, -2)}
    widths = ((0, 0), (0, 0), (1, 3), (2, 0))
    expected = {
        "a": np.pad(x, ((0, 0), (1, 0), (0, 1), (2, 0)), constant_values=7),
        "b": np.pad(x, widths, "reflect"),
        "c": np.pad(x, widths, "edge"),
        "d": np.pad(x, widths, "wrap"),
        "e": np.pad(x[:, :, 1:, :3], ((0, 0), (0, 0), (0, 0), (1, 0))),
    }
    return simple(19, nodes, {"x": x}, expected, constants)


@case
def pad_attributes():
    x = random(2, 3)
    nodes = [node("Pad", "x", "a", pads=[0, 1, 1, 0], value=2.0), node("Pad", "x", "b", pads=[0, 1, 0, 1], mode="reflect")]
    return simple(10, nodes, {"x": x}, {"a": np.pad(x, ((0, 1), (1, 0)), constant_values=2), "b": np.pad(x, ((0, 0), (1, 1)), "reflect")})


@case
def broadcast():
    x, w, y = random(1, 3, 4, 4), random(3, 3, 1, 1), random(4, 1)
    nodes = [
        node("Conv", "x w", "c"),
        node("Add", "c y", "a"),
        node("Sub", "y c", "b"),
        node("Div", "c k", "d"),
        node("Div", "k e", "f"),
        node("Sigmoid", "c", "e"),
        node("Sum", "x y c k", "g"),
    ]
    c = conv(x, w)
    k = np.float32([[[2.0]], [[3.0]], [[5.0]]])
    e = 1 / (1 + np.exp(-c))
    expected = {"a": c + y, "b": y - c, "d": c / k, "f": (k / e).astype(np.float32), "g": x + y + c + k}
    return simple(7, nodes, {"x": x, "y": y}, expected, {"w": w, "k": k})


@case
def scalars():
    x = np.array(3.0, np.float32)
    nodes = [node("Mul", "x two", "a"), node("Relu", "a", "b")]
    return simple(13, nodes, {"x": x}, {"b": np.array(6.0, np.float32)}, {"two": np.array(2.0, np.float32)})


@case
def leaky():
    x = random(3, 4)
    nodes = [node("LeakyRelu", "x", "a"), node("LeakyRelu", "x", "b", alpha=2.0), node("Tanh", "x", "c")]
    return simple(7, nodes, {"x": x}, {"a": np.where(x < 0, np.float32(0.01) * x, x), "b": np.where(x < 0, 2 * x, x), "c": np.tanh(x)})


@case
def shape_arithmetic():
    """What exporters write for x.view(x.size(0), -1, 2): computed at import."""
    x = random(2, 3, 4)
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n zeros", "n1"),
        node("Slice", "s one three", "t"),
        node("Mul", "t t", "sq"),
        node("Div", "sq t", "back"),
        node("Constant", "", "minus", value_ints=[-1]),
        node("ConstantOfShape", "one", "two", value=numpy_helper.from_array(np.array([2], np.int64))),
        node("Cast", "n1", "n2", to=TensorProto.FLOAT),
        node("Cast", "n2", "n3", to=TensorProto.INT64),
        node("Concat", "n3 minus two", "shape", axis=0),
        node("Reshape", "x shape", "y"),
        node("Reshape", "y back0", "z"),
        node("Concat", "n1 back", "back0", axis=0),
    ]
    constants = {"zero": np.array(0, np.int64), "zeros": ints(0), "one": ints(1), "three": ints(3)}
    return simple(13, nodes, {"x": x}, {"y": x.reshape(2, -1, 2), "z": x}, constants)


@case
def shuffle():
    """Channel shuffle: a reshape that layouts cannot express."""
    x, w = random(1, 3, 2, 2), random(6, 3, 1, 1)
    nodes = [node("Conv", "x w", "c"), node("Reshape", "c split", "r"), node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]), node("Reshape", "t join", "y")]
    y = conv(x, w).reshape(1, 2, 3, 2, 2).transpose(0, 2, 1, 3, 4).reshape(1, 6, 2, 2)
    return simple(13, nodes, {"x": x}, {"y": y}, {"w": w, "split": ints(1, 2, 3, 2, 2), "join": ints(0, 6, 2, 2)})


@case
def nhwc_edges():
    """A model exported with transposes around each convolution: they all cancel."""
    x, w = random(1, 4, 4, 3), random(3, 3, 3, 3)
    nodes = [node("Transpose", "x", "t0", perm=[0, 3, 1, 2])]
    y, last = x.transpose(0, 3, 1, 2), "t0"
    for i in range(2):
        nodes += [
            node("Conv", last + " w", "c%d" % i, pads=[1, 1, 1, 1]),
            node("Transpose", "c%d" % i, "u%d" % i, perm=[0, 2, 3, 1]),
            node("Relu", "u%d" % i, "r%d" % i),
            node("Transpose", "r%d" % i, "v%d" % i, perm=[0, 3, 1, 2]),
        ]
        last = "v%d" % i
        y = np.maximum(conv(y, w, pad=(1, 1, 1, 1)), 0)
    nodes.append(node("Transpose", last, "y", perm=[0, 2, 3, 1]))
    return simple(13, nodes, {"x": x}, {"y": y.transpose(0, 2, 3, 1)}, {"w": w})


# Functions, and what Transformers are made of


erf = np.vectorize(math.erf, otypes=[np.float32])
sigmoid = lambda x: 1 / (1 + np.exp(-x))


@case
def functions():
    x = np.abs(random(2, 3)) + np.float32(0.1)
    given, nodes, expected = {"x": x}, [], {}
    for op, function in {"Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Erf": erf, "Neg": np.negative, "Reciprocal": np.reciprocal}.items():
        nodes.append(node(op, "x", op))
        expected[op] = function(x)
    nodes.append(node("Abs", "Neg", "Abs"))
    return simple(13, nodes, given, dict(expected, Abs=x))


@case
def functions_of_maps():
    """They keep the layout that a convolution gave."""
    x, w = random(1, 3, 4, 4), random(5, 3, 1, 1)
    nodes = [node("Conv", "x w", "c"), node("Abs", "c", "a"), node("Sqrt", "a", "s"), node("Exp", "s", "y")]
    return simple(9, nodes, {"x": x}, {"y": np.exp(np.sqrt(np.abs(conv(x, w))))}, {"w": w})


@case
def scalar_function():
    x = np.array(4.0, np.float32)
    return simple(13, [node("Sqrt", "x", "y"), node("Pow", "x e", "z")], {"x": x}, {"y": np.sqrt(x), "z": x**3}, {"e": np.array(3.0, np.float32)})


@case
def hard_functions():
    x = random(3, 5) * 4
    nodes = [node("HardSigmoid", "x", "a"), node("HardSigmoid", "x", "b", alpha=0.5, beta=0.25), node("HardSwish", "x", "c")]
    hard = lambda alpha, beta: np.clip(np.float32(alpha) * x + np.float32(beta), 0, 1)
    return simple(14, nodes, {"x": x}, {"a": hard(0.2, 0.5), "b": hard(0.5, 0.25), "c": (x * hard(1 / 6, 0.5)).astype(np.float32)})


@case
def hard_sigmoid_old():
    x = random(3, 5) * 4
    return simple(7, [node("HardSigmoid", "x", "a")], {"x": x}, {"a": np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1)})


@case
def gelu():
    x = random(3, 5) * 2
    nodes = [node("Gelu", "x", "a"), node("Gelu", "x", "b", approximate="tanh")]
    exact = x * (1 + erf(x / np.sqrt(2).astype(np.float32))) / 2
    tanh = x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    return simple(20, nodes, {"x": x}, {"a": exact.astype(np.float32), "b": tanh.astype(np.float32)})


@case
def powers():
    x = np.abs(random(2, 3)) + np.float32(0.1)
    e = random(3)
    constants = {"one": np.float32([1]), "two": np.array(2, np.int64), "three": np.array(3.0, np.float32), "half": np.array(0.5, np.float32), "odd": np.array(-1.5, np.float32), "row": np.float32([[[1], [2]]])}
    nodes = [node("Pow", "x " + name, name + "_y") for name in constants] + [node("Pow", "x e", "e_y")]
    expected = {name + "_y": np.power(x, value).astype(np.float32) for name, value in constants.items()}
    return simple(13, nodes, {"x": x, "e": e}, dict(expected, e_y=np.power(x, e)), constants)


@case
def min_max():
    x, y, z = random(2, 3), random(3), random(2, 1)
    nodes = [node("Min", "x y z", "a"), node("Max", "x y", "b"), node("Max", "x", "c"), node("Min", "x k", "d")]
    expected = {"a": np.minimum(np.minimum(x, y), z), "b": np.maximum(x, y), "c": x, "d": np.minimum(x, np.float32(0.25))}
    return simple(13, nodes, {"x": x, "y": y, "z": z}, expected, {"k": np.array(0.25, np.float32)})


@case
def gather():
    """Few runs are slices; many single elements are a tosa.gather; a scalar index drops the dimension."""
    x = random(2, 12, 3)
    picks = {"first": np.array(0, np.int64), "last": ints(-1), "some": ints(1, 2, 3, 0), "many": ints(11, 9, 7, 5, 3, 1, 0, 2, 4, 6), "matrix": np.array([[1, 2], [5, 0]], np.int64)}
    nodes = [node("Gather", "x " + name, name + "_y", axis=1) for name in picks] + [node("Gather", "x last", "z")]
    expected = {name + "_y": np.take(x, value, 1) for name, value in picks.items()}
    return simple(13, nodes, {"x": x}, dict(expected, z=x[-1:]), picks)


@case
def where_expand():
    x, y = random(2, 1, 3), random(4, 1)
    mask = np.tril(np.ones((4, 3), bool))
    nodes = [node("Where", "mask x low", "a"), node("Where", "mask x y", "b"), node("Expand", "x shape", "c"), node("Expand", "x same", "d")]
    low = np.array(-1e9, np.float32)
    expected = {"a": np.where(mask, x, low), "b": np.where(mask, x, y), "c": np.broadcast_to(x, (2, 4, 3)), "d": x}
    return simple(16, nodes, {"x": x, "y": y}, expected, {"mask": mask, "low": low, "shape": ints(4, 1), "same": ints(1)})


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


def layer_norm(x, scale, bias, axis=-1, epsilon=1e-5):
    axes = tuple(range(axis % x.ndim, x.ndim))
    d = x - x.mean(axes, keepdims=True)
    y = d / np.sqrt((d * d).mean(axes, keepdims=True) + np.float32(epsilon)) * scale
    return (y if bias is None else y + bias).astype(np.float32)


@case
def layernorm():
    x, s, b, t = random(2, 3, 8), random(8), random(8), random(3, 8)
    nodes = [node("LayerNormalization", "x s b", "a"), node("LayerNormalization", "x t", "c", axis=1, epsilon=1e-3, stash_type=1)]
    return simple(17, nodes, {"x": x}, {"a": layer_norm(x, s, b), "c": layer_norm(x, t, None, 1, 1e-3)}, {"s": s, "b": b, "t": t})


def attention_block(opset, batch=1, tokens=5, width=8, heads=2):
    """An encoder block as exporters write it: heads by reshape and transpose, a mask that is added, GELU, layer norms."""
    x = random(batch, tokens, width)
    constants, nodes = {}, []
    depth = width // heads

    def weight(name, *shape):
        constants[name] = random(*shape) * np.float32(0.5)
        return constants[name]

    def dense(source, name, rows, columns):
        weight(name + "_w", rows, columns), weight(name + "_b", columns)
        nodes.append(node("MatMul", "%s %s_w" % (source, name), name + "_m"))
        nodes.append(node("Add", "%s_b %s_m" % (name, name), name))

    def norm(source, name):
        weight(name + "_g", width), weight(name + "_h", width)
        if opset >= 17:
            nodes.append(node("LayerNormalization", "%s %s_g %s_h" % (source, name, name), name, axis=-1, epsilon=1e-5))
            return
        axes = dict(axes=[-1]) if opset < 18 else {}
        nodes.append(node("ReduceMean", source, name + "_mean", **axes))
        nodes.append(node("Sub", "%s %s_mean" % (source, name), name + "_d"))
        nodes.append(node("Pow", name + "_d two", name + "_sq"))
        nodes.append(node("ReduceMean", name + "_sq", name + "_var", **axes))
        nodes.append(node("Add", name + "_var eps", name + "_ve"))
        nodes.append(node("Sqrt", name + "_ve", name + "_std"))
        nodes.append(node("Div", "%s_d %s_std" % (name, name), name + "_n"))
        nodes.append(node("Mul", "%s_n %s_g" % (name, name), name + "_ng"))
        nodes.append(node("Add", "%s_ng %s_h" % (name, name), name))

    constants.update(two=np.array(2.0, np.float32), eps=np.array(1e-5, np.float32), split=ints(0, 0, heads, depth), join=ints(0, 0, width),
                     scale=np.array(np.sqrt(depth), np.float32), mask=np.where(rng.random((1, 1, 1, tokens)) < 0.3, -1e4, 0).astype(np.float32))  # fmt: skip
    for name in "qkv":
        dense("x", name, width, width)
        nodes.append(node("Reshape", name + " split", name + "_s"))
        nodes.append(node("Transpose", name + "_s", name + "_t", perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]))
    nodes += [
        node("MatMul", "q_t k_t", "scores"),
        node("Div", "scores scale", "scaled"),
        node("Add", "scaled mask", "masked"),
        node("Softmax", "masked", "weights", axis=-1),
        node("MatMul", "weights v_t", "context"),
        node("Transpose", "context", "context_t", perm=[0, 2, 1, 3]),
        node("Reshape", "context_t join", "joined"),
    ]
    dense("joined", "o", width, width)
    nodes.append(node("Add", "o x", "r1"))
    norm("r1", "n1")
    dense("n1", "f1", width, 2 * width)
    if opset >= 20:
        nodes.append(node("Gelu", "f1", "g"))
    else:
        constants.update(root=np.array(np.sqrt(2), np.float32), one=np.array(1.0, np.float32), half=np.array(0.5, np.float32))
        nodes += [node("Div", "f1 root", "g0"), node("Erf", "g0", "g1"), node("Add", "g1 one", "g2"), node("Mul", "f1 g2", "g3"), node("Mul", "g3 half", "g")]
    dense("g", "f2", 2 * width, width)
    nodes.append(node("Add", "f2 n1", "r2"))
    norm("r2", "y")

    c = constants
    apply = lambda value, name: value @ c[name + "_w"] + c[name + "_b"]
    split = lambda value: value.reshape(batch, tokens, heads, depth).transpose(0, 2, 1, 3)
    q, k, v = (split(apply(x, name)) for name in "qkv")
    context = softmax(q @ k.transpose(0, 1, 3, 2) / c["scale"] + c["mask"], -1) @ v
    r1 = apply(context.transpose(0, 2, 1, 3).reshape(batch, tokens, width), "o") + x
    n1 = layer_norm(r1, c["n1_g"], c["n1_h"])
    f1 = apply(n1, "f1")
    r2 = apply(f1 * (1 + erf(f1 / np.float32(np.sqrt(2)))) / 2, "f2") + n1
    return simple(opset, nodes, {"x": x}, {"y": layer_norm(r2, c["y_g"], c["y_h"])}, constants)


@case
def attention_13():
    return attention_block(13)


@case
def attention_17():
    return attention_block(17, batch=2)


@case
def attention_20():
    return attention_block(20, heads=1)


@case
def shape_functions():
    """Comparisons, choices, ranges and roots of shapes: computed at import."""
    x = random(2, 3, 4)
    nodes = [
        node("Shape", "x", "s"),
        node("Equal", "target minus", "unknown"),
        node("ConstantOfShape", "three", "ones", value=numpy_helper.from_array(np.array([1], np.int64))),
        node("Where", "unknown ones target", "shape"),
        node("Expand", "x shape", "y"),
        node("Range", "zero_n rank one_n", "r"),
        node("Gather", "s r", "s2"),
        node("Max", "s2 shape", "s3"),
        node("Reshape", "x s3", "z"),
        node("Gather", "s two_n", "d"),
        node("Cast", "d", "df", to=TensorProto.FLOAT),
        node("Sqrt", "df", "root"),
        node("Div", "x root", "q"),
    ]
    n = lambda value: np.array(value, np.int64)
    constants = {"target": ints(-1, 3, 4), "minus": ints(-1), "three": ints(3), "zero_n": n(0), "rank": n(3), "one_n": n(1), "two_n": n(2)}
    return simple(13, nodes, {"x": x}, {"y": x, "z": x, "q": x / np.float32(2)}, constants)


# Quantised models


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


# Files


@structure
def symbolic():
    return model(13, [node("Relu", "x", "y")], {"x": ("batch", 3, "width", None)}, {"y": ("batch", 3, "width", None)}), {}, {}


@case
def external():
    """Weights in a file beside the model."""
    x, w = random(1, 2, 3, 3), random(4, 2, 1, 1)
    return simple(13, [node("Conv", "x w", "y")], {"x": x}, {"y": conv(x, w)}, {"w": w})


def write_external(folder, proto):
    tensor = proto.graph.initializer[0]
    with open(os.path.join(folder, "external.bin"), "wb") as file:
        file.write(b"\0" * 16 + tensor.raw_data)
    length = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "external.bin"), ("offset", "16"), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


@case
def initialiser_types():
    """Every element type, inline as lists and as raw bytes, and 4-bit integers."""
    nodes, expected, constants = [], {}, []
    values = [0, 1, 2, 3, 5]
    types = ["FLOAT", "DOUBLE", "FLOAT16", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64", "BOOL"]
    for type_name in types:
        code = getattr(TensorProto, type_name)
        array = np.array(values).astype(helper.mapping.TENSOR_TYPE_TO_NP_TYPE[code])
        for how in ("list", "raw"):
            name = type_name.lower() + "_" + how
            if how == "raw":
                tensor = numpy_helper.from_array(array, name)
            else:
                tensor = helper.make_tensor(name, code, [5], array.tolist())
            constants.append(tensor)
            nodes.append(node("Cast", name, name + "_f", to=TensorProto.FLOAT))
            expected[name + "_f"] = array.astype(np.float32)
    bfloat = TensorProto(name="bfloat16", data_type=TensorProto.BFLOAT16, dims=[2], raw_data=np.float32([1.5, -2]).tobytes()[2:4] + np.float32([-2]).tobytes()[2:])
    four = TensorProto(name="int4", data_type=22, dims=[3], raw_data=bytes([0x2F, 0x08]))
    for tensor, array in ((bfloat, np.float32([1.5, -2])), (four, np.float32([-1, 2, -8]))):
        constants.append(tensor)
        nodes.append(node("Cast", tensor.name, tensor.name + "_f", to=TensorProto.FLOAT))
        expected[tensor.name + "_f"] = array
    proto = model(13, nodes, {}, {name: array.shape for name, array in expected.items()})
    proto.graph.initializer.extend(constants)
    return proto, {}, expected


def main():
    folder, names = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    if names == ["--all"]:
        names = [name for name in CASES if name not in WITHOUT_REFERENCE]
    for name in names:
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
