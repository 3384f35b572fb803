#!/usr/bin/env python3
"""Compares what two builds make of the same models: programs, outputs and statistics.

A change that is meant to change nothing is held by this script: every shipped machine runs every model in both numerics with both
builds, and outputs must be the same bytes, disassemblies the same text, statistics the same numbers and refusals the same words. What
a change adds or mends on purpose stands in scripts/baseline.json, with its reason:

  ignored_fields   regular expressions; what they match is taken out of both disassemblies (a field that is new by name)
  renamed          keys of stats.json, old name to new name
  added            keys of stats.json that only the new build writes
  changed          counts that were wrong: [{"machines": [...], "keys": [regular expressions of key paths], "why": "..."}]; the script
                   prints the sums before and after, for each of them

Exit code: 0 where nothing else differs, 1 where something does, 2 where the command is wrong.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIGITS = ROOT / "models" / "digits"
PREPARE = ROOT / "test" / "Integration" / "Inputs" / "prepare.py"

# Name: file below the shared data, the name by which prepare.py knows its inputs, images.
SHARED_MODELS = {
    "lenet5": ("lenet_dns/lenet5_sparse.onnx", "lenet", 2),
    "resnet20": ("resnet20_cifar/resnet20_unstructured90.onnx", "resnet20", 2),
    "kwt1": ("kwt1/kwt1_fp32.onnx", "kwt1", 1),
    "squeezenet": ("squeezenet_dc/squeezenet_v1.0_dc.onnx", "squeezenet", 1),
}


@dataclasses.dataclass
class Case:
    """One run: `source` are sparse-run's arguments that name what runs."""
    name: str
    machine: str
    source: list


@dataclasses.dataclass
class Result:
    code: int
    errors: str
    outputs: dict
    program: str
    stats: dict


