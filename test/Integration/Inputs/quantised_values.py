"""Values of quantised models against NumPy: what float operators hand on to integer ones, tables of operands that share a scale, 16-bit scales.

quantised_values.py SPARSE_RUN FOLDER: makes the models there and runs each; then again with the fault that it is sensitive to, which must show.
"""
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(11)


def normal(*shape, scale=1.0):
    return (RNG.normal(0, scale, shape)).astype(np.float32)


def model(path, nodes, x, **constants):
    """Nodes are (operator, inputs, output, attributes); the last one's output is the model's."""
    made = [helper.make_node(op, inputs.split(), [output], name=output, **attributes) for op, inputs, output, attributes in nodes]
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info(nodes[-1][2], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    onnx.save(made, path)
    np.save(path.with_suffix(".npy"), x)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def conv1x1(x, w):
    return np.einsum("nchw,kc->nkhw", x, w[:, :, 0, 0])


CASES = {}


def case(numerics, limit, fault, shows):
    """`limit`: largest error over largest value. `fault` taken back must show as more than `shows`."""
    return lambda make: CASES.setdefault(make.__name__, (make, numerics, limit, fault, shows))


# What a transpose or a reshape brings from a float operator.


@case("int16", 0.001, None, None)
def tokens_mean(path):
    x, w, b = normal(1, 6, 8, scale=3), normal(8, 8, scale=2), normal(8, 5)
    model(
        path,
        [("MatMul", "x w", "project", {}), ("ReduceMean", "project", "mean", {"axes": [1], "keepdims": 0}), ("MatMul", "mean b", "head", {})],
        x, w=w, b=b,
    )
    return (x @ w).mean(1) @ b


@case("int8", 0.05, "unobserved", 0.1)
def small_probabilities(path):
    x, w = normal(1, 4, 256), normal(256, 5)
    model(path, [("Softmax", "x", "p", {"axis": 2}), ("MatMul", "p w", "y", {})], x, w=w)
    return softmax(x, 2) @ w


@case("int16", 0.001, "unobserved", 0.1)
def negated_shuffle(path):
    x, w = normal(1, 4, 5, 5, scale=5), normal(6, 4, 1, 1, scale=3)
    model(
        path,
        [
            ("Conv", "x w", "c", {}),
            ("Neg", "c", "n", {}),
            ("Reshape", "n groups", "g", {}),
            ("Transpose", "g", "t", {"perm": [0, 2, 1, 3, 4]}),
            ("Reshape", "t whole", "s", {}),
            ("Relu", "c", "r", {}),
            ("Add", "r s", "sum", {}),
        ],
        x, w=w, groups=np.array([1, 2, 3, 5, 5]), whole=np.array([1, 6, 5, 5]),
    )
    c = conv1x1(x, w)
    return np.maximum(c, 0) - c.reshape(1, 2, 3, 5, 5).transpose(0, 2, 1, 3, 4).reshape(1, 6, 5, 5)


@case("int16", 0.001, "unobserved", 0.1)
def root_transposed_left(path):
    x, w = np.abs(normal(1, 6, 7, scale=50)), normal(6, 4, scale=2)
    model(
        path,
        [("Sqrt", "x", "root", {}), ("Transpose", "root", "turned", {"perm": [0, 2, 1]}), ("MatMul", "turned w", "y", {})],
        x, w=w,
    )
    return np.sqrt(x).transpose(0, 2, 1) @ w


# Tables whose operand has the scale of something wider: half of a convolution's channels have tiny weights.


def sliced(path, nodes, small, exact, **constants):
    x, w = normal(1, 4, 6, 6), normal(8, 4, 1, 1, scale=2)
    w[4:] *= np.float32(small)
    nodes = [("Conv", "x w", "c", {}), ("Slice", "c four eight one", "part", {}), *nodes]
    model(path, nodes, x, w=w, four=np.array([4]), eight=np.array([8]), one=np.array([1]), **constants)
    return exact(conv1x1(x, w)[:, 4:].astype(np.float64))


@case("int16", 0.001, "table", 0.01)
def power_of_slice(path):
    return sliced(path, [("Pow", "part two", "y", {})], 0.08, lambda v: v**2, two=np.float32(2))


@case("int16", 0.001, "table", 0.004)
def silu_of_slice(path):
    return sliced(path, [("Sigmoid", "part", "s", {}), ("Mul", "part s", "y", {})], 0.1, lambda v: v * sigmoid(v))


@case("int16", 0.001, "table", 0.004)
def tanh_of_slice(path):
    return sliced(path, [("Tanh", "part", "y", {})], 0.05, np.tanh)


@case("int16", 0.001, "table", 0.01)
def exponential_of_slice(path):
    return sliced(path, [("Exp", "part", "y", {})], 0.1, np.exp)


@case("int16", 0.001, "table", 0.002)
def sigmoid_of_wide(path):
    x, w = normal(1, 4, 6, 6, scale=8), normal(8, 4, 1, 1, scale=3)
    model(path, [("Conv", "x w", "c", {}), ("Sigmoid", "c", "y", {})], x, w=w)
    return sigmoid(conv1x1(x, w).astype(np.float64))


@case("int16", 0.001, "table", 0.0012)
def steep_exponential(path):
    """Steeper than 513 entries can hold: stays with the host."""
    x = np.linspace(-30, 30, 324, dtype=np.float32).reshape(1, 4, 9, 9)
    model(path, [("MaxPool", "x", "p", {"kernel_shape": [1, 1]}), ("Exp", "p", "e", {}), ("MaxPool", "e", "y", {"kernel_shape": [1, 1]})], x)
    return np.exp(np.round(x.astype(np.float64) * 32767 / 30) * 30 / 32767)


# Scales that a model brings for codes of 16 bits.


def pair(path):
    x, w = normal(1, 4, 5, 5, scale=3), normal(6, 4, 1, 1)
    scale = np.float32(np.abs(x).max() / 32767)
    nodes = [
        ("QuantizeLinear", "x scale zero", "q", {}),
        ("DequantizeLinear", "q scale zero", "d", {}),
        ("Conv", "d w", "y", {}),
    ]
    model(path, nodes, x, w=w, scale=scale, zero=np.int16(0))
    return conv1x1(x, w)


@case("int8", 0.03, "int16-scale", 0.5)
def wide_codes_in_int8(path):
    return pair(path)


@case("int16", 0.001, None, None)
def wide_codes_in_int16(path):
    return pair(path)


@case("int8", 0.04, None, None)
def scale_of_a_part(path):
    """The scale is for the narrow half of the input, of which the other convolution reads all."""
    x, w, v = normal(1, 8, 6, 6), normal(5, 8, 1, 1), normal(5, 4, 1, 1)
    x[:, 4:] *= np.float32(0.1)
    part = x[:, 4:]
    nodes = [
        ("Slice", "x four eight one", "part", {}),
        ("QuantizeLinear", "part scale zero", "q", {}),
        ("DequantizeLinear", "q scale zero", "d", {}),
        ("Conv", "x w", "all", {}),
        ("Conv", "d v", "some", {}),
        ("Add", "all some", "y", {}),
    ]
    scale = np.float32(np.abs(part).max() / 127)
    model(path, nodes, x, w=w, v=v, scale=scale, zero=np.int8(0), four=np.array([4]), eight=np.array([8]), one=np.array([1]))
    return conv1x1(x, w) + conv1x1(part, v)


# Codes that cut values off: a ReLU6 that is left out for its bounds are those of the codes, and others.


def cut_off(path, scale, zero):
    x, w, v = normal(1, 4, 6, 6, scale=2), normal(6, 4, 1, 1), normal(5, 6, 1, 1)
    nodes = [
        ("Conv", "x w", "wide", {}),
        ("QuantizeLinear", "wide scale zero", "q", {}),
        ("DequantizeLinear", "q scale zero", "d", {}),
        ("Conv", "d v", "y", {}),
    ]
    model(path, nodes, x, w=w, v=v, scale=np.float32(scale), zero=zero)
    codes = np.iinfo(zero.dtype)
    return conv1x1(np.clip(conv1x1(x, w), scale * (codes.min - int(zero)), scale * (codes.max - int(zero))), v)


@case("int16", 0.001, None, None)
def relu6_left_out_in_int16(path):
    return cut_off(path, 6 / 255, np.uint8(0))


@case("int8", 0.03, None, None)
def relu6_left_out_in_int8(path):
    return cut_off(path, 6 / 255, np.uint8(0))


@case("int16", 0.001, None, None)
def cut_off_on_both_sides(path):
    return cut_off(path, 0.02, np.uint8(100))


@case("int16", 0.001, None, None)
def cut_off_below_by_signed_codes(path):
    return cut_off(path, 0.05, np.int8(-128))


@case("int8", 0.03, None, None)
def cut_off_by_symmetric_codes(path):
    return cut_off(path, 0.01, np.int8(0))


def error(tool, path, numerics, expected, *options):
    inputs, out = path.with_suffix(".npy"), path.with_suffix(".out")
    command = [tool, path, "--machine", "dadiannao", "--numerics", numerics, "--calibrate", inputs, "--input", inputs, "--quiet", "--out", out]
    done = subprocess.run([*map(str, command), *options], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path.stem}: {done.stderr}")
    got = np.load(out / "outputs.npy").astype(np.float64).reshape(expected.shape)
    return np.abs(got - expected).max() / np.abs(expected).max()


def main(tool, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for name, (make, numerics, limit, fault, shows) in CASES.items():
        path = folder / (name + ".onnx")
        expected = make(path)
        right = error(tool, path, numerics, expected)
        broken = error(tool, path, numerics, expected, f"--debug-break={fault}") if fault else None
        good = right <= limit and (broken is None or broken > shows)
        wrong += not good
        print(f"{name} {numerics}: {right:.6f} (at most {limit})" + (f", with '{fault}' {broken:.6f} (more than {shows})" if fault else ""), "" if good else "WRONG")
    print(f"{len(CASES)} models, {wrong} wrong")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
