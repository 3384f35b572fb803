"""Comparisons of computed values, what joins them, and choices by them."""

import numpy as np
from onnx import TensorProto

from .common import case, conv, node, random, simple


@case
def compare():
    """All comparisons, broadcast over each other and behind a convolution, which lays its maps out in another order."""
    x, w, y = random(1, 3, 4, 4).round(), np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1), random(3, 1, 1).round()
    x[0, :, 0, 0] = y[:, 0, 0]
    ops = {"Equal": np.equal, "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal}
    nodes, expected = [node("Conv", "x w", "c")], {}
    for op, function in ops.items():
        nodes += [node(op, "c y", op + "_t"), node("Cast", op + "_t", op, to=TensorProto.FLOAT)]
        expected[op] = function(x, y).astype(np.float32)
    return simple(16, nodes, {"x": x, "y": y}, expected, {"w": w})


@case
def choose():
    """A quotient that is 0 where nothing is divided by, and choices by truths that are joined and cast."""
    x, y, z = random(2, 5), random(2, 5), random(1, 5)
    y[0, 1] = y[1, 3] = 0
    nodes = [
        node("Equal", "y zero", "none"),
        node("Div", "x y", "quotient"),
        node("Where", "none zero quotient", "safe"),
        node("Greater", "x z", "above"),
        node("Less", "y z", "below"),
        node("And", "above below", "and"),
        node("Or", "above below", "or"),
        node("Xor", "above mask", "xor"),
        node("Not", "and", "nand"),
        node("Where", "nand x z", "a"),
        node("Where", "or y z", "b"),
        node("Where", "xor x y", "c"),
        node("Cast", "y", "nonzero", to=TensorProto.BOOL),
        node("Where", "nonzero x z", "d"),
    ]
    mask = np.array([True, False, True, False, True])
    above, below = x > z, y < z
    with np.errstate(divide="ignore"):
        safe = np.where(y == 0, 0, x / y).astype(np.float32)
    expected = {"safe": safe, "a": np.where(above & below, z, x), "b": np.where(above | below, y, z), "c": np.where(above ^ mask, x, y), "d": np.where(y != 0, x, z)}
    return simple(13, nodes, {"x": x, "y": y, "z": z}, expected, {"zero": np.float32(0), "mask": mask})


@case
def steps():
    """Functions with a step: halves are rounded to even numbers."""
    x = np.float32([-2.5, -1.5, -1, -0.5, -0.25, 0, 0.49999997, 0.5, 1.25, 1.5, 2.5, 8388609])
    nodes = [node("Sign", "x", "sign"), node("Round", "x", "round"), node("Shrink", "x", "shrink", lambd=1.25, bias=0.5), node("ThresholdedRelu", "x", "above", alpha=0.5)]
    shrink = np.where(x > 1.25, x - 0.5, np.where(x < -1.25, x + 0.5, 0))
    expected = {"sign": np.sign(x), "round": np.round(x), "shrink": shrink, "above": np.where(x > 0.5, x, 0)}
    return simple(13, nodes, {"x": x}, {name: array.astype(np.float32) for name, array in expected.items()})


@case
def clip_computed():
    """Bounds that are computed: a range below the largest value, as spectrograms are cut."""
    x = random(2, 6) * 4
    nodes = [
        node("ReduceMax", "x", "top", keepdims=0),
        node("Sub", "top span", "floor"),
        node("Clip", "x floor", "a"),
        node("Clip", "x floor top", "b"),
        node("Clip", "x - floor", "c"),
    ]
    floor = x.max() - 5
    return simple(13, nodes, {"x": x}, {"a": np.maximum(x, floor), "b": np.maximum(x, floor), "c": np.minimum(x, floor)}, {"span": np.float32(5)})
