"""One model through sparse-run, and what is to be said of what comes out."""
import dataclasses
import json
import pathlib
import re

import numpy as np

from modelfuzz.graph import evaluate, to_onnx
from modelfuzz.tool import Hang

INT16_LIMIT = 1e-3  # rms error over the output's range
INT8_FACTOR, INT8_FLOOR = 1.5, 4e-3  # times what plain fake quantisation loses; one step of 8 bits is 4e-3 of a range
FLIPPED = 2e-3  # more where there is a QuantizeLinear: a value that falls on the other side of its rounding is a whole step apart
# Which way a dozen values are rounded is chance, also in the reference: it rounds with ranges as calibrated and a little wider, and the worst counts.
WIDER = (1.0, 1.01, 1.02, 1.03)
INT8_HOPELESS = 0.1  # of the range: where plain fake quantisation loses more than that, 8 bits say nothing, and only the check is looked at

# Verdicts. A refusal is no fault by itself where it names a node; everything from WRONG on is.
AGREES, REFUSED, WRONG, CHECK, NAMELESS = "agrees", "refused", "wrong values", "check failed", "refused without a node"
BROKEN, CRASH, HANG, REFERENCE = "simulation failed", "crash", "hang", "references disagree"
ABSURD = 1e9  # stands for an error that is no number
FAULTS = (WRONG, CHECK, NAMELESS, BROKEN, CRASH, HANG, REFERENCE)


@dataclasses.dataclass
class Outcome:
    verdict: str
    message: str = ""
    error: float = 0.0  # the worst output's, over what is allowed

    @property
    def faulty(self):
        return self.verdict in FAULTS


@dataclasses.dataclass
class Reference:
    """What a model's outputs should be, [output][image], and how far a value may be from it, by numerics and output."""
    values: list
    limits: dict
    by: str


def _loss(values, exact, spread):
    return float(np.sqrt(np.mean([(np.asarray(v, np.float64) - e) ** 2 for v, e in zip(values, exact)]))) / spread


def _spreads(exact):
    """The range of each output's values, or its magnitude where that is more."""
    return [max(float(np.max(e) - np.min(e)), float(np.abs(e).max()), 1e-9) for e in map(np.stack, exact)]


def reference(graph, feeds, model, runtime):
    """Values by ONNX Runtime where there is one (`runtime` may be None), else by NumPy; limits by plain fake quantisation in NumPy.
    Raises ValueError where the two references disagree, since then nothing can be said of a third."""
    exact = evaluate(graph, feeds)
    values, by = [exact[name] for name in graph.outputs], "NumPy"
    spreads = _spreads(values)
    rounds = any(node.op == "QuantizeLinear" for node in graph.nodes)
    if runtime is not None:
        images = len(values[0])
        replies = [runtime.run(model, {name: array[i] for name, array in feeds.items()}) for i in range(images)]
        theirs = [[reply[name].astype(np.float64) for reply in replies] for name in graph.outputs]
        for name, ours, other, spread in zip(graph.outputs, values, theirs, spreads):
            if ours[0].shape != other[0].shape:
                raise ValueError(f"output {name} has shape {ours[0].shape} by NumPy, {other[0].shape} by ONNX Runtime")
            # A float32 that falls on the other side of a rounding is a step of QuantizeLinear apart.
            if not _loss(other, ours, spread) <= (2e-2 if rounds else 1e-4):
                raise ValueError(f"output {name}: ONNX Runtime differs from NumPy by {_loss(other, ours, spread):.2g} of the range")
        values, by = theirs, "ONNX Runtime"
    # The rounding of QuantizeLinear is left to the quantisation of the compiler: what it costs is allowed.
    unrounded = evaluate(graph, feeds, smooth=True) if rounds else None
    limits = {"int16": [], "int8": []}
    plain = [evaluate(graph, feeds, bits=8, widen=wider) for wider in WIDER]
    for name, exact_values, spread in zip(graph.outputs, values, spreads):
        own = _loss(unrounded[name], exact_values, spread) if rounds else 0.0
        limits["int16"].append(INT16_LIMIT + (INT8_FACTOR * own + FLIPPED if rounds else 0.0))
        losses = [own] + [_loss(rounded[name], exact_values, spread) for rounded in plain]
        lost = max(losses) if np.all(np.isfinite(losses)) else float("inf")  # as of a logarithm of what rounds to 0
        limits["int8"].append(INT8_FACTOR * lost + INT8_FLOOR if lost <= INT8_HOPELESS else float("inf"))
    return Reference(values, limits, by)


