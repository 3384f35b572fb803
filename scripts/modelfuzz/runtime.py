"""ONNX Runtime as the reference, in one long-running process of Node.js. It serves tests alone, and may be absent."""
import base64
import json
import pathlib
import shutil
import subprocess

import numpy as np

PACKAGE = "onnxruntime-node"
SERVER = pathlib.Path(__file__).with_name("ort_server.js")


class Unavailable(Exception):
    pass


class OnnxRuntime:
    def __init__(self, folder):
        node = shutil.which("node")
        if node is None:
            raise Unavailable("no 'node' in PATH")
        if not (pathlib.Path(folder) / "node_modules" / PACKAGE / "package.json").exists():
            raise Unavailable(f"no {PACKAGE} in {folder}: npm install --ignore-scripts --prefix {folder} {PACKAGE}")
        self.process = subprocess.Popen([node, str(SERVER), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        if self.ask({"model": "", "feeds": {}}) is None:
            raise Unavailable(f"{PACKAGE} in {folder} does not start")

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            return None
        return json.loads(line) if line else None

    def run(self, model, feeds):
        """Outputs of one image by name; `feeds` are float32 arrays in the model's shapes. Raises RuntimeError where the model is refused."""
        tensors = {name: {"shape": list(a.shape), "data": base64.b64encode(np.ascontiguousarray(a, "<f4").tobytes()).decode()}
                   for name, a in feeds.items()}
        reply = self.ask({"model": str(model), "feeds": tensors})
        if reply is None or "error" in reply:
            raise RuntimeError("ONNX Runtime ended" if reply is None else reply["error"])
        return {name: np.frombuffer(base64.b64decode(t["data"]), "<f4").reshape(t["shape"]) for name, t in reply["outputs"].items()}

    def close(self):
        self.process.stdin.close()
        self.process.wait()
