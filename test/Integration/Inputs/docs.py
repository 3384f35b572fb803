#!/usr/bin/env python3
"""Holds the documentation to what the tools do: docs.py commands SOURCE BUILD FOLDER, docs.py follow SOURCE BUILD FOLDER PAGE, docs.py
sample SOURCE OUTPUT, or docs.py (stats | links) SOURCE.

commands  Runs every command of README.md and docs/*.md, page by page, each page in a folder of its own. A command is a line of a
          fenced block (``` or ```sh) that begins with build/bin/; a backslash continues it. The folder looks like the top of the source
          tree after a build; model.onnx, c.npy and x.npy are the bundled model with its calibration and test inputs. A block that
          begins with ```yaml NAME is a part of the file NAME there: its blocks, one after the other, are the file.
follow    Runs the commands of one page and prints what they print.
sample    Checks that the output that README.md shows is what the tool printed into the file OUTPUT: the page may leave lines out, and blanks
          between columns do not count.
stats     Checks that docs/stats.md names every key of docs/stats.schema.json.
links     Checks that the files exist to which pages link.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile


def pages(source):
    return [path for path in [source / "README.md", source / "CONTRIBUTING.md", *sorted((source / "docs").glob("*.md"))] if path.exists()]


def commands(page):
    """Yields (line number, command)."""
    fence, pending = None, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            fence = None if fence is not None else line.strip()[3:]
            pending = ""
        elif fence in ("", "sh"):
            line = pending + line.strip()
            pending = ""
            if line.endswith("\\"):
                pending = line[:-1]
            elif re.match(r"(build/bin/)?sparse-", line):
                yield number, line


def files(page):
    """The files whose parts a page shows, by name."""
    texts = {}
    for name, text in re.findall(r"^```yaml (\S+)\n(.*?)^```", page.read_text(), flags=re.S | re.M):
        texts[name] = texts.get(name, "") + text
    return texts


def prepare(folder, source, build, page):
    folder.mkdir(parents=True)
    for name, text in files(page).items():
        (folder / name).write_text(text)
    for name in ("models", "machines", "energy", "workloads"):
        (folder / name).symlink_to(source / name)
    (folder / "build").symlink_to(build)
    digits = source / "models/digits"
    (folder / "model.onnx").symlink_to(digits / "digits.onnx")
    for archive, name in (("digits_calibrate.npz", "c.npy"), ("digits_test.npz", "x.npy")):
        with zipfile.ZipFile(digits / archive) as arrays:
            (folder / name).write_bytes(arrays.read("x.npy"))


def runCommands(source, build, work):
    ran = failed = 0
    for page in pages(source):
        found = list(commands(page))
        if found:
            folder = work / page.stem
            prepare(folder, source, build, page)
        for number, command in found:
            ran += 1
            place = f"{page.relative_to(source)}:{number}"
            if not command.startswith("build/bin/"):
                failed += 1
                print(f"{place}: write build/bin/ before the tool, so that this test runs it: {command}")
                continue
            result = subprocess.run(["sh", "-c", command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if result.returncode:
                failed += 1
                print(f"{place}: exit code {result.returncode}: {command}\n{result.stdout[-2000:]}")
    print(f"{ran} commands, {failed} failed")
    return failed or not ran


def followPage(source, build, work, page):
    prepare(work, source, build, page)
    for number, command in commands(page):
        print(f"line {number}: {command}", flush=True)
        if subprocess.run(["sh", "-c", command], cwd=work, stderr=subprocess.STDOUT).returncode:
            return True
    return False


def sameWords(shown, printed):
    """Whether two lines say the same; a measure of float arithmetic may differ in its last digits from processor to processor."""
    def close(one, other):
        try:
            return "." in one and abs(float(one.rstrip("%,")) - float(other.rstrip("%,"))) <= 0.01 * abs(float(one.rstrip("%,")))
        except ValueError:
            return False
    return len(shown) == len(printed) and all(a == b or close(a, b) for a, b in zip(shown, printed))


def checkSample(source, output):
    """Whether the block behind "prints this" has lines of the output alone, in their order."""
    shown = re.search(r"prints this.*?\n```\n(.*?)^```", (source / "README.md").read_text(), flags=re.S | re.M).group(1)
    lines = lambda text: [line.split() for line in text.splitlines() if line.strip("- ")]
    printed, found = iter(lines(output.read_text())), 0
    for line in lines(shown):
        if not any(sameWords(line, other) for other in printed):
            print(f"README.md shows a line that is not printed, or not in this place: {' '.join(line)}")
            return True
        found += 1
    print(f"{found} lines of README.md are printed")
    return not found


def checkStats(source):
    keys = set()

    def collect(schema):
        for name, value in schema.get("properties", {}).items():
            keys.add(name)
            collect(value)

    schema = json.loads((source / "docs/stats.schema.json").read_text())
    for part in [schema, *schema["$defs"].values()]:
        collect(part)
    named = set(re.findall(r"`(\w+)`", "".join(line for line in (source / "docs/stats.md").open() if line.startswith("|"))))
    missing = sorted(keys - named)
    for key in missing:
        print(f"docs/stats.md: no row for '{key}'")
    print(f"{len(keys)} keys, {len(missing)} missing")
    return missing or not keys


def checkLinks(source):
    links = broken = 0
    for page in pages(source):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            links += 1
            if not (page.parent / target).exists():
                broken += 1
                print(f"{page.relative_to(source)}: links to {target}, which is not there")
    print(f"{links} links, {broken} broken")
    return broken or not links


def main():
    what, source = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    if what == "commands":
        return bool(runCommands(source, pathlib.Path(sys.argv[3]).resolve(), pathlib.Path(sys.argv[4]).resolve()))
    if what == "follow":
        return followPage(source, pathlib.Path(sys.argv[3]).resolve(), pathlib.Path(sys.argv[4]).resolve(), source / sys.argv[5])
    if what == "sample":
        return checkSample(source, pathlib.Path(sys.argv[3]))
    return bool({"stats": checkStats, "links": checkLinks}[what](source))


if __name__ == "__main__":
    sys.exit(main())
