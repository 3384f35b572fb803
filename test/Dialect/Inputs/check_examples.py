#!/usr/bin/env python3
"""Checks that every example in the dialects' documentation is run by a test.

Each statement of each ```mlir block in the TableGen files must stand, but for white space, in a test of the same dialect.
"""
import pathlib
import re
import sys


def normal(text):
    return re.sub(r"\s+", "", re.sub(r"//.*", "", text))


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


def main():
    source = pathlib.Path(sys.argv[1])
    checked, missing = 0, 0
    for dialect in ("Sparsity", "Accel"):
        tests = "".join(normal(path.read_text()) for path in sorted((source / "test/Dialect" / dialect).glob("*.mlir")))
        for table in sorted((source / "include/SparseAccel/Dialect" / dialect).glob("*.td")):
            for block in re.findall(r"```mlir\n(.*?)```", table.read_text(), re.S):
                for statement in statements(block):
                    checked += 1
                    if normal(statement) not in tests:
                        missing += 1
                        print(f"{table.name}: no test runs the example\n{statement}")
    print(f"{checked} examples, {missing} without a test")
    return 1 if missing or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
