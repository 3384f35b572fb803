"""ONNX operators in NumPy, in float64: what a model is meant to compute, written without a look at the compiler.

`compute(node, opset, operands)` returns the list of results. Absent optional operands are None. With `smooth`, QuantizeLinear saturates and does not round. Unknown operators raise KeyError.
"""
import math

import numpy as np

from modelfuzz import windows

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _ints(operand, attribute):
    value = operand if operand is not None else attribute
    return None if value is None else [int(v) for v in np.asarray(value).reshape(-1)]


def _sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def _softplus(x):
    return np.logaddexp(0, x)


def _clip(n, opset, x, low=None, high=None):
    low = n.attrs.get("min") if low is None else low
    high = n.attrs.get("max") if high is None else high
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _gelu(n, opset, x):
    if n.attrs.get("approximate", "none") == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def _elu(n, opset, x):
    return np.where(x > 0, x, n.attrs.get("alpha", 1.0) * np.expm1(np.minimum(x, 0)))


def _selu(n, opset, x):
    a, g = n.attrs.get("alpha", 1.6732632423543772), n.attrs.get("gamma", 1.0507009873554805)
    return g * np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))


def _celu(n, opset, x):
    a = n.attrs.get("alpha", 1.0)
    return np.maximum(x, 0) + np.minimum(0, a * np.expm1(np.minimum(x, 0) / a))


def _gemm(n, opset, a, b, c=None):
    a = a.T if n.attrs.get("transA", 0) else a
    b = b.T if n.attrs.get("transB", 0) else b
    y = n.attrs.get("alpha", 1.0) * (a @ b)
    return y if c is None else y + n.attrs.get("beta", 1.0) * c


def _batch_norm(n, opset, x, scale, bias, mean, var):
    shape = [1, -1] + [1] * (x.ndim - 2)
    k = scale / np.sqrt(var + n.attrs.get("epsilon", 1e-5))
    return x * k.reshape(shape) + (bias - mean * k).reshape(shape)


def _normalise(x, axes, epsilon):
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + epsilon)


def _layer_norm(n, opset, x, scale, bias=None):
    axis = n.attrs.get("axis", -1) % x.ndim
    y = _normalise(x, tuple(range(axis, x.ndim)), n.attrs.get("epsilon", 1e-5)) * scale
    return y if bias is None else y + bias


def _instance_norm(n, opset, x, scale, bias):
    shape = [1, -1] + [1] * (x.ndim - 2)
    return _normalise(x, tuple(range(2, x.ndim)), n.attrs.get("epsilon", 1e-5)) * scale.reshape(shape) + bias.reshape(shape)


def _group_norm(n, opset, x, scale, bias):
    groups = n.attrs["num_groups"]
    y = x.reshape([x.shape[0], groups, -1])
    y = _normalise(y, (2,), n.attrs.get("epsilon", 1e-5))
    if opset < 21:
        y = y * scale.reshape(1, -1, 1) + bias.reshape(1, -1, 1)
        return y.reshape(x.shape)
    shape = [1, -1] + [1] * (x.ndim - 2)
    return y.reshape(x.shape) * scale.reshape(shape) + bias.reshape(shape)


def _softmax(n, opset, x, log=False):
    axis = n.attrs.get("axis", -1 if opset >= 13 else 1) % x.ndim
    y = x if opset >= 13 else x.reshape(int(np.prod(x.shape[:axis], dtype=np.int64)), -1)
    axis = axis if opset >= 13 else 1
    y = y - y.max(axis=axis, keepdims=True)
    total = np.exp(y).sum(axis=axis, keepdims=True)
    return (y - np.log(total) if log else np.exp(y) / total).reshape(x.shape)


