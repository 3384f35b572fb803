#!/usr/bin/env python3
"""Runs every test and ends in one line: `N passed, N failed, N skipped`.

GoogleTest programs (build/test/unit) are run one after another, the lit suite (test/) on all cores, and, on request, each fuzz target for some seconds.
Exit code 0 when nothing failed and something ran.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


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


def run_lit(build, env, tally):
    cache = (build / "CMakeCache.txt").read_text()
    lit = next(line.split("=", 1)[1] for line in cache.splitlines() if line.startswith("LLVM_LIT:"))
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "lit.json"
        subprocess.run([sys.executable, str(lit), "-sv", f"-j{os.cpu_count()}", "--max-time", "3000", "--output", str(report),
                        str(build / "test")], env=env)
        if not report.exists():
            print("FAIL lit: no report")
            tally.failed += 1
            return
        for case in json.loads(report.read_text())["tests"]:
            if case["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
                tally.passed += 1
            elif case["code"] == "UNSUPPORTED":
                reason = case.get("output", "").strip().splitlines()
                tally.skip(reason[-1] if reason else "a feature that the test requires is absent")
            else:
                tally.failed += 1


def run_fuzzers(seconds, env, tally):
    targets = sorted((ROOT / "build-fuzz" / "test" / "fuzz").glob("*-fuzzer"))
    if not targets:
        print("FAIL fuzz: no targets in build-fuzz")
        tally.failed += 1
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            seeds = ROOT / "test" / "fuzz" / "corpus" / target.name
            command = [str(target), f"-max_total_time={seconds}", "-seed=1", "-rss_limit_mb=4096", "-timeout=25", "-print_final_stats=1", folder]
            if seeds.is_dir():
                command.append(str(seeds))
            done = subprocess.run(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace")
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
    parser.add_argument("--only-fuzz", action="store_true")
    args = parser.parse_args()
    build = args.build.resolve()
    env = environment()
    tally = Tally()
    if not args.only_fuzz:
        for program in sorted((build / "test" / "unit").iterdir()):
            if program.is_file() and os.access(program, os.X_OK):
                run_gtest(program, env, tally)
        run_lit(build, env, tally)
    if args.fuzz_seconds:
        run_fuzzers(args.fuzz_seconds, env, tally)
    else:
        tally.skip("fuzz targets: set FUZZ_SECONDS to run them")
    for reason, count in sorted(tally.skipped.items()):
        print(f"skipped {count}: {reason}")
    print(f"{tally.passed} passed, {tally.failed} failed, {sum(tally.skipped.values())} skipped", flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
