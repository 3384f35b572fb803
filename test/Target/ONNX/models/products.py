"""Matrix products, with constants and of two activations."""

import numpy as np

from .common import case, conv, ints, node, random, simple


@case
def flatten_gemm():
    """Flattening an NHWC map turns the weights, not the map."""
    x, w, v, b = random(2, 3, 4, 5), random(4, 3, 1, 1), random(6, 80), random(6)
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Flatten", "r", "f"), node("Gemm", "f v b", "y", transB=1, alpha=0.5, beta=2.0)]
    y = 0.5 * np.maximum(conv(x, w), 0).reshape(2, -1) @ v.T + 2 * b
    return simple(9, nodes, {"x": x}, {"y": y.astype(np.float32)}, {"w": w, "v": v, "b": b})


@case
def reshape_gemm_relu():
    """The activation between reshape and product does not force the reshape to happen."""
    x, w, v = random(1, 3, 4, 4), random(4, 3, 1, 1), random(64, 5)
    nodes = [
        node("Conv", "x w", "c"),
        node("Reshape", "c shape", "f"),
        node("Relu", "f", "r"),
        node("MatMul", "r v", "m"),
        node("Add", "bias m", "y"),
    ]
    bias = random(5)
    y = np.maximum(conv(x, w), 0).reshape(1, -1) @ v + bias
    return simple(13, nodes, {"x": x}, {"y": y.astype(np.float32)}, {"w": w, "v": v, "bias": bias, "shape": ints(0, -1)})


@case
def matmul_rank3():
    x, v, bias = random(2, 7, 6), random(6, 5), random(5)
    nodes = [node("MatMul", "x v", "m"), node("Add", "m bias", "a"), node("Sigmoid", "a", "y")]
    return simple(13, nodes, {"x": x}, {"y": (1 / (1 + np.exp(-(x @ v + bias)))).astype(np.float32)}, {"v": v, "bias": bias})


@case
def matmul_activations():
    """Leading extents broadcast, and the transpose of an operand is carried out once."""
    a, b = random(2, 3, 4, 5), random(3, 6, 5)
    nodes = [node("Transpose", "b", "t", perm=[0, 2, 1]), node("MatMul", "a t", "y")]
    return simple(13, nodes, {"a": a, "b": b}, {"y": a @ b.transpose(0, 2, 1)})


@case
def matmul_batched_constant():
    a, b = random(2, 4, 5), random(2, 5, 3)
    return simple(13, [node("MatMul", "a b", "y")], {"a": a}, {"y": a @ b}, {"b": b})


@case
def matmul_rank5():
    a, b = random(2, 1, 3, 4, 5), random(5, 3)
    return simple(13, [node("MatMul", "a b", "y")], {"a": a}, {"y": a @ b}, {"b": b})


@case
def gemm_activations():
    a, b, c = random(5, 4), random(5, 3), random(4, 1)
    nodes = [node("Gemm", "a b c", "y", transA=1, alpha=2.0, beta=0.5)]
    return simple(11, nodes, {"a": a, "b": b, "c": c}, {"y": 2 * a.T @ b + np.float32(0.5) * c})