class Build:
    def __init__(self, folder, home):
        self.folder, self.home = pathlib.Path(folder).resolve(), pathlib.Path(home).resolve()
        for tool in ("sparse-run", "sparse-translate"):
            if not (self.folder / "bin" / tool).exists():
                raise SystemExit(f"compare_baseline.py: error: no {self.folder}/bin/{tool}: build the targets sparse-run and sparse-translate")

    def start(self, tool, *arguments):
        env = dict(os.environ, SPARSEACCEL_HOME=str(self.home))
        return subprocess.run([str(self.folder / "bin" / tool), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def run(self, case, folder):
        done = self.start("sparse-run", *case.source, "--machine", case.machine, "--jobs", "1", "--quiet", "--no-guard", "--out", str(folder))
        errors = "\n".join(line for line in done.stderr.splitlines() if "error:" in line).replace(str(self.home), "HOME")
        if done.returncode:
            return Result(done.returncode, errors, {}, "", {})
        text = self.start("sparse-translate", "--disassemble", str(folder / "program.sac"))
        return Result(0, "", {path.name: path.read_bytes() for path in sorted(folder.glob("outputs*.npy"))},
                      text.stdout if text.returncode == 0 else f"cannot be disassembled: {text.stderr}",
                      json.loads((folder / "stats.json").read_text()))


def flat(value, path=""):
    """Leaves of a report by key path; layers and list entries by their place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{path}[{index}]")
    else:
        yield path, value


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=0)  # a sum in another order
    return a == b


class Expected:
    """What may differ: scripts/baseline.json."""
    LISTS = {"ignored_fields": list, "renamed": dict, "added": list, "changed": list}

    def __init__(self, path):
        text = json.loads(path.read_text())
        for key in text:
            if key not in self.LISTS:
                raise SystemExit(f"{path}: '{key}' is none of {', '.join(self.LISTS)}")
        self.fields = [re.compile(pattern) for pattern in text.get("ignored_fields", [])]
        self.renamed, self.added = text.get("renamed", {}), [re.compile(pattern) for pattern in text.get("added", [])]
        self.changed = text.get("changed", [])
        for entry in self.changed:
            if set(entry) != {"machines", "keys", "why"}:
                raise SystemExit(f"{path}: an entry of 'changed' has machines, keys and why")

    def program(self, text):
        for field in self.fields:
            text = field.sub("", text)
        return text

    def old_path(self, path):
        return ".".join(self.renamed.get(part, part) for part in path.split("."))

    def reason(self, machine, path):
        for entry in self.changed:
            if machine in entry["machines"] and any(re.search(pattern, path) for pattern in entry["keys"]):
                return entry["why"]
        return None


def differences(case, old, new, expected, moved):
    """What differs without a reason, line by line. Sums of what has one are added to `moved`."""
    if old.code or new.code:
        if (old.code, old.errors) != (new.code, new.errors):
            yield f"was {'refused: ' + old.errors if old.code else 'run'}, is {'refused: ' + new.errors if new.code else 'run'}"
        return
    for name in sorted(old.outputs.keys() | new.outputs.keys()):
        if old.outputs.get(name) != new.outputs.get(name):
            yield f"{name} has other bytes"
    before, after = expected.program(old.program).splitlines(), expected.program(new.program).splitlines()
    if before != after:
        where = next((i for i, (a, b) in enumerate(zip(before, after)) if a != b), min(len(before), len(after)))
        shown = [lines[where] if where < len(lines) else "(ends)" for lines in (before, after)]
        yield f"disassembly differs from line {where + 1} on: was '{shown[0].strip()}', is '{shown[1].strip()}'"
    was = {expected.old_path(path): value for path, value in flat(old.stats)}
    now = dict(flat(new.stats))
    for path in sorted(was.keys() | now.keys()):
        if path in was and path in now and same(was[path], now[path]):
            continue
        why = expected.reason(case.machine, path)
        if why is not None:
            if path.startswith("totals."):
                moved.setdefault((case.machine, path, why), []).append((was.get(path), now.get(path)))
        elif path not in was and any(pattern.search(path) for pattern in expected.added):
            continue
        else:
            yield f"stats {path}: was {was.get(path, 'absent')}, is {now.get(path, 'absent')}"


def cases(args):
    machines = args.machines.split(",") if args.machines else sorted(path.stem for path in (ROOT / "machines").glob("*.yaml"))
    folder = pathlib.Path(args.inputs.name)
    models = {"digits": (DIGITS / "digits.onnx", DIGITS / "digits_calibrate.npz", DIGITS / "digits_test.npz", 4)}
    if args.shared.is_dir():
        for name, (path, inputs, images) in SHARED_MODELS.items():
            models[name] = (args.shared / path, folder / f"{name}.npz", folder / f"{name}.npz", images)
    else:
        print(f"skipped: {', '.join(SHARED_MODELS)}: no folder {args.shared}")
    workloads = sorted(path.stem for path in (ROOT / "workloads").glob("*.yaml"))
    wanted = args.models.split(",") if args.models else [*models, "alexnet", "eie", "alexnet-scnn"]
    for name in wanted:
        if name in models:
            model, calibrate, inputs, images = models[name]
            if inputs.parent == folder and not inputs.exists():
                subprocess.run([sys.executable, str(PREPARE), str(args.shared), SHARED_MODELS[name][1], str(inputs), str(images)], check=True)
            sources = [(f"{name} {numerics}", [str(model), "--numerics", numerics, "--calibrate", str(calibrate), "--input", str(inputs),
                                                "--images", str(images)]) for numerics in ("int16", "int8")]
        elif name in workloads:
            sources = [(name, ["--workload", name])]
        else:
            raise SystemExit(f"compare_baseline.py: error: no model '{name}'; there are {', '.join([*models, *workloads])}")
        for machine in machines:
            for title, source in sources:
                yield Case(title, machine, source)


def compare(case, builds, expected, moved):
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for side, build in zip(("old", "new"), builds):
            out = pathlib.Path(folder) / side
            results.append(build.run(case, out))
        return list(differences(case, *results, expected, moved)), bool(results[1].code)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("baseline", help="build folder of the tree to compare with")
    parser.add_argument("--baseline-home", type=pathlib.Path, help="that tree's source, for its machines (default: the folder above the build folder)")
    parser.add_argument("--build", default=ROOT / "build", help="build folder of this tree (default: build)")
    parser.add_argument("--machines", help="names with commas between (default: all shipped)")
    parser.add_argument("--models", help="names with commas between: digits, a shared model or a shipped workload (default: digits, all shared "
                                         "models and three workloads)")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared" / "data", help="folder of the shared models")
    parser.add_argument("--expected", type=pathlib.Path, default=ROOT / "scripts" / "baseline.json", help="what may differ, and why")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at once (default: all cores)")
    args = parser.parse_args()
    expected = Expected(args.expected)
    builds = [Build(args.baseline, args.baseline_home or pathlib.Path(args.baseline).resolve().parent), Build(args.build, ROOT)]
    failed = ran = refused = 0
    moved = {}
    with tempfile.TemporaryDirectory() as inputs:
        args.inputs = argparse.Namespace(name=inputs)
        todo = list(cases(args))
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for case, (found, no) in zip(todo, pool.map(lambda case: compare(case, builds, expected, moved), todo)):
                ran, refused, failed = ran + 1, refused + no, failed + bool(found)
                for line in found[:5]:
                    print(f"{case.name} on {case.machine}: {line}")
                if len(found) > 5:
                    print(f"{case.name} on {case.machine}: and {len(found) - 5} more")
    for (machine, path, why), values in sorted(moved.items()):
        before, after = (sum(v[i] or 0 for v in values) for i in (0, 1))
        print(f"{machine}: {path} was {before:.6g}, is {after:.6g} over {len(values)} runs: {why}")
    print(f"{ran} runs ({refused} refused by both or by the new build), {failed} differ")
    return bool(failed) or not ran


if __name__ == "__main__":
    sys.exit(main())
