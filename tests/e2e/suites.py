"""Runs the suites of this folder and ends with their counts, for tests/run: suites.py COUNTS [PATTERN]"""

import sys
import unittest
from pathlib import Path


class Counted(unittest.TextTestResult):
    """Counts what succeeded: `testsRun` leaves out a class that could not be set up."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.succeeded = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.succeeded += 1


def main():
    counts = Path(sys.argv[1])
    pattern = sys.argv[2] if len(sys.argv) > 2 else "test_*.py"
    suites = unittest.defaultTestLoader.discover(str(Path(__file__).parent), pattern)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Counted).run(suites)
    # Parts of one test fail one by one and count as that test.
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})
    counts.write_text(f"{result.succeeded} {failed}\n")
    sys.exit(1 if failed or not result.succeeded else 0)


if __name__ == "__main__":
    main()
