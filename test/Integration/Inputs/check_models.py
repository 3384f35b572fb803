#!/usr/bin/env python3
"""Models with host operators in every place, each run with --check on a machine.

    check_models.py FOLDER --seeds A:B [--machines M,...] [--numerics N,...] [--independent] [--keep]

A seed makes one model: a skeleton (a chain, a squeeze-and-excite block, a U-Net, a DenseNet, a pyramid, attention)
whose places are filled at random with operators that the host runs, before, between and after layers that a machine
runs, in branches, and around concatenations. Model number i runs on machine i in turn. Prints what failed and how many
held; exits with 1 where any did not. A model that is refused by name counts apart.
"""

import argparse
import collections
import os
import random
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

MACHINES = "cnvlutin,scnn,spatial,eyeriss,dcnn-opt,eie,stc,eyeriss_v2"


class Net:
    """A graph under construction. Values are (name, shape); maps are [1, C, H, W]."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0
        self.used = collections.Counter()

    def pick(self, *choices):
        return self.random.choice(choices)

    def constant(self, array):
        name = "k%d" % len(self.constants)
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def op(self, kind, inputs, shape, **attributes):
        self.count += 1
        name = "v%d" % self.count
        self.used[kind] += 1
        self.nodes.append(
            helper.make_node(kind, [i if isinstance(i, str) else i[0] for i in inputs], [name], name=kind.lower() + str(self.count), **attributes)
        )
        return name, tuple(shape)

    # What machines run.

    def conv(self, x, filters=None, kernel=None, relu=None, group=1):
        _, c, h, w = x[1]
        kernel = kernel or self.pick(1, 3)
        filters = filters or self.pick(2, 4, 6)
        weights = self.rng.standard_normal((filters, c // group, kernel, kernel)).astype(np.float32) / (c // group * kernel * kernel) ** 0.5
        weights[self.rng.random(weights.shape) < 0.3] = 0
        inputs = [x, self.constant(weights)]
        if self.pick(True, False):
            inputs.append(self.constant(self.rng.standard_normal(filters).astype(np.float32) * 0.1))
        y = self.op("Conv", inputs, (1, filters, h, w), kernel_shape=[kernel, kernel], pads=[kernel // 2] * 4, group=group)
        return self.op("Relu", [y], y[1]) if (relu if relu is not None else self.pick(True, False)) else y

    def accelerated(self, x):
        kind = self.pick("conv", "conv", "depthwise", "grouped", "pool", "average", "table", "add", "mul")
        _, c, h, w = x[1]
        if kind == "depthwise":
            return self.conv(x, c, 3, group=c)
        if kind == "grouped" and c % 2 == 0:
            return self.conv(x, c, group=2)
        if kind == "pool" and min(h, w) > 2:
            return self.op("MaxPool", [x], (1, c, h - 1, w - 1), kernel_shape=[2, 2])
        if kind == "average" and min(h, w) > 2:
            return self.op("AveragePool", [x], (1, c, h - 1, w - 1), kernel_shape=[2, 2])
        if kind == "table":
            return self.op(self.pick("Sigmoid", "Tanh", "HardSigmoid"), [x], x[1])
        if kind in ("add", "mul"):
            other = self.host(self.conv(x, c, 1)) if self.pick(True, False) else self.conv(x, c, 1)
            pair = [x, other] if self.pick(True, False) else [other, x]
            if other[1] == x[1]:
                return self.op(kind.capitalize(), pair, x[1])
            return self.join(x, other)
        return self.conv(x)

    # What the host runs.

    def host(self, x):
        _, c, h, w = x[1]
        kinds = ["transpose", "layout", "reshape", "slice", "channels", "pad", "padchannels", "tile", "gather", "reverse", "softmax", "reduce", "resize",
                 "exp", "sqrt", "where", "scale", "norm", "neg", "squeeze", "concat", "twice"]
        kind = self.pick(*kinds)
        if kind == "transpose":
            return self.op("Transpose", [x], (1, c, w, h), perm=[0, 1, 3, 2])
        if kind == "layout":
            y = self.op("Transpose", [x], (1, h, w, c), perm=[0, 2, 3, 1])
            if self.pick(True, False):
                y = self.op("Relu", [y], y[1])
            return self.op("Transpose", [y], x[1], perm=[0, 3, 1, 2])
        if kind == "reshape":
            if c % 2 == 0 and self.pick(True, False):  # a shuffle of channels
                y = self.op("Reshape", [x, self.ints(1, 2, c // 2, h, w)], (1, 2, c // 2, h, w))
                y = self.op("Transpose", [y], (1, c // 2, 2, h, w), perm=[0, 2, 1, 3, 4])
                return self.op("Reshape", [y, self.ints(1, c, h, w)], x[1])
            return self.op("Reshape", [x, self.ints(1, c, w, h)], (1, c, w, h))
        if kind == "slice" and min(h, w) > 3:
            return self.op("Slice", [x, self.ints(1, 0), self.ints(h, w - 1), self.ints(2, 3)], (1, c, h - 1, w - 1))
        if kind == "channels" and c > 2:
            return self.op("Slice", [x, self.ints(1), self.ints(c), self.ints(1)], (1, c - 1, h, w))
        if kind == "pad":
            value = self.constant(np.float32(self.pick(0, 0.5)))
            return self.op("Pad", [x, self.ints(0, 0, 1, 0, 0, 0, 0, 1), value], (1, c, h + 1, w + 1))
        if kind == "padchannels" and c < 12:
            return self.op("Pad", [x, self.ints(0, 1, 0, 0, 0, 1, 0, 0)], (1, c + 2, h, w))
        if kind == "tile" and c < 8:
            return self.op("Tile", [x, self.ints(1, 2, 1, 1)], (1, 2 * c, h, w))
        if kind == "gather":
            order = self.rng.permutation(c)
            return self.op("Gather", [x, self.ints(*order)], x[1], axis=1)
        if kind == "reverse":
            return self.op("Slice", [x, self.ints(-1), self.ints(-100), self.ints(2), self.ints(-1)], x[1])
        if kind == "softmax":
            return self.op("Softmax", [x], x[1], axis=self.pick(1, 3))
        if kind == "reduce":
            axis = self.pick(1, 2)
            shape = list(x[1])
            shape[axis] = 1
            y = self.reduce(x, axis, shape)
            return self.op("Sub", [x, y], x[1]) if self.pick(True, False) else self.op("Mul", [y, x], x[1])
        if kind == "resize" and h <= 6 and w <= 6:
            return self.op("Resize", [x, "", self.constant(np.array([1, 1, 2, 2], np.float32))], (1, c, 2 * h, 2 * w), mode="nearest",
                           coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        if kind == "exp":
            return self.op("Exp", [self.op("Tanh", [x], x[1])], x[1])
        if kind == "sqrt":
            return self.op("Sqrt", [self.op("Abs", [x], x[1])], x[1])
        if kind == "where":
            mask = self.constant(self.rng.random((1, c, h, w)) < 0.5)
            return self.op("Where", [mask, x, self.constant(np.zeros((1, 1, 1, 1), np.float32))], x[1])
        if kind == "scale":
            shape = self.pick((1, c, 1, 1), (1, 1, h, w), (1, 1, 1, 1), (1, c, h, 1))
            return self.op(self.pick("Mul", "Add", "Sub"), [x, self.constant(self.rng.standard_normal(shape).astype(np.float32))], x[1])
        if kind == "norm":
            ones = self.constant(np.ones(c, np.float32)), self.constant(np.zeros(c, np.float32))
            return self.op("InstanceNormalization", [x, *ones], x[1])
        if kind == "neg":
            return self.op("Neg", [x], x[1])
        if kind == "squeeze":
            gate = self.op("GlobalAveragePool", [x], (1, c, 1, 1))
            return self.op(self.pick("Mul", "Add"), [x, gate] if self.pick(True, False) else [gate, x], x[1])
        if kind == "concat" and c < 8:
            return self.concat([x, self.host(x) if self.pick(True, False) else x])
        if kind == "twice" and self.count < 60:
            return self.host(self.host(x))
        return self.op("Identity", [x], x[1])

    def reduce(self, x, axis, shape):
        kind = self.pick("ReduceMean", "ReduceMax", "ReduceSum")
        if kind == "ReduceSum":
            return self.op(kind, [x, self.ints(axis)], shape, keepdims=1)
        return self.op(kind, [x], shape, axes=[axis], keepdims=1)

    # Both.

    def fit(self, x, h, w):
        """Brings a map to h by w: what is too large is cut, what is too small padded."""
        _, c, y, z = x[1]
        if y > h or z > w:
            x = self.op("Slice", [x, self.ints(0, 0), self.ints(min(h, y), min(w, z)), self.ints(2, 3)], (1, c, min(h, y), min(w, z)))
            _, c, y, z = x[1]
        if y < h or z < w:
            x = self.op("Pad", [x, self.ints(0, 0, 0, 0, 0, 0, h - y, w - z)], (1, c, h, w))
        return x

    def concat(self, values):
        _, _, h, w = values[0][1]
        values = [values[0]] + [self.fit(v, h, w) for v in values[1:]]
        return self.op("Concat", values, (1, sum(v[1][1] for v in values), h, w), axis=1)

    def join(self, a, b):
        """One value of two, whatever their shapes."""
        _, c, h, w = a[1]
        if self.pick(True, False):
            return self.concat([a, b])
        b = self.fit(b, h, w)
        if b[1][1] != c:
            b = self.conv(b, c, 1)
        return self.op(self.pick("Add", "Mul", "Sub"), [a, b] if self.pick(True, False) else [b, a], a[1])

    def any(self, x):
        """What a place is filled with."""
        return self.pick(self.host, self.accelerated, lambda v: v)(x)

    # Skeletons.

    def chain(self, x):
        for _ in range(self.random.randint(2, 4)):
            x = self.any(self.accelerated(x))
        return [x]

    def squeeze_excite(self, x):
        x = self.any(self.conv(x, 4))
        gate = self.op("GlobalAveragePool", [x], (1, x[1][1], 1, 1))
        gate = self.conv(gate, 2, 1, relu=True)
        gate = self.op("Sigmoid", [self.conv(gate, x[1][1], 1, relu=False)], (1, x[1][1], 1, 1))
        y = self.op("Mul", [x, gate] if self.pick(True, False) else [gate, x], x[1])
        return [self.any(self.conv(self.any(y)))]

    def unet(self, x):
        skip = self.any(self.conv(x, 4, 3))
        c, h, w = skip[1][1:]
        down = self.op("MaxPool", [skip], (1, c, h // 2, w // 2), kernel_shape=[2, 2], strides=[2, 2])
        down = self.any(self.conv(down, 4))
        c, h, w = down[1][1:]
        up = self.op("Resize", [down, "", self.constant(np.array([1, 1, 2, 2], np.float32))], (1, c, 2 * h, 2 * w), mode="nearest",
                     coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        parts = [skip, self.any(up)] if self.pick(True, False) else [self.any(up), skip]
        return [self.any(self.conv(self.concat(parts)))]

    def dense(self, x):
        values = [self.any(self.conv(x, 4))]
        for _ in range(self.random.randint(2, 3)):
            values.append(self.any(self.conv(self.concat(values) if len(values) > 1 else values[0], 2)))
        x = self.concat(values)
        return [self.any(x)] + self.random.sample(values, 1)

    def nested(self, x):
        a, b, c = self.conv(x, 2), self.any(self.conv(x, 4)), self.conv(x, 2, 1)
        inner = self.concat([self.any(a), b])
        outer = self.concat([inner, c] if self.pick(True, False) else [c, inner, a])
        return [self.any(self.conv(outer))] + self.random.sample([self.conv(self.any(inner)), inner, a], 1)

    def pyramid(self, x):
        x = self.conv(x, 4, relu=True)
        c, h, w = x[1][1:]
        mean = self.op("GlobalAveragePool", [x], (1, c, 1, 1))
        mean = self.any(self.conv(mean, 2, 1)) if self.pick(True, False) else mean
        if mean[1][2:] == (1, 1):
            mean = self.op("Expand", [mean, self.ints(1, mean[1][1], h, w)], (1, mean[1][1], h, w))
        parts = [x, mean, self.any(self.conv(x, 2, 3))]
        self.random.shuffle(parts)
        return [self.any(self.conv(self.concat(parts)))]

    def branches(self, x):
        x = self.conv(x, 4)
        a, b = self.host(x), self.host(x)
        y = self.join(self.accelerated(a), b)
        return [self.any(y), self.any(self.conv(a))]

    def attention(self, x):
        x = self.any(self.conv(x, 4))
        c, h, w = x[1][1:]
        heads = 2 if c % 2 == 0 else 1
        rows = self.op("Reshape", [x, self.ints(heads, c // heads, h * w)], (heads, c // heads, h * w))
        columns = self.op("Transpose", [rows], (heads, h * w, c // heads), perm=[0, 2, 1])
        scores = self.op("MatMul", [columns, rows], (heads, h * w, h * w))
        if self.pick(True, False):
            scores = self.op("Softmax", [scores], scores[1], axis=2)
        y = self.op("MatMul", [scores, columns], (heads, h * w, c // heads))
        y = self.op("Transpose", [y], (heads, c // heads, h * w), perm=[0, 2, 1])
        y = self.op("Reshape", [y, self.ints(1, c, h, w)], (1, c, h, w))
        return [self.any(self.join(x, y))]

    def classifier(self, x):
        x = self.any(self.conv(x, 4))
        c, h, w = x[1][1:]
        flat = self.op("Reshape", [x, self.ints(1, c * h * w)], (1, c * h * w))
        hidden = self.op("Relu", [self.gemm(flat, 6)], (1, 6))
        both = self.op("Concat", [hidden, self.op("Softmax", [self.gemm(hidden, 3)], (1, 3), axis=1)], (1, 9), axis=1)
        return [self.gemm(both, 4), hidden]

    def gemm(self, x, columns):
        weights = self.rng.standard_normal((x[1][1], columns)).astype(np.float32) / x[1][1] ** 0.5
        return self.op("MatMul", [x, self.constant(weights)], (1, columns))


SKELETONS = ("squeeze_excite", "unet", "dense", "pyramid", "nested", "branches", "attention", "classifier", "chain")


def build(seed):
    net = Net(seed)
    shape = (1, net.pick(2, 3), net.pick(4, 6), net.pick(4, 6))
    x = ("x", shape)
    start = net.host(x) if net.pick(True, False, False) else x
    outputs = getattr(net, SKELETONS[seed % len(SKELETONS)])(start)
    if net.pick(True, False):
        outputs[0] = net.host(outputs[0]) if len(outputs[0][1]) == 4 else net.op("Softmax", [outputs[0]], outputs[0][1], axis=1)
    outputs = list(dict.fromkeys(outputs))
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(net.nodes, "seed%d" % seed, [info("x", shape)], [info(*o) for o in outputs], net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model, np.maximum(net.rng.standard_normal((2,) + shape[1:]), -0.3).astype(np.float32), net.used


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seeds", required=True)
    parser.add_argument("--machines", default=MACHINES)
    parser.add_argument("--numerics", default="int16,int8")
    parser.add_argument("--independent", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the models that held, too")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    machines, numerics = options.machines.split(","), options.numerics.split(",")
    first, last = map(int, options.seeds.split(":"))
    held, refused, failed, used = 0, 0, 0, collections.Counter()
    for number, seed in enumerate(range(first, last)):
        model, x, kinds = build(seed)
        used.update(kinds)
        base = os.path.join(options.folder, "m%d" % seed)
        save(model, base + ".onnx")
        np.save(base + ".npy", x)
        machine, numeric = machines[number % len(machines)], numerics[seed // len(SKELETONS) % len(numerics)]
        command = ["sparse-run", base + ".onnx", "--machine", machine, "--numerics", numeric, "--calibrate", base + ".npy", "--input", base + ".npy"]
        command += ["--compare-independent"] if options.independent else ["--check"]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        lines = [line for line in ran.stdout.splitlines() if "error" in line or "check:" in line]
        wrong = [line for line in lines if "check:" in line and "bit-identical" not in line]
        # The model itself may be beyond the compiler; then nothing was checked, and nothing fails that is meant here.
        broken = any("cannot be checked" in line or "has no value" in line or "corrupt" in line or "not observed" in line for line in lines)
        if ran.returncode == 0:
            held += 1
        elif ran.returncode == 1 and lines and not wrong and not broken:
            refused += 1
            print("seed %d on %s, %s: refused: %s" % (seed, machine, numeric, lines[0] if lines else ran.stdout[-300:]), file=sys.stderr)
        else:
            failed += 1
            print("seed %d on %s, %s: exit code %d: %s" % (seed, machine, numeric, ran.returncode, "; ".join(lines[:4]) or ran.stdout[-300:]))
        if not options.keep and ran.returncode == 0:
            os.remove(base + ".onnx")
            os.remove(base + ".npy")
    print("operators: %s" % ", ".join("%s %d" % item for item in sorted(used.items())), file=sys.stderr)
    print("%d models: %d held, %d refused, %d failed" % (last - first, held, refused, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