def _lrn(n, opset, x):
    size, channels = n.attrs["size"], x.shape[1]
    squares = np.zeros_like(x)
    for c in range(channels):
        squares[:, c] = (x[:, max(0, c - (size - 1) // 2):min(channels, c + size // 2 + 1)] ** 2).sum(axis=1)
    return x / (n.attrs.get("bias", 1.0) + n.attrs.get("alpha", 1e-4) / size * squares) ** n.attrs.get("beta", 0.75)


def _reduce(function):
    def reduce(n, opset, x, axes=None):
        axes = _ints(axes, n.attrs.get("axes"))
        if axes is None and n.attrs.get("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(x.ndim)) if axes is None else tuple(a % x.ndim for a in axes)
        return function(x, axis=axes, keepdims=bool(n.attrs.get("keepdims", 1)))
    return reduce


def _reshape(n, opset, x, shape):
    shape = _ints(shape, None)
    shape = [x.shape[i] if d == 0 and not n.attrs.get("allowzero", 0) else d for i, d in enumerate(shape)]
    return x.reshape(shape)


def _squeeze(n, opset, x, axes=None):
    axes = _ints(axes, n.attrs.get("axes"))
    axes = tuple(i for i, d in enumerate(x.shape) if d == 1) if axes is None else tuple(a % x.ndim for a in axes)
    return np.squeeze(x, axes)


def _unsqueeze(n, opset, x, axes=None):
    axes = _ints(axes, n.attrs.get("axes"))
    rank = x.ndim + len(axes)
    for a in sorted(a % rank for a in axes):
        x = np.expand_dims(x, a)
    return x


def _slice(n, opset, x, starts=None, ends=None, axes=None, steps=None):
    starts, ends = _ints(starts, n.attrs.get("starts")), _ints(ends, n.attrs.get("ends"))
    axes, steps = _ints(axes, n.attrs.get("axes")), _ints(steps, None)
    index = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts, ends)):
        axis, step = (i if axes is None else axes[i] % x.ndim), (1 if steps is None else steps[i])
        index[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(index)]


def _split(n, opset, x, sizes=None):
    axis = n.attrs.get("axis", 0) % x.ndim
    sizes = _ints(sizes, n.attrs.get("split"))
    if sizes is None:
        step = -(-x.shape[axis] // len(n.outputs))
        sizes = [min(step, x.shape[axis] - i * step) for i in range(len(n.outputs))]
    return np.split(x, np.cumsum(sizes)[:-1], axis)


def _pad(n, opset, x, pads=None, value=None):
    pads = _ints(pads, n.attrs.get("pads"))
    pairs = [(pads[i], pads[i + x.ndim]) for i in range(x.ndim)]
    mode = n.attrs.get("mode", "constant")
    if mode == "constant":
        return np.pad(x, pairs, constant_values=n.attrs.get("value", 0.0) if value is None else float(np.asarray(value).reshape(())))
    return np.pad(x, pairs, mode=mode)


def _resize(n, opset, x, *rest):
    scales = n.attrs["scales"] if not rest else rest[0] if n.op == "Upsample" or opset < 11 else rest[1]
    if scales is None or np.size(scales) == 0:
        scales = np.asarray(rest[2], dtype=np.float64) / np.asarray(x.shape)
    for axis, factor in enumerate(np.asarray(scales, dtype=np.float64).reshape(-1)):
        x = np.repeat(x, int(round(factor)), axis)
    return x


def _blocks(n, opset, x):
    b = n.attrs["blocksize"]
    batch, c, h, w = x.shape
    if n.op == "SpaceToDepth":
        return x.reshape(batch, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(batch, c * b * b, h // b, w // b)
    if n.attrs.get("mode", "DCR") == "DCR":
        y = x.reshape(batch, b, b, c // (b * b), h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(batch, c // (b * b), b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(batch, c // (b * b), h * b, w * b)


def _quantize(n, opset, x, scale, zero, rounding=np.rint):
    shape = [1] * x.ndim
    if np.size(scale) > 1:
        shape[n.attrs.get("axis", 1)] = -1
    scale, zero, info = np.reshape(scale, shape if np.size(scale) > 1 else ()), np.asarray(zero), np.iinfo(zero.dtype)
    zero = np.reshape(zero, np.shape(scale)).astype(np.float64)
    return np.clip(rounding(x / scale) + zero, info.min, info.max)


def _dequantize(n, opset, x, scale, zero):
    shape = [1] * x.ndim
    if np.size(scale) > 1:
        shape[n.attrs.get("axis", 1)] = -1
    shape = shape if np.size(scale) > 1 else ()
    return (x.astype(np.float64) - np.reshape(np.asarray(zero, np.float64), shape)) * np.reshape(scale, shape)


def _fold(function):
    def fold(n, opset, *xs):
        total = xs[0]
        for x in xs[1:]:
            total = function(total, x)
        return total
    return fold


def _one(function):
    return lambda n, opset, *xs: function(*xs)


OPERATORS = {
    "Abs": _one(np.abs), "Add": _one(np.add), "Sub": _one(np.subtract), "Mul": _one(np.multiply), "Div": _one(np.divide),
    "Neg": _one(np.negative), "Exp": _one(np.exp), "Log": _one(np.log), "Sqrt": _one(np.sqrt), "Erf": _one(_erf),
    "Reciprocal": _one(lambda x: 1 / x), "Pow": _one(np.power), "Sigmoid": _one(_sigmoid), "Tanh": _one(np.tanh),
    "Floor": _one(np.floor), "Ceil": _one(np.ceil), "Sin": _one(np.sin), "Cos": _one(np.cos),
    "Softplus": _one(_softplus), "Softsign": _one(lambda x: x / (1 + np.abs(x))), "Relu": _one(lambda x: np.maximum(x, 0)),
    "Mish": _one(lambda x: x * np.tanh(_softplus(x))), "Identity": _one(lambda x: x), "Dropout": _one(lambda x, *_: x),
    "HardSwish": _one(lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "HardSigmoid": lambda n, o, x: np.clip(n.attrs.get("alpha", 0.2) * x + n.attrs.get("beta", 0.5), 0, 1),
    "LeakyRelu": lambda n, o, x: np.where(x < 0, n.attrs.get("alpha", 0.01) * x, x),
    "PRelu": _one(lambda x, s: np.where(x < 0, s * x, x)), "Clip": _clip, "Gelu": _gelu, "Elu": _elu, "Selu": _selu, "Celu": _celu,
    "Max": _fold(np.maximum), "Min": _fold(np.minimum), "Sum": _fold(np.add),
    "Mean": lambda n, o, *xs: _fold(np.add)(n, o, *xs) / len(xs),
    "Conv": windows.convolve, "MaxPool": windows.max_pool, "AveragePool": windows.average_pool,
    "GlobalAveragePool": _one(lambda x: x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)),
    "GlobalMaxPool": _one(lambda x: x.max(axis=tuple(range(2, x.ndim)), keepdims=True)),
    "Gemm": _gemm, "MatMul": _one(np.matmul), "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm,
    "InstanceNormalization": _instance_norm, "GroupNormalization": _group_norm, "Softmax": _softmax,
    "LogSoftmax": lambda n, o, x: _softmax(n, o, x, log=True), "LRN": _lrn,
    "ReduceMean": _reduce(np.mean), "ReduceSum": _reduce(np.sum), "ReduceMax": _reduce(np.max), "ReduceMin": _reduce(np.min),
    "ReduceL1": _reduce(lambda x, **k: np.abs(x).sum(**k)), "ReduceL2": _reduce(lambda x, **k: np.sqrt((x * x).sum(**k))),
    "ReduceSumSquare": _reduce(lambda x, **k: (x * x).sum(**k)),
    "ReduceLogSumExp": _reduce(lambda x, **k: np.log(np.exp(x).sum(**k))),
    "Reshape": _reshape, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Slice": _slice, "Split": _split, "Pad": _pad,
    "Flatten": lambda n, o, x: x.reshape(int(np.prod(x.shape[:n.attrs.get("axis", 1)], dtype=np.int64)), -1),
    "Transpose": lambda n, o, x: x.transpose(n.attrs.get("perm", range(x.ndim)[::-1])),
    "Concat": lambda n, o, *xs: np.concatenate(xs, n.attrs["axis"]), "Resize": _resize, "Upsample": _resize,
    "DepthToSpace": _blocks, "SpaceToDepth": _blocks, "Expand": _one(lambda x, s: x * np.ones([int(d) for d in s])),
    "Tile": _one(lambda x, r: np.tile(x, [int(d) for d in r])), "Where": _one(lambda c, a, b: np.where(c, a, b)),
    "Gather": lambda n, o, x, i: np.take(x, np.asarray(i, np.int64), n.attrs.get("axis", 0)),
    "Shape": lambda n, o, x: np.asarray(x.shape, np.int64), "Cast": _one(lambda x: x),
    "MeanVarianceNormalization": lambda n, o, x: _normalise(x, tuple(n.attrs.get("axes", [0, 2, 3])), 1e-9),
    "QuantizeLinear": _quantize, "DequantizeLinear": _dequantize,
}


def compute(node, opset, operands, smooth=False):
    if smooth and node.op == "QuantizeLinear":
        return [_quantize(node, opset, *operands, rounding=lambda x: x)]
    results = OPERATORS[node.op](node, opset, *operands)
    return list(results) if isinstance(results, (list, tuple)) else [results]
