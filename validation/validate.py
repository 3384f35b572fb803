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
import difflib
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
    """A validation file that cannot be read as one, with the line where that is known."""

    def __init__(self, message, line=None):
        super().__init__(message)
        self.line = line

    def text(self, path):
        return f"{path}:{self.line}: {self}" if self.line else f"{path}: {self}"


def nearest(name, known):
    """What to say behind an unknown name."""
    close = difflib.get_close_matches(str(name), [str(other) for other in known], 1)
    return f"; did you mean '{close[0]}'?" if close else f"; there are: {', '.join(sorted(known))}"


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
            raise Wrong(f"no layer '{name}'{nearest(name, self.layers)}")
        return self.layers[name]


class Layer:
    def __init__(self, figures, report):
        self.figures, self.report = figures, report

    def __getattr__(self, key):
        if key not in self.figures:
            raise Wrong(f"a layer has no figure '{key}'{nearest(key, self.figures)}")
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
            raise Wrong(f"'{node.id}' is not a run{nearest(node.id, runs)}")
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
    except (SyntaxError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise Wrong(f"'{text}': {error}") from error


# ---------------------------------------------------------------------------------------------------------------------
# Reading and running
# ---------------------------------------------------------------------------------------------------------------------


class Map(dict):
    """A mapping of a file, and the line that it begins in."""

    line = None

    def take(self, key, kind, what):
        """The value of a key that must be there and of a kind."""
        if key not in self:
            raise Wrong(f"lacks '{key}'", self.line)
        return self.optional(key, kind, what)

    def optional(self, key, kind, what):
        value = self.get(key)
        if key in self and (not isinstance(value, kind) or isinstance(value, bool)):
            raise Wrong(f"'{key}': expected {what}, found {value!r}", self.line)
        return value

    def check_keys(self, known, of):
        for key in self:
            if key not in known:
                raise Wrong(f"unknown key '{key}'{of}{nearest(key, known)}", self.line)


class Loader(yaml.SafeLoader):
    """Mappings know their line, and a key that stands twice is an error."""


def construct_map(loader, node):
    entries = Map()
    entries.line = node.start_mark.line + 1
    for key, value in loader.construct_pairs(node, deep=True):
        if not isinstance(key, str):
            raise Wrong(f"expected a name as a key, found {key!r}", entries.line)
        if key in entries:
            raise Wrong(f"the key '{key}' stands here twice", entries.line)
        entries[key] = value
    return entries


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_map)


def finite(value, what):
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise Wrong(f"{what}: expected a number, found {value!r}")
    return number


class Tolerance:
    """'5%' of the published value, or an absolute number, or a range '[low, high]' that the simulated value lies in."""

    def __init__(self, text):
        self.text = str(text)
        self.low = self.high = self.share = None
        wrong = Wrong(f"tolerance '{text}': expected a number or a percentage of at least 0, or [low, high]")
        try:
            if isinstance(text, list) and len(text) == 2:
                self.low, self.high = (finite(bound, "tolerance") for bound in text)
                self.text = f"{text[0]} to {text[1]}"
                if self.low > self.high:
                    raise wrong
                return
            self.share = self.text.endswith("%")
            self.bound = finite(self.text.rstrip("%"), "tolerance") / (100 if self.share else 1)
        except Wrong:
            raise wrong from None
        if self.bound < 0:
            raise wrong

    def holds(self, published, simulated):
        if self.low is not None:
            return self.low <= simulated <= self.high
        return abs(simulated - published) <= self.bound * (abs(published) if self.share else 1) + 1e-12


