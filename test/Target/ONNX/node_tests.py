#!/usr/bin/env python3
"""Writes ONNX's own operator tests as files for onnx-check.

    node_tests.py OUT_DIR MODULE...

For every test in the modules of onnx.backend.test.case.node (conv, averagepool, ...) this writes OUT_DIR/NAME.onnx and
OUT_DIR/NAME.npz; so it does for the graphs that define an operator by others (..._expanded). The first operand stays an input of the model; the others, which SparseAccel wants to be constants,
become initialisers, except for operators that compute with several activations. Results that are no floats are cast, so
that operators on constants are tested as well. What is out of scope is left out, and a line for each test says so.
"""

import importlib
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")

import onnx.backend.test.case.node as node_cases  # noqa: E402

SEVERAL = {"Add", "Sub", "Mul", "Div", "Sum", "Max", "Mean", "Min", "Pow", "Concat", "MatMul", "Gemm", "Where"}
ALL_CONSTANT = {"QuantizeLinear", "DequantizeLinear", "Cast"}
FOLDED = ALL_CONSTANT | {"Shape", "ConstantOfShape", "Cast", "Constant", "Add", "Sub", "Mul", "Div", "Transpose", "Slice", "Concat", "Size", "Where"}
TYPES = {np.dtype(t) for t in ("float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint32", "uint64")}


def arrays_of(case):
    inputs, outputs = case.data_sets[0]
    if any(isinstance(value, (list, type(None))) for value in list(inputs) + list(outputs)):
        return None, None
    return [np.asarray(value) for value in inputs], [np.asarray(value) for value in outputs]


def left_out(case):
    node = case.model.graph.node[0]
    inputs, outputs = arrays_of(case)
    if inputs is None:
        return "sequences"
    if any(array.dtype not in TYPES for array in inputs + outputs) and node.op_type not in ("Dropout", "Where"):
        return "element types"
    if inputs and inputs[0].dtype != np.float32 and node.op_type not in FOLDED:
        return "operand of %s" % inputs[0].dtype
    if any(array.size == 0 for array in inputs[:1] + outputs) and node.op_type not in FOLDED:
        return "empty tensor"
    if outputs[0].size == 0:
        return "empty result"
    if "training" in case.name:
        return "training"
    if "BFLOAT16" in case.name:
        return "bfloat16, which NumPy holds as uint16"
    if inputs and inputs[0].ndim == 5 and "pool" in case.name:
        return "pools over three dimensions"
    if node.op_type == "MaxPool" and len(node.output) > 1:
        return "indices of maxima"
    if "maxpool_2d_dilations" in case.name:
        return "dilated pool"
    if node.op_type == "Resize" and case.name != "test_resize_upsample_scales_nearest":
        return "resizing by anything but whole factors and nearest elements"
    if node.op_type == "Dropout" and len(node.output) > 1:
        return "dropout's mask"
    return None


def write(folder, case):
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for opset in model.opset_import:  # an operator that has not changed since before opset 7
        opset.version = max(opset.version, 7)
    graph = model.graph
    node = graph.node[0]
    inputs, outputs = arrays_of(case)
    given = {info.name: array for info, array in zip(graph.input, inputs)}
    infos = {info.name: info for info in graph.input}
    kept, arrays = [], {}
    alone = len(graph.node) == 1
    for position, name in enumerate(node.input if alone else list(given)):
        if name not in given:
            continue
        array = given.pop(name)
        if (position > 0 and node.op_type not in SEVERAL) or array.dtype != np.float32 or node.op_type in ALL_CONSTANT:
            graph.initializer.append(numpy_helper.from_array(array, name))
        else:
            kept.append(infos[name])
            arrays["in/" + name] = array
    del graph.input[:]
    graph.input.extend(kept)
    results = list(graph.output)
    del graph.output[:]
    for info, array in zip(results, outputs):
        name = info.name
        if array.dtype != np.float32:
            graph.node.append(helper.make_node("Cast", [name], [name + "_float"], to=TensorProto.FLOAT))
            name += "_float"
            array = array.astype(np.float32)
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
        arrays["out/" + name] = array
    path = os.path.join(folder, case.name)
    onnx.save(model, path + ".onnx")
    np.savez(path + ".npz", **arrays)


def main():
    folder, modules = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    node_cases._TargetOpType = None  # every operator; importing a module appends its tests to one list
    for module in modules:
        importlib.import_module("onnx.backend.test.case.node." + module)
    written = 0
    for case in node_cases._NodeTestCases:
        reason = left_out(case)
        if reason:
            print("left out %s: %s" % (case.name, reason))
            continue
        write(folder, case)
        written += 1
    print("wrote %d" % written)


if __name__ == "__main__":
    main()
