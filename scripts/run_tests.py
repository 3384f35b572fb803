#!/usr/bin/env python3
"""Runs every test and ends in one line: `N passed, N failed, N skipped`.

GoogleTest programs (build/test/unit) are run one after another, the lit suite (test/) on all cores, and, on request, each fuzz target for some seconds.
Each part says how many minutes it took. Tests that take more than 30 seconds of processor time are listed in test/slow.txt: whole models on machines. One in
KEPT of them runs, which ones follows from the commit, so that some commits in a row run them all; --soak runs all of them.
On request random models run as well (scripts/fuzz_models.py).
Exit code 0 when nothing failed and something ran.
"""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


KEPT = 4


class Tally:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = {}

    def skip(self, reason, count=1):
        self.skipped[reason] = self.skipped.get(reason, 0) + count


def environment():
    """Tests that need real models find them through SPARSEACCEL_SHARED_DATA."""
    env = dict(os.environ)
    data = ROOT.parent / "shared" / "data"
    if "SPARSEACCEL_SHARED_DATA" not in env and data.is_dir():
        env["SPARSEACCEL_SHARED_DATA"] = str(data)
    return env


@contextlib.contextmanager
def part(name):
    """Says how long a part took, on the clock and on all processors."""
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    begin, spent = time.monotonic(), used()
    yield
    print(f"{name}: {(time.monotonic() - begin) / 60:.1f} minutes, {(used() - spent) / 60:.1f} of processor time", flush=True)


def slow_tests():
    """Lines of test/slow.txt: a test's path below test/, then why it takes long."""
    lines = (ROOT / "test" / "slow.txt").read_text().splitlines()
    names = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    for name in names:
        if not (ROOT / "test" / name).is_file():
            sys.exit(f"test/slow.txt: there is no test '{name}'")
    return names


def turn_of(count):
    """A number below `count` that follows from the commit."""
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return int(hashlib.sha256(done.stdout.strip().encode()).hexdigest(), 16) % count


def left_out(names):
    """The slow tests that are not this commit's turn."""
    turn = turn_of(KEPT)
    return [name for index, name in enumerate(sorted(names)) if index % KEPT != turn]


def run_gtest(program, env, tally):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run([str(program), f"--gtest_output=json:{report}", "--gtest_brief=1"], env=env, cwd=folder)
        if not report.exists():
            print(f"FAIL {program.name}: ended with {done.returncode} and no report")
            tally.failed += 1
            return
        cases = [case for suite in json.loads(report.read_text())["testsuites"] for case in suite["testsuite"]]
    failed = sum("failures" in case for case in cases)
    if done.returncode != 0 and failed == 0:
        print(f"FAIL {program.name}: ended with {done.returncode} after its tests")
        failed = 1
    skipped = 0
    for case in cases:
        if case.get("result") == "SKIPPED":
            skipped += 1
            message = "".join(entry.get("message", "") for entry in case.get("skipped", []))
            tally.skip(message.strip().splitlines()[-1] if message.strip() else "said by the test")
    tally.failed += failed
    tally.passed += max(0, len(cases) - failed - skipped)


