"""Grows a valid graph node by node. Every node is computed as it is added, so its shape is known, and what would be badly
conditioned (not finite, vanishing, or much worse in 16 bits than its operands) is taken back before it becomes a part of the model."""
import numpy as np

from modelfuzz.graph import Graph, MOVED, Node, fake_quantise, step


class Rejected(Exception):
    """The node or block cannot stand here; the builder is to go back to where it was."""


LARGEST, SMALLEST = 1e3, 1e-3  # of a value's magnitude: float and integer arithmetic are at ease between
WORST_NOISE = 2e-4  # of 16-bit integers, rms over the value's range, at any value
MOST_ELEMENTS = 6000  # of one value


class Builder:
    def __init__(self, rng, opset, images):
        self.rng, self.opset, self.images = rng, opset, images
        self.graph = Graph(opset, {}, {}, [], [])
        self.exact, self.rounded = {}, {}
        self.count = 0

    # -- what there is

    def shape(self, name):
        if name in self.graph.constants:
            return list(self.graph.constants[name].shape)
        return list(self.exact[name][0].shape)

    def live(self, rank=None):
        """The values that arithmetic may read, oldest first; the integers of QuantizeLinear are not among them."""
        codes = {name for node in self.graph.nodes if node.op == "QuantizeLinear" for name in node.outputs}
        return [n for n in self.exact if n not in codes and self.exact[n][0].dtype.kind == "f" and (rank is None or len(self.shape(n)) == rank)]

    def mark(self):
        return len(self.graph.nodes), len(self.graph.constants), self.count

    def back(self, mark):
        nodes, constants, self.count = mark
        for node in self.graph.nodes[nodes:]:
            for name in node.outputs:
                self.exact.pop(name, None), self.rounded.pop(name, None)
        del self.graph.nodes[nodes:]
        for name in list(self.graph.constants)[constants:]:
            del self.graph.constants[name]

    def fresh(self, kind):
        self.count += 1
        return "%s%d" % (kind, self.count)

    # -- what is added

    def input(self, shape, data):
        name = self.fresh("in")
        self.graph.inputs[name] = list(shape)
        self.exact[name] = [d.astype(np.float64) for d in data]
        self.rounded[name] = fake_quantise(self.exact[name], 16)
        return name

    def constant(self, array, kind="c"):
        name = self.fresh(kind)
        self.graph.constants[name] = array
        return name

    def ints(self, values):
        return self.constant(np.asarray(values, np.int64), "i")

    def scalar(self, value):
        return self.constant(np.float32(value).reshape(()), "s")

    def weights(self, shape, fan_in, zeros=0):
        w = self.rng.normal(shape, 1.2 / max(1, fan_in) ** 0.5)
        if zeros:
            w = np.where(self.rng.uniform(shape, 0, 100) < zeros, np.float32(0), w)
        return self.constant(w.astype(np.float32), "w")

    def range_of(self, name):
        values = self.exact[name]
        return min(float(v.min()) for v in values), max(float(v.max()) for v in values)

    def op(self, op, *inputs, outputs=1, **attrs):
        """Adds a node and returns its result's name, or a list of names."""
        names = [self.fresh("v") for _ in range(outputs)]
        node = Node(op, [i or "" for i in inputs], names, {k: v for k, v in attrs.items() if v is not None})
        with np.errstate(all="ignore"):
            try:
                exact = step(self.graph, node, self.exact, smooth=True)
                rounded = step(self.graph, node, self.rounded, 16, smooth=True)
            except (ValueError, IndexError) as error:
                raise Rejected(str(error))
        for e, r in zip(exact, rounded):
            if op not in MOVED:
                r[:] = fake_quantise(r, 16)
            self._judge(op, e, r)
        self.graph.nodes.append(node)
        for name, e, r in zip(names, exact, rounded):
            self.exact[name], self.rounded[name] = e, r
        return names[0] if outputs == 1 else names

    def _judge(self, op, exact, rounded):
        if exact[0].size == 0 or exact[0].size > MOST_ELEMENTS or exact[0].ndim > 6:
            raise Rejected("size")
        together = np.stack(exact)
        if not np.isfinite(together).all():
            raise Rejected("not finite")
        if op == "QuantizeLinear" or exact[0].dtype.kind == "i":
            return
        largest = float(np.abs(together).max())
        if not SMALLEST < largest < LARGEST:
            raise Rejected("magnitude")
        spread = max(float(together.max() - together.min()), largest)
        noise = float(np.sqrt(np.mean((together - np.stack(rounded)) ** 2)))
        if noise > WORST_NOISE * spread:
            raise Rejected("badly conditioned")
        if largest and float(together.max() - together.min()) < 1e-2 * largest and together.size > 1:
            raise Rejected("all but constant")

    # -- operators whose form depends on the opset

    def clip(self, x, low, high):
        if self.opset < 11:
            return self.op("Clip", x, min=None if low is None else float(low), max=None if high is None else float(high))
        return self.op("Clip", x, None if low is None else self.scalar(low), None if high is None else self.scalar(high)) \
            if high is not None else self.op("Clip", x, self.scalar(low))

    def reshape(self, x, shape):
        return self.op("Reshape", x, self.ints(shape))

    def squeeze(self, x, axes):
        return self.op("Squeeze", x, axes=axes) if self.opset < 13 else self.op("Squeeze", x, self.ints(axes))

    def unsqueeze(self, x, axes):
        return self.op("Unsqueeze", x, axes=axes) if self.opset < 13 else self.op("Unsqueeze", x, self.ints(axes))

    def slice(self, x, starts, ends, axes, steps=None):
        if self.opset < 10:
            if steps is not None and any(s != 1 for s in steps):
                raise Rejected("opset")
            return self.op("Slice", x, starts=starts, ends=ends, axes=axes)
        rest = [] if steps is None else [self.ints(steps)]
        return self.op("Slice", x, self.ints(starts), self.ints(ends), self.ints(axes), *rest)

    def pad(self, x, pads, mode="constant", value=0.0):
        if self.opset < 11:
            return self.op("Pad", x, pads=pads, mode=mode, value=float(value) if value else None)
        return self.op("Pad", x, self.ints(pads), self.scalar(value) if value else None, mode=mode) if value \
            else self.op("Pad", x, self.ints(pads), mode=mode)

    def split(self, x, axis, sizes):
        if self.opset < 13:
            return self.op("Split", x, outputs=len(sizes), axis=axis, split=sizes)
        return self.op("Split", x, self.ints(sizes), outputs=len(sizes), axis=axis)

    def reduce(self, op, x, axes, keepdims):
        if self.opset >= (13 if op == "ReduceSum" else 18):
            return self.op(op, x, self.ints(axes), keepdims=keepdims)
        return self.op(op, x, axes=axes, keepdims=keepdims)

    def enlarge(self, x, factors):
        if self.opset < 9:
            return self.op("Upsample", x, scales=[float(f) for f in factors], mode="nearest")
        scales = self.constant(np.asarray(factors, np.float32), "s")
        if self.opset < 10:
            return self.op("Upsample", x, scales, mode="nearest")
        if self.opset < 11:
            return self.op("Resize", x, scales, mode="nearest")
        region = self.constant(np.zeros(0, np.float32), "roi") if self.opset < 13 else None
        return self.op("Resize", x, region, scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def softmax(self, x, axis, log=False):
        return self.op("LogSoftmax" if log else "Softmax", x, axis=axis)
