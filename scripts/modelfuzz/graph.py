"""A model as plain data: nodes over named values, constants as arrays; its values by NumPy, exactly or as integers would have them."""
import dataclasses

import numpy as np

from modelfuzz import ops

# The operators after which a value is what it was, in another place or a part of it: integers keep their scale.
MOVED = {"Identity", "Dropout", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Expand", "Tile", "Pad",
         "DepthToSpace", "SpaceToDepth", "Resize", "Upsample", "MaxPool", "GlobalMaxPool", "QuantizeLinear", "DequantizeLinear"}
# Means and joins are on the scale of what they are made of: integers are averaged and moved as they are.
SHARED = {"AveragePool", "GlobalAveragePool", "ReduceMean", "Concat"}
# What is computed in one with the value that it is applied to, before that is rounded.
FUSED = {"Relu", "Clip", "BatchNormalization"}


@dataclasses.dataclass
class Node:
    op: str
    inputs: list
    outputs: list
    attrs: dict

    @property
    def name(self):
        return self.outputs[0] + "/" + self.op


@dataclasses.dataclass
class Graph:
    opset: int
    inputs: dict  # name -> shape
    constants: dict  # name -> array
    nodes: list
    outputs: list

    def readers(self):
        found = {}
        for node in self.nodes:
            for name in node.inputs:
                found.setdefault(name, []).append(node)
        return found

    def cleaned(self):
        """The same without what no output needs."""
        needed, nodes = set(self.outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.outputs):
                nodes.insert(0, node)
                needed |= set(node.inputs)
        inputs = {name: shape for name, shape in self.inputs.items() if name in needed}
        constants = {name: array for name, array in self.constants.items() if name in needed}
        return Graph(self.opset, inputs, constants, nodes, list(self.outputs))


def fake_quantise(values, bits, at_least=0.0, widen=1.0):
    """Rounds one value's arrays, those of all images, to integers of one symmetric scale, whose range is `widen` times the values' or more."""
    if values[0].dtype.kind == "i":  # a shape
        return values
    top = 2 ** (bits - 1) - 1
    largest = max([at_least] + [float(np.abs(v).max()) for v in values if v.size])
    if largest < 1e-30:
        return values
    scale = widen * largest / top
    return [np.clip(np.rint(v / scale), -top, top) * scale for v in values]


def _weights(array, node, position, bits):
    """Weights with one scale per output channel, other constants with one scale in all. An exponent is no value: a square stays one."""
    if array.dtype != np.float32 or array.size == 0:
        return array
    if node.op == "Pow" and position == 1:
        return array.astype(np.float64)
    array = array.astype(np.float64)
    if position != 1 or node.op not in ("Conv", "Gemm", "MatMul") or array.ndim < 2:
        return array
    axis = 0 if node.op == "Conv" or node.attrs.get("transB", 0) else array.ndim - 1
    moved = np.moveaxis(array, axis, 0).copy()
    for c in range(moved.shape[0]):
        moved[c] = fake_quantise([moved[c]], bits)[0]
    return np.moveaxis(moved, 0, axis)


def step(graph, node, values, bits=None, smooth=False):
    """The results of a node, each a list of one array an image. With `smooth`, QuantizeLinear saturates and does not round."""
    images = len(next(iter(values.values())))
    results = []
    for image in range(images):
        operands = []
        for position, name in enumerate(node.inputs):
            if not name:
                operands.append(None)
            elif name in graph.constants:
                array = graph.constants[name]
                operands.append(array.astype(np.float64) if bits is None and array.dtype == np.float32
                                else array if bits is None else _weights(array, node, position, bits))
            else:
                operands.append(values[name][image])
        results.append(ops.compute(node, graph.opset, operands, smooth))
    return [[result[i] for result in results] for i in range(len(node.outputs))]


def evaluate(graph, feeds, bits=None, smooth=False, widen=1.0):
    """All values of a graph: feeds is name -> [images, ...]. With bits, every value that arithmetic makes is rounded as by plain
    quantisation: symmetric, one scale a value, `widen` times its largest magnitude at the largest integer."""
    values = {}
    for name in graph.inputs:
        arrays = [np.asarray(image, np.float64) for image in feeds[name]]
        values[name] = arrays if bits is None else fake_quantise(arrays, bits, widen=widen)
    readers = graph.readers()
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            results = step(graph, node, values, bits, smooth)
            for name, result in zip(node.outputs, results):
                after = readers.get(name, [])
                whole = len(after) == 1 and after[0].op in FUSED and name not in graph.outputs and after[0].inputs[0] == name
                if bits is not None and node.op not in MOVED and not whole:
                    operands = [v for i in node.inputs if i in values for v in values[i]] if node.op in SHARED else []
                    result = fake_quantise(result, bits, max((float(np.abs(v).max()) for v in operands), default=0.0), widen)
                values[name] = result
    return values


def to_onnx(graph, name="fuzz"):
    """The model's bytes; the same for the same graph."""
    from onnx import OperatorSetIdProto, TensorProto, helper, numpy_helper

    def attribute(value):
        return value if not isinstance(value, float) else float(np.float32(value))

    nodes = [helper.make_node(n.op, n.inputs, n.outputs, name=n.name, **{k: attribute(v) for k, v in sorted(n.attrs.items())}) for n in graph.nodes]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in graph.inputs.items()]
    shapes = dict(graph.shapes) if hasattr(graph, "shapes") else {}
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shapes.get(n)) for n in graph.outputs]
    constants = [numpy_helper.from_array(np.array(a, order="C"), n) for n, a in graph.constants.items()]
    made = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(made, opset_imports=[OperatorSetIdProto(domain="", version=graph.opset)])
    model.ir_version = 7 if graph.opset <= 14 else 8 if graph.opset <= 18 else 9 if graph.opset <= 20 else 10
    model.producer_name = "modelfuzz"
    return model.SerializeToString()


def from_onnx(data):
    """The graph of a model that `to_onnx` wrote, or of any other whose constants are initialisers."""
    import onnx
    from onnx import helper, numpy_helper
    model = onnx.load_model_from_string(data)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    inputs = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input if i.name not in constants}

    def plain(value):
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, onnx.TensorProto):
            return numpy_helper.to_array(value)
        return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value

    nodes = [Node(n.op_type, list(n.input), list(n.output), {a.name: plain(helper.get_attribute_value(a)) for a in n.attribute})
             for n in model.graph.node]
    return Graph(model.opset_import[0].version, inputs, constants, nodes, [o.name for o in model.graph.output])