def run_lit(build, env, tally, soak):
    excluded = [] if soak else left_out(slow_tests())
    if excluded:
        tally.skip("whole models that are not this commit's turn (test/slow.txt): make soak runs them all", len(excluded))
    cache = (build / "CMakeCache.txt").read_text()
    lit = next(line.split("=", 1)[1] for line in cache.splitlines() if line.startswith("LLVM_LIT:"))
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "lit.json"
        command = [sys.executable, str(lit), "-sv", f"-j{os.cpu_count()}", "--output", str(report), str(build / "test")]
        if not soak:
            command[3:3] = ["--max-time", "3000"]
        if excluded:
            command[3:3] = ["--filter-out", "|".join("(^|/| )" + re.escape(name) + "$" for name in excluded)]
        subprocess.run(command, env=env)
        if not report.exists():
            print("FAIL lit: no report")
            tally.failed += 1
            return
        cases = [case for case in json.loads(report.read_text())["tests"] if case["code"] != "EXCLUDED"]
        slowest = sorted(cases, key=lambda case: -(case.get("elapsed") or 0))[:8]
        print("slowest: " + ", ".join(f"{case['name'].split(':: ')[-1]} {case.get('elapsed') or 0:.0f} s" for case in slowest))
        for case in cases:
            if case["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
                tally.passed += 1
            elif case["code"] == "UNSUPPORTED":
                reason = case.get("output", "").strip().splitlines()
                tally.skip(reason[-1] if reason else "a feature that the test requires is absent")
            else:
                tally.failed += 1


def run_models(build, count, env, tally):
    """Random models, each one test. SPARSEACCEL_FIRST_MODEL says with which seed they begin, 0 otherwise; `commit` makes it follow from the commit."""
    python = next((p for p in (sys.executable, "/usr/bin/python3")
                   if subprocess.run([p, "-c", "import onnx, numpy"], capture_output=True).returncode == 0), None)
    if python is None:
        tally.skip("random models: no Python with numpy and onnx", count)
        return
    begin = env.get("SPARSEACCEL_FIRST_MODEL", "0")
    first = turn_of(1000000) * count if begin == "commit" else int(begin)
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "models.json"
        print(f"random models: scripts/fuzz_models.py --seeds {first}:{first + count}", flush=True)
        done = subprocess.run([python, str(ROOT / "scripts" / "fuzz_models.py"), "--seeds", f"{first}:{first + count}", "--build", str(build),
                               "--json", str(report)], env=env)
        if not report.exists():
            print(f"FAIL random models: ended with {done.returncode} and no report")
            tally.failed += 1
            return
        result = json.loads(report.read_text())
    if result["reference_absent"]:
        tally.skip(f"ONNX Runtime beside the random models: {result['reference_absent']}")
    wrong = len({fault["seed"] for fault in result["faults"]})
    tally.failed += max(wrong, 1) if done.returncode else 0
    tally.passed += result["graphs"] - wrong


def run_fuzzers(seconds, env, tally):
    seed = secrets.randbelow(2**31 - 1) + 1
    print(f"fuzz targets: seed {seed}")
    targets = sorted((ROOT / "build-fuzz" / "test" / "fuzz").glob("*-fuzzer"))
    if not targets:
        print("FAIL fuzz: no targets in build-fuzz")
        tally.failed += 1
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            seeds = ROOT / "test" / "fuzz" / "corpus" / target.name
            command = [str(target), f"-max_total_time={seconds}", f"-seed={seed}", "-rss_limit_mb=4096", "-timeout=25", "-print_final_stats=1", folder]
            if seeds.is_dir():
                command.append(str(seeds))
            done = subprocess.run(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace")
            # What breaks a target stays with the seeds, for the mending and for every later run.
            for found in pathlib.Path(folder).glob("*-*"):
                if found.name.split("-")[0] in ("crash", "timeout", "oom", "leak"):
                    seeds.mkdir(parents=True, exist_ok=True)
                    shutil.copy(found, seeds / found.name)
                    print(f"kept as {(seeds / found.name).relative_to(ROOT)}")
        if done.returncode == 0:
            runs = [line for line in done.stdout.splitlines() if "number_of_executed_units" in line]
            print(f"{target.name}: {runs[0].split()[-1] if runs else '?'} inputs in {seconds} s, no crash")
            tally.passed += 1
        else:
            print(f"FAIL {target.name}\n{done.stdout[-6000:]}")
            tally.failed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--fuzz-seconds", type=int, default=0, help="seconds for each fuzz target; 0 leaves them out")
    parser.add_argument("--only-fuzz", action="store_true", help="the fuzz targets and nothing else")
    parser.add_argument("--models", type=int, default=0, help="random models to run; 0 leaves them out")
    parser.add_argument("--soak", action="store_true", help="all tests of test/slow.txt, however long they take")
    args = parser.parse_args()
    build = args.build.resolve()
    env = environment()
    tally = Tally()
    if not args.only_fuzz:
        with part("GoogleTest programs"):
            for program in sorted((build / "test" / "unit").iterdir()):
                if program.is_file() and os.access(program, os.X_OK):
                    run_gtest(program, env, tally)
        with part("lit suite"):
            run_lit(build, env, tally, args.soak)
    if args.models:
        with part("random models"):
            run_models(build, args.models, env, tally)
    if args.fuzz_seconds:
        with part("fuzz targets"):
            run_fuzzers(args.fuzz_seconds, env, tally)
    else:
        tally.skip("fuzz targets: set FUZZ_SECONDS to run them")
    for reason, count in sorted(tally.skipped.items()):
        print(f"skipped {count}: {reason}")
    print(f"{tally.passed} passed, {tally.failed} failed, {sum(tally.skipped.values())} skipped", flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
