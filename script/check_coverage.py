"""Fail when a module is covered less than it must be.

A total hides the one module that nobody tests, so each is looked at by itself.
"""

import argparse
import json
import sys
from pathlib import Path


def uncovered_modules(report: Path, at_least_percent: float) -> list[tuple[str, float]]:
    """Return the path and percentage of each module below the bar, in coverage's JSON report."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    percentages = {path: float(file["summary"]["percent_covered"]) for path, file in files.items()}
    return [(path, percent) for path, percent in percentages.items() if percent < at_least_percent]


def main() -> int:
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="what `coverage json` wrote")
    parser.add_argument("--at-least", type=float, default=95, help="per cent of each module")
    arguments = parser.parse_args()
    uncovered = uncovered_modules(arguments.report, arguments.at_least)
    for path, percent in uncovered:
        print(f"{path}: {percent:.0f} % covered, at least {arguments.at_least:.0f} % wanted")
    if not uncovered:
        print(f"each module is covered to {arguments.at_least:.0f} % or more")
    return 1 if uncovered else 0


if __name__ == "__main__":
    sys.exit(main())
