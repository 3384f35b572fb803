#!/usr/bin/env python3
"""Checks that every example in the documentation of dialects and passes is run by a test.

Each statement of each ```mlir block in the TableGen files must stand, but for white space, in a test of the same dialect. A pass sparse-x
has a test test/Transforms/x.mlir; its statements, and those that it makes of them, must stand in test/Transforms/x*.mlir, as input or
in lines that FileCheck reads. There, names of values and aliases may differ, and "..." stands for anything.
"""
import pathlib
import re
import sys

PASS = re.compile(r'def (\w+) *: *(?:\w*Pass)<"sparse-([\w-]+)"')


def normal(text):
    return re.sub(r"\s+", "", re.sub(r"//.*", "", text))


def anonymous(text):
    """Without names of values and aliases, and without the words that FileCheck reads."""
    text = re.sub(r"^\s*// *[A-Z0-9_]+(-SAME|-NEXT|-DAG|-LABEL)?:", "", text, flags=re.M)
    text = re.sub(r"([%#])(\[\[\w+(:[^\]]*)?\]\]|\{\{\.\*\}\})", r"\1_", text)
    text = re.sub(r"%\w+|#\w+(?![\w.])", lambda name: name[0][0] + "_", text)
    return normal(text)


def statements(block):
    """Statements begin at the block's own indentation; what is deeper continues them."""
    current = []
    lines = [line for line in block.splitlines() if line.strip() and not line.strip().startswith("//")]
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    for line in lines:
        closes = line.strip().startswith("}")
        if len(line) - len(line.lstrip()) == margin and not closes and current:
            yield "\n".join(current)
            current = []
        current.append(line)
    if current:
        yield "\n".join(current)


def examples(text):
    for block in re.findall(r"```mlir\n(.*?)```", text, re.S):
        yield from statements(block)


def dialectFindings(source):
    """Yields a finding, or None where all is well, for each statement."""
    for dialect in ("Sparsity", "Accel"):
        tests = "".join(normal(path.read_text()) for path in sorted((source / "test/Dialect" / dialect).glob("*.mlir")))
        for table in sorted((source / "include/SparseAccel/Dialect" / dialect).glob("*.td")):
            for statement in examples(table.read_text()):
                yield None if normal(statement) in tests else f"{table.name}: no test runs the example\n{statement}"


def passFindings(source):
    folder = source / "test/Transforms"
    text = (source / "include/SparseAccel/Transforms/Passes.td").read_text()
    passes = list(PASS.finditer(text))
    for found, following in zip(passes, passes[1:] + [None]):
        definition = text[found.start() : following.start() if following else len(text)]
        name = found[2]
        source_file = source / "lib/Transforms" / (found[1] + ".cpp")
        for needed in (folder / (name + ".mlir"), source_file):
            yield None if needed.exists() else f"sparse-{name}: there is no {needed.relative_to(source)}"
        tests = "".join(anonymous(path.read_text()) for path in sorted(folder.glob(name + "*.mlir")))
        statementsOf = list(examples(definition))
        if not statementsOf:
            yield f"sparse-{name}: its description has no example"
        for statement in statementsOf:
            pattern = ".{0,400}?".join(re.escape(part) for part in anonymous(statement).split("..."))
            yield None if re.search(pattern, tests) else f"sparse-{name}: no test runs the example\n{statement}"


def main():
    source = pathlib.Path(sys.argv[1])
    findings = [*dialectFindings(source), *passFindings(source)]
    missing = [finding for finding in findings if finding]
    for finding in missing:
        print(finding)
    print(f"{len(findings)} examples, {len(missing)} without a test")
    return 1 if missing or not findings else 0


if __name__ == "__main__":
    sys.exit(main())