def figures_of(case):
    """One figure for each row: braces in its texts name columns."""
    for entry in case["figures"]:
        if not isinstance(entry, Map):
            raise Wrong(f"'figures': expected mappings, found {entry!r}", case.line)
        entry.check_keys(FIGURE_KEYS, " of a figure")
        rows = entry.get("rows", [Map()])
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Map) for row in rows):
            raise Wrong(f"'rows': expected a list of mappings, found {rows!r}", entry.line)
        for row in rows:
            figure = Map(entry)
            figure.line = row.line or entry.line

            def column(match):
                if match[1] not in row:
                    raise Wrong(f"there is no column '{match[1]}'{nearest(match[1], row)}", figure.line)
                return str(row[match[1]])

            figure.pop("rows", None)
            for key, value in figure.items():
                if isinstance(value, str) and rows is entry.get("rows"):
                    figure[key] = re.sub(r"\{(\w+)\}", column, value)
            figure.update({key: value for key, value in row.items() if key in FIGURE_KEYS})
            for key in ("figure", "standing", "simulated"):
                figure.take(key, str, "a text")
            for key in ("unit", "gap"):
                figure.optional(key, str, "a text")
            if "digits" in figure and figure["digits"] not in range(10):
                raise Wrong(f"'digits': expected 0 to 9, found {figure['digits']!r}", figure.line)
            if "published" not in figure:
                raise Wrong("a figure lacks 'published'", figure.line)
            if figure["standing"] not in STANDINGS:
                raise Wrong(f"standing '{figure['standing']}': expected {', '.join(STANDINGS)}", figure.line)
            yield figure


def read_case(path):
    try:
        case = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except OSError as error:
        raise Wrong(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Wrong("is not text in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Wrong(f"this is not YAML: {getattr(error, 'problem', error)}", mark and mark.line + 1) from None
    if not isinstance(case, Map):
        raise Wrong("expected a mapping")
    case.check_keys(KEYS, "")
    for key in ("title", "source"):
        case.take(key, str, "a text")
    for key in ("baseline", "notes"):
        case.optional(key, str, "a text")
    if case.get("requires", "shared-data") != "shared-data":
        raise Wrong(f"'requires': expected shared-data, found {case['requires']!r}", case.line)
    for key, texts in (("runs", case.take("runs", Map, "names and commands")), ("files", case.optional("files", Map, "names and texts") or {})):
        for name, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise Wrong(f"'{key}': expected a text for '{name}', found {text!r}", texts.line)
    for name in case.get("files", {}):
        if pathlib.PurePath(name).name != name:
            raise Wrong(f"'files': expected a name without folders, found '{name}'", case["files"].line)
    if not case.take("figures", list, "a list"):
        raise Wrong("'figures': expected at least one", case.line)
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
        try:
            words = shlex.split(self.expand(text))
        except ValueError as error:
            raise Wrong(f"'{text}': {error}") from None
        program = self.build / "bin" / words[0]
        if not program.is_file():
            tools = [tool.name for tool in program.parent.glob("sparse-*")]
            raise Wrong(f"'{text}': " + (f"there is no tool '{words[0]}'{nearest(words[0], tools)}" if tools else f"there are no tools in {program.parent}; build them first"))
        return [str(program), *words[1:]]

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
        try:
            published, simulated = finite(figure["published"], "'published'"), evaluate(figure["simulated"], runs)
            bound = Tolerance(figure["tolerance"]) if "tolerance" in figure else None
        except Wrong as error:
            raise Wrong(str(error), figure.line) from None
        digits = figure.get("digits")
        error = f"{100 * (simulated - published) / published:+.1f}%" if published else "-"
        within, mark, tolerance = None, "beside", "-"
        if bound:
            within, tolerance = bound.holds(published, simulated), bound.text
            mark = "within" if within else "**OUTSIDE**"
            if "gap" in figure:
                if within:
                    raise Wrong(f"'{figure['figure']}' lies within its tolerance: take its 'gap' out", figure.line)
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
    if not paths:
        parser.error(f"there are no .yaml files in the folder {args.folder}")
    known = [path.stem for path in paths]
    for name in args.names:
        if name not in known:
            parser.error(f"no file {args.folder.name}/{name}.yaml{nearest(name, known)}")
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
            print(f"validate.py: error: {error.text(path)}", file=sys.stderr)
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
