"""Arithmetic on shapes, carried out at import."""

import numpy as np
from onnx import TensorProto, numpy_helper

from .common import case, ints, node, random, simple


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
