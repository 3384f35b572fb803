"""A model with a concatenation, a pool and a fully connected layer behind convolutions: small_memory.py MODEL.onnx INPUTS.npy."""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

rng = np.random.default_rng(7)


def weights(name, *shape):
    values = rng.standard_normal(shape) / np.prod(shape[1:]) ** 0.5
    values[rng.random(shape) < 0.7] = 0
    return numpy_helper.from_array(values.astype(np.float32), name)


nodes = [
    helper.make_node("Conv", ["x", "w1"], ["a"], name="conv1", pads=[1] * 4),
    helper.make_node("Conv", ["x", "w2"], ["b"], name="conv2", pads=[1] * 4),
    helper.make_node("Conv", ["x", "w3"], ["c"], name="conv3"),
    helper.make_node("Concat", ["a", "b", "c"], ["abc"], name="concat", axis=1),
    helper.make_node("MaxPool", ["abc"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Flatten", ["p"], ["f"], name="flatten"),
    helper.make_node("Gemm", ["f", "w4"], ["y"], name="fc", transB=1),
]
initializers = [weights("w1", 16, 3, 3, 3), weights("w2", 16, 3, 3, 3), weights("w3", 8, 3, 1, 1), weights("w4", 96, 40 * 64)]
graph = helper.make_graph(
    nodes,
    "small",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 96])],
    initializers,
)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), sys.argv[1])
np.save(sys.argv[2], rng.standard_normal((2, 3, 16, 16)).astype(np.float32))
