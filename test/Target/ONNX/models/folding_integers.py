"""Integers that operators compute of constants. What they give is cast to floats and added to the model's input."""

import numpy as np
from onnx import TensorProto

from .common import case, ints, node, random, simple


def folded(opset, nodes, expected, constants):
    """A model that adds each of the constants in `expected` (name -> array) to an input of one element."""
    x, nodes, results = random(1), list(nodes), {}
    for name, array in expected.items():
        nodes += [node("Cast", name, name + "_f", to=TensorProto.FLOAT), node("Add", f"x {name}_f", name + "_y")]
        results[name + "_y"] = (x + np.asarray(array).astype(np.float32)).astype(np.float32)
    return simple(opset, nodes, {"x": x}, results, constants)


@case
def fold_integer_reductions():
    """Every reduction of integers, as shapes are multiplied out; a mean rounds towards zero."""
    a = np.array([[3, -4, 5], [-6, 7, 0]], np.int32)
    axis = ints(1)
    ops = {
        "ReduceProd": a.prod(1),
        "ReduceSum": a.sum(1),
        "ReduceMax": a.max(1),
        "ReduceMin": a.min(1),
        "ReduceMean": np.trunc(a.sum(1) / 3),
        "ReduceL1": np.abs(a).sum(1),
        "ReduceSumSquare": (a * a).sum(1),
        "ReduceL2": np.trunc(np.sqrt((a * a).sum(1))),
    }
    nodes = [node(op, "a axis" if op == "ReduceSum" else "a", op, keepdims=0, **({} if op == "ReduceSum" else {"axes": [1]})) for op in ops]
    nodes.append(node("ReduceProd", "big", "product", keepdims=0))
    expected = {**ops, "product": np.int32(np.int64(65537 * 65536).astype(np.int32))}
    return folded(13, nodes, expected, {"a": a, "axis": axis, "big": np.array([65537, 65536], np.int32)})


@case
def fold_integer_arithmetic():
    """Division towards zero, remainders of both signs, shifts and bits, powers, and 64 bits that a double does not hold."""
    a, b = np.array([7, -7, 7, -7], np.int64), np.array([2, 2, -2, -2], np.int64)
    u, shift = np.array([1, 200, 255], np.uint8), np.array([1, 3, 8], np.uint8)
    large = ints(2**53 + 1, 2**63 - 1)
    nodes = [
        node("Div", "a b", "quotient"),
        node("Mod", "a b", "modulus"),
        node("Mod", "a b", "remainder", fmod=1),
        node("Pow", "a two", "power"),
        node("BitShift", "u shift", "left", direction="LEFT"),
        node("BitShift", "u shift", "right", direction="RIGHT"),
        node("Sign", "a", "sign"),
        node("Neg", "a", "negative"),
        node("Abs", "a", "size"),
        node("Clip", "a - one", "least"),
        node("Min", "a b one", "min3"),
        node("Max", "a", "max1"),
        node("Relu", "a", "positive"),
        node("Mul", "large large", "wrapped"),
        node("Sub", "large even", "difference"),
        node("Greater", "unsigned half", "above"),
    ]
    expected = {
        "quotient": np.trunc(a / b),
        "modulus": np.mod(a, b),
        "remainder": np.fmod(a, b),
        "power": a * a,
        "left": np.array([2, 64, 0]),
        "right": np.array([0, 25, 0]),
        "sign": np.sign(a),
        "negative": -a,
        "size": np.abs(a),
        "least": np.minimum(a, 1),
        "min3": np.minimum(np.minimum(a, b), 1),
        "max1": a,
        "positive": np.maximum(a, 0),
        "wrapped": large * large,
        "difference": large - 2**53,
        "above": np.array([1, 0]),
    }
    constants = {"a": a, "b": b, "u": u, "shift": shift, "two": ints(2), "one": np.array(1, np.int64), "large": large, "even": ints(2**53)}
    constants.update({"unsigned": np.array([2**63, 5], np.uint64), "half": np.array([2**62, 2**62], np.uint64)})
    return folded(14, nodes, expected, constants)


@case
def fold_truths():
    """Comparisons, and what joins truths."""
    a, b = np.array([1, 2, 3, 4], np.int32), np.array([4, 2, 3, 1], np.int32)
    f = np.array([np.nan, np.inf, -np.inf, 0], np.float32)
    nodes = [
        node("GreaterOrEqual", "a b", "ge"),
        node("LessOrEqual", "a b", "le"),
        node("Less", "a b", "lt"),
        node("Equal", "a b", "eq"),
        node("Xor", "ge le", "xor"),
        node("And", "ge le", "and"),
        node("Or", "lt eq", "or"),
        node("Not", "eq", "not"),
        node("IsNaN", "f", "nan"),
        node("IsInf", "f", "inf", detect_negative=0),
        node("Where", "ge a b", "where"),
        node("CastLike", "f_small a", "like"),
    ]
    expected = {"ge": a >= b, "le": a <= b, "lt": a < b, "eq": a == b, "xor": (a >= b) ^ (a <= b), "and": a == b, "or": a <= b, "not": a != b}
    expected.update({"nan": np.isnan(f), "inf": f == np.inf, "where": np.maximum(a, b), "like": np.array([1, -2])})
    return folded(16, nodes, expected, {"a": a, "b": b, "f": f, "f_small": np.array([1.75, -2.5], np.float32)})


