#!/usr/bin/env python3
"""Writes small ONNX models for the importer's tests.

    make_model.py OUT_DIR CASE...    writes OUT_DIR/CASE.onnx, and OUT_DIR/CASE.npz with inputs and expected outputs
    make_model.py OUT_DIR --all      writes every case that has expected outputs

Expected outputs are computed here, with NumPy and from the operators' definitions.
"""

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
