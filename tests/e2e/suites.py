"""Runs the suites of this folder, two at a time, and ends with their counts, for tests/run:

    [LUYTRE_TEST_WORKERS=n] suites.py COUNTS [PATTERN]

A suite is a class of tests, and runs in a process of its own (`suites.py --suite NAME TOLD`): most of the time it waits
for the platform, and two that wait take half as long. What a suite prints is shown when it ends, in one piece; with one
worker, as it comes. A class with an `ALONE` that says why runs after the others, by itself.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

WORKERS = int(os.environ.get("LUYTRE_TEST_WORKERS", "2"))

# What takes longest is begun first, so that nobody waits for it at the end; the others follow by name. How long a push
# takes hangs on where its test's kill falls: a message that was under way is sent again after three minutes.
SLOWEST = ("test_cluster.Several", "test_push.Pushed", "test_garbage.Garbage", "test_disk.FullDisk",
           "test_crash.ManyCrashesEncrypted", "test_disk.FullDiskOnPostgres", "test_lake.LakeOnPostgres", "test_lake.Lake",
           "test_crash.ManyCrashesOnPostgres", "test_crash.ManyCrashes", "test_access.Access")

LINE = "-" * 70


class Result(unittest.TestResult):
    """Prints how each test ended, and how long it took."""

    def __init__(self):
        super().__init__()
        self.succeeded, self.began = 0, time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        print(f"{test} ... ", end="", flush=True)

    def ended(self, test, how):
        # A class that cannot be set up was not announced.
        announced = "" if isinstance(test, unittest.TestCase) else f"{test} ... "
        print(f"{announced}{how} ({time.monotonic() - self.began:.1f} s)", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        # Counted here: `testsRun` leaves out a class that could not be set up.
        self.succeeded += 1
        self.ended(test, "ok")

    def addError(self, test, err):
        super().addError(test, err)
        self.ended(test, "ERROR")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.ended(test, "FAIL")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.ended(test, f"FAIL {subtest._subDescription()}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.ended(test, f"skipped {reason!r}")

    def told(self):
        """Returns what it came to; parts of one test fail one by one and count as that test."""
        traces = [(getattr(test, "test_case", test).id(), f"{how}: {test}\n{LINE}\n{trace}")
                  for how, wrong in (("ERROR", self.errors), ("FAIL", self.failures)) for test, trace in wrong]
        return {"run": self.testsRun, "succeeded": self.succeeded, "skipped": len(self.skipped), "traces": traces}


def run_suite(name, told):
    """Runs one suite in this process, and writes down what it came to."""
    result = Result()
    unittest.defaultTestLoader.loadTestsFromName(name).run(result)
    told.write_text(json.dumps(result.told()))


class Running:
    """A suite at work: its process leads a group of all that it starts, and has a folder for all that it makes."""

    def __init__(self, name, folder):
        self.name, self.began = name, time.monotonic()
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.told, self.output = self.folder / "told.json", self.folder / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--suite", name, str(self.told)], stdin=subprocess.DEVNULL,
                stdout=output if WORKERS > 1 else None, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "TMPDIR": str(self.folder)})

    def has_ended(self):
        # It is not reaped yet, so that its number goes on to mean its group.
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self):
        """Kills what is left of it and takes its folder away; returns what it came to."""
        os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        for mount in Path("/proc/mounts").read_text().splitlines():
            if mount.split()[1].startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", mount.split()[1]], check=False)
        told = {"run": 0, "succeeded": 0, "skipped": 0,
                "traces": [(self.name, f"ERROR: {self.name}\n{LINE}\nIts process ended with code {code}.\n")]}
        if self.told.exists():
            told = json.loads(self.told.read_text())
        told.update(seconds=time.monotonic() - self.began, said=self.output.read_text(errors="replace"))
        shutil.rmtree(self.folder, ignore_errors=True)
        return told


def play(names, workers, folder, ended):
    """Runs suites, so many at a time, and tells of each as it ends."""
    waiting, running = list(names), []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(Running(waiting.pop(0), folder))
            time.sleep(0.1)
            for suite in [suite for suite in running if suite.has_ended()]:
                running.remove(suite)
                ended(suite.name, suite.end())
    finally:
        for suite in running:
            suite.end()


def find(pattern):
    """Returns the suites that fit by their names, in the order in which they begin, each with why it runs alone."""
    suites = {}

    def look(tests):
        for test in tests:
            if isinstance(test, unittest.TestSuite):
                look(test)
            elif type(test).__module__ == "unittest.loader":
                # A file that cannot be read: running it says so.
                suites[test._testMethodName] = ""
            else:
                suites[f"{type(test).__module__}.{type(test).__qualname__}"] = getattr(test, "ALONE", "")

    look(unittest.defaultTestLoader.discover(str(Path(__file__).parent), pattern))
    first = [name for name in SLOWEST if name in suites]
    return {name: suites[name] for name in [*first, *sorted(set(suites) - set(first))]}


def main(counts, pattern="test_*.py"):
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    suites, all_told, began = find(pattern), [], time.monotonic()

    def ended(name, told):
        all_told.append(told)
        why = f", alone: {suites[name]}" if suites[name] else ""
        print(f"\n{name} ({told['seconds']:.1f} s{why})\n{told['said']}", end="", flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="luytre-suites-") as folder:
            play([name for name in suites if not suites[name]], WORKERS, folder, ended)
            play([name for name in suites if suites[name]], 1, folder, ended)
    finally:
        # Also when all is called off: what went wrong until then may be why.
        traces = [trace for told in all_told for trace in told["traces"]]
        for _, trace in traces:
            print(f"\n{'=' * 70}\n{trace}", flush=True)
    run, succeeded, skipped, seconds = (sum(told[what] for told in all_told) for what in ("run", "succeeded", "skipped", "seconds"))
    failed = len({test for test, _ in traces})
    print(f"\n{LINE}\nRan {run} tests in {time.monotonic() - began:.0f} s, {WORKERS} suites at a time ({seconds:.0f} s of them)\n\n"
          f"{'FAILED' if failed else 'OK'} (failures={failed}, skipped={skipped})", flush=True)
    Path(counts).write_text(f"{succeeded} {failed}\n")
    sys.exit(1 if failed or not succeeded else 0)


if __name__ == "__main__":
    if sys.argv[1] == "--suite":
        run_suite(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*sys.argv[1:])
