"""What the models are written with: the list of cases, nodes and graphs, and operators that several cases need."""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

CASES = {}
WITHOUT_REFERENCE = set()
rng = np.random.default_rng()


def seed(name):
    """Makes a case's numbers its own, whichever cases come before it."""
    rng.bit_generator.state = np.random.default_rng(list(name.encode())).bit_generator.state


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


erf = np.vectorize(math.erf, otypes=[np.float32])
sigmoid = lambda x: 1 / (1 + np.exp(-x))
