#!/usr/bin/env python3
"""ONNX's own tests of its operators, through the importer, and the table of them in docs/onnx.md.

Every test of onnx.backend.test.case.node of the installed package is made a model: single operators, and the graphs that define an operator by
others. It is imported, and what upstream's lowering of the imported module computes is compared with what the test states, to 1e-5. A test has
up to three forms, tried in this order until one is imported: all float operands are activations; the first alone is, and the others are
constants; all are constants (where the first is no float32, since activations are). Results that are no float32 are cast.

  agrees    within 1e-5, in one form at least, and in every form that is imported
  refused   by the importer, in all forms, in words
  wrong     imported, and computes something else
  fails     refused without a name, or imported, and something after that gives up
  crash     the process ends
"""
EPILOG = """
examples:
  scripts/onnx_node_tests.py                      run all, print the table
  scripts/onnx_node_tests.py --write              run all, write the table into docs/onnx.md
  scripts/onnx_node_tests.py --check              run all, exit code 1 where docs/onnx.md says something else
  scripts/onnx_node_tests.py --only resize pool   tests whose names have one of these in them, with each message
"""
import argparse
import collections
import concurrent.futures
import importlib
import os
import pathlib
import pkgutil
import re
import subprocess
import sys
import tempfile
import textwrap
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "onnx.md"
BEGIN, END = "<!-- node tests: begin -->", "<!-- node tests: end -->"
VERDICTS = ("agrees", "refused", "wrong", "fails", "crash")


def cases():
    """All tests, each once."""
    import numpy as np
    for name, kind in (("float", float), ("bool", bool), ("int", int), ("object", object)):  # what newer versions of NumPy took away
        if name not in vars(np):
            setattr(np, name, kind)
    warnings.filterwarnings("ignore")
    import onnx.backend.test.case.node as node_cases
    node_cases._TargetOpType = None  # every operator; importing a module appends its tests to one list
    for module in sorted(m.name for m in pkgutil.iter_modules(node_cases.__path__)):
        importlib.import_module("onnx.backend.test.case.node." + module)
    found = {}
    for case in node_cases._NodeTestCases:
        found.setdefault(case.name, case)
    return [found[name] for name in sorted(found)]


def operator_of(case):
    """The operator that a test is about: the node's, or, for a definition by others, its name's."""
    nodes = case.model.graph.node
    return nodes[0].op_type if len(nodes) == 1 else "(a graph)"


def arrays_of(case):
    """Operands and results, or None where they are no tensors of numbers."""
    import numpy as np
    inputs, outputs = case.data_sets[0]
    if any(isinstance(value, (list, type(None))) for value in list(inputs) + list(outputs)):
        return None
    inputs, outputs = [np.asarray(v) for v in inputs], [np.asarray(v) for v in outputs]
    if any(a.dtype.kind not in "fiub" for a in inputs + outputs):
        return None
    return inputs, outputs


def forms(inputs):
    """Which operands are activations, form by form."""
    import numpy as np
    floats = [a.dtype == np.float32 for a in inputs]
    tried = []
    if inputs and floats[0]:
        tried = [floats, [i == 0 for i in range(len(inputs))]]
    else:
        tried = [[False] * len(inputs)]
        if any(floats):
            tried.insert(0, floats)
    return [form for i, form in enumerate(tried) if form not in tried[:i]]


def write(folder, case):
    """The test's forms as files NAME.FORM.onnx and .npz; a test without numbers as the model alone."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    arrays = arrays_of(case)
    for number, form in enumerate(forms(arrays[0]) if arrays else [None]):
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        for opset in model.opset_import:  # an operator that has not changed since before opset 7
            opset.version = max(opset.version, 7) if opset.domain in ("", "ai.onnx") else opset.version
        if not any(opset.domain in ("", "ai.onnx") for opset in model.opset_import):  # operators of another domain alone
            model.opset_import.append(helper.make_opsetid("", 13))
        stored = {} if form is not None else {"nothing/to compare": np.zeros(1, np.float32)}
        if form is not None:
            graph = model.graph
            kept = []
            for info, array, activation in zip(list(graph.input), arrays[0], form):
                if activation:  # some tests state another shape than that of their data
                    kept.append(helper.make_tensor_value_info(info.name, TensorProto.FLOAT, array.shape))
                    stored["in/" + info.name] = array
                else:
                    tensor = numpy_helper.from_array(array, info.name)
                    tensor.data_type = info.type.tensor_type.elem_type if array.dtype == np.uint16 else tensor.data_type  # bfloat16
                    graph.initializer.append(tensor)
            results = list(graph.output)
            del graph.input[:]
            graph.input.extend(kept)
            del graph.output[:]
            for info, array in zip(results, arrays[1]):
                name = info.name
                if info.type.tensor_type.elem_type == TensorProto.BFLOAT16:
                    array = (array.astype(np.uint32) << 16).view(np.float32)
                if array.dtype == np.float16:
                    stored["tolerance"] = np.float32([1e-3])  # half precision is computed in single, and not rounded
                if info.type.tensor_type.elem_type != TensorProto.FLOAT:
                    graph.node.append(helper.make_node("Cast", [name], [name + "_float"], to=TensorProto.FLOAT))
                    name += "_float"
                if "window" in case.name:
                    stored["tolerance"] = np.float32([1e-4])  # the tests' own values are of pi = 3.1415
                graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
                stored["out/" + name] = array.astype(np.float32)
        path = folder / f"{case.name}.{number}"
        path.with_name(path.name + ".onnx").write_bytes(model.SerializeToString())
        np.savez(path.with_name(path.name + ".npz"), **stored)


def run(tool, folder, executed):
    """What onnx-check says of every model in the folder: name -> (verdict, text)."""
    said = {}
    while True:
        waiting = sorted(path.stem for path in folder.glob("*.onnx"))
        if not waiting:
            return said
        done = subprocess.run([str(tool), executed, "--report", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        for line in done.stdout.splitlines():
            match = re.match(r"(agrees|differs|refused|fails) (\S+): (.*)", line)
            if match:
                said[match.group(2)] = ("wrong" if match.group(1) == "differs" else match.group(1), match.group(3))
        left = [name for name in waiting if name not in said]
        if left:
            said[left[0]] = ("crash", f"ended with {done.returncode}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ''}")
        for name in waiting:
            if name in said:
                (folder / (name + ".onnx")).unlink()


def judge(said):
    """Verdict and text by test, from those of its forms."""
    by_test = collections.defaultdict(list)
    for name in sorted(said):
        by_test[name.rsplit(".", 1)[0]].append(said[name])
    result = {}
    for name, forms_said in by_test.items():
        for verdict in ("crash", "wrong", "fails", "agrees", "refused"):
            texts = [text for v, text in forms_said if v == verdict]
            if texts:
                result[name] = (verdict, texts[-1])
                break
    return result


def names_something(text, case):
    """Whether a refusal names an operator or a value of the test's model."""
    graph = case.model.graph
    known = {node.op_type for node in graph.node} | {i.name for i in list(graph.input) + list(graph.output)}
    known |= {"Cast"} | {name + "_float" for name in known}  # what `write` adds
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in known if name)


