#!/usr/bin/env python3
"""Runs a translator on models that are wrong, one per diagnostic.

    bad_models.py OUT_DIR TOOL

Every case prints "CASE: " and what the tool said. A tool that succeeds, or dies of a signal, is a failure.
"""

import os
import subprocess
import sys

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from models.common import ints, model, node  # noqa: E402

CASES = []


def bad(name, proto, *flags, files=()):
    CASES.append((name, proto if isinstance(proto, bytes) else proto.SerializeToString(), flags, files))


def one(nodes, shape=(1, 4, 8, 8), constants=None, opset=13, out=None):
    nodes = nodes if isinstance(nodes, list) else [nodes]
    outputs = {name: None for name in (out or nodes[-1].output[:1])}
    return model(opset, nodes, {"x": shape}, outputs, constants)


def floats(*shape):
    return np.ones(shape, np.float32)


relu = node("Relu", "x", "y")

# Files
bad("empty", b"")
bad("text", b"This is not an ONNX model.\n")
whole = one(node("Conv", "x w", "y"), constants={"w": floats(4, 4, 3, 3)}).SerializeToString()
bad("truncated", whole[: len(whole) // 2])
no_graph = helper.make_model(helper.make_graph([], "g", [], []))
no_graph.ClearField("graph")
bad("no_graph", no_graph)
bad("old", one(relu, opset=6))
bad("young", one(relu, opset=22))
foreign = one(relu)
del foreign.opset_import[:]
bad("no_opset", foreign)
bad("no_outputs", model(13, [relu], {"x": (1,)}, {}))

# Graphs
bad("cycle", one([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")]))
bad("undefined", one(node("Add", "x nowhere", "y")))
bad("undefined_output", model(13, [relu], {"x": (1,)}, {"z": (1,)}))
bad("defined_twice", one([node("Relu", "x", "y", "first"), node("Tanh", "x", "y", "second")]))
bad("redefines_input", one([node("Relu", "x", "x"), relu]))
bad("computed", one([node("NonZero", "x", "a"), node("Relu", "x", "y")], out=["y", "a"]))
bad(
    "unsupported",
    one([node("Hardmax", "x", "a"), node("Gelu", "a", "b", domain="com.microsoft"), node("Hardmax", "b", "c"), node("GatherND", "c i", "y")], constants={"i": ints(0)}),
)
bad("output_shape", model(13, [relu], {"x": (1, 2)}, {"y": (2, 1)}))

# Inputs
integer = one(relu)
integer.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
bad("integer_input", integer)
shapeless = one(relu)
shapeless.graph.input[0].type.tensor_type.ClearField("shape")
token_ids = one([node("Add", "x one", "ids"), node("Gather", "w ids", "embedded"), node("Relu", "embedded", "y")], constants={"w": floats(5, 4), "one": ints(1)}, shape=(1, 3))
token_ids.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
bad("token_ids", token_ids)
bad("shapeless", shapeless)
bad("zero_dim", one(relu, shape=(1, 0)))
bad("negative_dim", one(relu, shape=(1, -4)))
bad("huge_dim", one(relu, shape=(2**31 - 1, 2**31 - 1)))
bad("overflowing_dims", one(relu, shape=(2**31 - 1,) * 6))
bad("symbolic_batch", one(relu, shape=("batch", 3)))
bad("symbolic_width", one(relu, shape=(1, "width")))
bad("symbolic_unnamed", one(relu, shape=(1, None)))
bad("batch_fixed", one(relu), "--batch=2")
bad("batch_zero", one(relu), "--batch=0")
bad("dim_unknown", one(relu, shape=("batch", 3)), "--dim", "bach=2", "--batch=1")
bad("dim_none", one(relu), "--dim", "batch=2")
bad("dim_malformed", one(relu), "--dim", "batch")
bad("dim_fixed", one(relu), "--dim", "x:1=4")
bad("dim_two_names", one(relu, shape=("batch", 3)), "--dim", "batch=2", "--dim", "x:0=3")
bad("dim_two_values", one(relu, shape=("batch", 3)), "--dim", "batch=2", "--dim", "batch=3")
bad("dim_list", one(relu, shape=("batch", "rows", "columns")), "--dim", "time=2", "--dim", "batch=1", "--dim", "rows=1", "--dim", "columns=1")

# Constants
short = one(node("Add", "x w", "y"), constants={"w": floats(8)})
short.graph.initializer[0].dims[0] = 9
bad("constant_short", short)
negative = one(node("Add", "x w", "y"), constants={"w": floats(8)})
negative.graph.initializer[0].dims[0] = -8
bad("constant_negative", negative)
huge = one(node("Add", "x w", "y"), constants={"w": floats(8)})
huge.graph.initializer[0].dims[0] = 2**62
bad("constant_huge", huge)
lists = one(node("Add", "x w", "y"))
lists.graph.initializer.append(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], float_data=[1, 2]))
bad("constant_list", lists)
strings = one(node("Add", "x w", "y"))
strings.graph.initializer.append(TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"a"]))
bad("constant_string", strings)
twice = one(node("Add", "x w", "y"), constants={"w": floats(8)})
twice.graph.initializer.append(twice.graph.initializer[0])
bad("constant_twice", twice)


def external(location, offset=None, length=None):
    proto = one(node("Add", "x w", "y"))
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[8], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        if value is not None:
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    proto.graph.initializer.append(tensor)
    return proto


bad("external_absent", external("absent.bin"))
bad("external_absolute", external("/etc/hostname"))
bad("external_parent", external("../outside.bin"))
bad("external_link", external("link.bin"), files=[("link.bin", "/etc/hostname")])
bad("external_short", external("short.bin"), files=[("short.bin", b"1234")])
bad("external_offset", external("short.bin", offset=str(2**63)), files=[("short.bin", b"1234")])
bad("external_number", external("short.bin", offset="-1"), files=[("short.bin", b"1234")])
bad("external_length", external("short.bin", length="31"), files=[("short.bin", b"1234")])
bad("external_nowhere", external(None))
bad("sparse_nameless", (lambda p: (p.graph.sparse_initializer.add(), p)[1])(one(relu)))


def sparse(indices, values=(1, 2), shape=(4, 8), constants=None, dtype=np.int64):
    proto = one(node("Add", "x w", "y"), constants=constants)
    tensor = proto.graph.sparse_initializer.add(dims=shape)
    tensor.values.CopyFrom(numpy_helper.from_array(np.array(values, np.float32), "w"))
    tensor.indices.CopyFrom(numpy_helper.from_array(np.array(indices, dtype), ""))
    return proto


bad("sparse_order", sparse([9, 3]))
bad("sparse_repeated", sparse([[1, 2], [1, 2]]))
bad("sparse_range", sparse([3, 32]))
bad("sparse_coordinate", sparse([[0, 1], [0, 8]]))
bad("sparse_count", sparse([1, 2, 3]))
bad("sparse_rank", sparse([[1], [2]]))
bad("sparse_type", sparse([1, 2], dtype=np.int32))
bad("sparse_values", sparse([1, 2], values=[[1, 2]]))
bad("sparse_huge", sparse([1, 2], shape=(2**31, 2**31)))
bad("sparse_scalar", sparse([1, 2], shape=()))
bad("sparse_twice", sparse([1, 2], constants={"w": floats(8)}))
absent = sparse([1, 2])
absent.graph.sparse_initializer[0].ClearField("indices")
bad("sparse_absent", absent)

# Any node
bad("operand_count", one(node("Conv", "x", "y")))
bad("operand_absent", one(node("Add", "x -", "y")))
bad("operand_type", one(node("Add", "x i", "y"), constants={"i": ints(1)}))
bad("results", one(node("Relu", "x", "y z"), out=["y", "z"]))
bad("unknown_attribute", one(node("Relu", "x", "y", slope=1.0)))
bad("attribute_kind", one(node("Concat", "x x", "y", axis=1.5)))
double = one(node("Concat", "x x", "y", axis=1))
double.graph.node[0].attribute.append(double.graph.node[0].attribute[0])
bad("attribute_twice", double)
bad("axis_range", one(node("Concat", "x x", "y", axis=4)))
bad("computed_weights", one([node("Relu", "x", "w"), node("Conv", "x w", "y")]))
bad("too_big", one([node("Concat", "x " * 9, "a", axis=0), node("Concat", "a " * 9, "y", axis=0)], shape=(1, 1024, 1024, 16)))

# Convolutions
W = {"w": floats(4, 4, 3, 3)}
bad("conv_rank", one(node("Conv", "x w", "y"), shape=(1, 4), constants=W))
bad("conv_channels", one(node("Conv", "x w", "y"), shape=(1, 5, 8, 8), constants=W))
bad("conv_group", one(node("Conv", "x w", "y", group=3), constants=W))
bad("conv_kernel_shape", one(node("Conv", "x w", "y", kernel_shape=[3, 5]), constants=W))
bad("conv_bias", one(node("Conv", "x w b", "y"), constants=dict(W, b=floats(3))))
bad("conv_window", one(node("Conv", "x w", "y", dilations=[9, 1]), constants=W))
bad("conv_strides", one(node("Conv", "x w", "y", strides=[0, 1]), constants=W))
bad("conv_pads", one(node("Conv", "x w", "y", pads=[-1, 0, 0, 0]), constants=W))
bad("conv_pads_count", one(node("Conv", "x w", "y", pads=[1, 1]), constants=W))
bad("conv_auto_pad", one(node("Conv", "x w", "y", auto_pad="SAME"), constants=W))
bad("conv_many_groups", one(node("Conv", "x w", "y", group=2048), shape=(1, 4096, 1, 1), constants={"w": floats(2048, 2, 1, 1)}))
bad("conv_huge_pads", one(node("Conv", "x w", "y", pads=[2**31 - 1] * 4), constants=W))
bn = {k: floats(4) for k in "ghmv"}
bad("bn_training", one(node("BatchNormalization", "x g h m v", "y", training_mode=1), constants=bn, opset=15))
bad("bn_length", one(node("BatchNormalization", "x g h m v", "y"), constants=dict(bn, v=floats(5))))
bad("bn_statistics", one(node("BatchNormalization", "x g h m v", "y mean", "bn"), constants=bn, opset=9, out=["y", "mean"]))

# Products
bad("gemm_rank", one(node("Gemm", "x x x", "y")))
bad("gemm_extents", one(node("Gemm", "x w", "y"), shape=(2, 3), constants={"w": floats(4, 5)}))
bad("gemm_addend", one(node("Gemm", "x w c", "y"), shape=(2, 3), constants={"w": floats(3, 5), "c": floats(3, 5)}))
bad("matmul_extents", one(node("MatMul", "x w", "y"), shape=(2, 3), constants={"w": floats(4, 5)}))
bad("matmul_batches", one(node("MatMul", "x w", "y"), shape=(2, 3, 4), constants={"w": floats(3, 4, 5)}))

# Pools
bad("pool_rank", one(node("MaxPool", "x", "y", kernel_shape=[2, 2, 2]), shape=(1, 1, 4, 4, 4)))
bad("pool_kernel", one(node("MaxPool", "x", "y", kernel_shape=[2])))
bad("pool_dilations", one(node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[2, 2])))
bad("pool_pads", one(node("AveragePool", "x", "y", kernel_shape=[2, 2], pads=[2, 0, 0, 0])))
bad("pool_indices", one(node("MaxPool", "x", "y i", kernel_shape=[2, 2]), out=["y", "i"]))
bad("pool_zero", one(node("MaxPool", "x", "y", kernel_shape=[0, 2])))

