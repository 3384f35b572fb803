"""Elementwise pieces of models: activation functions as frameworks write them, arithmetic with constants and other values, and
QuantizeLinear/DequantizeLinear pairs."""
import numpy as np

from modelfuzz.builder import Rejected


def few_digits(value):
    """A constant that is made from computed values, without the digits in which libraries of mathematics differ."""
    return float("%.3g" % value)


def activation(b, x):
    """One of the functions that stand behind layers, some of them as the chain that an exporter writes."""
    r = b.rng
    kind = r.pick(["relu"] * 6 + ["relu6", "leaky", "prelu", "sigmoid", "tanh", "hardsigmoid", "hardswish", "silu", "silu", "gelu", "elu",
                                  "celu", "selu", "mish", "softplus", "clip", "hardswish_chain", "max0", "quickgelu"])
    if kind == "relu6":
        return b.clip(x, 0.0, 6.0)
    if kind == "clip":
        low, high = b.range_of(x)
        low, high = few_digits(low * 0.6), few_digits(high * 0.6)
        return b.clip(x, low, high if r.chance(70) and low < high else None)
    if kind == "leaky":
        return b.op("LeakyRelu", x, alpha=r.pick([0.01, 0.1, 0.25]))
    if kind == "prelu":
        shape = b.shape(x)
        return b.op("PRelu", x, b.constant(r.uniform([shape[1]] + [1] * (len(shape) - 2) if len(shape) > 2 else [shape[1]], 0.05, 0.4)))
    if kind == "hardsigmoid":
        return b.op("HardSigmoid", x, alpha=r.pick([0.2, 1 / 6]), beta=0.5)
    if kind == "hardswish":
        return b.op("HardSwish", x) if b.opset >= 14 else b.op("Mul", x, b.op("HardSigmoid", x, alpha=1 / 6, beta=0.5))
    if kind == "hardswish_chain":
        return b.op("Div", b.op("Mul", x, b.clip(b.op("Add", x, b.scalar(3.0)), 0.0, 6.0)), b.scalar(6.0))
    if kind == "silu":
        return b.op("Mul", *r.shuffled([x, b.op("Sigmoid", x)]))
    if kind == "quickgelu":
        return b.op("Mul", x, b.op("Sigmoid", b.op("Mul", x, b.scalar(1.702))))
    if kind == "gelu":
        if b.opset >= 20:
            return b.op("Gelu", x, approximate=r.pick(["none", "tanh"]))
        e = b.op("Add", b.op("Erf", b.op("Div", x, b.scalar(np.sqrt(2)))), b.scalar(1.0)) if b.opset >= 9 else None
        if e is None:
            raise Rejected("opset")
        return b.op("Mul", b.op("Mul", x, e), b.scalar(0.5)) if r.chance(50) else b.op("Mul", b.op("Mul", x, b.scalar(0.5)), e)
    if kind in ("elu", "celu"):
        if kind == "celu" and b.opset < 12:
            raise Rejected("opset")
        return b.op("Elu" if kind == "elu" else "Celu", x, alpha=r.pick([1.0, 0.5, 1.5]))
    if kind == "mish" and b.opset < 18:
        return b.op("Mul", x, b.op("Tanh", b.op("Softplus", x)))
    if kind == "max0":
        return b.op("Max", x, b.scalar(0.0)) if b.opset >= 8 else b.op("Relu", x)
    names = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "selu": "Selu", "mish": "Mish", "softplus": "Softplus"}
    return b.op(names[kind], x)


