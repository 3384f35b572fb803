"""interrupted.py FOLDER SPARSE_RUN SPARSE_SIM MODEL X.npy: interrupts both tools by signals, early and while they write, over an earlier set of results, and
says whether the earlier set is left or the new one, and no other file."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

folder = pathlib.Path(sys.argv[1])
run, sim, model, x = sys.argv[2:]


def contents(place):
    return {path.name: path.read_bytes() for path in place.iterdir()}


def check(name, command, files):
    """command(machine, place) writes `files`; a file of somebody else's stays."""
    sets = {}
    for machine in ("dadiannao", "cnvlutin"):
        place = folder / name / machine
        place.mkdir(parents=True)
        (place / "notes.txt").write_text("mine")
        subprocess.run(command(machine, place), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sets[machine] = contents(place)
        if set(sets[machine]) != {*files, "notes.txt"}:
            print(name, "writes", sorted(sets[machine]))
    for sent in (signal.SIGINT, signal.SIGTERM):
        for early in (True, False):
            place = folder / name / f"{sent}-{early}"
            shutil.copytree(folder / name / "dadiannao", place)
            process = subprocess.Popen(command("cnvlutin", place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not early and not any(entry.endswith(".tmp") for entry in os.listdir(place)):
                pass
            if early:
                time.sleep(0.01)
            process.send_signal(sent)
            process.wait()
            left = contents(place)
            if left not in sets.values():
                print(f"{name}: {sent.name} left", {file: [which for which, old in sets.items() if old.get(file) == data] for file, data in left.items()})
            if process.returncode not in (0, -sent):
                print(f"{name}: {sent.name}: exit code {process.returncode}")
    print(name, "done")


check("run", lambda machine, place: [run, model, "--machine", machine, "--default-range", "4", "--input", x, "--quiet", "--out", place],
      ["program.sac", "outputs.npy", "stats.json", "trace.json"])
check("sim", lambda machine, place: [sim, folder / "run" / machine / "program.sac", "--input", x, "--quiet", "--output", place / "y.npy", "--stats",
                                     place / "s.json", "--trace", place / "t.json"], ["y.npy", "s.json", "t.json"])
