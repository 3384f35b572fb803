#!/usr/bin/env python3
"""Checks that no room of the tree includes what docs/architecture.md forbids it, and that no room without MLIR links it.

Usage: check_walls.py [source folder]. Prints one line per finding; exit code 1 if there is any.
"""
import pathlib
import re
import sys

# Room -> what its sources may not include.
FORBIDDEN = {
    "Support": r"mlir/|llvm/|SparseAccel/(?!Support)",
    "Target/Formats": r"mlir/|llvm/|SparseAccel/(Target/(?!Formats)|Sim|Runtime|Dialect|Transforms)",
    "Target/ISA": r"mlir/|llvm/|SparseAccel/(Target/(?!Formats|ISA)|Sim|Runtime|Dialect|Transforms)",
    "Target/Machine": r"mlir/|llvm/|SparseAccel/(Target/(?!Formats|ISA|Machine)|Sim|Runtime|Dialect|Transforms)",
    "Target/Dataflow": r"mlir/|llvm/|SparseAccel/(Target/(?!Formats|ISA|Machine|Dataflow)|Sim|Runtime|Dialect|Transforms)",
    "Target/Workload": r"mlir/|llvm/|SparseAccel/(Target/(Program|ONNX|CPU)|Sim|Runtime/(?!Npy)|Dialect|Transforms)",
    "Target/ONNX": r"SparseAccel/(Target/(?!ONNX|CPU)|Sim|Runtime|Dialect/Accel|Transforms)",
    "Target/CPU": r"SparseAccel/(Target/(?!CPU)|Sim|Dialect|Transforms)",
    "Transforms/Schedule": r"mlir/|llvm/|SparseAccel/(Target/(Program|ONNX|CPU)|Sim|Runtime|Dialect|Transforms/(?!Objective|Schedule))",
    "Sim": r"mlir/|llvm/|SparseAccel/(Target/(Program|ONNX|CPU)|Dialect|Transforms)",
    "Runtime": r"mlir/|llvm/|SparseAccel/(Target/(Program|ONNX|CPU)|Dialect|Transforms)",
    "Dialect/Sparsity": r"SparseAccel/(Dialect/Accel|Sim|Runtime|Target/(?!Formats))",
    "Dialect/Accel": r"SparseAccel/(Sim|Runtime|Transforms|Target/(?!Formats|ISA))",
    "Transforms": r"SparseAccel/(Sim|Target/Program)",
    "Target/Program": r"SparseAccel/Sim/",
}
# Room -> folders that hold it.
FOLDERS = {
    "Sim": ["sim", "include/SparseAccel/Sim"],
    "Runtime": ["runtime", "include/SparseAccel/Runtime"],
}
# Files that bring a workload into the compiler.
EXCEPT = re.compile(r"(lib|include/SparseAccel)/Target/Workload/Import")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    findings = files = 0
    for room, pattern in FORBIDDEN.items():
        for folder in FOLDERS.get(room, [f"lib/{room}", f"include/SparseAccel/{room}"]):
            for path in sorted((root / folder).rglob("*")):
                name = path.relative_to(root).as_posix()
                if EXCEPT.match(name):
                    continue
                if path.name == "CMakeLists.txt" and pattern.startswith("mlir/"):
                    files += 1
                    if re.search(r"sparseaccel_mlir_|\bMLIR[A-Z]|\bLLVM\b", re.sub(r"#.*", "", path.read_text())):
                        print(f"{name}: {room} may not link MLIR or LLVM")
                        findings += 1
                if path.suffix not in (".h", ".cpp", ".td", ".inc"):
                    continue
                files += 1
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    match = INCLUDE.match(line)
                    if match and re.match(pattern, match.group(1)):
                        print(f"{name}:{number}: {room} may not include {match.group(1)}")
                        findings += 1
    print(f"{files} files looked at, {findings} findings")
    return 1 if findings or not files else 0


if __name__ == "__main__":
    sys.exit(main())