def reason(text):
    """What a refusal says, without the file, the node and the numbers of this test."""
    text = re.split(r"; (?=/)", text)[0]
    text = re.sub(r"^.*?\.onnx: ", "", text)
    text = re.sub(r"^node '[^']*' \([^)]*\): ", "", text)
    text = re.sub(r"the model uses operators that are not supported \(opset \d+\): (.*)", lambda m: "needs " + re.sub(r" \(\d+\)", "", m.group(1)), text)
    return text


def table(tests, result):
    """Markdown: a row an operator that agrees somewhere, and one line each for the others."""
    rows, reasons = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for case in tests:
        verdict, text = result[case.name]
        rows[operator_of(case)][verdict] += 1
        if verdict == "refused":
            reasons[operator_of(case)][reason(text)] += 1
    total = collections.Counter(result[case.name][0] for case in tests)
    lines = [f"{len(tests)} tests of ONNX 1.12: " + ", ".join(f"{total[v]} {v}" for v in VERDICTS) + ".", "",
             "| operator | agrees | refused | why |", "|---|---|---|---|"]
    for op in sorted(rows):
        if not rows[op]["agrees"]:
            continue
        why = "; ".join(f"{text} ({count})" if count > 1 else text for text, count in sorted(reasons[op].items(), key=lambda e: (-e[1], e[0]))[:4])
        shown = f"`{op}`" if op.isalnum() else "graphs that define an operator by others"
        lines.append(f"| {shown} | {rows[op]['agrees']} | {rows[op]['refused'] or ''} | {why.replace('|', chr(92) + '|')} |")
    never = [f"`{op}` {rows[op]['refused']}" for op in sorted(rows) if not rows[op]["agrees"] and rows[op]["refused"]]
    lines += ["", "Refused in all their tests, whose number stands behind the name: " + ", ".join(never) + "."]
    return "\n".join(textwrap.fill(line, 160, break_long_words=False, break_on_hyphens=False) if not line.startswith("|") else line for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder with bin/onnx-check (default build)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="tests with one of these in their names")
    parser.add_argument("--executor", action="store_true", help="run the models by the float executor, not by upstream's lowering")
    parser.add_argument("--write", action="store_true", help="write the table into docs/onnx.md")
    parser.add_argument("--check", action="store_true", help="exit code 1 where docs/onnx.md holds another table")
    args = parser.parse_args()
    if args.only and (args.write or args.check):
        parser.error("the table is of all tests: --only does not go with --write or --check")
    tool = args.build / "bin" / "onnx-check"
    if not tool.exists():
        parser.error(f"no {tool}: build the target onnx-check")
    tests = [case for case in cases() if not args.only or any(text in case.name for text in args.only)]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [pathlib.Path(scratch) / str(i) for i in range(max(1, args.jobs))]
        for folder in folders:
            folder.mkdir()
        for number, case in enumerate(tests):
            write(folders[number % len(folders)], case)
        said = {}
        with concurrent.futures.ThreadPoolExecutor(len(folders)) as pool:
            for part in pool.map(lambda folder: run(tool, folder, "--executor" if args.executor else "-O0"), folders):
                said.update(part)
    result = judge(said)
    for case in tests:
        verdict, text = result[case.name]
        if verdict == "refused" and not names_something(text, case):
            result[case.name] = ("fails", "refused, and nothing of the model is named: " + text)
    for name, (verdict, text) in sorted(result.items()):
        if verdict not in ("agrees", "refused") or args.only:
            print(f"{name}: {verdict}: {text}")
    made, page = table(tests, result), PAGE.read_text()
    head, rest = page.split(BEGIN + "\n", 1)
    held, tail = rest.split(END, 1)
    if args.write:
        PAGE.write_text(head + BEGIN + "\n" + made + "\n" + END + tail)
    print(made.splitlines()[0] if args.check or args.write else made)
    if args.check and held.rstrip("\n") != made:
        print("docs/onnx.md holds another table: scripts/onnx_node_tests.py --write")
        return 1
    return 1 if any(verdict not in ("agrees", "refused") for verdict, _ in result.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
