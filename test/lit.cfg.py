# Configuration of the lit tests: `lit build/test`, or `ninja check-sparseaccel`.
import os
import subprocess

import lit.formats

config.name = "SparseAccel"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "unit", "fuzz"]
config.test_source_root = os.path.join(config.sparseaccel_source, "test")
config.test_exec_root = os.path.join(config.sparseaccel_build, "test")

# Tools by bare name: ours first, then LLVM's (FileCheck, not, split-file, mlir-opt).
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.sparseaccel_build, "bin"), config.llvm_tools, os.environ.get("PATH", "")]
)
for name in ("HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# Compiled operations of the check are kept beside the tests; none needs them to be there.
config.environment["SPARSEACCEL_CACHE_DIR"] = os.path.join(config.sparseaccel_build, "test", "object-cache")

config.substitutions.append(("%source", config.sparseaccel_source))
config.substitutions.append(("%build", config.sparseaccel_build))

# shared-data: real models and inputs, which are not part of the repository.
shared = os.environ.get("SPARSEACCEL_SHARED_DATA") or os.path.join(os.path.dirname(config.sparseaccel_source), "shared", "data")
if os.path.isdir(shared):
    config.available_features.add("shared-data")
    config.substitutions.append(("%shared", os.path.abspath(shared)))


def pythonHas(module, python):
    return subprocess.run([python, "-c", "import " + module], capture_output=True).returncode == 0


# NumPy, PyYAML and the onnx package belong to the system's interpreter, which need not be the first in PATH.
modules = ("numpy", "yaml", "onnx")
interpreters = [python for python in (config.python, "/usr/bin/python3") if os.path.exists(python)]
config.python = max(interpreters, key=lambda python: sum(pythonHas(module, python) for module in modules))
config.substitutions.append(("%python", config.python))
config.available_features.update("python-" + module for module in modules if pythonHas(module, config.python))
for tool in ("sparse-formats", "sparse-opt", "sparse-translate", "sparse-sim", "sparse-run"):
    if os.path.exists(os.path.join(config.sparseaccel_build, "bin", tool)):
        config.available_features.add(tool)
