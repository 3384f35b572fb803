#!/usr/bin/env python3
"""Random ONNX models through sparse-run, compared with ONNX Runtime.

Every seed is one valid model (see scripts/modelfuzz/generate.py): maps, tokens, rows or sequences through blocks of convolutions, products,
pools, normalisations, attention, functions, broadcasts, concatenations, moves and QuantizeLinear/DequantizeLinear pairs, with one or two
inputs and one or several outputs, in opsets 7 to 21. It is imported, quantised with its own three inputs as calibration, simulated on one
machine in turn, and held against upstream's lowering by --check. One seed in twenty goes through all machines.

What is said of a run:
  agrees                  int16: rms error at most 0.1% of the output's range; int8: at most 1.5 times that of plain fake quantisation in
                          NumPy (symmetric, a scale a value, a scale a channel of weights; the worst of four ranges up to 3% wider) and one
                          step of 8 bits; a QuantizeLinear's own rounding is allowed for
  refused                 an error that names a node, at most --max-refusals of the graphs
  wrong values, check failed, refused without a node, crash, hang, references disagree
                          faults

Exit code: 0 without a fault and with refusals within the bound; 1 otherwise; 2 where the command is wrong.
"""
EPILOG = """
examples:
  scripts/fuzz_models.py --seeds 0:200                             what continuous integration runs, with other seeds
  scripts/fuzz_models.py --seeds 17:18 --machines all              one model on every machine in both numerics
  scripts/fuzz_models.py --seeds 0:5000 --jobs 2 --json fuzz.json --keep faults
  scripts/fuzz_models.py --seeds 42:43 --keep faults --shrink      the smallest model that shows the same fault

ONNX Runtime is the npm package onnxruntime-node, for tests alone:
  npm install --ignore-scripts --prefix build/ort onnxruntime-node
"""
import argparse
import collections
import json
import multiprocessing.util
import os
import pathlib
import re
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
NUMERICS = ("int16", "int8")
ALL_MACHINES_EVERY = 20
SAYS_EVERY = 500  # graphs: a long run says how far it is


def shipped():
    """Each shipped machine with the numerics that it declares."""
    found = {}
    for path in sorted((ROOT / "machines").glob("*.yaml")):
        line = re.search(r"^numerics: *\[(.*?)\]", path.read_text(), re.M)
        found[path.stem] = [n for n in NUMERICS if line and n in re.split(r"[ ,]+", line.group(1))]
    return found


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:20", metavar="A:B", help="models A to B-1 (default 0:20)")
    parser.add_argument("--machines", default="rotate", metavar="WHICH",
                        help="rotate: one in turn, every twentieth seed all (default); all; or names with commas between")
    parser.add_argument("--numerics", default="rotate", choices=("rotate", "all") + NUMERICS,
                        help="rotate: in turn with the machines (default); all: both")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="models at once (default: all cores); results never depend on it")
    parser.add_argument("--json", metavar="FILE", help="write verdicts and coverage there")
    parser.add_argument("--keep", metavar="DIR", help="keep each faulty model there, with its inputs, outputs, message and command")
    parser.add_argument("--shrink", action="store_true", help="cut what is kept to the smallest model with the same verdict")
    parser.add_argument("--write", metavar="DIR", help="write the models as DIR/SEED/model.onnx with their inputs x.npz, and run nothing")
    parser.add_argument("--max-refusals", type=float, default=2.0, metavar="PERCENT", help="share of the graphs that may be refused (default 2)")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="of processor time after which a run hangs (default 60)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder with bin/sparse-run (default build)")
    parser.add_argument("--ort", type=pathlib.Path, metavar="DIR", help="folder with node_modules/onnxruntime-node (default BUILD/ort)")
    parser.add_argument("--sparse-run-option", action="append", default=[], metavar="OPTION", help="one more option for sparse-run; {contraction} in it is the name of a graph's first Conv, Gemm or MatMul")
    args = parser.parse_args(arguments)
    match = re.fullmatch(r"(\d+):(\d+)", args.seeds)
    if not match or int(match.group(1)) >= int(match.group(2)):
        parser.error(f"--seeds: expected A:B with A below B, got '{args.seeds}'")
    args.seeds = range(int(match.group(1)), int(match.group(2)))
    known = shipped()
    if args.machines not in ("rotate", "all"):
        for name in args.machines.split(","):
            if name not in known:
                parser.error(f"--machines: no machine '{name}'; there are " + ", ".join(known))
    if args.shrink and not args.keep:
        parser.error("--shrink says what becomes of kept models: give --keep DIR, too")
    if not args.write and not (args.build / "bin" / "sparse-run").exists():
        parser.error(f"no {args.build / 'bin' / 'sparse-run'}: build it, or name the build folder with --build")
    args.ort = args.ort or args.build / "ort"
    return args


