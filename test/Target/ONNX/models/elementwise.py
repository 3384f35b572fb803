"""Arithmetic and functions, element by element."""

import numpy as np

from .common import case, conv, erf, ints, node, random, simple


@case
def clip_attributes():
    x = random(3, 4) * 4
    nodes = [node("Clip", "x", "a", min=0.0, max=6.0), node("Clip", "x", "b", max=1.0)]
    return simple(7, nodes, {"x": x}, {"a": x.clip(0, 6), "b": x.clip(None, 1)})


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
def ranks():
    """What works by element, and a concatenation, on tensors of five and six ranks."""
    x, w, y = random(1, 3, 4, 6), random(12, 3, 1, 1), random(1, 3, 1, 4, 6)
    nodes = [
        node("Conv", "x w", "c"),
        node("Reshape", "c five", "r"),
        node("Sigmoid", "r", "s"),
        node("Add", "s y", "a"),
        node("Max", "a r", "m"),
        node("Mul", "m s", "p"),
        node("Clip", "p low high", "l"),
        node("Concat", "l s r", "k", axis=2),
        node("Transpose", "k", "t", perm=[0, 2, 1, 4, 3]),
        node("Tanh", "t", "out"),
        node("Reshape", "a six", "b"),
        node("Sigmoid", "b", "deep"),
    ]
    c = conv(x, w).reshape(1, 3, 4, 4, 6)
    s = 1 / (1 + np.exp(-c))
    a = s + y
    k = np.concatenate([np.clip(np.maximum(a, c) * s, -0.5, 1.5), s, c], 2)
    constants = {
        "w": w, "y": y, "five": ints(1, 3, 4, 4, 6), "six": ints(1, 3, 2, 2, 4, 6), "low": np.array(-0.5, np.float32), "high": np.array(1.5, np.float32),
    }  # fmt: skip
    expected = {"out": np.tanh(k.transpose(0, 2, 1, 4, 3)), "deep": 1 / (1 + np.exp(-a.reshape(1, 3, 2, 2, 4, 6)))}
    return simple(13, nodes, {"x": x}, expected, constants)


@case
def leaky():
    x = random(3, 4)
    nodes = [node("LeakyRelu", "x", "a"), node("LeakyRelu", "x", "b", alpha=2.0), node("Tanh", "x", "c")]
    return simple(7, nodes, {"x": x}, {"a": np.where(x < 0, np.float32(0.01) * x, x), "b": np.where(x < 0, 2 * x, x), "c": np.tanh(x)})


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
def units():
    """Exponential and parametric units of a map keep its layout; a slope belongs to a channel."""
    x, w, slope = random(1, 3, 4, 4) * 2, random(5, 3, 1, 1), random(5, 1, 1)
    nodes = [node("Conv", "x w", "c"), node("PRelu", "c slope", "p"), node("Elu", "c", "e", alpha=0.5), node("Celu", "c", "ce", alpha=2.0), node("Selu", "c", "s"),
             node("Softplus", "c", "sp"), node("Mish", "c", "m"), node("Softsign", "c", "ss")]  # fmt: skip
    c = conv(x, w)
    low = np.minimum(c, 0)
    softplus = np.log1p(np.exp(c))
    expected = {
        "p": np.where(c < 0, slope * c, c),
        "e": np.where(c < 0, 0.5 * np.expm1(low), c),
        "ce": np.where(c < 0, 2 * np.expm1(low / 2), c),
        "s": np.where(c < 0, 1.6732632 * np.expm1(low), c) * 1.0507010,
        "sp": softplus,
        "m": c * np.tanh(softplus),
        "ss": c / (1 + np.abs(c)),
    }
    return simple(18, nodes, {"x": x}, {key: value.astype(np.float32) for key, value in expected.items()}, {"w": w, "slope": slope})


@case
def softplus_large():
    """No power overflows."""
    x = np.float32([-200, -30, 0, 30, 200])
    return simple(13, [node("Softplus", "x", "y")], {"x": x}, {"y": np.logaddexp(0, x).astype(np.float32)})


@case
def power_types():
    """Exponents of any type of number, one for all or one for each."""
    x = np.abs(random(2, 3)) + np.float32(0.5)
    exponents = {"i32": np.array([1, 2, 3], np.int32), "i64": ints(0, -1, 2), "u8": np.array([[2], [3]], np.uint8), "one": np.array([[2]], np.int32)}
    nodes = [node("Pow", "x " + name, name + "_y") for name in exponents]
    return simple(15, nodes, {"x": x}, {name + "_y": (x ** e.astype(np.float32)).astype(np.float32) for name, e in exponents.items()}, exponents)
