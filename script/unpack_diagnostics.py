"""Print a diagnostics file with those parts readable that are packed for their length."""

import argparse
import json
import sys
from pathlib import Path

from custom_components.balanz.diagnostics import PACKED
from custom_components.balanz.site.packed_text import unpack


def main() -> int:
    """Read the command line; return 0 if the file is one of ours, else 2."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the diagnostics of a site")
    file = parser.parse_args().file
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        for name, part in told["data"].items():
            if isinstance(part, dict) and part.keys() == {PACKED}:
                told["data"][name] = json.loads(unpack(part[PACKED]))
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        print(f"{file} holds no diagnostics: {error}", file=sys.stderr)
        return 2
    print(json.dumps(told, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
