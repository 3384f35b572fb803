#!/usr/bin/env python3
"""Prints simulated figures beside published ones, and writes the table to docs/validation.md.

Each file of validation/ is a published result: where it comes from, the runs that reproduce it, and its figures with
a tolerance and a standing (K confirmed in a public document, R recalled, D derived by arithmetic). A figure that is known
to lie outside says why under `gap`.

  validation/validate.py                    run everything, print the tables
  validation/validate.py eie scnn           only these files, by name
  validation/validate.py --write            and write docs/validation.md
  validation/validate.py --check            fail where docs/validation.md says something else than the runs

Exit code: 0 where every figure with a tolerance and no gap lies within it; 1 where one does not, or a run fails; 2 for a file
that is wrong. Results that need data which is not part of the repository are skipped, by name.
"""
import argparse
import ast
import json
import math
import operator
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:  # The distribution's package belongs to the system's interpreter, which need not be the first in PATH.
    if os.path.realpath(sys.executable) != os.path.realpath("/usr/bin/python3") and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    sys.exit("validate.py: error: no PyYAML; install python3-yaml")

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "validation.md"
KEYS = {"title", "source", "requires", "baseline", "notes", "files", "runs", "figures"}
FIGURE_KEYS = {"figure", "rows", "unit", "published", "standing", "tolerance", "simulated", "digits", "gap"}
STANDINGS = {"K": "confirmed", "R": "recalled", "D": "derived"}


class Wrong(Exception):
    """A validation file that cannot be read as one."""


# ---------------------------------------------------------------------------------------------------------------------
# Figures from runs: a small arithmetic over the reports
# ---------------------------------------------------------------------------------------------------------------------


class Report:
    """A stats.json, or what a tool printed as JSON. run["conv1"] is a layer, run.total the sum of all, run.json it all."""

    def __init__(self, data):
        self.json = data
        if isinstance(data, dict) and "layers" in data:
            self.total = Layer(data["totals"], data)
            self.layers = {layer["name"]: Layer(layer, data) for layer in data["layers"]}
            self.clock_mhz = data["clock_mhz"]

    def __getitem__(self, name):
        if name not in self.layers:
            raise Wrong(f"no layer '{name}'; there are: {', '.join(self.layers)}")
        return self.layers[name]


class Layer:
    def __init__(self, figures, report):
        self.figures, self.report = figures, report

    def __getattr__(self, key):
        if key not in self.figures:
            raise Wrong(f"a layer has no figure '{key}'; it has: {', '.join(sorted(self.figures))}")
        return self.figures[key]

    def bytes(self, component, *actions):
        """Bytes of these actions at a level."""
        counted = self.figures["actions"].get(component, {})
        return sum(counted.get(action, 0) for action in actions) * self.report["word_bits"][component] / 8