def function(b, x):
    """Functions that mostly run on the host, or as tables, kept to where they are well conditioned."""
    r = b.rng
    kind = r.pick(["sqrt", "log", "exp", "abs", "neg", "pow2", "pow3", "erf", "softsign", "reciprocal", "div", "sin", "cos", "powf", "l2", "softmaxish"])
    low, high = b.range_of(x)
    if kind == "sqrt":
        return b.op("Sqrt", b.op("Add", b.op("Abs", x) if low < 0 else x, b.scalar(0.1)))
    if kind == "powf":
        return b.op("Pow", b.op("Add", b.op("Abs", x), b.scalar(0.2)), b.scalar(r.pick([0.5, 1.5, -0.5])))
    if kind == "log":
        return b.op("Log", b.op("Add", b.op("Softplus", x) if r.chance(50) else b.op("Exp", x), b.scalar(1.0)))
    if kind == "exp":
        if max(abs(low), abs(high)) > 5:
            x = b.op("Mul", x, b.scalar(few_digits(2.0 / max(abs(low), abs(high)))))
        return b.op("Exp", x)
    if kind == "pow2":
        return b.op("Pow", x, b.scalar(2.0)) if r.chance(50) else b.op("Mul", x, x)
    if kind == "pow3":
        return b.op("Pow", x, b.scalar(3.0))
    if kind == "erf" and b.opset < 9:
        raise Rejected("opset")
    if kind == "reciprocal":
        return b.op("Reciprocal", b.op("Add", b.op("Abs", x), b.scalar(0.5)))
    if kind == "div":
        return b.op("Div", x, b.op("Add", b.op("Abs", x), b.scalar(1.0)))
    if kind == "l2":
        axis = len(b.shape(x)) - 1
        return b.op("Div", x, b.op("Add", b.reduce("ReduceL2", x, [axis], 1), b.scalar(0.1)))
    if kind == "softmaxish":
        axis = len(b.shape(x)) - 1
        e = b.op("Exp", b.op("Sub", x, b.reduce("ReduceMax", x, [axis], 1)))
        return b.op("Div", e, b.reduce("ReduceSum", e, [axis], 1))
    names = {"abs": "Abs", "neg": "Neg", "erf": "Erf", "softsign": "Softsign", "sin": "Sin", "cos": "Cos"}
    return b.op(names[kind], x)


def _broadcastable(b, x):
    """Live values that broadcast with x."""
    shape, found = b.shape(x), []
    for name in b.live():
        other = b.shape(name)
        if name != x and all(p == q or 1 in (p, q) for p, q in zip(reversed(shape), reversed(other))):
            found.append(name)
    return found


def mixed_with(b, x):
    """Arithmetic of a value with a constant or another value, in either order."""
    r, shape = b.rng, b.shape(x)
    kind = r.pick(["Add", "Add", "Mul", "Sub", "Max", "Min", "Sum", "Mean", "Div"])
    others = _broadcastable(b, x)
    if others and r.chance(60) and kind != "Div":
        y = r.pick(others[-6:])
    else:
        form = r.pick(["scalar", "channel", "last", "full", "rows"])
        if form == "scalar":
            of = [] if r.chance(50) else [1]
        elif form == "channel":
            of = [shape[1]] + [1] * (len(shape) - 2)
        elif form == "last":
            of = [shape[-1]]
        elif form == "rows":
            of = [1] + shape[1:-1] + [1]
        else:
            of = list(shape)
        data = r.uniform(of, 0.4, 2.0) if kind == "Div" or (kind == "Mul" and r.chance(70)) else r.normal(of, 0.8)
        if kind == "Mul" and r.chance(30):
            data = -data
        y = b.constant(data.astype(np.float32))
    if b.opset < 8 and kind in ("Max", "Min", "Sum", "Mean") and b.shape(y) != shape:
        kind = "Add"
    operands = [x, y] if kind == "Div" else r.shuffled([x, y])
    if kind in ("Sum", "Max", "Min", "Mean") and r.chance(25):
        operands.append(x if b.opset < 8 else operands[0])
    return b.op(kind, *operands)


def quantised_pair(b, x):
    """QuantizeLinear and DequantizeLinear, as quantisation-aware training leaves them: int8 symmetric or uint8 from zero."""
    if b.opset < 10:
        raise Rejected("opset")
    low, high = b.range_of(x)
    # Nothing saturates: the importer keeps saturation where codes lie on one side of zero (docs/onnx.md), and scales leave the rest.
    largest = max(abs(low), abs(high)) * b.rng.pick([1.01, 1.01, 1.3])
    if low >= 0 and b.rng.chance(70):
        zero, scale = b.constant(np.uint8(0).reshape(()), "z"), b.scalar(few_digits(largest / 255))
    else:
        zero, scale = b.constant(np.int8(0).reshape(()), "z"), b.scalar(few_digits(largest / 127))
    return b.op("DequantizeLinear", b.op("QuantizeLinear", x, scale, zero), scale, zero)
