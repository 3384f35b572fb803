"""Runs the scripts of a folder of small inputs that were reported to fail, and holds what each prints.

Every `rc N` line must be `rc 0`, no comparison may say WRONG, and every file of the folders that are refused must be refused by name: an error that names
the file. Prints a line for each folder, and exits with 1 where one is not right.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

REFUSED = {"refused-real", "refused-small"}


def problems(folder, tools):
    script = (folder / "run.sh").read_text()
    with tempfile.TemporaryDirectory() as results:
        env = dict(os.environ, B=str(tools), O=results)
        done = subprocess.run(["bash", str(folder / "run.sh")], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    lines = done.stdout.splitlines()
    if folder.name in REFUSED:
        models = re.search(r"for f in ([^;$]*);", script).group(1).split()
        # A model that is taken prints nothing, or a remark; one that is not is named in the error.
        named = [name for name in models if any("error" in line and name + ".onnx" in line for line in lines)]
        other = [line for line in lines if not any(name + ".onnx" in line or re.fullmatch(re.escape(name) + r" rc (0|1|141)", line) for name in models)]
        return [f"neither taken nor refused by name: {line}" for line in other] + ([] if named else ["no model was refused by name"])
    codes = [line for line in lines if re.search(r"\brc \d+$", line)]
    wrong = [line for line in codes if not line.endswith("rc 0")] + [line for line in lines if "WRONG" in line or "error:" in line]
    return wrong if codes else ["printed no exit code"]


def main():
    root, tools = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    failed = False
    folders = sorted(folder for folder in root.iterdir() if (folder / "run.sh").is_file())
    for folder in folders:
        found = problems(folder, tools)
        failed |= bool(found)
        print(f"{folder.name}: {'; '.join(found) if found else 'right'}")
    print(f"{len(folders)} folders")
    return 1 if failed or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
