#!/usr/bin/env python3
"""Load imbalance by machine: what the places of a workload's real zeros cost on each, as a Markdown table.

Usage: compare_zeros.py [--bin build/bin] [--machines a,b,...] WORKLOAD...

Runs `sparse-run --compare-independent` and prints the sum over all layers of each workload: cycles of the array with real zeros /
with as many independent ones, and the balance of either. Machines are those of machines/ beside this script. One that takes no
layer of a workload has a dash.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def compare(tool, workload, machine):
    """Ratio, balance and independent balance of all layers, as printed; None where the machine takes none of them."""
    command = [tool, "--workload", workload, "--machine", machine, "--compare-independent"]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode and "takes no layer of workload" in run.stderr:
        return None
    if run.returncode:
        sys.exit(f"{' '.join(command)}:\n{run.stderr}")
    rows = re.findall(r"^all +\d+ +\d+ +(\S+) +(\S+) +(\S+)", run.stdout, flags=re.M)
    if len(rows) != 1:
        sys.exit(f"{' '.join(command)}: expected one row 'all', found {len(rows)}")
    return rows[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=str(ROOT / "build/bin"), help="folder of sparse-run")
    parser.add_argument("--machines", help="names or files, with commas between; by default all shipped ones")
    parser.add_argument("workloads", nargs="+")
    options = parser.parse_args()
    machines = options.machines.split(",") if options.machines else sorted(p.stem for p in (ROOT / "machines").glob("*.yaml"))
    print("| machine | " + " | ".join(pathlib.Path(w).stem for w in options.workloads) + " |")
    print("|---|" + "---|" * len(options.workloads))
    for machine in machines:
        cells = []
        for workload in options.workloads:
            found = compare(str(pathlib.Path(options.bin) / "sparse-run"), workload, machine)
            cells.append("{0} ({1}, {2})".format(*found) if found else "-")
        print(f"| `{machine}` | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