# Shapes
bad("broadcast", one(node("Add", "x w", "y"), constants={"w": floats(3)}))
bad("reshape_count", one(node("Reshape", "x s", "y"), constants={"s": ints(3, -1)}))
bad("reshape_twice", one(node("Reshape", "x s", "y"), constants={"s": ints(-1, -1)}))
bad("reshape_copy", one(node("Reshape", "x s", "y"), constants={"s": ints(0, 0, 0, 0, 0)}))
bad("reshape_computed", one(node("Reshape", "x x", "y")))
bad("reshape_float", one(node("Reshape", "x s", "y"), constants={"s": floats(2)}))
bad("reshape_rank", one(node("Reshape", "x s", "y"), constants={"s": ints(*[1] * 9)}))
bad("squeeze_extent", one(node("Squeeze", "x a", "y"), constants={"a": ints(1)}))
bad("unsqueeze_twice", one(node("Unsqueeze", "x a", "y"), constants={"a": ints(0, 0)}))
bad("transpose_perm", one(node("Transpose", "x", "y", perm=[0, 1, 2, 2])))
bad("slice_lists", one(node("Slice", "x s e", "y"), constants={"s": ints(0, 0), "e": ints(1)}))
bad("slice_step", one(node("Slice", "x s e a z", "y"), constants={"s": ints(0), "e": ints(1), "a": ints(0), "z": ints(0)}))
bad("slice_twice", one(node("Slice", "x s e a", "y"), constants={"s": ints(0, 0), "e": ints(1, 1), "a": ints(2, -2)}))
bad("slice_empty", one(node("Slice", "x s e", "y"), constants={"s": ints(5), "e": ints(5)}))
bad("split_sizes", one(node("Split", "x s", "y z", axis=1), constants={"s": ints(3, 3)}))
bad("split_outputs", one(node("Split", "x", "y z", axis=1, num_outputs=3), opset=18))
bad("concat_extents", one([node("Relu", "x", "r"), node("Transpose", "r", "t", perm=[0, 2, 1, 3]), node("Concat", "x t", "y", axis=0)]))
bad("concat_no_axis", one(node("Concat", "x x", "y")))
bad("pad_count", one(node("Pad", "x p", "y"), constants={"p": ints(1, 1)}))
bad("pad_mode", one(node("Pad", "x p", "y", mode="mirror"), constants={"p": ints(*[0] * 8)}))
bad("pad_reflect", one(node("Pad", "x p", "y", mode="reflect"), constants={"p": ints(0, 4, 0, 0, 0, 0, 0, 0)}))
bad("pad_huge", one(node("Pad", "x p", "y"), constants={"p": ints(2**63 - 1, 0, 0, 0, 0, 0, 0, 0)}))
bad("pad_value", one(node("Pad", "x p v", "y"), constants={"p": ints(*[0] * 8), "v": floats(2)}))

