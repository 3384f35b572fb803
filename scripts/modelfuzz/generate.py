"""A seed's model: the same bytes wherever it is made."""
import numpy as np

from modelfuzz import blocks
from modelfuzz.builder import Builder, Rejected
from modelfuzz.rng import Rng

IMAGES = 3
OPSETS = [7, 8, 9, 11, 11, 12, 13, 13, 13, 14, 15, 16, 17, 17, 17, 18, 19, 20, 21]
CONTRACTIONS = {"Conv", "Gemm", "MatMul"}


def _first_shape(rng):
    kind = rng.pick(["map"] * 6 + ["tokens"] * 3 + ["row", "sequence"])
    if kind == "map":
        return kind, [1, rng.between(1, 6), rng.between(3, 12), rng.between(3, 12)]
    if kind == "tokens":
        return kind, [1, rng.between(2, 10), rng.pick([4, 6, 8, 12, 16])]
    if kind == "row":
        return kind, [1, rng.between(4, 32)]
    return kind, [1, rng.between(1, 6), rng.between(6, 24)]


def _more_input(b, rng, shape):
    """A second input: of the same shape, or one that broadcasts."""
    like = list(shape) if rng.chance(60) else [shape[0], shape[1]] + [1] * (len(shape) - 2)
    return b.input(like, [rng.normal(like) for _ in range(IMAGES)])


def _pick_block(rng, choices):
    total = sum(weight for _, weight in choices)
    at = rng.below(total)
    for block, weight in choices:
        if at < weight:
            return block
        at -= weight
    raise AssertionError("weights sum up")


def _grow(rng, opset):
    b = Builder(rng, opset, IMAGES)
    kind, shape = _first_shape(rng)
    one_sided = rng.chance(30)
    data = [np.abs(d) if one_sided else d for d in (rng.normal(shape) for _ in range(IMAGES))]
    newest = [b.input(shape, data)]
    if rng.chance(25):
        newest.append(_more_input(b, rng, shape))
    pairs = rng.chance(20)  # the share of graphs that carry QuantizeLinear/DequantizeLinear
    wanted, tries = rng.between(2, 9), 0
    while wanted > 0 and tries < 60:
        tries += 1
        value = newest[-1] if rng.chance(75) else rng.pick(newest)
        rank = len(b.shape(value))
        choices = blocks.SEQUENCE if kind == "sequence" and rank == 3 else blocks.BLOCKS.get(rank)
        if not choices:
            value = newest[0]
            continue
        mark = b.mark()
        try:
            block = _pick_block(rng, choices)
            result = block(b, value)
            if pairs and rng.chance(50):
                result = blocks.quantised_pair(b, result)
            newest.append(result)
            wanted -= 1
        except Rejected:
            b.back(mark)
    graph = b.graph
    read = {name for node in graph.nodes for name in node.inputs}
    ends = [name for node in graph.nodes for name in node.outputs if name not in read]
    graph.outputs = [newest[-1]] + [e for e in ends if e != newest[-1]][-rng.below(3):][:2] if newest[-1] not in graph.inputs else ends[:1]
    inside = [name for node in graph.nodes for name in node.outputs if name in read and node.op != "QuantizeLinear"]
    if inside and rng.chance(10):
        graph.outputs.append(rng.pick(inside))
    graph.outputs = list(dict.fromkeys(graph.outputs))
    graph = graph.cleaned()
    graph.shapes = {name: b.shape(name) for name in graph.outputs}
    feeds = {name: np.stack(b.exact[name]).astype(np.float32) for name in graph.inputs}
    return graph, feeds


def generate(seed):
    """(graph, feeds): feeds is name -> [IMAGES, ...] float32."""
    rng = Rng(seed)
    while True:
        opset = rng.pick(OPSETS)
        graph, feeds = _grow(rng, opset)
        if graph.inputs and any(node.op in CONTRACTIONS for node in graph.nodes):
            return graph, feeds
