"""What models are made of: single operators in all their forms, and the blocks of well-known networks. A block takes the builder and a
value, and returns the value that goes on; it raises Rejected where it does not fit. BLOCKS lists those for values of each rank."""
import numpy as np

from modelfuzz.builder import Rejected
from modelfuzz.units import activation, function, mixed_with, quantised_pair


def need(condition):
    if not condition:
        raise Rejected("does not fit")


# -- maps [N, C, H, W], and sequences [N, C, L] where a window has one dimension


def conv(b, x, out=None, kernel=None, stride=None, group=None, plain=False):
    r, shape = b.rng, b.shape(x)
    dims, channels = len(shape) - 2, shape[1]
    kernel = kernel or [r.pick([1, 2, 3, 3, 3, 5]) for _ in range(dims)]
    if group is None:
        group = 1 if r.chance(65) else channels if r.chance(60) else r.pick([g for g in (2, 3, 4) if channels % g == 0] or [1])
    out = out or (channels * r.pick([1, 1, 2]) if group == channels else group * r.between(1, max(1, 12 // group)))
    need(channels % group == 0 and out % group == 0)
    dilations = [r.pick([1, 1, 1, 2]) if k > 1 else 1 for k in kernel]
    strides = [stride or r.pick([1, 1, 1, 2]) for _ in range(dims)]
    attrs = {"kernel_shape": kernel, "group": group, "strides": strides, "dilations": dilations}
    if plain or r.chance(50):
        reach = [d * (k - 1) for d, k in zip(dilations, kernel)]
        attrs["pads"] = [v // 2 for v in reach] + [v - v // 2 for v in reach]
    elif r.chance(40):
        attrs["auto_pad"] = r.pick(["SAME_UPPER", "SAME_LOWER", "VALID"])
        if attrs["auto_pad"] != "VALID":
            need(all(d == 1 for d in dilations) and all(k >= s for k, s in zip(kernel, strides)))
    else:
        attrs["pads"] = [r.below(k) for k in kernel + kernel]
    fan_in = channels // group * int(np.prod(kernel))
    w = b.weights([out, channels // group] + kernel, fan_in, zeros=r.pick([0, 0, 50, 80]))
    bias = [b.constant(r.normal([out], 0.3))] if r.chance(70) else []
    return b.op("Conv", x, w, *bias, **attrs)


def conv_activation(b, x):
    y = conv(b, x)
    if b.rng.chance(40):
        y = batch_norm(b, y)
    return activation(b, y)


def batch_norm(b, x):
    c, r = b.shape(x)[1], b.rng
    return b.op("BatchNormalization", x, b.constant(r.uniform([c], 0.5, 1.5)), b.constant(r.normal([c], 0.3)),
                b.constant(r.normal([c], 0.3)), b.constant(r.uniform([c], 0.3, 1.5)))


def pool(b, x):
    r, shape = b.rng, b.shape(x)
    dims = len(shape) - 2
    need(min(shape[2:]) >= 2)
    if r.chance(15):
        return b.op(r.pick(["GlobalAveragePool", "GlobalMaxPool"]), x)
    kernel = [r.between(1, min(3, s)) for s in shape[2:]]
    attrs = {"kernel_shape": kernel, "strides": [r.between(1, 2) for _ in range(dims)]}
    if r.chance(50):
        attrs["pads"] = [r.below((k + 1) // 2 + (k > 2)) if k > 1 else 0 for k in kernel + kernel]
    elif r.chance(25) and all(k >= s for k, s in zip(kernel, attrs["strides"])):
        attrs["auto_pad"] = r.pick(["SAME_UPPER", "SAME_LOWER"])
    if b.opset >= 10 and r.chance(35) and "auto_pad" not in attrs:
        attrs["ceil_mode"] = 1
    if r.chance(50):
        return b.op("MaxPool", x, **attrs)
    if r.chance(40):
        attrs["count_include_pad"] = 1
    return b.op("AveragePool", x, **attrs)


def residual(b, x):
    c = b.shape(x)[1]
    y = conv(b, x, out=c, kernel=[3] * (len(b.shape(x)) - 2), stride=1, group=1, plain=True)
    y = activation(b, y)
    y = conv(b, y, out=c, kernel=[1] * (len(b.shape(x)) - 2), stride=1, group=1, plain=True)
    y = b.op("Add", *b.rng.shuffled([x, y]))
    return activation(b, y) if b.rng.chance(60) else y


def inverted(b, x):
    """MobileNet's block: widen, depthwise, narrow, add."""
    shape, r = b.shape(x), b.rng
    dims, wide = len(shape) - 2, shape[1] * 2
    y = activation(b, conv(b, x, out=wide, kernel=[1] * dims, stride=1, group=1, plain=True))
    y = activation(b, conv(b, y, out=wide, kernel=[3] * dims, stride=1, group=wide, plain=True))
    y = squeeze_excite(b, y) if r.chance(40) else y
    y = conv(b, y, out=shape[1], kernel=[1] * dims, stride=1, group=1, plain=True)
    return b.op("Add", x, y)


def squeeze_excite(b, x):
    shape, r = b.shape(x), b.rng
    c = shape[1]
    axes = list(range(2, len(shape)))
    s = b.op("GlobalAveragePool", x) if r.chance(60) else b.reduce("ReduceMean", x, axes, 1)
    if r.chance(50):
        s = b.op("Relu", conv(b, s, out=max(1, c // 2), kernel=[1] * len(axes), stride=1, group=1, plain=True))
        s = conv(b, s, out=c, kernel=[1] * len(axes), stride=1, group=1, plain=True)
    else:
        s = b.reshape(s, [-1, c])
        s = dense(b, dense(b, s, max(1, c // 2)), c)
        s = b.reshape(s, [1, c] + [1] * len(axes)) if r.chance(50) else b.unsqueeze(s, axes)
    s = b.op(r.pick(["Sigmoid", "HardSigmoid"]), s)
    return b.op("Mul", *r.shuffled([x, s]))


def inception(b, x):
    """Branches side by side, concatenated."""
    r = b.rng
    dims = len(b.shape(x)) - 2
    parts = [activation(b, conv(b, x, kernel=[k] * dims, stride=1, group=1, out=r.between(1, 4), plain=True)) for k in (1, 3)]
    if r.chance(50):
        parts.append(b.op("MaxPool", x, kernel_shape=[3] * dims, strides=[1] * dims, pads=[1] * (2 * dims)))
    if r.chance(40):
        parts.append(x)
    if r.chance(30):
        parts[0] = function(b, parts[0])
    return b.op("Concat", *r.shuffled(parts), axis=1)


def dense_block(b, x):
    """DenseNet: each layer reads all before it."""
    dims = len(b.shape(x)) - 2
    for _ in range(b.rng.between(1, 3)):
        y = conv(b, activation(b, x), out=b.rng.between(2, 4), kernel=[3] * dims, stride=1, group=1, plain=True)
        x = b.op("Concat", x, y, axis=1)
    return x


def unet(b, x):
    shape = b.shape(x)
    dims = len(shape) - 2
    need(all(s % 2 == 0 for s in shape[2:]) and b.opset != 10)
    left = activation(b, conv(b, x, out=4, kernel=[3] * dims, stride=1, group=1, plain=True))
    low = b.op("MaxPool", left, kernel_shape=[2] * dims, strides=[2] * dims)
    low = activation(b, conv(b, low, out=4, kernel=[3] * dims, stride=1, group=1, plain=True))
    up = b.enlarge(low, [1, 1] + [2] * dims)
    return conv(b, b.op("Concat", up, left, axis=1), kernel=[3] * dims, stride=1, group=1, plain=True)


def channel_shuffle(b, x):
    shape = b.shape(x)
    g = b.rng.pick([2, 3, 4])
    need(shape[1] % g == 0 and shape[1] > g)
    y = b.reshape(x, [shape[0], g, shape[1] // g] + shape[2:])
    y = b.op("Transpose", y, perm=[0, 2, 1] + list(range(3, len(shape) + 1)))
    return b.reshape(y, shape)


def split_and_join(b, x):
    shape, r = b.shape(x), b.rng
    axis = r.pick([i for i, d in enumerate(shape) if d >= 2 and i > 0] or [0])
    need(shape[axis] >= 2)
    cut = r.between(1, shape[axis] - 1)
    first, second = b.split(x, axis, [cut, shape[axis] - cut])
    first = function(b, first) if r.chance(50) else activation(b, first)
    if r.chance(30):
        second = function(b, second)
    return b.op("Concat", *r.shuffled([first, second]), axis=axis if r.chance(70) else axis - len(shape))


def convnext(b, x):
    need(len(b.shape(x)) == 4 and b.opset >= 17)
    c = b.shape(x)[1]
    y = conv(b, x, out=c, kernel=[3, 3], stride=1, group=c, plain=True)
    y = mlp(b, layer_norm(b, b.op("Transpose", y, perm=[0, 2, 3, 1])))
    return b.op("Add", x, b.op("Transpose", y, perm=[0, 3, 1, 2]))


def map_norm(b, x):
    c, r = b.shape(x)[1], b.rng
    need(int(np.prod(b.shape(x)[2:])) >= 4)
    kind = r.below(3)
    if kind == 0 or (kind == 1 and (b.opset < 18 or c % 2)):
        return b.op("InstanceNormalization", x, b.constant(r.uniform([c], 0.5, 1.5)), b.constant(r.normal([c], 0.3)))
    if kind == 1:
        n = c if b.opset >= 21 else 2
        return b.op("GroupNormalization", x, b.constant(r.uniform([n], 0.5, 1.5)), b.constant(r.normal([n], 0.3)), num_groups=2)
    need(len(b.shape(x)) == 4)
    if b.opset >= 9 and r.chance(30):
        # A channel of one value is divided by nothing but rounding.
        need(min(float(v.std(axis=(0, 2, 3)).min()) for v in b.exact[x]) > 1e-3)
        return b.op("MeanVarianceNormalization", x)
    return b.op("LRN", x, size=r.pick([3, 5]), alpha=r.pick([1e-4, 0.5]), beta=0.75, bias=1.0)


def depth_space(b, x):
    n, c, h, w = b.shape(x)
    if c % 4 == 0 and b.rng.chance(60):
        mode = b.rng.pick(["DCR", "CRD"]) if b.opset >= 11 else None
        return b.op("DepthToSpace", x, blocksize=2, mode=mode)
    need(h % 2 == 0 and w % 2 == 0)
    return b.op("SpaceToDepth", x, blocksize=2)


def enlarge(b, x):
    need(b.opset != 10)
    dims = len(b.shape(x)) - 2
    return b.enlarge(x, [1, 1] + [b.rng.pick([1, 2, 2, 3]) for _ in range(dims)])


def pad_map(b, x):
    shape, r = b.shape(x), b.rng
    mode = r.pick(["constant", "reflect", "edge"])
    pads = [0, 0] + [r.below(min(2, s - 1) + 1) for s in shape[2:]]
    pads += [0, 0] + [r.below(min(2, s - 1) + 1) for s in shape[2:]]
    return b.pad(x, pads, mode, 0.0 if mode != "constant" or r.chance(60) else 0.5)


def head(b, x):
    """A detector's: a convolution, channels last, one row a place."""
    need(len(b.shape(x)) == 4)
    k = b.rng.between(2, 4)
    y = conv(b, x, out=k * 2, kernel=[1, 1], stride=1, group=1, plain=True)
    y = b.reshape(b.op("Transpose", y, perm=[0, 2, 3, 1]), [1, -1, k])
    boxes = b.slice(y, [0], [1], [2])
    rest = b.slice(y, [1], [2 ** 31 - 1], [2])
    return b.op("Concat", b.op("Sigmoid", boxes), rest, axis=2)


def classifier(b, x):
    shape, r = b.shape(x), b.rng
    if r.chance(60):
        x = b.op("GlobalAveragePool", x) if r.chance(70) else b.reduce("ReduceMean", x, list(range(2, len(shape))), 1)
    elif len(shape) == 4 and r.chance(20):
        return b.squeeze(b.reduce("ReduceMax", x, [3], 1), [3])
    x = b.op("Flatten", x, axis=1) if r.chance(60) else b.reshape(x, [1, -1] if r.chance(50) else [0, -1])
    return dense(b, x)


def to_tokens(b, x):
    shape = b.shape(x)
    y = b.reshape(x, [shape[0], shape[1], -1]) if len(shape) == 4 else x
    return b.op("Transpose", y, perm=[0, 2, 1])


# -- rows [N, K] and tokens [N, T, K]


def dense(b, x, out=None):
    """Gemm or MatMul with constant weights, on rows; MatMul on anything."""
    shape, r = b.shape(x), b.rng
    k, out = shape[-1], out or r.between(2, 12)
    need(k <= 400)
    if len(shape) == 2 and r.chance(60):
        t = r.below(2)
        w = b.weights([out, k] if t else [k, out], k, zeros=r.pick([0, 0, 70]))
        bias = [b.constant(r.normal([out] if r.chance(70) else [1, out], 0.3))] if r.chance(80) or b.opset < 11 else []
        attrs = {} if r.chance(80) else {"alpha": 0.5, "beta": 2.0}
        y = b.op("Gemm", x, w, *bias, transB=t or None, **attrs)
    else:
        y = b.op("MatMul", x, b.weights([k, out], k, zeros=r.pick([0, 0, 70])))
        y = b.op("Add", *r.shuffled([y, b.constant(r.normal([out], 0.3))])) if r.chance(60) else y
    return activation(b, y) if r.chance(50) else y


def layer_norm(b, x):
    k, r = b.shape(x)[-1], b.rng
    need(k >= 3)
    if b.opset >= 17 and r.chance(70):
        bias = [b.constant(r.normal([k], 0.2))] if r.chance(70) else []
        return b.op("LayerNormalization", x, b.constant(r.uniform([k], 0.5, 1.5)), *bias, axis=-1, epsilon=1e-5)
    rank = len(b.shape(x))
    d = b.op("Sub", x, b.reduce("ReduceMean", x, [-1], 1))
    square = b.op("Pow", d, b.scalar(2.0)) if r.chance(60) else b.op("Mul", d, d)
    v = b.op("Sqrt", b.op("Add", b.reduce("ReduceMean", square, [rank - 1], 1), b.scalar(1e-3)))
    y = b.op("Mul", b.op("Div", d, v), b.constant(r.uniform([k], 0.5, 1.5)))
    return b.op("Add", y, b.constant(r.normal([k], 0.2)))


def mlp(b, x):
    k = b.shape(x)[-1]
    hidden = k * 2 if k <= 12 else k
    y = b.op("MatMul", x, b.weights([k, hidden], k))
    y = b.op("Add", y, b.constant(b.rng.normal([hidden], 0.3)))
    return b.op("MatMul", activation(b, y), b.weights([hidden, k], hidden))


def transformer_mlp(b, x):
    return b.op("Add", x, mlp(b, layer_norm(b, x)))


def attention(b, x):
    n, t, k = b.shape(x)
    r = b.rng
    heads = r.pick([h for h in (1, 2, 3, 4) if k % h == 0])
    need(t <= 24 and k >= 2 and k // heads >= 1)
    y = layer_norm(b, x) if r.chance(40) else x

    def projected(perm):
        p = b.op("Add", b.op("MatMul", y, b.weights([k, k], k)), b.constant(r.normal([k], 0.2)))
        return b.op("Transpose", b.reshape(p, [n, t, heads, k // heads]), perm=perm)

    scores = b.op("MatMul", projected([0, 2, 1, 3]), projected([0, 2, 3, 1]))
    scale = float(np.float32((k // heads) ** 0.5))
    scores = b.op("Div", scores, b.scalar(scale)) if r.chance(50) else b.op("Mul", scores, b.scalar(1 / scale))
    if r.chance(30):
        scores = b.op("Add", scores, b.constant(r.normal([t, t], 0.3)))
    mixed = b.op("MatMul", b.softmax(scores, -1 if b.opset >= 13 else 3), projected([0, 2, 1, 3]))
    mixed = b.reshape(b.op("Transpose", mixed, perm=[0, 2, 1, 3]), [n, t, k])
    out = b.op("MatMul", mixed, b.weights([k, k], k))
    return b.op("Add", x, out) if r.chance(80) else out


def mean_tokens(b, x):
    op = b.rng.pick(["ReduceMean", "ReduceMean", "ReduceMax", "ReduceSum"])
    return b.reduce(op, x, [1], b.rng.below(2))


def first_token(b, x):
    return b.op("Gather", x, b.constant(np.asarray(b.rng.below(b.shape(x)[1]), np.int64), "i"), axis=1)


def to_map(b, x):
    shape = b.shape(x)
    y = b.op("Transpose", x, perm=[0, 2, 1])
    h = b.rng.pick([d for d in range(1, shape[1] + 1) if shape[1] % d == 0])
    return b.reshape(y, [shape[0], shape[2], h, shape[1] // h])


def row_to_map(b, x):
    n, k = b.shape(x)
    options = [(c, h, k // c // h) for c in range(1, 9) for h in range(1, 9) if k % (c * h) == 0 and k // c // h <= 16]
    need(options)
    return b.reshape(x, [n] + list(b.rng.pick(options)))


def row_to_tokens(b, x):
    n, k = b.shape(x)
    t = b.rng.pick([d for d in range(1, k + 1) if k % d == 0 and d <= 16])
    return b.reshape(x, [n, t, k // t])


# -- any rank


def softmax(b, x):
    shape = b.shape(x)
    axis = b.rng.between(1, len(shape) - 1) if b.opset >= 13 or len(shape) == 2 else len(shape) - 1
    need(shape[axis] >= 2)
    return b.softmax(x, axis if b.rng.chance(50) else axis - len(shape), log=b.rng.chance(25))


def moved(b, x):
    """Something that only moves values."""
    shape, r = b.shape(x), b.rng
    kind = r.below(9)
    axis = r.between(1, len(shape) - 1)
    if kind == 0:
        return b.op("Transpose", x, perm=[0] + r.shuffled(range(1, len(shape))))
    if kind == 1:
        need(shape[axis] >= 2)
        start = r.below(shape[axis] // 2 + 1)
        step = r.pick([1, 1, 2, -1])
        if step < 0:
            return b.slice(x, [shape[axis] - 1], [-(2 ** 31)], [axis], [-1])
        return b.slice(x, [start], [r.pick([shape[axis], 2 ** 31 - 1, -1 if start < shape[axis] - 1 else shape[axis]])], [axis], [step])
    if kind == 2:
        picked = [r.below(shape[axis]) for _ in range(r.between(1, 10))]
        return b.op("Gather", x, b.ints(picked), axis=axis)
    if kind == 3:
        need(int(np.prod(shape)) < 500)
        return b.op("Tile", x, b.ints([1] * axis + [2] + [1] * (len(shape) - axis - 1)))
    if kind == 4:
        need(b.opset >= 8 and 1 in shape[1:] and int(np.prod(shape)) < 400)
        return b.op("Expand", x, b.ints([s if s > 1 or i == 0 else r.between(1, 4) for i, s in enumerate(shape)]))
    if kind == 5:
        return b.op("Cast", x, to=1) if r.chance(30) else b.op(r.pick(["Identity", "Dropout"]), x)
    if kind == 6:
        need(len(shape) < 5)
        return b.unsqueeze(x, [axis])
    if kind == 7:
        ones = [i for i, s in enumerate(shape) if s == 1 and i > 0]
        need(ones and len(shape) > 2)
        return b.squeeze(x, [r.pick(ones)])
    need(b.opset >= 9)
    condition = r.uniform(shape[1:], 0, 1) < 0.6
    return b.op("Where", b.constant(condition), x, b.scalar(0.0) if r.chance(60) else b.constant(r.normal(shape[1:], 0.5)))


def reduction(b, x):
    shape, r = b.shape(x), b.rng
    op = r.pick(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"])
    keep = r.below(2) if len(shape) > 2 else 1
    return b.reduce(op, x, [r.between(1, len(shape) - 1) - (len(shape) if r.chance(40) else 0)], keep)


def reshape_by_shape(b, x):
    """A shape that is computed, as exporters write it: the batch is taken from the value, the rest is one dimension."""
    need(b.opset >= 13)
    batch = b.op("Gather", b.op("Shape", x), b.constant(np.asarray(0, np.int64), "i"), axis=0)
    shape = b.op("Concat", b.unsqueeze(batch, [0]), b.ints([-1]), axis=0)
    return b.op("Reshape", x, shape)


def constant_first(b, x):
    """MatMul with the constant on the left: rows, tokens or places are mixed."""
    rows = b.shape(x)[-2]
    need(rows <= 64)
    return b.op("MatMul", b.weights([b.rng.between(1, 8), rows], rows), x)


def product(b, x):
    """MatMul of two activations."""
    shape = b.shape(x)
    need(len(shape) >= 3)
    others = [n for n in b.live() if len(b.shape(n)) == len(shape) and b.shape(n)[-2] == shape[-1] and b.shape(n)[1:-2] == shape[1:-2]]
    y = b.rng.pick(others) if others else b.op("Transpose", x, perm=list(range(len(shape) - 2)) + [len(shape) - 1, len(shape) - 2])
    return b.op("MatMul", x, y)


ANY = [(activation, 6), (function, 6), (mixed_with, 9), (moved, 8), (softmax, 2), (reduction, 2), (split_and_join, 3), (quantised_pair, 0)]
WINDOWED = [(conv, 8), (conv_activation, 10), (batch_norm, 3), (pool, 6), (residual, 4), (inverted, 4), (squeeze_excite, 4), (inception, 4),
            (dense_block, 3), (channel_shuffle, 2), (map_norm, 3), (enlarge, 2), (pad_map, 2), (classifier, 3), (to_tokens, 2)]
BLOCKS = {
    2: ANY + [(dense, 14), (layer_norm, 2), (row_to_map, 3), (row_to_tokens, 3)],
    3: ANY + [(dense, 8), (constant_first, 2), (reshape_by_shape, 1), (layer_norm, 4), (transformer_mlp, 5), (attention, 6), (mean_tokens, 3), (first_token, 2), (to_map, 3), (product, 3)],
    4: ANY + WINDOWED + [(unet, 4), (convnext, 4), (depth_space, 3), (head, 2), (dense, 2), (product, 1), (constant_first, 1),
                      (reshape_by_shape, 2)],
    5: ANY,
}
SEQUENCE = WINDOWED + ANY
