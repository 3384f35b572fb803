"""Soft-max, layer normalisation and attention."""

import numpy as np

from .common import case, conv, erf, ints, node, random, rng, simple, softmax


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


@case
def layernorm_statistics():
    """The mean and the inverse of the standard deviation may be used as well."""
    x, s = random(2, 3, 8), random(8)
    mean = x.mean(2, keepdims=True)
    inverse = (1 / np.sqrt(x.var(2, keepdims=True) + 1e-5)).astype(np.float32)
    return simple(17, [node("LayerNormalization", "x s", "y mean inverse")], {"x": x}, {"y": layer_norm(x, s, None), "mean": mean, "inverse": inverse}, {"s": s})


def normalise(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + np.float32(1e-5))


@case
def instancenorm():
    x, w, s, b = random(2, 3, 4, 5), random(6, 3, 1, 1), random(6), random(6)
    y = normalise(conv(x, w), (2, 3)) * s[:, None, None] + b[:, None, None]
    return simple(13, [node("Conv", "x w", "c"), node("InstanceNormalization", "c s b", "y")], {"x": x}, {"y": y.astype(np.float32)}, {"w": w, "s": s, "b": b})


def group_normalisation(opset, count):
    x, s, b = random(2, 6, 3, 4), random(count), random(count)
    column = lambda value: np.repeat(value, 6 // count)[:, None, None]
    y = normalise(x.reshape(2, 2, -1), 2).reshape(x.shape) * column(s) + column(b)
    return simple(opset, [node("GroupNormalization", "x s b", "y", num_groups=2)], {"x": x}, {"y": y.astype(np.float32)}, {"s": s, "b": b})


@case
def groupnorm_of_groups():
    return group_normalisation(18, 2)


@case
def groupnorm_of_channels():
    return group_normalisation(21, 6)


@case
def logsoftmax_matrix():
    """Up to opset 12 all dimensions from the axis on are one."""
    x = random(2, 3, 4) * 50
    y = x.reshape(2, 12) - x.reshape(2, 12).max(1, keepdims=True)
    y = y - np.log(np.exp(y).sum(1, keepdims=True))
    return simple(11, [node("LogSoftmax", "x", "y")], {"x": x}, {"y": y.reshape(x.shape)})


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
