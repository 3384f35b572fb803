"""Convolution and pooling in NumPy over any number of dimensions, by the text of the ONNX operators."""
import itertools

import numpy as np


def _resolve(n, spatial, kernel):
    """(strides, dilations, begin pads, end pads) of a window."""
    dims = len(spatial)
    strides, dilations = n.attrs.get("strides", [1] * dims), n.attrs.get("dilations", [1] * dims)
    pads, auto = n.attrs.get("pads", [0] * (2 * dims)), n.attrs.get("auto_pad", "NOTSET")
    begin, end = list(pads[:dims]), list(pads[dims:])
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        for d in range(dims):
            reach = dilations[d] * (kernel[d] - 1) + 1
            total = max(0, (-(-spatial[d] // strides[d]) - 1) * strides[d] + reach - spatial[d])
            begin[d], end[d] = (total // 2, total - total // 2) if auto == "SAME_UPPER" else (total - total // 2, total // 2)
    elif auto == "VALID":
        begin, end = [0] * dims, [0] * dims
    return strides, dilations, begin, end


def convolve(n, opset, x, w, bias=None):
    groups, kernel, spatial = n.attrs.get("group", 1), w.shape[2:], x.shape[2:]
    strides, dilations, begin, end = _resolve(n, spatial, kernel)
    x = np.pad(x, [(0, 0), (0, 0)] + list(zip(begin, end)))
    out = [(x.shape[2 + d] - dilations[d] * (kernel[d] - 1) - 1) // strides[d] + 1 for d in range(len(kernel))]
    batch, per_group, channels = x.shape[0], w.shape[0] // groups, w.shape[1]
    y = np.zeros([batch, w.shape[0]] + out)
    for offset in itertools.product(*map(range, kernel)):
        index = tuple(slice(o * d, o * d + (size - 1) * s + 1, s) for o, d, s, size in zip(offset, dilations, strides, out))
        part = x[(slice(None), slice(None)) + index]
        for g in range(groups):
            weights = w[(slice(g * per_group, (g + 1) * per_group), slice(None)) + offset]
            part_of = part[:, g * channels:(g + 1) * channels]
            y[:, g * per_group:(g + 1) * per_group] += np.moveaxis(np.tensordot(weights, part_of, (1, 1)), 0, 1)
    return y if bias is None else y + np.reshape(bias, [1, -1] + [1] * len(kernel))


def _pooled(n, x):
    """For each window: its result's index, its elements, the elements of the padded image that it covers."""
    kernel, spatial = n.attrs["kernel_shape"], x.shape[2:]
    strides, dilations, begin, end = _resolve(n, spatial, kernel)
    out = []
    for d in range(len(kernel)):
        reach = dilations[d] * (kernel[d] - 1) + 1
        steps = spatial[d] + begin[d] + end[d] - reach
        size = (-(-steps // strides[d]) if n.attrs.get("ceil_mode", 0) else steps // strides[d]) + 1
        if n.attrs.get("ceil_mode", 0) and (size - 1) * strides[d] >= spatial[d] + begin[d]:
            size -= 1  # no window begins beyond the image
        out.append(size)
    for place in itertools.product(*map(range, out)):
        index, padded = [], 1
        for d, p in enumerate(place):
            reached = [p * strides[d] - begin[d] + k * dilations[d] for k in range(kernel[d])]
            index.append([r for r in reached if 0 <= r < spatial[d]])
            padded *= sum(r < spatial[d] + end[d] for r in reached)
        yield out, place, x[(slice(None), slice(None)) + np.ix_(*index)], padded


def _pool(n, x, function):
    y = None
    for out, place, elements, padded in _pooled(n, x):
        if y is None:
            y = np.zeros(list(x.shape[:2]) + out)
        y[(slice(None), slice(None)) + place] = function(elements.reshape(x.shape[0], x.shape[1], -1), padded)
    return y


def max_pool(n, opset, x):
    return _pool(n, x, lambda elements, padded: elements.max(axis=2))


def average_pool(n, opset, x):
    include = n.attrs.get("count_include_pad", 0)
    return _pool(n, x, lambda elements, padded: elements.sum(axis=2) / (padded if include else elements.shape[2]))