@case
def fold_integer_movement():
    """Operators that move elements, of integers: parts, tiles, borders, blocks, triangles, and elements by their indices."""
    a = np.arange(12, dtype=np.int64).reshape(3, 4) - 5
    blocks = np.arange(16, dtype=np.int32).reshape(1, 4, 2, 2)
    nodes = [
        node("Split", "a", "left right", axis=1),
        node("Tile", "a twice", "tiled"),
        node("Pad", "a pads filling", "padded"),
        node("Pad", "a pads", "reflected", mode="reflect"),
        node("DepthToSpace", "blocks", "spread", blocksize=2),
        node("Trilu", "a one_n", "upper"),
        node("Trilu", "a", "lower", upper=0),
        node("GatherElements", "a along", "elements", axis=1),
        node("GatherND", "a tuples", "points"),
        node("ScatterElements", "a along ones", "written", axis=1),
        node("ScatterND", "a tuples pair", "placed"),
        node("Compress", "a mask", "kept", axis=0),
        node("Resize", "blocks - scales", "enlarged", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    ]
    along, tuples = ints(0, 3, -1, 2, 1, 1).reshape(3, 2), ints(0, 1, -1, 3).reshape(2, 2)
    written, placed = a.copy(), a.copy()
    np.put_along_axis(written, along, 9, 1)
    placed[[0, -1], [1, 3]] = [70, 80]
    spread = blocks.reshape(1, 2, 2, 1, 2, 2).transpose(0, 3, 4, 1, 5, 2).reshape(1, 1, 4, 4)
    expected = {
        "left": a[:, :2],
        "right": a[:, 2:],
        "tiled": np.tile(a, (2, 1)),
        "padded": np.pad(a, ((0, 1), (2, 0)), constant_values=-3),
        "reflected": np.pad(a, ((0, 1), (2, 0)), mode="reflect"),
        "spread": spread,
        "upper": np.triu(a, 1),
        "lower": np.tril(a),
        "elements": np.take_along_axis(a, along, 1),
        "points": a[[0, -1], [1, 3]],
        "written": written,
        "placed": placed,
        "kept": a[[0, 2]],
        "enlarged": blocks.repeat(2, 2).repeat(2, 3),
    }
    constants = {"a": a, "blocks": blocks, "twice": ints(2, 1), "pads": ints(0, 2, 1, 0), "filling": np.array(-3, np.int64), "one_n": np.array(1, np.int64)}
    constants.update({"along": along, "tuples": tuples, "ones": np.full((3, 2), 9, np.int64), "pair": ints(70, 80), "mask": np.array([True, False, True])})
    constants["scales"] = np.array([1, 1, 2, 2], np.float32)
    return folded(14, nodes, expected, constants)


@case
def fold_counts():
    """Ranges, sums so far, orders, places of what is not zero, and matrices of ones."""
    a = np.array([[3, 1, 2], [5, 5, -4]], np.int64)
    nodes = [
        node("CumSum", "a axis", "sums"),
        node("CumSum", "a axis", "before", exclusive=1, reverse=1),
        node("ArgMax", "a", "most", axis=1, keepdims=0),
        node("ArgMax", "a", "last", axis=1, keepdims=0, select_last_index=1),
        node("ArgMin", "a", "least", axis=0),
        node("TopK", "a two", "top places", axis=1),
        node("TopK", "a two", "- low", axis=0, largest=0),
        node("NonZero", "a", "where"),
        node("OneHot", "picks three on_off", "hot", axis=0),
        node("EyeLike", "a", "eye", k=1),
        node("Range", "from to by", "steps"),
        node("Range", "from_f to_f by_f", "real_steps"),
    ]
    eye = np.eye(2, 3, 1)
    expected = {
        "sums": a.cumsum(1),
        "before": np.array([[3, 2, 0], [1, -4, 0]]),
        "most": np.array([0, 0]),
        "last": np.array([0, 1]),
        "least": a.argmin(0)[None],
        "top": np.array([[3, 2], [5, 5]]),
        "places": np.array([[0, 2], [0, 1]]),
        "low": np.argsort(a, 0, kind="stable"),
        "where": np.array(np.nonzero(a)),
        "hot": np.where(np.arange(3)[:, None] == np.array([2, 1]), 7, -1),
        "eye": eye,
        "steps": np.arange(7, -6, -4),
        "real_steps": np.array([0.5, 1.25, 2.0]),
    }
    constants = {"a": a, "axis": np.array(1, np.int32), "two": ints(2), "picks": ints(2, -2), "three": np.array(3, np.int64), "on_off": ints(-1, 7)}
    constants.update({"from": np.array(7, np.int32), "to": np.array(-6, np.int32), "by": np.array(-4, np.int32)})
    constants.update({"from_f": np.float32(0.5), "to_f": np.float32(2.5), "by_f": np.float32(0.75)})
    return folded(13, nodes, expected, constants)