# The rest
bad("clip_order", one(node("Clip", "x", "y", min=2.0, max=1.0), opset=7))
bad("clip_computed", one(node("Clip", "x x", "y")))
bad("clip_many", one(node("Clip", "x m", "y"), constants={"m": floats(2)}))
bad("dropout_training", one(node("Dropout", "x r t", "y"), constants={"r": np.array(0.5, np.float32), "t": np.array(True)}))
bad("dropout_mask", one(node("Dropout", "x", "y m"), out=["y", "m"]))
bad("lrn_size", one(node("LRN", "x", "y", size=0)))
bad("cast_activation", one(node("Cast", "x", "y", to=TensorProto.INT8)))
bad("cast_string", one(node("Cast", "x", "y", to=TensorProto.STRING)))
bad("constant_value", one([node("Constant", "", "c", value_string="a"), node("Add", "x c", "y")]))
bad("constant_of_huge_shape", one([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], constants={"s": ints(2**40)}))
bad("constant_of_negative_shape", one([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], constants={"s": ints(-1)}))
bad("divide_by_zero", one([node("Div", "s z", "q"), node("Reshape", "x q", "y")], constants={"s": ints(1), "z": ints(0)}))
bad("fold_types", one([node("Add", "s z", "q"), node("Reshape", "x q", "y")], constants={"s": ints(1), "z": floats(1)}))
bad("fold_broadcast", one([node("Add", "s z", "q"), node("Reshape", "x q", "y")], constants={"s": ints(1, 2, 3), "z": ints(1, 2)}))
bad("fold_concat", one([node("Concat", "s z", "q", axis=0), node("Reshape", "x q", "y")], constants={"s": ints(1), "z": floats(1)}))
bad("gather_range", one([node("Gather", "s z", "q"), node("Reshape", "x q", "y")], constants={"s": ints(1), "z": ints(1)}))
bad("fold_power", one([node("Pow", "s z", "q"), node("Reshape", "x q", "y")], constants={"s": ints(10), "z": ints(30)}))
bad("fold_range", one([node("Range", "s e z", "q"), node("Reshape", "x q", "y")], constants={"s": np.array(0), "e": np.array(4), "z": np.array(0)}))
bad("fold_where", one([node("Where", "c s z", "q"), node("Reshape", "x q", "y")], constants={"c": np.array(True), "s": ints(1), "z": floats(1)}))
bad("fold_sqrt", one([node("Sqrt", "s", "q"), node("Reshape", "x q", "y")], constants={"s": ints(4)}))