def _names_a_node(text, graph):
    """Whether a message names a node, a value or a constant of the graph."""
    words = set(re.findall(r"[A-Za-z0-9_./]+", text))
    known = {node.name for node in graph.nodes} | {n for node in graph.nodes for n in node.inputs + node.outputs if n} - set(graph.inputs)
    return any(word.rstrip(".:,") in known or any(word.startswith(k + ".") for k in known) for word in words)


class Harness:
    def __init__(self, tool, folder, timeout=60, extra=()):
        self.tool, self.folder, self.timeout, self.extra = tool, pathlib.Path(folder), timeout, list(extra)

    def prepare(self, graph, feeds):
        """Writes the model and its inputs, and returns the model's path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        model = self.folder / "model.onnx"
        model.write_bytes(to_onnx(graph))
        np.savez(self.folder / "x.npz", **{name: np.concatenate(list(array)) for name, array in feeds.items()})
        return model

    def command(self, machine, numerics, check=True, graph=None):
        """The tool's arguments."""
        contraction = next((node.name for node in graph.nodes if node.op in ("Conv", "Gemm", "MatMul")), "") if graph else "{contraction}"
        extra = [option.replace("{contraction}", contraction) for option in self.extra]
        return [str(self.folder / "model.onnx"), "--machine", machine, "--numerics", numerics, "--calibrate", str(self.folder / "x.npz"),
                "--input", str(self.folder / "x.npz"), "--quiet", "--jobs", "1", "--out", str(self.folder / "out")] + ["--check"] * check + extra

    def run(self, graph, truth, machine, numerics):
        for old in (self.folder / "out").glob("*.npy"):
            old.unlink()
        try:
            outcome = self._judge(graph, truth, numerics, self._start(self.command(machine, numerics, graph=graph)))
            # What runs well unchecked is not refused: the check is what fails.
            if outcome.verdict in (REFUSED, NAMELESS) and self._start(self.command(machine, numerics, check=False, graph=graph)).returncode == 0:
                outcome.verdict = CHECK
        except Hang:
            return Outcome(HANG, f"not done after {self.timeout} s")
        return outcome

    def _start(self, command):
        return self.tool.run(command, self.timeout)

    def _judge(self, graph, truth, numerics, done):
        errors = [line for line in done.stderr.splitlines() if line.strip()]
        said = "\n".join(line for line in errors if "warning:" not in line)[:1500]
        if done.returncode < 0 or done.returncode > 1 or "Sanitizer" in done.stderr or "Assertion" in done.stderr:
            return Outcome(CRASH, f"ended with {done.returncode}: {said}")
        outputs = []
        for i in range(len(graph.outputs)):
            path = self.folder / "out" / ("outputs.npy" if i == 0 else f"outputs.{i}.npy")
            outputs.append(np.load(path) if path.exists() else None)
        if done.returncode == 1:
            if " check: " in done.stderr:
                return Outcome(CHECK, said)
            if re.search(r"error: run \d+:", said):
                return Outcome(BROKEN, said)
            return Outcome(REFUSED if _names_a_node(said, graph) else NAMELESS, said or "no message")
        worst = Outcome(AGREES)
        for name, got, wanted, limit, spread in zip(graph.outputs, outputs, truth.values, truth.limits[numerics], _spreads(truth.values)):
            if got is None:
                return Outcome(WRONG, f"output {name} was not written", error=ABSURD)
            if got.size != len(wanted) * wanted[0].size:
                return Outcome(WRONG, f"output {name} has {got.size} values of {len(wanted) * wanted[0].size}", error=ABSURD)
            loss = _loss(np.asarray(got, np.float64).reshape([len(wanted)] + list(wanted[0].shape)), wanted, spread)
            if np.isfinite(limit) and not loss <= limit * worst.error:
                worst = Outcome(AGREES if loss <= limit else WRONG, error=min(loss / limit, ABSURD) if np.isfinite(loss) else ABSURD,
                                message=f"output {name}: rms error {loss:.2g} of the range, at most {limit:.2g} allowed")
        return worst


def as_json(outcome):
    return json.loads(json.dumps(dataclasses.asdict(outcome)))
