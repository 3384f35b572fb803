"""Holds every model of a folder against onnx.checker, with strict shape inference; counts operators."""
import pathlib
import sys

import onnx
from onnx import shape_inference

NEWEST = 17  # opset of the installed package
checked, wrong, operators = 0, 0, set()
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/model.onnx")):
    model = onnx.load(str(path))
    operators |= {node.op_type for node in model.graph.node}
    if model.opset_import[0].version > NEWEST:
        continue
    checked += 1
    try:
        onnx.checker.check_model(model)
        shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        wrong += 1
        print(path, error)
print(f"{checked} checked, {wrong} wrong; {len(operators)} operators")
