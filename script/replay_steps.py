"""Take the steps again that a diagnostics file holds, and say where they come to something else.

The file is what Home Assistant downloads as the diagnostics of a site. Each line tells when a limit
was decided, counted from the begin of its segment, for whom, and why: `=` stands before what is
decided now as it was then.
"""

import argparse
import json
import sys
from pathlib import Path

from custom_components.balanz.site.replay import lines_of, replay, unpacked


def main() -> int:
    """Read the command line; return 0 if all decisions are the same, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the diagnostics of a site")
    parser.add_argument("--quiet", action="store_true", help="print only what is not the same")
    arguments = parser.parse_args()
    try:
        told = json.loads(arguments.file.read_text(encoding="utf-8"))
        segments = unpacked(told["data"]["replay"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        print(f"{arguments.file} holds no replay: {error}", file=sys.stderr)
        return 2
    steps = different = 0
    for number, segment in enumerate(segments, 1):
        print(f"Segment {number}: {len(segment.steps)} steps")
        for one in replay(segment):
            steps += 1
            different += not one.is_equal
            if not one.is_equal or not arguments.quiet:
                for line in lines_of(one, segment):
                    print(line)
    print(f"{steps} steps, {different} of them come to something else now")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
