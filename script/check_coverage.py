"""Fail when a module is covered less than it must be.

A total hides the one module that nobody tests, so each is looked at by itself.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bar:
    """What is wanted of some modules."""

    at_least_percent: float
    entirely: tuple[str, ...]
    """Paths, of modules and folders, in which every line has to be covered."""

    def of(self, module: str) -> float:
        """Return how much of a module has to be covered, in per cent."""
        return 100.0 if module.startswith(self.entirely) else self.at_least_percent


def uncovered_modules(report: Path, bar: Bar) -> list[tuple[str, float]]:
    """Return the path and percentage of each module below the bar, in coverage's JSON report."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    percentages = {path: float(file["summary"]["percent_covered"]) for path, file in files.items()}
    return [(path, percent) for path, percent in percentages.items() if percent < bar.of(path)]


def main() -> int:
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="what `coverage json` wrote")
    parser.add_argument("--at-least", type=float, default=95, help="per cent of each module")
    parser.add_argument(
        "--entirely", nargs="*", default=(), metavar="PATH", help="what has to be covered in full"
    )
    arguments = parser.parse_args()
    bar = Bar(arguments.at_least, tuple(arguments.entirely))
    uncovered = uncovered_modules(arguments.report, bar)
    for path, percent in uncovered:
        print(f"{path}: {percent:.1f} % covered, at least {bar.of(path):.0f} % wanted")
    if not uncovered:
        print(f"each module is covered to {arguments.at_least:.0f} % or more")
    return 1 if uncovered else 0


if __name__ == "__main__":
    sys.exit(main())
