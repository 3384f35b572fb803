#!/usr/bin/env python3
"""Runs validate.py on each paragraph of a text as a file of its own: validate_each.py VALIDATE TEXT FOLDER BUILD. Prints the error of each; stops where there is none. Lines
that begin with EACH: are FileCheck's."""
import pathlib
import subprocess
import sys

validate, text, folder, build = sys.argv[1:]
pathlib.Path(folder).mkdir()
for paragraph in pathlib.Path(text).read_text().split("\n\n"):
    lines = [line for line in paragraph.splitlines() if not line.startswith("EACH:")]
    pathlib.Path(folder, "a.yaml").write_text("\n".join(lines) + "\n")
    done = subprocess.run([sys.executable, validate, "--build", build, "--folder", folder], capture_output=True, text=True)
    if done.returncode != 2 or done.stdout:
        sys.exit(f"{paragraph}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    print(done.stderr.strip())
