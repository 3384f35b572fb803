"""How a file may be written: symbols, external data, element types."""

import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper

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
