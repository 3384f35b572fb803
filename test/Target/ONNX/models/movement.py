"""What moves values and computes nothing."""

import numpy as np

from .common import case, conv, ints, node, random, simple


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
def enlarge():
    """Nearest elements by whole factors: what a map's layout expresses, and images and channels as well."""
    x, w = random(1, 3, 2, 3), random(4, 3, 1, 1)
    nodes = [
        node("Conv", "x w", "c"),
        node("Resize", "c - scales", "a", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        node("Resize", "c - - sizes", "b", mode="nearest"),
        node("Tile", "c repeats", "t"),
    ]
    c = conv(x, w)
    expected = {"a": c.repeat(2, 2).repeat(3, 3), "b": c.repeat(2, 0).repeat(2, 1).repeat(5, 3), "t": np.tile(c, (2, 1, 1, 3))}
    return simple(19, nodes, {"x": x}, expected, {"w": w, "scales": np.float32([1, 1, 2, 3]), "sizes": ints(2, 8, 2, 15), "repeats": ints(2, 1, 1, 3)})


@case
def enlarge_old():
    x = random(1, 2, 2, 3)
    nodes = [node("Resize", "x scales", "a", mode="nearest")]
    return simple(10, nodes, {"x": x}, {"a": x.repeat(2, 2)}, {"scales": np.float32([1, 1, 2, 1])})


@case
def blocks():
    """Channels to blocks of rows and columns and back, around a convolution."""
    x, w = random(1, 3, 4, 6), random(8, 12, 1, 1)
    nodes = [node("SpaceToDepth", "x", "d", blocksize=2), node("Conv", "d w", "c"), node("DepthToSpace", "c", "a", blocksize=2), node("DepthToSpace", "c", "b", blocksize=2, mode="CRD")]
    d = x.reshape(1, 3, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 12, 2, 3)
    c = conv(d, w)
    a = c.reshape(1, 2, 2, 2, 2, 3).transpose(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6)
    b = c.reshape(1, 2, 2, 2, 2, 3).transpose(0, 1, 4, 2, 5, 3).reshape(1, 2, 4, 6)
    return simple(13, nodes, {"x": x}, {"a": a, "b": b}, {"w": w})