# Functions, and what Transformers are made of
bad("gelu_kind", one(node("Gelu", "x", "y", approximate="sigmoid"), opset=20))
bad("pick_range", one(node("Gather", "x i", "y", axis=1), constants={"i": ints(0, 4)}))
bad("pick_computed", one(node("Gather", "x x", "y")))
bad("pick_float", one(node("Gather", "x i", "y"), constants={"i": floats(1)}))
bad("where_type", one(node("Where", "c x x", "y"), constants={"c": floats(1)}))
bad("where_broadcast", one(node("Where", "c x x", "y"), constants={"c": np.ones(3, bool)}))
bad("expand_shape", one(node("Expand", "x s", "y"), constants={"s": ints(1, 4, 8, 7)}))
bad("pow_exponent", one(node("Pow", "x e", "y"), constants={"e": floats(3)}))
bad("min_none", one(node("Min", "", "y"), opset=13))
bad("norm_scale", one(node("LayerNormalization", "x s", "y"), constants={"s": floats(2, 1, 1, 8)}, opset=17))
bad("norm_axis", one(node("LayerNormalization", "x s", "y", axis=4), constants={"s": floats(8)}, opset=17))
bad("norm_instance", one(node("InstanceNormalization", "x s s", "y"), constants={"s": floats(3)}))
bad("norm_groups", one(node("GroupNormalization", "x s s", "y", num_groups=3), constants={"s": floats(3)}, opset=18))
bad("norm_group_scale", one(node("GroupNormalization", "x s s", "y", num_groups=2), constants={"s": floats(2)}, opset=21))
bad("reduce_noop", one(node("ReduceL2", "x", "y", noop_with_empty_axes=1), opset=18))
bad("celu_alpha", one(node("Celu", "x", "y", alpha=0.0)))
bad("prelu_slope", one(node("PRelu", "x s", "y"), constants={"s": floats(2, 1, 1, 1)}))
bad("resize_mode", one(node("Resize", "x - s", "y", mode="cubic"), constants={"s": np.float32([1, 1, 2, 2])}))
bad("resize_rounding", one(node("Resize", "x - s", "y", nearest_mode="up"), constants={"s": np.float32([1, 1, 2, 2])}))
bad("resize_coordinates", one(node("Resize", "x - s", "y", coordinate_transformation_mode="half_pixel_symmetric"), constants={"s": np.float32([1, 1, 2, 2])}))
bad("resize_factor", one(node("Resize", "x s", "y"), constants={"s": np.float32([1, 1, 0.75, 1])}, opset=10))
bad("resize_corners", one(node("Resize", "x - s", "y", coordinate_transformation_mode="align_corners"), constants={"s": np.float32([1, 1, 1.3, 1])}))
bad("resize_region", one(node("Resize", "x r s", "y", coordinate_transformation_mode="tf_crop_and_resize"), constants={"s": np.float32([1, 1, 1, 1]), "r": np.float32([0, 0, -1, 0, 1, 1, 1, 1])}))
bad("resize_rank", one(node("Upsample", "x s", "y"), constants={"s": np.float32([2, 2])}, opset=9))
bad("resize_axes", one(node("Resize", "x - s", "y", axes=[2, 3]), constants={"s": np.float32([2, 2, 2])}, opset=18))
bad("resize_antialias", one(node("Resize", "x - s", "y", antialias=1), constants={"s": np.float32([1, 1, 2, 2])}, opset=18))
bad("resize_huge", one(node("Resize", "x - s", "y"), constants={"s": np.float32([1024, 1024, 1024, 1024])}))
bad("tile_repeats", one(node("Tile", "x r", "y"), constants={"r": ints(1, 2)}))
bad("tile_none", one(node("Tile", "x r", "y"), constants={"r": ints(1, 1, 0, 1)}))
bad("blocks_size", one(node("DepthToSpace", "x", "y", blocksize=3)))
bad("blocks_mode", one(node("DepthToSpace", "x", "y", blocksize=2, mode="RCD")))
bad("reduce_axis", one(node("ReduceSum", "x a", "y"), constants={"a": ints(4)}))
bad("empty_output", one([relu, node("Constant", "", "z", value=numpy_helper.from_array(floats(0)))], out=["y", "z"]))
bad("unsigned_output", one([relu, node("Constant", "", "z", value=numpy_helper.from_array(np.ones(2, np.uint8)))], out=["y", "z"]))