def targets_of(seed, args):
    """The pairs of machine and numerics that a seed runs on."""
    known = shipped()
    names = list(known) if args.machines in ("rotate", "all") else args.machines.split(",")
    wanted = NUMERICS if args.numerics in ("rotate", "all") else (args.numerics,)
    pairs = [(name, n) for n in wanted for name in names if n in known[name]]
    if not pairs:
        return []
    if args.machines == "rotate" and seed % ALL_MACHINES_EVERY != 0:
        return [pairs[seed % len(pairs)]]
    if args.numerics == "rotate" and args.machines not in ("rotate", "all"):
        return [(name, known[name][seed % len(known[name])]) for name in names]
    return pairs


class Worker:
    """What a process of the pool keeps from model to model."""
    current = None

    def __init__(self, args, folder):
        from modelfuzz.runtime import OnnxRuntime, Unavailable
        from modelfuzz.tool import Tool
        self.args = args
        self.tool = Tool(args.build / "bin" / "sparse-run")
        self.folder = pathlib.Path(folder) / str(os.getpid())
        try:
            self.runtime, self.absent = OnnxRuntime(args.ort), ""
        except Unavailable as error:
            self.runtime, self.absent = None, str(error)

    def close(self):
        self.tool.close()
        if self.runtime:
            self.runtime.close()

    def harness(self, folder):
        from modelfuzz.verdict import Harness
        return Harness(self.tool, folder, self.args.timeout, self.args.sparse_run_option)

    def truth(self, graph, feeds, model):
        """(reference, what ONNX Runtime had to say against the model)."""
        from modelfuzz.verdict import reference
        try:
            return reference(graph, feeds, model, self.runtime), ""
        except RuntimeError as error:  # its schemas or kernels know less than ONNX's text
            return reference(graph, feeds, model, None), str(error).strip().splitlines()[0]

    def run(self, seed):
        from modelfuzz import verdict
        from modelfuzz.generate import generate
        graph, feeds = generate(seed)
        record = {"seed": seed, "opset": graph.opset, "operators": sorted({n.op for n in graph.nodes}), "nodes": len(graph.nodes), "runs": []}
        harness = self.harness(self.folder)
        model = harness.prepare(graph, feeds)
        try:
            truth, record["note"] = self.truth(graph, feeds, model)
        except ValueError as error:
            outcome = verdict.Outcome(verdict.REFERENCE, str(error))
            record["runs"].append({"machine": "-", "numerics": "-", **verdict.as_json(outcome)})
            return record
        record["reference"] = truth.by
        for machine, numerics in targets_of(seed, self.args):
            outcome = harness.run(graph, truth, machine, numerics)
            record["runs"].append({"machine": machine, "numerics": numerics, **verdict.as_json(outcome)})
            if outcome.faulty and self.args.keep:
                self.keep(seed, graph, feeds, machine, numerics, outcome)
        return record

    def keep(self, seed, graph, feeds, machine, numerics, outcome):
        import numpy as np
        if self.args.shrink:
            from modelfuzz.shrink import shrink
            graph, feeds, outcome = shrink(self, graph, feeds, machine, numerics, outcome)
        folder = pathlib.Path(self.args.keep) / f"{seed}-{machine}-{numerics}"
        harness = self.harness(folder)
        model = harness.prepare(graph, feeds)
        truth, _ = self.truth(graph, feeds, model)
        np.savez(folder / "expected.npz", **{name: np.stack(v) for name, v in zip(graph.outputs, truth.values)})
        nodes = "\n".join(f"{', '.join(n.outputs)} = {n.op}({', '.join(n.inputs)}) {n.attrs or ''}" for n in graph.nodes)
        command = " ".join([self.tool.program] + harness.command(machine, numerics, graph=graph))
        (folder / "message.txt").write_text(f"{outcome.verdict}: {outcome.message}\n{command}\nopset {graph.opset}, inputs {graph.inputs}\n{nodes}\n"
                                            f"outputs {graph.outputs}\n")


def start(args, folder):
    Worker.current = Worker(args, folder)
    multiprocessing.util.Finalize(None, Worker.current.close, exitpriority=1)


def one(seed):
    return Worker.current.run(seed)


