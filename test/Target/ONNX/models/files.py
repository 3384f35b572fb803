"""How a file may be written: symbols, external data, element types."""

import os

import numpy as np
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from .common import case, conv, model, node, random, simple, structure


@structure
def symbolic():
    return model(13, [node("Relu", "x", "y")], {"x": ("batch", 3, "width", None)}, {"y": ("batch", 3, "width", None)}), {}, {}


@case
def external():
    """Weights in a file beside the model."""
    x, w = random(1, 2, 3, 3), random(4, 2, 1, 1)
    return simple(13, [node("Conv", "x w", "y")], {"x": x}, {"y": conv(x, w)}, {"w": w})


def write_external(folder, proto):
    tensor = proto.graph.initializer[0]
    with open(os.path.join(folder, "external.bin"), "wb") as file:
        file.write(b"\0" * 16 + tensor.raw_data)
    length = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "external.bin"), ("offset", "16"), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


@case
def initialiser_types():
    """Every element type, inline as lists and as raw bytes, and 4-bit integers."""
    nodes, expected, constants = [], {}, []
    values = [0, 1, 2, 3, 5]
    types = ["FLOAT", "DOUBLE", "FLOAT16", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64", "BOOL"]
    for type_name in types:
        code = getattr(TensorProto, type_name)
        array = np.array(values).astype(helper.mapping.TENSOR_TYPE_TO_NP_TYPE[code])
        for how in ("list", "raw"):
            name = type_name.lower() + "_" + how
            if how == "raw":
                tensor = numpy_helper.from_array(array, name)
            else:
                tensor = helper.make_tensor(name, code, [5], array.tolist())
            constants.append(tensor)
            nodes.append(node("Cast", name, name + "_f", to=TensorProto.FLOAT))
            expected[name + "_f"] = array.astype(np.float32)
    bfloat = TensorProto(name="bfloat16", data_type=TensorProto.BFLOAT16, dims=[2], raw_data=np.float32([1.5, -2]).tobytes()[2:4] + np.float32([-2]).tobytes()[2:])
    four = TensorProto(name="int4", data_type=22, dims=[3], raw_data=bytes([0x2F, 0x08]))
    for tensor, array in ((bfloat, np.float32([1.5, -2])), (four, np.float32([-1, 2, -8]))):
        constants.append(tensor)
        nodes.append(node("Cast", tensor.name, tensor.name + "_f", to=TensorProto.FLOAT))
        expected[tensor.name + "_f"] = array
    proto = model(13, nodes, {}, {name: array.shape for name, array in expected.items()})
    proto.graph.initializer.extend(constants)
    return proto, {}, expected


def sparse_tensor(dense, name, linear):
    """The nonzeros of an array; their places as numbers of elements, or as coordinates."""
    proto = SparseTensorProto(dims=dense.shape)
    places = np.flatnonzero(dense) if linear else np.argwhere(dense)
    proto.values.CopyFrom(numpy_helper.from_array(dense[dense != 0], name))
    proto.indices.CopyFrom(numpy_helper.from_array(places.astype(np.int64), ""))
    return proto


def some_zeros(*shape):
    dense = random(*shape)
    return np.where(np.abs(dense) < 0.7, 0, dense).astype(np.float32)


@case
def sparse_initialisers():
    """Weights of a convolution and an addend by coordinates and by numbers, and one without any nonzero."""
    x, w, a = random(1, 3, 4, 4), some_zeros(4, 3, 3, 3), some_zeros(4, 2, 2)
    nodes = [node("Conv", "x w", "c"), node("Add", "c a", "s"), node("Add", "s none", "y")]
    proto, given, expected = simple(13, nodes, {"x": x}, {"y": conv(x, w) + a})
    proto.graph.sparse_initializer.extend(
        [sparse_tensor(w, "w", False), sparse_tensor(a, "a", True), sparse_tensor(np.zeros((2, 2), np.float32), "none", True)]
    )
    return proto, given, expected


@case
def sparse_values():
    """Constants whose values are sparse, of floats and of the integers of a shape."""
    x, w, shape = random(2, 8), some_zeros(8, 6), np.array([3, 0], np.int64)
    nodes = [
        node("Constant", "", "w", sparse_value=sparse_tensor(w, "", False)),
        node("Constant", "", "shape", sparse_value=sparse_tensor(shape, "", True)),
        node("Constant", "", "one", value_ints=[0, 4]),
        node("MatMul", "x w", "p"),
        node("Add", "shape one", "to"),
        node("Reshape", "p to", "y"),
    ]
    return simple(13, nodes, {"x": x}, {"y": (x @ w).reshape(3, 4)})


@structure
def open_dimensions():
    """A batch of 0, as some converters write it, and other dimensions of -1."""
    return model(13, [node("Relu", "x", "y")], {"x": (0, 3, -1, "width")}, {"y": (0, 3, -1, -1)}), {}, {}


@case
def edge_outputs():
    """Outputs that are an initialiser, an input, a computed constant, and one that stands twice."""
    x, w = random(2, 3), random(3, 2)
    nodes = [node("MatMul", "x w", "y"), node("Identity", "x", "same"), node("Neg", "w", "negative")]
    expected = {"y": x @ w, "w": w, "same": x, "negative": -w}
    proto, given, expected = simple(13, nodes, {"x": x}, expected, {"w": w})
    proto.graph.output.append(proto.graph.output[0])
    return proto, given, expected


@structure
def integer_outputs():
    """The shape of an input, beside what is computed of it."""
    proto = model(13, [node("Relu", "x", "y"), node("Shape", "x", "s")], {"x": (1, 5)}, {"y": (1, 5)})
    proto.graph.output.append(helper.make_tensor_value_info("s", TensorProto.INT64, [2]))
    return proto, {}, {}


@structure
def identity_only():
    return model(13, [node("Identity", "x", "y")], {"x": (1, 4)}, {"y": (1, 4)}), {}, {}


@case
def two_inputs():
    """Inputs of two names, and of unequal shapes."""
    a, b, w = random(1, 4), random(1, 3) / 4, random(4, 3)
    return simple(13, [node("MatMul", "a w", "p"), node("Add", "p b", "y")], {"a": a, "b": b}, {"y": a @ w + b}, {"w": w})