# Quantised models
Q = {"s": np.array(0.5, np.float32), "t": np.array(0.25, np.float32), "z": np.array(0, np.int8)}
quantise = node("QuantizeLinear", "x s z", "q")
bad("quantise_output", one([quantise], constants=Q))
bad("quantise_alone", one([quantise, node("Relu", "q", "y")], constants=Q))
bad("quantise_other_scale", one([quantise, node("DequantizeLinear", "q t z", "y")], constants=Q))
bad("quantise_channels", one(node("QuantizeLinear", "x s", "y"), constants={"s": floats(4)}))
bad("dequantise_activation", one(node("DequantizeLinear", "x s z", "y"), constants=Q))
bad("scale_negative", one([node("DequantizeLinear", "c s z", "w"), node("Add", "x w", "y")], constants=dict(Q, c=np.ones(8, np.int8), s=-floats(1))))
bad("scale_shape", one([node("DequantizeLinear", "c s", "w", axis=0), node("Add", "x w", "y")], constants=dict(c=np.ones(8, np.int8), s=floats(3))))
bad("zero_point_type", one([node("DequantizeLinear", "c s z", "w"), node("Add", "x w", "y")], constants=dict(Q, c=np.ones(8, np.uint8))))
bad("dequantise_old", one([node("DequantizeLinear", "c s z", "w"), node("Add", "x w", "y")], opset=9, constants=dict(Q, c=np.ones(8, np.int8))))


def main():
    folder, tool = sys.argv[1], sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for name, content, flags, files in CASES:
        path = os.path.join(folder, name + ".onnx")
        with open(path, "wb") as file:
            file.write(content)
        for beside, what in files:
            beside = os.path.join(folder, beside)
            if os.path.lexists(beside):
                os.remove(beside)
            if isinstance(what, str):
                os.symlink(what, beside)
            else:
                with open(beside, "wb") as file:
                    file.write(what)
        run = subprocess.run([tool, "--import-onnx", path, *flags, "-o", path + ".mlir"], capture_output=True, text=True)
        if run.returncode != 1 or os.path.exists(path + ".mlir"):
            failed += 1
            print("%s: RETURNED %d" % (name, run.returncode))
        print("%s: %s" % (name, run.stderr.replace(os.path.abspath(folder) + "/", "").replace(folder + "/", "").strip()))
    print("%d models, %d not refused" % (len(CASES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