def summarise(records, args, absent):
    from modelfuzz import verdict
    counts, operators, machines = collections.Counter(), {}, collections.Counter()
    faults, refusals, refused, runs, worst = [], [], set(), 0, {n: 0.0 for n in NUMERICS}
    for record in records:
        for run in record["runs"]:
            runs += 1
            counts[run["verdict"]] += 1
            machines[run["machine"]] += 1
            entry = {"seed": record["seed"], **{k: run[k] for k in ("machine", "numerics", "verdict", "message")}}
            if run["verdict"] in verdict.FAULTS:
                faults.append(entry)
            elif run["verdict"] == verdict.REFUSED:
                refusals.append(entry)
                refused.add(record["seed"])
            else:
                worst[run["numerics"]] = max(worst[run["numerics"]], run["error"])
        for op in record["operators"]:
            of = operators.setdefault(op, {"graphs": 0, "machines": collections.Counter()})
            of["graphs"] += 1
            of["machines"].update({run["machine"] for run in record["runs"]})
    return {"seeds": [args.seeds.start, args.seeds.stop], "graphs": len(records), "runs": runs,
            "reference": sorted({r["reference"] for r in records if "reference" in r}), "reference_absent": absent,
            "refused_by_reference": [{"seed": r["seed"], "message": r["note"]} for r in records if r.get("note")],
            "verdicts": dict(sorted(counts.items())), "refused_graphs_percent": 100.0 * len(refused) / len(records),
            "worst_error_over_limit": worst, "faults": faults, "refusals": refusals, "runs_by_machine": dict(sorted(machines.items())),
            "operators": {op: {"graphs": of["graphs"], "machines": dict(sorted(of["machines"].items()))} for op, of in sorted(operators.items())}}


def report(result, seconds):
    print("operators by graphs: " + ", ".join(f"{op} {of['graphs']}" for op, of in sorted(result["operators"].items(), key=lambda e: (-e[1]["graphs"], e[0]))))
    print("runs by machine: " + ", ".join(f"{name} {count}" for name, count in result["runs_by_machine"].items()))
    for machine in result["runs_by_machine"]:
        never = [op for op, of in result["operators"].items() if machine not in of["machines"]]
        if never and result["graphs"] >= 200:
            print(f"never on {machine}: {', '.join(never)}")
    for entry in result["refused_by_reference"]:
        print(f"seed {entry['seed']}: held against NumPy, since ONNX Runtime says: {entry['message'][:150]}")
    for entry in result["refusals"] + result["faults"]:
        print(f"seed {entry['seed']} on {entry['machine']} {entry['numerics']}: {entry['verdict']}: {entry['message']}")
    print("reference: " + " and ".join(result["reference"]) + (f" ({result['reference_absent']})" if result["reference_absent"] else ""))
    print(f"{result['graphs']} graphs, {result['runs']} runs in {seconds:.0f} s: " + ", ".join(f"{count} {what}" for what, count in result["verdicts"].items())
          + f"; refused {result['refused_graphs_percent']:.1f}% of the graphs; worst error over what is allowed: "
          + ", ".join(f"{n} {of:.2f}" for n, of in result["worst_error_over_limit"].items()))


def main(arguments=None):
    args = parse(arguments)
    if args.write:
        from modelfuzz.generate import generate
        from modelfuzz.verdict import Harness
        for seed in args.seeds:
            Harness(None, pathlib.Path(args.write) / str(seed)).prepare(*generate(seed))
        print(f"{len(args.seeds)} models in {args.write}")
        return 0
    begin, records = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        from modelfuzz.runtime import OnnxRuntime, Unavailable
        try:
            OnnxRuntime(args.ort).close()
            absent = ""
        except Unavailable as error:
            absent = str(error)
            print(f"SKIPPED: ONNX Runtime as reference: {absent}; NumPy takes its place", flush=True)
        with multiprocessing.Pool(args.jobs, start, (args, folder)) as pool:
            for record in pool.imap(one, args.seeds):
                records.append(record)
                for run in record["runs"]:
                    if run["verdict"] not in ("agrees", "refused"):
                        print(f"seed {record['seed']} on {run['machine']} {run['numerics']}: {run['verdict']}", flush=True)
                if len(records) % SAYS_EVERY == 0:
                    print(f"{len(records)} graphs after {time.monotonic() - begin:.0f} s", flush=True)
            pool.close()
            pool.join()
    result = summarise(records, args, absent)
    report(result, time.monotonic() - begin)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=1) + "\n")
    return 1 if result["faults"] or result["refused_graphs_percent"] > args.max_refusals else 0


if __name__ == "__main__":
    sys.exit(main())