FUNCTIONS = {"sum": lambda *x: sum(x), "mean": lambda *x: sum(x) / len(x), "max": max, "min": min, "log2": math.log2}
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def evaluate(text, runs):
    def value(node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id in runs:
                return runs[node.id]
            raise Wrong(f"'{node.id}' is not a run; there are: {', '.join(runs)}")
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.Subscript):
            return value(node.value)[value(node.slice)]
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            return getattr(value(node.value), node.attr)
        if isinstance(node, ast.Call):
            function = FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else value(node.func)
            if function:
                return function(*(value(argument) for argument in node.args))
        raise Wrong(f"cannot evaluate '{ast.unparse(node)}'")

    try:
        return float(value(ast.parse(text, mode="eval").body))
    except (SyntaxError, KeyError, IndexError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise Wrong(f"'{text}': {error}") from error


# ---------------------------------------------------------------------------------------------------------------------
# Reading and running
# ---------------------------------------------------------------------------------------------------------------------


class Tolerance:
    """'5%' of the published value, or an absolute number, or a range '[low, high]' that the simulated value lies in."""

    def __init__(self, text):
        self.text = str(text)
        if isinstance(text, list) and len(text) == 2:
            self.holds = lambda published, simulated: text[0] <= simulated <= text[1]
            self.text = f"{text[0]} to {text[1]}"
        elif match := re.fullmatch(r"([0-9.]+)%", self.text):
            share = float(match[1]) / 100
            self.holds = lambda published, simulated: abs(simulated - published) <= share * abs(published) + 1e-12
        else:
            try:
                bound = float(text)
            except (TypeError, ValueError):
                raise Wrong(f"tolerance '{text}': expected a number, a percentage or [low, high]") from None
            self.holds = lambda published, simulated: abs(simulated - published) <= bound + 1e-12


def figures_of(case):
    """One figure for each row: braces in its texts name columns."""
    for entry in case["figures"]:
        unknown = set(entry) - FIGURE_KEYS
        if unknown:
            raise Wrong(f"unknown key '{sorted(unknown)[0]}' of a figure; there are: {', '.join(sorted(FIGURE_KEYS))}")
        for row in entry.get("rows", [{}]):
            figure = {key: re.sub(r"\{(\w+)\}", lambda match: str(row.get(match[1], match[0])), value) if isinstance(value, str) else value
                      for key, value in entry.items() if key != "rows"}
            figure.update({key: value for key, value in row.items() if key in FIGURE_KEYS})
            for key in ("figure", "published", "simulated", "standing"):
                if key not in figure:
                    raise Wrong(f"a figure lacks '{key}'")
            if figure["standing"] not in STANDINGS:
                raise Wrong(f"standing '{figure['standing']}': expected {', '.join(STANDINGS)}")
            yield figure


def read_case(path):
    case = yaml.safe_load(path.read_text())
    if not isinstance(case, dict):
        raise Wrong("expected a mapping")
    for key in ("title", "source", "runs", "figures"):
        if key not in case:
            raise Wrong(f"lacks '{key}'")
    if set(case) - KEYS:
        raise Wrong(f"unknown key '{sorted(set(case) - KEYS)[0]}'; there are: {', '.join(sorted(KEYS))}")
    return case


class Runner:
    """Runs a command once, however many files ask for it. ${shared} is the folder of data outside of the repository,
    ${files} the one where a case's own files lie."""

    def __init__(self, build, shared, folder):
        self.build, self.shared, self.folder, self.done = build, shared, folder, {}

    def expand(self, text):
        return text.replace("${shared}", str(self.shared)).replace("${files}", str(self.folder))

    def write_files(self, case):
        for name, text in case.get("files", {}).items():
            (self.folder / name).write_text(self.expand(text))

    def command(self, text):
        words = shlex.split(self.expand(text))
        return [str(self.build / "bin" / words[0]), *words[1:]]

    def run(self, text):
        if text not in self.done:
            command = self.command(text)
            with tempfile.TemporaryDirectory() as folder:
                stats = command[0].endswith("sparse-run")
                more = ["--quiet", "--out", folder] if stats else []
                ran = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)
                if ran.returncode != 0:
                    raise RuntimeError(f"{text}: ended with {ran.returncode}\n{ran.stderr.strip()}")
                self.done[text] = Report(json.loads((pathlib.Path(folder) / "stats.json").read_text() if stats else ran.stdout))
        return self.done[text]


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


def show(value, digits):
    text = f"{value:,.0f}" if abs(value) >= 10000 and digits is None else f"{value:.{3 if digits is None else digits}f}"
    return text.replace(",", " ")


def rows_of(case, runs):
    """(cells, within) by figure; within is None where the figure only stands beside."""
    for figure in figures_of(case):
        published, simulated = float(figure["published"]), evaluate(figure["simulated"], runs)
        digits = figure.get("digits")
        error = f"{100 * (simulated - published) / published:+.1f}%" if published else "-"
        within, mark, tolerance = None, "beside", "-"
        if "tolerance" in figure:
            bound = Tolerance(figure["tolerance"])
            within, tolerance = bound.holds(published, simulated), bound.text
            mark = "within" if within else "**OUTSIDE**"
            if "gap" in figure:
                if within:
                    raise Wrong(f"'{figure['figure']}' lies within its tolerance: take its 'gap' out")
                within, mark = None, f"**outside**: {figure['gap']}"
        yield [figure["figure"], figure.get("unit", ""), f"{published:g}" if digits is None else show(published, digits),
               figure["standing"], show(simulated, digits), error, tolerance, mark], within


