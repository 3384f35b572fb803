"""Resize and Upsample: every way to say which elements of the operand an element of the result comes from."""

import numpy as np

from .common import case, conv, ints, node, random, simple

ROUNDINGS = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def coordinates(kind, before, after, scale):
    i = np.arange(after)
    return {
        "half_pixel": (i + 0.5) / scale - 0.5,
        "pytorch_half_pixel": (i + 0.5) / scale - 0.5 if after > 1 else np.zeros(1),
        "asymmetric": i / scale,
        "align_corners": i * (before - 1) / max(after - 1, 1),
        "tf_half_pixel_for_nn": (i + 0.5) / scale,
        "half_pixel_symmetric": before / 2 * (1 - after / (scale * before)) + (i + 0.5) / scale - 0.5,
    }[kind]


def along(x, axis, kind, after, scale, rounding=None):
    """One axis resized: nearest elements by `rounding`, or linear."""
    at, last = coordinates(kind, x.shape[axis], after, scale), x.shape[axis] - 1
    pick = lambda index: x.take(np.clip(index, 0, last).astype(int), axis)
    if rounding:
        return pick(ROUNDINGS[rounding](at))
    low, share = np.floor(at), (at - np.floor(at)).reshape([-1 if d == axis else 1 for d in range(x.ndim)])
    return (pick(low) * (1 - share) + pick(low + 1) * share).astype(np.float32)


@case
def resize_nearest():
    """Every kind of coordinate with every rounding, larger and smaller, behind a convolution."""
    x, w = random(1, 2, 3, 8), random(2, 2, 1, 1)
    nodes, expected = [node("Conv", "x w", "c")], {}
    c = conv(x, w)
    for kind in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "tf_half_pixel_for_nn"):
        for rounding in ROUNDINGS:
            name = f"{kind}_{rounding}"
            nodes.append(node("Resize", "c - - sizes", name, coordinate_transformation_mode=kind, nearest_mode=rounding))
            expected[name] = along(along(c, 2, kind, 7, 7 / 3, rounding), 3, kind, 3, 3 / 8, rounding)
    return simple(13, nodes, {"x": x}, expected, {"w": w, "sizes": ints(1, 2, 7, 3)})


@case
def resize_linear():
    """Between elements, with an image axis and one that only repeats."""
    x, w = random(2, 2, 3, 4), random(3, 2, 1, 1)
    nodes, expected = [node("Conv", "x w", "c")], {}
    c = conv(x, w)
    for kind in ("half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric"):
        nodes.append(node("Resize", "c - scales", kind, mode="linear", coordinate_transformation_mode=kind))
        expected[kind] = along(along(c, 2, kind, 6, 2), 3, kind, 8 if kind == "align_corners" else 8, 2)
    nodes.append(node("Resize", "c - odd", "symmetric", mode="linear", coordinate_transformation_mode="half_pixel_symmetric"))
    expected["symmetric"] = along(along(c, 2, "half_pixel_symmetric", 7, 2.5), 3, "half_pixel_symmetric", 10, 2.5)
    return simple(19, nodes, {"x": x}, expected, {"w": w, "scales": np.float32([1, 1, 2, 2]), "odd": np.float32([1, 1, 2.5, 2.5])})


@case
def resize_axes():
    """Some axes alone, sizes that keep the ratio, and a region of the operand."""
    x = random(1, 2, 4, 6)
    nodes = [
        node("Resize", "x - scales", "a", axes=[3, 2]),
        node("Resize", "x - - sizes", "within", axes=[2, 3], keep_aspect_ratio_policy="not_larger"),
        node("Resize", "x - - sizes", "around", axes=[2, 3], keep_aspect_ratio_policy="not_smaller"),
        node("Resize", "x region - sizes", "part", axes=[2, 3], mode="linear", coordinate_transformation_mode="tf_crop_and_resize"),
    ]
    near = lambda scale, rows, columns: along(along(x, 2, "half_pixel", rows, scale[0], "round_prefer_floor"), 3, "half_pixel", columns, scale[1], "round_prefer_floor")
    rows, columns = np.linspace(0.25 * 3, 0.75 * 3, 6), np.linspace(0.2 * 5, 0.6 * 5, 12)
    between = lambda values, at: values[..., np.floor(at).astype(int)] * (1 - at % 1) + values[..., np.minimum(np.floor(at) + 1, values.shape[-1] - 1).astype(int)] * (at % 1)
    part = between(between(x.swapaxes(2, 3), rows).swapaxes(2, 3), columns)
    expected = {"a": near((2, 1.5), 8, 9), "within": near((1.5, 1.5), 6, 9), "around": near((2, 2), 8, 12), "part": part.astype(np.float32)}
    constants = {"scales": np.float32([1.5, 2]), "sizes": ints(6, 12), "region": np.float32([0.25, 0.2, 0.75, 0.6])}
    return simple(18, nodes, {"x": x}, expected, constants)


@case
def upsample_attribute():
    """Scales as an attribute, as opset 7 has them, and linear between elements."""
    x = random(1, 1, 2, 3)
    nodes = [node("Upsample", "x", "a", scales=[1.0, 1.0, 2.0, 1.5]), node("Upsample", "x", "b", scales=[1.0, 1.0, 2.0, 2.0], mode="linear")]
    expected = {"a": along(along(x, 2, "asymmetric", 4, 2, "floor"), 3, "asymmetric", 4, 1.5, "floor")}
    expected["b"] = along(along(x, 2, "asymmetric", 4, 2), 3, "asymmetric", 6, 2)
    return simple(7, nodes, {"x": x}, expected)
