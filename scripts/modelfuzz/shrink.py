"""The smallest model that shows the same fault: outputs, nodes and inputs are taken away while the verdict stays."""
import copy

from modelfuzz import verdict
from modelfuzz.graph import Graph, evaluate


def _only_output(graph):
    """The same with one output, each in turn."""
    if len(graph.outputs) > 1:
        for name in graph.outputs:
            yield Graph(graph.opset, graph.inputs, graph.constants, graph.nodes, [name]).cleaned()


def _cut_short(graph):
    """The same ending earlier: a node's result is the output."""
    for node in graph.nodes:
        for name in node.outputs:
            if name not in graph.outputs and node.op != "QuantizeLinear":
                yield Graph(graph.opset, graph.inputs, graph.constants, graph.nodes, [name]).cleaned()


def _begun_later(graph, values):
    """The same beginning later: a value inside is an input, with the data that it had."""
    codes = {n for node in graph.nodes if node.op == "QuantizeLinear" for n in node.outputs}
    for node in reversed(graph.nodes):
        for name in node.outputs:
            if name in graph.outputs or name in codes:
                continue
            nodes = [n for n in graph.nodes if n is not node or len(n.outputs) > 1]
            inputs = dict(graph.inputs)
            inputs[name] = list(values[name][0].shape)
            left = Graph(graph.opset, inputs, graph.constants, nodes, list(graph.outputs))
            if len(node.outputs) == 1:
                yield left.cleaned()


def _by_passed(graph, values):
    """The same without one node whose operand has the shape of its result."""
    for node in graph.nodes:
        if len(node.outputs) != 1:
            continue
        for operand in node.inputs:
            if operand in values and operand in values and values[operand][0].shape == values[node.outputs[0]][0].shape:
                nodes = [copy.deepcopy(n) for n in graph.nodes if n is not node]
                for n in nodes:
                    n.inputs = [operand if i == node.outputs[0] else i for i in n.inputs]
                outputs = [operand if o == node.outputs[0] else o for o in graph.outputs]
                if len(set(outputs)) == len(outputs) and not set(outputs) & set(graph.inputs):
                    yield Graph(graph.opset, graph.inputs, graph.constants, nodes, outputs).cleaned()
                break


def _candidates(graph, values):
    yield from _only_output(graph)
    yield from _cut_short(graph)
    yield from _begun_later(graph, values)
    yield from _by_passed(graph, values)


def shrink(worker, graph, feeds, machine, numerics, outcome, budget=150):
    """(graph, feeds, outcome) of the smallest model found within `budget` runs that has the verdict of `outcome`."""
    harness = worker.harness(worker.folder / "shrink")
    tries, progress = 0, True
    while progress and tries < budget:
        progress = False
        values = evaluate(graph, feeds)
        for candidate in _candidates(graph, values):
            if tries >= budget:
                break
            if len(candidate.nodes) >= len(graph.nodes) and len(candidate.outputs) >= len(graph.outputs) or not candidate.nodes or not candidate.inputs:
                continue
            data = {name: feeds[name] if name in feeds else _stacked(values[name]) for name in candidate.inputs}
            candidate.shapes = {name: list(values[name][0].shape) for name in candidate.outputs if name in values}
            tries += 1
            try:
                model = harness.prepare(candidate, data)
                truth, _ = worker.truth(candidate, data, model)
            except (ValueError, KeyError, IndexError):
                continue
            found = harness.run(candidate, truth, machine, numerics)
            if found.verdict == outcome.verdict and (found.verdict != verdict.WRONG or found.error > 1.2):
                graph, feeds, outcome, progress = candidate, data, found, True
                break
    return graph, feeds, outcome


def _stacked(arrays):
    import numpy as np
    return np.stack(arrays).astype(np.float32)