HEADER = ["figure", "unit", "published", "standing", "simulated", "error", "tolerance", ""]


def markdown(name, case, rows):
    lines = [f"## {case['title']}", "", f"Source: {case['source']}. File: `validation/{name}.yaml`.", ""]
    if "baseline" in case:
        lines += [f"Baseline: {case['baseline'].strip()}", ""]
    lines += ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    lines += ["| " + " | ".join(cells) + " |" for cells, _ in rows]
    if "notes" in case:
        lines += ["", case["notes"].strip()]
    return "\n".join(lines) + "\n"


def terminal(case, rows):
    table = [HEADER] + [cells for cells, _ in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
    out = [case["title"]]
    for row in table:
        out.append("  " + "  ".join(cell.ljust(width) if i in (0, 1, 7) else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    if "baseline" in case:
        out.append("  baseline: " + " ".join(case["baseline"].split()))
    return "\n".join(out)


PREFACE = """# Validation: simulated beside published

Written by `make validate`; the figures lie in `validation/`, with the commands that reproduce them. Standing: K is a number confirmed in a public document
or artifact, R one recalled from a paper, D one derived from others by arithmetic. A row without a tolerance stands beside for information. No parameter is
fitted to a row: machines come from the descriptions that their files name ([machines.md](machines.md)), and what a model leaves out stands under its table.

"""


def write_atomically(path, text):
    beside = path.with_suffix(path.suffix + ".new")
    beside.write_text(text)
    beside.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help="files of validation/ without their ending; all by default")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder (default: build)")
    parser.add_argument("--write", action="store_true", help="write docs/validation.md")
    parser.add_argument("--check", action="store_true", help="compare with docs/validation.md instead")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "validation", help="folder of the files (default: validation)")
    args = parser.parse_args()
    shared = os.environ.get("SPARSEACCEL_SHARED_DATA") or ROOT.parent / "shared" / "data"
    shared = pathlib.Path(shared) if pathlib.Path(shared).is_dir() else None
    paths = sorted(args.folder.glob("*.yaml"))
    known = [path.stem for path in paths]
    for name in args.names:
        if name not in known:
            parser.error(f"no file validation/{name}.yaml; there are: {', '.join(known)}")
    if args.write and args.names:
        parser.error("--write takes all files: the page is written as a whole")

    with tempfile.TemporaryDirectory() as folder:
        return validate(args, paths, Runner(args.build.resolve(), shared, pathlib.Path(folder)))


def validate(args, paths, runner):
    sections, outside, skipped, stale, within_count = [], 0, 0, 0, 0
    page = PAGE.read_text() if args.check and PAGE.exists() else ""
    for path in paths:
        if args.names and path.stem not in args.names:
            continue
        try:
            case = read_case(path)
            if case.get("requires") == "shared-data" and runner.shared is None:
                print(f"{case['title']}\n  skipped: needs data that is not part of the repository (../shared/data)\n")
                skipped += 1
                continue
            runner.write_files(case)
            rows = list(rows_of(case, {name: runner.run(text) for name, text in case["runs"].items()}))
        except Wrong as error:
            print(f"validate.py: error: {path}: {error}", file=sys.stderr)
            return 2
        except RuntimeError as error:
            print(f"validate.py: error: {path}: {error}", file=sys.stderr)
            return 1
        print(terminal(case, rows) + "\n", flush=True)
        section = markdown(path.stem, case, rows)
        sections.append(section)
        if args.check and section not in page:
            print(f"validate.py: docs/validation.md says something else of {path.stem}: run `make validate`", file=sys.stderr)
            stale += 1
        outside += sum(within is False for _, within in rows)
        within_count += sum(within is True for _, within in rows)
    if args.write:
        if skipped:
            print("validate.py: docs/validation.md is left alone: some results were skipped", file=sys.stderr)
        else:
            write_atomically(PAGE, PREFACE + "\n".join(sections))
    print(f"{within_count} figures within their tolerance, {outside} outside, {skipped} files skipped")
    return 1 if outside or stale else 0


if __name__ == "__main__":
    sys.exit(main())
